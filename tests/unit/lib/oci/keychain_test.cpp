#include "lib/oci/keychain.hpp"

#include <gtest/gtest.h>

namespace portcullis::oci {
namespace {

std::vector<std::string> users(const Keychain& keychain, const std::string& image) {
  std::vector<std::string> names;
  for (const auto& credential : keychain.find(*parse_reference(image))) {
    names.push_back(credential.username);
  }
  return names;
}
using Names = std::vector<std::string>;

Keychain keychain_of(const std::string& json) {
  Keychain keychain;
  const auto added = keychain.add_docker_config(json);
  EXPECT_TRUE(added) << added.error().message();
  return keychain;
}

TEST(KeychainTest, EntriesAreMatchedAsTheKubeletDoes) {
  struct Case {
    std::string entry, image;
    bool found;
  };
  const Case cases[] = {
      {"registry.example.com", "registry.example.com/app", true},
      {"https://registry.example.com", "registry.example.com/app", true},
      {"http://registry.example.com/", "registry.example.com/app", true},
      {"https://registry.example.com/v1/", "registry.example.com/app", true},
      {"https://registry.example.com/v2/", "registry.example.com/app", true},
      {"Registry.Example.com", "registry.example.com/app", true},
      {"registry.example.com/team", "registry.example.com/team/app", true},
      {"registry.example.com/team", "registry.example.com/other/app", false},
      {"registry.example.com:5000", "registry.example.com:5000/app", true},
      {"registry.example.com:5000", "registry.example.com/app", false},
      {"registry.example.com", "registry.example.com:5000/app", false},
      {"*.example.com", "registry.example.com/app", true},
      {"*.example.com", "example.com/app", false},
      {"*.example.com", "a.b.example.com/app", false},
      {"*.example.com", "registry.example.com.evil.test/app", false},
      {"reg*.example.com", "registry.example.com/app", true},
      {"reg?.example.com", "regx.example.com/app", true},
      {"reg?.example.com", "reg.example.com/app", false},
      {"*", "registry.example.com/app", false},
      {"example.com", "registry.example.com/app", false},
      {"[2001:db8::1]:5000", "[2001:db8::1]:5000/app", true},
      {"docker.io", "nginx", true},
      {"https://index.docker.io/v1/", "nginx", true},
      {"index.docker.io", "acme/app", true},
      {"https://index.docker.io/v1/", "registry.example.com/nginx", false},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.entry + " for " + test.image);
    const auto keychain =
        keychain_of(R"({"auths":{")" + test.entry + R"(":{"username":"u","password":"p"}}})");
    EXPECT_EQ(users(keychain, test.image), test.found ? Names{"u"} : Names{});
  }
}

TEST(KeychainTest, TheLongestPathIsTriedFirst) {
  const auto keychain = keychain_of(R"({"auths":{
      "registry.example.com": {"username": "host", "password": "p"},
      "registry.example.com/team/app": {"username": "app", "password": "p"},
      "registry.example.com/team": {"username": "team", "password": "p"}}})");

  EXPECT_EQ(users(keychain, "registry.example.com/team/app"), (Names{"app", "team", "host"}));
}

TEST(KeychainTest, SecretsAddUpInTheOrderGiven) {
  Keychain keychain;
  EXPECT_TRUE(keychain.empty());
  ASSERT_TRUE(keychain.add_docker_config(
      R"({"auths":{"registry.example.com":{"username":"first","password":"p"}}})"));
  ASSERT_TRUE(keychain.add_docker_config(
      R"({"registry.example.com":{"username":"second","password":"p","email":"x"}})"));

  EXPECT_EQ(users(keychain, "registry.example.com/app"), (Names{"first", "second"}));
}

TEST(KeychainTest, TheAuthFieldIsBase64WithOrWithoutPadding) {
  for (const std::string auth : {"dXNlcjpwOnc=", "dXNlcjpwOnc", "dXNlcjpwOnc=\\n"}) {  // user:p:w
    SCOPED_TRACE(auth);
    const auto keychain =
        keychain_of(R"({"auths":{"registry.example.com":{"auth":")" + auth + R"("}}})");
    const auto found = keychain.find(*parse_reference("registry.example.com/app"));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].username, "user");
    EXPECT_EQ(found[0].password, "p:w");
  }
}

TEST(KeychainTest, AnIdentityTokenStandsAlone) {
  const auto keychain = keychain_of(
      R"({"auths":{"registry.example.com":{"auth":"dXNlcjpwdw==","identitytoken":"refresh"}}})");
  const auto found = keychain.find(*parse_reference("registry.example.com/app"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].identity_token, "refresh");
  EXPECT_EQ(found[0].username + found[0].password, "");
}

TEST(KeychainTest, AnEntryWithoutWordsIsNoCredential) {
  const auto keychain = keychain_of(R"({"auths":{"registry.example.com":{}}})");
  EXPECT_TRUE(keychain.empty());
}

TEST(KeychainTest, WhatIsMalformedIsNamedWithoutItsValue) {
  const std::string cases[] = {
      "",
      "not json",
      "[]",
      R"({"auths":[]})",
      R"({"auths":{"registry.example.com":"hunter2"}})",
      R"({"auths":{"registry.example.com":{"auth":"hunter2!"}}})",
      R"({"auths":{"registry.example.com":{"auth":"aHVudGVyMg=="}}})",  // no colon
  };
  for (const auto& json : cases) {
    SCOPED_TRACE(json);
    Keychain keychain;
    const auto added = keychain.add_docker_config(json);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(added.error().message().find("hunter2"), std::string::npos);
    EXPECT_TRUE(keychain.empty());
  }
}

TEST(CredentialTest, FingerprintsTellCredentialsApartAndNothingElse) {
  EXPECT_EQ(Credential{}.fingerprint(), "");
  const Credential one{"ab", "c", ""};
  const Credential other{"a", "bc", ""};
  EXPECT_EQ(one.fingerprint().size(), 64U);
  EXPECT_EQ(one.fingerprint(), (Credential{"ab", "c", ""}).fingerprint());
  EXPECT_NE(one.fingerprint(), other.fingerprint());
  EXPECT_NE(one.fingerprint(), (Credential{"", "", "abc"}).fingerprint());
}

}  // namespace
}  // namespace portcullis::oci
