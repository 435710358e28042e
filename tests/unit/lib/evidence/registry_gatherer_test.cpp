#include "lib/evidence/registry_gatherer.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/lib/evidence/evidence_fixture.hpp"

namespace portcullis::evidence {
namespace {

using namespace std::chrono_literals;
using testing::web_answer;

using GathererTest = EvidenceTest;

TEST_F(GathererTest, ANewDigestWithOneSignatureTakesFourRequests) {
  const auto* release = trust(key_);
  const auto referrer = sign(key_, image_);

  const auto facts = gather(ask_about(by_digest_, {release}));

  EXPECT_FALSE(facts.failure) << facts.failure->message();
  EXPECT_EQ(facts.digest, image_);
  EXPECT_EQ(facts.name, kName);
  EXPECT_EQ(facts.candidates, 1U);
  ASSERT_EQ(said(facts, release).claims.size(), 1U);
  EXPECT_EQ(said(facts, release).claims[0].subject_digest, image_);
  const auto log = registry_.log();
  ASSERT_EQ(log.size(), 4U);
  EXPECT_EQ(log[0], "GET https://registry.example.com/v2/team/app/manifests/" + image_);
  EXPECT_EQ(log[1], "GET https://registry.example.com/v2/team/app/referrers/" + image_);
  EXPECT_EQ(log[2], "GET https://registry.example.com/v2/team/app/manifests/" + referrer);
}

TEST_F(GathererTest, TheSecondTimeNobodyIsAsked) {
  const auto* release = trust(key_);
  sign(key_, image_);
  gather(ask_about(by_digest_, {release}));
  registry_.clear_log();

  const auto facts = gather(ask_about(by_digest_, {release}));

  EXPECT_EQ(said(facts, release).claims.size(), 1U);
  EXPECT_TRUE(registry_.requests().empty());
  EXPECT_EQ(metrics_.counter("portcullis_gather_total", "", {{"result", "cached"}}).value(), 1);
}

TEST_F(GathererTest, EachQuestionIsAnsweredInItsOwnWords) {
  const auto* release = trust(key_);
  const auto other = registry_.add_image("team/other", "two");
  auto first = ask_about(by_digest_, {release});
  auto second = ask_about("registry.example.com/team/other@" + other, {release});
  second.field = "spec.initContainers[0].image";
  auto third = first;
  third.field = "spec.containers[1].image";

  const auto facts =
      gatherer_->gather({first, second, third}, nullptr, keychain_, Deadline::after(20s));

  ASSERT_EQ(facts.size(), 3U);
  EXPECT_EQ(facts[0].digest, image_);
  EXPECT_EQ(facts[1].digest, other);
  EXPECT_EQ(facts[1].field, "spec.initContainers[0].image");
  EXPECT_EQ(facts[1].reference, second.written);
  EXPECT_EQ(facts[2].digest, image_);
  EXPECT_EQ(facts[2].field, "spec.containers[1].image");
  EXPECT_EQ(registry_.count("manifests/" + image_), 1U);
}

TEST_F(GathererTest, ATagIsResolvedOnceForPinningAndJudging) {
  const auto* release = trust(key_);
  sign(key_, image_);
  const auto reference = *oci::parse_reference(by_tag_);
  const auto digest = gatherer_->resolve(reference, keychain_, Deadline::after(20s));
  EXPECT_EQ(digest, image_);

  // Whoever moves the tag between the two calls changes nothing.
  registry_.set_tag("team/app", "v1", registry_.add_image("team/app", "evil"));
  const auto facts = gather(ask_about(by_tag_, {release}));
  EXPECT_EQ(facts.digest, image_);
  EXPECT_EQ(registry_.requests().size(), 4U);  // with the one of resolve()
  EXPECT_EQ(registry_.count("/manifests/v1"), 1U);
}

TEST_F(GathererTest, ATagIsLookedUpAgainAfterTenSeconds) {
  const auto reference = *oci::parse_reference(by_tag_);
  const auto resolve = [&] {
    return gatherer_->resolve(reference, keychain_, Deadline::after(20s)).value();
  };
  EXPECT_EQ(resolve(), image_);
  const auto next = registry_.add_image("team/app", "two", "v1");
  clock_.advance(9s);
  EXPECT_EQ(resolve(), image_);
  clock_.advance(1s);
  EXPECT_EQ(resolve(), next);
  EXPECT_EQ(registry_.count("HEAD"), 1U);
}

TEST_F(GathererTest, ResolvingADigestAsksNobody) {
  EXPECT_EQ(gatherer_->resolve(*oci::parse_reference(by_digest_), keychain_, Deadline::after(0ms)),
            image_);
  EXPECT_TRUE(registry_.requests().empty());
}

TEST_F(GathererTest, WhatIsMissingIsLookedForAgainAfterThirtySeconds) {
  const auto* release = trust(key_);
  const auto question = ask_about(by_digest_, {release});
  EXPECT_TRUE(said(gather(question), release).claims.empty());

  sign(key_, image_);
  clock_.advance(29s);
  EXPECT_TRUE(said(gather(question), release).claims.empty());
  clock_.advance(1s);
  EXPECT_EQ(said(gather(question), release).claims.size(), 1U);
}

TEST_F(GathererTest, AFreshQuestionLooksAgainAfterThirtySecondsToo) {
  const auto* release = trust(key_, {kScan});
  attest(key_, image_);
  auto question = ask_about(by_digest_, {release}, {kScan});
  EXPECT_EQ(said(gather(question), release).claims.size(), 1U);

  attest(key_, image_, testing::kVulnPredicate, {{"n", 2}});
  clock_.advance(31s);
  EXPECT_EQ(said(gather(question), release).claims.size(), 1U);
  question.fresh = true;
  EXPECT_EQ(said(gather(question), release).claims.size(), 2U);
}

TEST_F(GathererTest, AfterFiveMinutesOfUseItIsFetchedAnewBehindTheScenes) {
  const auto* release = trust(key_);
  sign(key_, image_);
  const auto question = ask_about(by_digest_, {release});
  gather(question);
  clock_.advance(6min);
  gate_.close();

  // The answer does not wait for the registry, which is held at the gate.
  EXPECT_EQ(said(gather(question), release).claims.size(), 1U);
  gate_.wait_for(6);  // 4 before, then manifest and referrers anew
  gate_.open();
  rebuild({.threads = 4});  // joins the threads, so that the log is complete
  EXPECT_EQ(registry_.requests().size(), 6U);
}

TEST_F(GathererTest, AfterTenMinutesEvidenceIsDiscoveredAnewButNotFetchedAgain) {
  const auto* release = trust(key_);
  sign(key_, image_);
  const auto question = ask_about(by_digest_, {release});
  gather(question);
  registry_.clear_log();
  clock_.advance(10min);

  EXPECT_EQ(said(gather(question), release).claims.size(), 1U);
  EXPECT_EQ(registry_.requests().size(), 2U);  // manifest and referrers
}

TEST_F(GathererTest, ManyAtOnceShareTheWork) {
  const auto* release = trust(key_);
  sign(key_, image_);
  gate_.close();
  std::vector<std::jthread> callers;
  std::atomic<int> good{0};
  for (int i = 0; i < 16; ++i) {
    callers.emplace_back([&] {
      if (said(gather(ask_about(by_digest_, {release})), release).claims.size() == 1) ++good;
    });
  }
  gate_.wait_for(1);
  gate_.open();
  callers.clear();

  EXPECT_EQ(good, 16);
  EXPECT_EQ(registry_.requests().size(), 4U);
}

TEST_F(GathererTest, TheWorkOutlivesTheDeadlineAndTheRetryFindsIt) {
  const auto* release = trust(key_);
  sign(key_, image_);
  gate_.close();

  const auto late = gather(ask_about(by_digest_, {release}), 20ms);
  ASSERT_TRUE(late.failure);
  EXPECT_EQ(late.failure->code(), ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(late.digest, "");
  EXPECT_EQ(late.field, "spec.containers[0].image");

  gate_.open();
  EXPECT_EQ(said(gather(ask_about(by_digest_, {release})), release).claims.size(), 1U);
  EXPECT_EQ(registry_.requests().size(), 4U);
}

TEST_F(GathererTest, ResolvingTooOutlivesItsDeadline) {
  const auto reference = *oci::parse_reference(by_tag_);
  gate_.close();
  const auto late = gatherer_->resolve(reference, keychain_, Deadline::after(20ms));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::kDeadlineExceeded);
  gate_.open();
  EXPECT_EQ(gatherer_->resolve(reference, keychain_, Deadline::after(20s)), image_);
  EXPECT_EQ(registry_.requests().size(), 1U);
}

TEST_F(GathererTest, AFullQueueIsSaidAtOnce) {
  rebuild({.threads = 1, .max_queued = 1});
  const auto* release = trust(key_);
  gate_.close();
  gather(ask_about(by_digest_, {release}), 1ms);
  gate_.wait_for(1);  // the one thread is busy now
  const auto ask_other = [&](int i) {
    return gather(
        ask_about("registry.example.com/other/" + std::to_string(i) + "@" + image_, {release}),
        1ms);
  };
  EXPECT_EQ(ask_other(0).failure->code(), ErrorCode::kDeadlineExceeded);  // waits in the queue
  EXPECT_EQ(ask_other(1).failure->code(), ErrorCode::kResourceExhausted);
  gate_.open();
}

TEST_F(GathererTest, WithoutRoomInTheCacheTheAnswersAreTheSame) {
  rebuild({.threads = 2, .max_cache_bytes = 0});
  const auto* release = trust(key_);
  sign(key_, image_);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(said(gather(ask_about(by_tag_, {release})), release).claims.size(), 1U);
  }
}

// What could not be found out is a failure with its own code, never "there is no signature".
TEST_F(GathererTest, EachWayToFailIsAFailure) {
  struct Case {
    std::string name, request;
    Result<http::Response> answer;
    ErrorCode code;
  };
  const auto referrer = sign(key_, image_);
  const Case cases[] = {
      {"manifest 401", "manifests/" + image_, web_answer(401), ErrorCode::kPermissionDenied},
      {"manifest 403", "manifests/" + image_, web_answer(403), ErrorCode::kPermissionDenied},
      {"manifest 404", "manifests/" + image_, web_answer(404), ErrorCode::kNotFound},
      {"manifest 429", "manifests/" + image_, web_answer(429), ErrorCode::kResourceExhausted},
      {"manifest 500", "manifests/" + image_, web_answer(500), ErrorCode::kUnavailable},
      {"manifest lies", "manifests/" + image_, web_answer(200, "{}"), ErrorCode::kInvalidArgument},
      {"DNS", "manifests/" + image_, Error(ErrorCode::kUnavailable, "dns: no address"),
       ErrorCode::kUnavailable},
      {"TLS", "manifests/" + image_, Error(ErrorCode::kPermissionDenied, "tls: self-signed"),
       ErrorCode::kPermissionDenied},
      {"time", "manifests/" + image_, Error(ErrorCode::kDeadlineExceeded, "timed out"),
       ErrorCode::kDeadlineExceeded},
      {"referrers 400", "/referrers/", web_answer(400), ErrorCode::kInvalidArgument},
      {"referrers 500", "/referrers/", web_answer(500), ErrorCode::kUnavailable},
      {"referrers HTML", "/referrers/", web_answer(200, "<html>", {{"Content-Type", "text/html"}}),
       ErrorCode::kInvalidArgument},
      {"referrer 500", "manifests/" + referrer, web_answer(500), ErrorCode::kUnavailable},
      {"referrer 403", "manifests/" + referrer, web_answer(403), ErrorCode::kPermissionDenied},
      {"blob 500", "/blobs/", web_answer(500), ErrorCode::kUnavailable},
      {"blob 429", "/blobs/", web_answer(429), ErrorCode::kResourceExhausted},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    rebuild({.threads = 2});
    registry_.fail(test.request, test.answer);
    const auto facts = gather(ask_about(by_digest_, {trust(key_)}));
    ASSERT_TRUE(facts.failure);
    EXPECT_EQ(facts.failure->code(), test.code) << facts.failure->message();
    EXPECT_NE(facts.failure->message().find("registry.example.com"), std::string::npos);
    EXPECT_EQ(facts.digest, "");
    registry_.heal();
    clock_.advance(10s);
  }
}

TEST_F(GathererTest, ATransientFailureIsNotKept) {
  const auto* release = trust(key_);
  sign(key_, image_);
  registry_.fail("/blobs/", web_answer(503), 1);
  EXPECT_TRUE(gather(ask_about(by_digest_, {release})).failure);
  EXPECT_EQ(said(gather(ask_about(by_digest_, {release})), release).claims.size(), 1U);
}

// What one tenant may see must not be told to another (B14).
class TenantTest : public EvidenceTest {
 protected:
  TenantTest() {
    registry_.behaviour.auth = testing::FakeRegistry::Auth::kToken;
    registry_.users = {{"alice", "a"}, {"bob", "b"}};
    registry_.behaviour.may_pull = [this](const std::string& user, const std::string&) {
      return user == allowed_;
    };
    sign(key_, image_);
  }
  void become(const std::string& user) {
    auto keychain = std::make_shared<oci::Keychain>();
    if (!user.empty()) {
      const auto added =
          keychain->add_docker_config(R"({"auths":{"registry.example.com":{"username":")" + user +
                                      R"(","password":")" + user.substr(0, 1) + R"("}}})");
      ASSERT_TRUE(added);
    }
    keychain_ = keychain;
  }
  std::string allowed_ = "alice";
};

TEST_F(TenantTest, AnotherTenantGetsNothingFromTheCache) {
  const auto* release = trust(key_);
  become("alice");
  EXPECT_FALSE(gather(ask_about(by_digest_, {release})).failure);
  EXPECT_FALSE(gather(ask_about(by_tag_, {release})).failure);

  for (const std::string user : {"bob", ""}) {
    SCOPED_TRACE(user);
    become(user);
    for (const auto& image : {by_digest_, by_tag_}) {
      const auto facts = gather(ask_about(image, {release}));
      ASSERT_TRUE(facts.failure);
      EXPECT_EQ(facts.failure->code(), ErrorCode::kPermissionDenied);
      EXPECT_TRUE(facts.by_authority.empty());
      EXPECT_EQ(facts.digest, "");
    }
    EXPECT_FALSE(
        gatherer_->resolve(*oci::parse_reference(by_tag_), keychain_, Deadline::after(20s)));
  }
}

TEST_F(TenantTest, TheRightToSeeAnImageEndsAfterTenMinutes) {
  const auto* release = trust(key_);
  become("alice");
  EXPECT_FALSE(gather(ask_about(by_digest_, {release})).failure);
  allowed_ = "bob";
  registry_.expire_tokens();
  clock_.advance(10min);
  EXPECT_TRUE(gather(ask_about(by_digest_, {release})).failure);
  become("bob");
  EXPECT_FALSE(gather(ask_about(by_digest_, {release})).failure);
}

}  // namespace
}  // namespace portcullis::evidence
