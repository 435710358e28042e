#include "lib/http/kube_credentials.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/fakes/fake_clock.hpp"
#include "tests/unit/lib/http/test_certificates.hpp"

namespace portcullis::http {
namespace {

using namespace std::chrono_literals;

class KubeCredentialsTest : public ::testing::Test {
 protected:
  KubeCredentialsTest() {
    const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
    directory_ = std::filesystem::path(::testing::TempDir()) /
                 (std::string("kube_credentials_") + test->name());
    std::filesystem::create_directories(directory_);
    endpoint_.token_file = directory_ / "token";
    endpoint_.ca_file = directory_ / "ca.crt";
    write(endpoint_.token_file, "first\n");
    write(endpoint_.ca_file, first_.pem());
  }
  ~KubeCredentialsTest() override { std::filesystem::remove_all(directory_); }

  static void write(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  }

  std::unique_ptr<KubeCredentials> make() {
    auto credentials = KubeCredentials::create(endpoint_, clock_);
    EXPECT_TRUE(credentials) << credentials.error().message();
    return std::move(*credentials);
  }

  portcullis::testing::FakeClock clock_;
  testing::TestAuthority first_{"first CA"}, second_{"second CA"};
  std::filesystem::path directory_;
  KubeEndpoint endpoint_;
};

TEST_F(KubeCredentialsTest, TheTokenIsTrimmedAndReadAgainEachMinute) {
  const auto credentials = make();
  EXPECT_EQ(credentials->token(), "first");
  write(endpoint_.token_file, " second ");
  clock_.advance(59s);
  EXPECT_EQ(credentials->token(), "first");
  clock_.advance(1s);
  EXPECT_EQ(credentials->token(), "second");
}

TEST_F(KubeCredentialsTest, ARefusedTokenIsReadAgainAtOnce) {
  const auto credentials = make();
  EXPECT_FALSE(credentials->reload_token());  // the same: no use in asking again
  write(endpoint_.token_file, "second");
  EXPECT_TRUE(credentials->reload_token());
  EXPECT_EQ(credentials->token(), "second");
}

TEST_F(KubeCredentialsTest, ATokenFileThatWentBadKeepsTheLastToken) {
  const auto credentials = make();
  for (const std::string& bad :
       {std::string(), std::string(" \n"), std::string("a\nb"), std::string((1U << 20) + 1, 'x')}) {
    write(endpoint_.token_file, bad);
    clock_.advance(60s);
    EXPECT_EQ(credentials->token(), "first");
  }
  std::filesystem::remove(endpoint_.token_file);
  clock_.advance(60s);
  EXPECT_EQ(credentials->token(), "first");
  write(endpoint_.token_file, "second");
  clock_.advance(60s);
  EXPECT_EQ(credentials->token(), "second");
}

TEST_F(KubeCredentialsTest, TheCaIsReadAgainEachFiveMinutesAndItsPointerTellsAChange) {
  const auto credentials = make();
  const auto before = credentials->ca();
  EXPECT_EQ(*before, first_.pem());
  clock_.advance(300s);
  EXPECT_EQ(credentials->ca(), before);
  write(endpoint_.ca_file, second_.pem());
  clock_.advance(299s);
  EXPECT_EQ(credentials->ca(), before);
  clock_.advance(1s);
  EXPECT_EQ(*credentials->ca(), second_.pem());
}

TEST_F(KubeCredentialsTest, ACaFileThatWentBadKeepsTheLastCa) {
  const auto credentials = make();
  for (const std::string& bad : {std::string(), std::string("no PEM"),
                                 first_.pem() + "-----BEGIN CERTIFICATE-----\nAAAA\n"}) {
    write(endpoint_.ca_file, bad);
    clock_.advance(300s);
    EXPECT_EQ(*credentials->ca(), first_.pem());
  }
}

TEST_F(KubeCredentialsTest, ContentsWinOverFilesAndAreNeverReadAgain) {
  endpoint_.token = "constant";
  endpoint_.ca_pem = second_.pem();
  const auto credentials = make();
  clock_.advance(1h);
  EXPECT_EQ(credentials->token(), "constant");
  EXPECT_EQ(*credentials->ca(), second_.pem());
  EXPECT_FALSE(credentials->reload_token());
}

TEST_F(KubeCredentialsTest, NeitherContentNorFileIsNoCredential) {
  endpoint_.token_file.clear();
  endpoint_.ca_file.clear();
  const auto credentials = make();
  EXPECT_EQ(credentials->token(), "");
  EXPECT_EQ(*credentials->ca(), "");
}

TEST_F(KubeCredentialsTest, WhatIsUnusableAtTheStartIsAnErrorThatNamesTheFile) {
  std::filesystem::remove(endpoint_.token_file);
  auto credentials = KubeCredentials::create(endpoint_, clock_);
  ASSERT_FALSE(credentials);
  EXPECT_EQ(credentials.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(credentials.error().message().find(endpoint_.token_file), std::string::npos);

  endpoint_.token_file.clear();
  endpoint_.ca_pem = "no PEM";
  credentials = KubeCredentials::create(endpoint_, clock_);
  ASSERT_FALSE(credentials);
  EXPECT_EQ(credentials.error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace portcullis::http
