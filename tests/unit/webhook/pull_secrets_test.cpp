#include "webhook/pull_secrets.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/codec/encoding.hpp"
#include "tests/unit/webhook/webhook_fixture.hpp"

namespace portcullis::webhook {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PullSecretsTest : public WebhookFixture {
 protected:
  void put_secret(const std::string& name, const std::string& config) {
    server_.put(kube::kSecrets, {{"metadata", {{"namespace", "clinic"}, {"name", name}}},
                                 {"data", {{".dockerconfigjson", codec::encode_base64(config)}}}});
  }
  PullCredentials read(const std::set<std::string>& declared,
                       const std::vector<std::string>& in_pod = {}) {
    return pull_secrets_.read("clinic", declared, "", in_pod, soon());
  }
  static constexpr const char* kConfig =
      R"({"auths": {"registry.example.com": {"username": "u", "password": "p"}}})";
};

TEST_F(PullSecretsTest, ReadsDeclaredSecretsAndThoseOfTheServiceAccount) {
  put_secret("declared", kConfig);
  put_secret("of-account",
             R"({"auths": {"other.example.com": {"username": "u", "password": "p"}}})");
  server_.put(kube::kServiceAccounts,
              {{"metadata", {{"namespace", "clinic"}, {"name", "default"}}},
               {"imagePullSecrets", codec::Json::array({{{"name", "of-account"}}})}});
  const auto credentials = read({"declared"});
  EXPECT_THAT(credentials.notes, IsEmpty());
  for (const auto* host : {"registry.example.com/a", "other.example.com/a"}) {
    EXPECT_THAT(credentials.keychain->find(*oci::parse_reference(host)), SizeIs(1)) << host;
  }
}

TEST_F(PullSecretsTest, KeepsAnAnswerForAMinute) {
  put_secret("declared", kConfig);
  server_.put(kube::kServiceAccounts,
              {{"metadata", {{"namespace", "clinic"}, {"name", "default"}}}});
  read({"declared"});
  server_.forget_requests();
  read({"declared"});
  EXPECT_THAT(server_.requests(), IsEmpty());
  clock_.advance(std::chrono::seconds(61));
  read({"declared"});
  EXPECT_FALSE(server_.requests().empty());
}

// Each way a secret cannot be used is told, and none stops the rest.
TEST_F(PullSecretsTest, WhatCannotBeUsedIsNoted) {
  put_secret("good", kConfig);
  put_secret("malformed", "{");
  server_.put(kube::kSecrets, {{"metadata", {{"namespace", "clinic"}, {"name", "opaque"}}},
                               {"data", {{"x", "eA=="}}}});
  server_.put(kube::kSecrets, {{"metadata", {{"namespace", "clinic"}, {"name", "not-base64"}}},
                               {"data", {{".dockerconfigjson", "*"}}}});
  for (const auto* name : {"malformed", "opaque", "not-base64", "absent"}) {
    const auto credentials = read({"good", name});
    EXPECT_THAT(credentials.notes, SizeIs(1)) << name;
    EXPECT_THAT(credentials.notes[0], HasSubstr(name));
    EXPECT_THAT(credentials.notes[0], ::testing::Not(HasSubstr("password")));
    EXPECT_FALSE(credentials.keychain->empty());
  }
}

TEST_F(PullSecretsTest, ASecretThatOnlyThePodNamesIsNotRead) {
  put_secret("any", kConfig);
  const auto credentials = read({}, {"any"});
  EXPECT_TRUE(credentials.keychain->empty());
  ASSERT_THAT(credentials.notes, SizeIs(1));
  EXPECT_EQ(server_.count("GET", "/secrets/any"), 0U);
}

}  // namespace
}  // namespace portcullis::webhook
