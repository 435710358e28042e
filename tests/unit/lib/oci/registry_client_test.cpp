#include "lib/oci/registry_client.hpp"

#include <gtest/gtest.h>

#include "lib/crypto/digest.hpp"
#include "tests/fakes/fake_clock.hpp"
#include "tests/fakes/fake_registry.hpp"

namespace portcullis::oci {
namespace {

using namespace std::chrono_literals;
using testing::FakeRegistry;
using testing::web_answer;

// Several registries on one network.
class FakeNetwork final : public http::WebClient {
 public:
  explicit FakeNetwork(std::vector<FakeRegistry*> registries)
      : registries_(std::move(registries)) {}

  Result<http::Response> fetch(const http::WebRequest& request, Deadline deadline) override {
    for (auto* registry : registries_) {
      if (request.url.find("://" + registry->host() + "/") != std::string::npos) {
        return registry->fetch(request, deadline);
      }
    }
    return Error(ErrorCode::kUnavailable, "dns: no address");
  }

 private:
  std::vector<FakeRegistry*> registries_;
};

class RegistryClientTest : public ::testing::Test {
 protected:
  Reference by_digest() const {
    return *parse_reference("registry.example.com/team/app@" + image_);
  }
  Reference by_tag() const { return *parse_reference("registry.example.com/team/app:v1"); }
  static Deadline soon() { return Deadline::after(5s); }

  testing::FakeClock clock_;
  FakeRegistry registry_;
  RegistryClient client_{registry_, nullptr, clock_};
  const std::string image_ = registry_.add_image("team/app", "one", "v1");
};

TEST_F(RegistryClientTest, ResolvingATagIsOneHead) {
  EXPECT_EQ(client_.resolve(by_tag(), {}, soon()), image_);
  EXPECT_EQ(
      registry_.log(),
      (std::vector<std::string>{"HEAD https://registry.example.com/v2/team/app/manifests/v1"}));
  EXPECT_EQ(client_.counters().requests, 1U);
}

TEST_F(RegistryClientTest, ResolvingADigestAsksNobody) {
  EXPECT_EQ(client_.resolve(by_digest(), {}, soon()), image_);
  EXPECT_TRUE(registry_.requests().empty());
}

TEST_F(RegistryClientTest, WithoutADigestInTheHeadTheBytesAreAsked) {
  registry_.behaviour.head_has_digest = false;
  EXPECT_EQ(client_.resolve(by_tag(), {}, soon()), image_);
  EXPECT_EQ(registry_.requests().size(), 2U);

  registry_.behaviour.head_has_digest = true;
  registry_.fail("HEAD", web_answer(405));
  EXPECT_EQ(client_.resolve(by_tag(), {}, soon()), image_);
}

TEST_F(RegistryClientTest, DockerHubIsAskedUnderItsOwnName) {
  FakeRegistry hub("registry-1.docker.io");
  const auto digest = hub.add_image("library/nginx", "n", "latest");
  RegistryClient client(hub, nullptr, clock_);
  EXPECT_EQ(client.resolve(*parse_reference("nginx"), {}, soon()), digest);
}

TEST_F(RegistryClientTest, AManifestIsGivenBackWithItsDigest) {
  const auto manifest = client_.manifest(by_digest(), {}, soon());
  ASSERT_TRUE(manifest) << manifest.error().message();
  EXPECT_EQ(manifest->digest, image_);
  EXPECT_EQ(client_.manifest(by_tag(), {}, soon())->digest, image_);
}

TEST_F(RegistryClientTest, ManifestsThatLieAreRefused) {
  const auto other = registry_.add_image("team/app", "two");
  const auto bytes = R"({"schemaVersion":2,"layers":[]})";
  struct Case {
    std::string name;
    http::Response answer;
  };
  const Case cases[] = {
      {"other bytes", web_answer(200, bytes, {{"Content-Type", testing::kManifestType}})},
      {"other bytes, header agrees with us",
       web_answer(200, bytes, {{"Docker-Content-Digest", image_}})},
      {"HTML", web_answer(200, "<html>", {{"Content-Type", "text/html"}})},
      {"empty", web_answer(200, "")},
      {"too long", web_answer(200, std::string((4U << 20) + 1, ' '))},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    registry_.heal();
    registry_.fail("/manifests/", test.answer);
    const auto manifest = client_.manifest(by_digest(), {}, soon());
    ASSERT_FALSE(manifest);
    EXPECT_EQ(manifest.error().code(), ErrorCode::kInvalidArgument);
  }
  // By tag there is nothing to compare with but the registry's own word.
  registry_.heal();
  registry_.fail("/manifests/", web_answer(200, bytes, {{"Docker-Content-Digest", other}}));
  EXPECT_FALSE(client_.manifest(by_tag(), {}, soon()));
}

class BlobTest : public RegistryClientTest {
 protected:
  Result<std::string> ask(std::uint64_t size) {
    Descriptor descriptor;
    descriptor.digest = blob_;
    descriptor.size = size;
    return client_.blob(by_tag(), descriptor, {}, soon());
  }
  const std::string blob_ = registry_.put_blob("team/app", "0123456789");
};

TEST_F(BlobTest, IsCheckedForSizeAndDigest) {
  EXPECT_EQ(ask(10), "0123456789");
  for (const std::uint64_t size : {0U, 9U, 11U}) {
    const auto blob = ask(size);
    ASSERT_FALSE(blob) << size;
    EXPECT_EQ(blob.error().code(), ErrorCode::kInvalidArgument);
  }
  registry_.corrupt(blob_, "0123456780");
  EXPECT_FALSE(ask(10));
}

TEST_F(BlobTest, WhatIsTooLargeOrNotSha256IsNotAskedFor) {
  EXPECT_FALSE(ask((16U << 20) + 1));
  Descriptor descriptor;
  descriptor.digest = "sha512:" + std::string(128, 'a');
  EXPECT_FALSE(client_.blob(by_tag(), descriptor, {}, soon()));
  EXPECT_TRUE(registry_.requests().empty());
}

TEST_F(BlobTest, ReadingStopsAtTheSizeThatTheDescriptorSays) {
  registry_.corrupt(blob_, std::string(1000, 'x'));
  EXPECT_FALSE(ask(10));
  EXPECT_EQ(registry_.requests().back().max_body_bytes, 11U);
}

class MirrorTest : public ::testing::Test {
 protected:
  MirrorTest() {
    registries_ = std::make_shared<const Registries>(*Registries::parse(
        "registries: [{host: registry.example.com, mirrors: [mirror.example.com]}]", ""));
    client_.set_registries(registries_);
  }
  static Deadline soon() { return Deadline::after(5s); }

  testing::FakeClock clock_;
  FakeRegistry mirror_{"mirror.example.com"};
  FakeRegistry origin_;
  FakeNetwork network_{{&mirror_, &origin_}};
  std::shared_ptr<const Registries> registries_;
  RegistryClient client_{network_, nullptr, clock_};
  const Reference tag_ = *parse_reference("registry.example.com/team/app:v1");
};

TEST_F(MirrorTest, IsAskedFirst) {
  const auto digest = mirror_.add_image("team/app", "one", "v1");
  EXPECT_EQ(client_.resolve(tag_, {}, soon()), digest);
  EXPECT_TRUE(origin_.requests().empty());
}

TEST_F(MirrorTest, TheHostAnswersWhenTheMirrorFails) {
  const auto digest = origin_.add_image("team/app", "one", "v1");
  const Result<http::Response> failures[] = {web_answer(404),
                                             web_answer(401),
                                             web_answer(500),
                                             web_answer(200, "<html>"),
                                             Error(ErrorCode::kUnavailable, "connect: refused"),
                                             Error(ErrorCode::kDeadlineExceeded, "timed out")};
  for (const auto& failure : failures) {
    mirror_.heal();
    mirror_.fail("", failure);
    EXPECT_EQ(client_.resolve(tag_, {}, soon()), digest);
    clock_.advance(10s);
  }
}

TEST_F(MirrorTest, TheHostsErrorIsTheOneThatCounts) {
  mirror_.fail("", web_answer(500));
  const auto digest = client_.resolve(tag_, {}, soon());
  ASSERT_FALSE(digest);
  EXPECT_EQ(digest.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(digest.error().message().find("registry.example.com"), std::string::npos);
}

TEST_F(MirrorTest, AMirrorWithoutReferrersIsNoAnswer) {
  const auto image = origin_.add_image("team/app", "one", "v1");
  mirror_.add_image("team/app", "one", "v1");
  origin_.attach_bundle("team/app", image, "bundle", "type");
  const auto list = client_.referrers(tag_, image, {}, soon());
  ASSERT_TRUE(list);
  EXPECT_EQ(list->size(), 1U);
  EXPECT_EQ(mirror_.count("/referrers/"), 1U);
}

TEST_F(MirrorTest, GetsItsOwnCredentialsNotTheHosts) {
  mirror_.behaviour.auth = FakeRegistry::Auth::kBasic;
  mirror_.users = {{"m", "mp"}};
  const auto digest = mirror_.add_image("team/app", "one", "v1");
  Keychain keychain;
  ASSERT_TRUE(keychain.add_docker_config(
      R"({"auths":{"registry.example.com":{"username":"o","password":"op"},
                   "mirror.example.com":{"username":"m","password":"mp"}}})"));
  EXPECT_EQ(client_.resolve(tag_, keychain, soon()), digest);
  for (const auto& request : mirror_.requests()) {
    const auto header = request.headers.find("Authorization");
    if (header != request.headers.end()) {
      EXPECT_EQ(header->second, "Basic bTptcA==");
    }
  }
}

}  // namespace
}  // namespace portcullis::oci
