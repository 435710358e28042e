#include "lib/oci/referrers.hpp"

#include <gtest/gtest.h>

#include "tests/fakes/fake_clock.hpp"
#include "tests/fakes/fake_registry.hpp"

namespace portcullis::oci {
namespace {

using namespace std::chrono_literals;
using testing::FakeRegistry;
using testing::web_answer;

TEST(LinkTest, TheNextOneIsFound) {
  struct Case {
    std::string header, target;  // "": none
  };
  const Case cases[] = {
      {R"(</v2/a?n=1>; rel="next")", "/v2/a?n=1"},
      {R"(</v2/a>;rel=next)", "/v2/a"},
      {R"(</v2/a>; REL = "Next"; title="x")", "/v2/a"},
      {R"(</first>; rel="first", </b,c>; rel="next", </z>; rel="last")", "/b,c"},
      {R"(</v2/a>; rel="prev")", ""},
      {R"(</v2/a>; rel="nextish")", ""},
      {R"(</v2/a>)", ""},
      {R"(</v2/a)", ""},
      {R"(v2/a>; rel="next")", ""},
      {"", ""},
      {std::string(20'000, '<'), ""},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.header.substr(0, 60));
    EXPECT_EQ(next_link(test.header).value_or(""), test.target);
  }
}

TEST(LinkTest, TheFallBackTagIsTheDigestWithADash) {
  EXPECT_EQ(referrers_tag("sha256:0a1b"), "sha256-0a1b");
}

class ReferrersTest : public ::testing::Test {
 protected:
  Result<std::vector<Descriptor>> ask() {
    return client_.referrers(repository_, image_, {}, Deadline::after(5s));
  }
  void attach(int count) {
    for (int i = 0; i < count; ++i) {
      registry_.attach_bundle("team/app", image_, "bundle " + std::to_string(i), "type");
    }
  }
  // What `answer` as the referrers list gives.
  Error failure_of(Result<http::Response> answer) {
    registry_.heal();
    registry_.fail("/referrers/", std::move(answer));
    clock_.advance(10s);
    const auto list = ask();
    return list ? Error(ErrorCode::kInternal, "no failure") : list.error();
  }

  testing::FakeClock clock_;
  FakeRegistry registry_;
  RegistryClient client_{registry_, nullptr, clock_};
  const Reference repository_ = *parse_reference("registry.example.com/team/app");
  const std::string image_ = registry_.add_image("team/app", "one");
};

TEST_F(ReferrersTest, TheApiIsAskedOnce) {
  attach(2);
  const auto list = ask();
  ASSERT_TRUE(list) << list.error().message();
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ((*list)[0].artifact_type, testing::kBundleType);
  EXPECT_EQ((*list)[0].annotations.at("dev.sigstore.bundle.predicateType"), "type");
  EXPECT_EQ(registry_.log(),
            (std::vector<std::string>{"GET https://registry.example.com/v2/team/app/referrers/" +
                                      image_}));
}

TEST_F(ReferrersTest, NoneIsAnAnswer) {
  const auto list = ask();
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->empty());
}

TEST_F(ReferrersTest, PagesAreFollowed) {
  attach(7);
  registry_.behaviour.page_size = 3;
  const auto list = ask();
  ASSERT_TRUE(list) << list.error().message();
  EXPECT_EQ(list->size(), 7U);
  EXPECT_EQ(registry_.requests().size(), 3U);
}

TEST_F(ReferrersTest, MoreThanTenPagesAreRefused) {
  attach(11);
  registry_.behaviour.page_size = 1;
  const auto list = ask();
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(registry_.requests().size(), 10U);
}

TEST_F(ReferrersTest, MoreThan256AreRefused) {
  attach(256);
  EXPECT_TRUE(ask());
  attach(257);
  const auto list = ask();
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(ReferrersTest, TheFallBackTagIsAskedAfter404AndRemembered) {
  registry_.behaviour.referrers_api = false;
  attach(2);
  const auto list = ask();
  ASSERT_TRUE(list) << list.error().message();
  EXPECT_EQ(list->size(), 2U);
  EXPECT_EQ(registry_.requests().size(), 2U);

  registry_.clear_log();
  ASSERT_TRUE(ask());
  EXPECT_EQ(registry_.requests().size(), 1U);  // straight to the tag

  clock_.advance(10min);
  registry_.clear_log();
  ASSERT_TRUE(ask());
  EXPECT_EQ(registry_.requests().size(), 2U);
}

TEST_F(ReferrersTest, NoApiAndNoTagIsNone) {
  registry_.behaviour.referrers_api = false;
  const auto list = ask();
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->empty());
}

TEST_F(ReferrersTest, AFallBackTagThatIsNoIndexIsAnError) {
  registry_.behaviour.referrers_api = false;
  registry_.attach_legacy("team/app", image_, "", {});
  const auto list = ask();
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(ReferrersTest, OnlyA404MeansThatThereIsNoApi) {
  struct Case {
    std::string name;
    Result<http::Response> answer;
    ErrorCode code;
  };
  const std::string empty = R"({"schemaVersion":2,"manifests":[]})";
  const Case cases[] = {
      {"400", web_answer(400), ErrorCode::kInvalidArgument},
      {"405", web_answer(405), ErrorCode::kInvalidArgument},
      {"401", web_answer(401), ErrorCode::kPermissionDenied},
      {"403", web_answer(403), ErrorCode::kPermissionDenied},
      {"429", web_answer(429), ErrorCode::kResourceExhausted},
      {"500", web_answer(500), ErrorCode::kUnavailable},
      {"HTML", web_answer(200, "<html></html>", {{"Content-Type", "text/html"}}),
       ErrorCode::kInvalidArgument},
      {"an image", web_answer(200, R"({"schemaVersion":2,"layers":[]})"),
       ErrorCode::kInvalidArgument},
      {"circle", web_answer(200, empty, {{"Link", "<?x=1>; rel=next"}}),
       ErrorCode::kInvalidArgument},
      {"other host", web_answer(200, empty, {{"Link", "<https://evil.test/v2/>; rel=\"next\""}}),
       ErrorCode::kInvalidArgument},
      {"other scheme",
       web_answer(200, empty, {{"Link", "<http://registry.example.com/v2/>; rel=\"next\""}}),
       ErrorCode::kInvalidArgument},
      {"time", Error(ErrorCode::kDeadlineExceeded, "timed out"), ErrorCode::kDeadlineExceeded},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    registry_.clear_log();
    const auto error = failure_of(test.answer);
    EXPECT_EQ(error.code(), test.code) << error.message();
    EXPECT_NE(error.message().find("registry.example.com"), std::string::npos);
    EXPECT_EQ(registry_.count("/manifests/"), 0U);  // the tag was not asked
  }
}

TEST_F(ReferrersTest, OnlySha256IsAsked) {
  const auto list = client_.referrers(repository_, "sha512:00", {}, Deadline::after(1s));
  EXPECT_FALSE(list);
  EXPECT_TRUE(registry_.requests().empty());
}

}  // namespace
}  // namespace portcullis::oci
