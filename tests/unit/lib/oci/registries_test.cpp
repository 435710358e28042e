#include "lib/oci/registries.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace portcullis::oci {
namespace {

class RegistriesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::path(::testing::TempDir()) /
                 ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ / name) << text;
  }
  Result<Registries> parse(const std::string& yaml) const {
    return Registries::parse(yaml, directory_.string());
  }

  std::filesystem::path directory_;
};

// Any DER will do: that it is a certificate is for the TLS library to say.
constexpr const char* kPem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

TEST_F(RegistriesTest, AHostThatIsNotListedGetsTheDefaults) {
  const auto registries = parse("registries: []");
  ASSERT_TRUE(registries);
  const auto config = registries->find("registry.example.com");
  EXPECT_EQ(config.host, "registry.example.com");
  EXPECT_EQ(config.scheme, Scheme::kHttps);
  EXPECT_EQ(config.auth, RegistryAuth::kPullSecrets);
  EXPECT_TRUE(config.mirrors.empty());
  EXPECT_EQ(config.ca_pem, "");
  EXPECT_EQ(config.requests_per_second, 0);
}

TEST_F(RegistriesTest, EveryFieldIsRead) {
  write("ca.pem", kPem);
  const auto registries = parse(R"(
registries:
- host: registry.example.com:5000
  scheme: http
  auth: Anonymous
  mirrors: ["mirror-1.example.com", "mirror-2.example.com:80"]
  caFile: ca.pem
  requestsPerSecond: 2.5
- host: docker.io
)");
  ASSERT_TRUE(registries) << registries.error().message();
  const auto config = registries->find("registry.example.com:5000");
  EXPECT_EQ(config.scheme, Scheme::kHttp);
  EXPECT_EQ(config.auth, RegistryAuth::kAnonymous);
  EXPECT_EQ(config.mirrors,
            (std::vector<std::string>{"mirror-1.example.com", "mirror-2.example.com:80"}));
  EXPECT_EQ(config.ca_pem, kPem);
  EXPECT_EQ(config.requests_per_second, 2.5);
  // The port belongs to the host.
  EXPECT_EQ(registries->find("registry.example.com").scheme, Scheme::kHttps);
}

TEST_F(RegistriesTest, NothingAtAllIsAValidFile) {
  EXPECT_TRUE(parse(""));
  EXPECT_TRUE(parse("registries:"));
}

TEST_F(RegistriesTest, WhatIsWrongIsNamedByItsField) {
  write("empty.pem", "no certificate here");
  write("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  struct Case {
    std::string yaml, named;
  };
  const Case cases[] = {
      {"- a", "mapping"},
      {"registry: []", "registry"},
      {"registries: {}", "registries"},
      {"registries: [text]", "registries[0]"},
      {"registries: [{}]", "registries[0].host"},
      {"registries: [{host: 5}]", "registries[0].host"},
      {"registries: [{host: 'https://registry.example.com'}]", "registries[0].host"},
      {"registries: [{host: Registry.example.com}]", "registries[0].host"},
      {"registries: [{host: index.docker.io}]", "registries[0].host"},
      {"registries: [{host: a.test}, {host: b.test}, {host: a.test}]", "registries[2].host"},
      {"registries: [{host: a.test, scheme: ftp}]", "registries[0].scheme"},
      {"registries: [{host: a.test, auth: AWS}]", "registries[0].auth"},
      {"registries: [{host: a.test, insecure: true}]", "registries[0].insecure"},
      {"registries: [{host: a.test, mirrors: b.test}]", "registries[0].mirrors"},
      {"registries: [{host: a.test, mirrors: [b.test/path]}]", "registries[0].mirrors[0]"},
      {"registries: [{host: a.test, requestsPerSecond: -1}]", "registries[0].requestsPerSecond"},
      {"registries: [{host: a.test, requestsPerSecond: many}]", "registries[0].requestsPerSecond"},
      {"registries: [{host: a.test, caFile: missing.pem}]", "registries[0].caFile"},
      {"registries: [{host: a.test, caFile: empty.pem}]", "registries[0].caFile"},
      {"registries: [{host: a.test, caFile: key.pem}]", "registries[0].caFile"},
      {"registries: [{host: a.test}]\n---\nregistries: []", "one document"},
      {"registries: [", "registries file"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.yaml);
    const auto registries = parse(test.yaml);
    ASSERT_FALSE(registries);
    EXPECT_EQ(registries.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(registries.error().message().find(test.named), std::string::npos)
        << registries.error().message();
  }
}

}  // namespace
}  // namespace portcullis::oci
