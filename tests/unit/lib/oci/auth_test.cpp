#include "lib/oci/auth.hpp"

#include <gtest/gtest.h>

#include "tests/fakes/fake_clock.hpp"

namespace portcullis::oci {
namespace {

using namespace std::chrono_literals;

http::Response reply(int status, std::string body = "") {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

TEST(ChallengesTest, AreReadInAnyShape) {
  struct Case {
    std::string header;
    std::vector<std::string> schemes;
    std::string realm;  // of the first
  };
  const Case cases[] = {
      {R"(Bearer realm="https://auth.test/token",service="s",scope="a:b:pull,push")",
       {"bearer"},
       "https://auth.test/token"},
      {R"(BEARER Realm="https://auth.test/token")", {"bearer"}, "https://auth.test/token"},
      {R"(Basic realm="a, b \"c\"", Bearer realm="x")", {"basic", "bearer"}, R"(a, b "c")"},
      {R"(Basic, Bearer realm=x)", {"basic", "bearer"}, ""},
      {R"(  ,Bearer   realm = "x" , service = y)", {"bearer"}, "x"},
      {R"(Negotiate)", {"negotiate"}, ""},
      {"", {}, ""},
      {R"(realm="x")", {}, ""},
      {R"(Bearer realm="x)", {"bearer"}, ""},
      {R"(Bearer realm="x\)", {"bearer"}, ""},
      {R"(@@@)", {}, ""},
      {std::string(9000, 'a'), {}, ""},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.header.substr(0, 80));
    const auto challenges = parse_challenges(test.header);
    std::vector<std::string> schemes;
    for (const auto& challenge : challenges) schemes.push_back(challenge.scheme);
    EXPECT_EQ(schemes, test.schemes);
    if (!test.realm.empty()) {
      EXPECT_EQ(challenges.at(0).params.at("realm"), test.realm);
    }
  }
}

TEST(ChallengesTest, TheirNumberIsBounded) {
  std::string header;
  for (int i = 0; i < 1000; ++i) header += "a,";
  EXPECT_LE(parse_challenges(header).size(), 8U);
}

TEST(TokenTest, IsReadWithItsLifetime) {
  EXPECT_EQ(parse_token(R"({"token":"t"})")->value, "t");
  EXPECT_EQ(parse_token(R"({"access_token":"t"})")->value, "t");
  EXPECT_EQ(parse_token(R"({"token":"t","access_token":"u"})")->value, "t");
  EXPECT_EQ(parse_token(R"({"token":"t"})")->lifetime, 60s);
  EXPECT_EQ(parse_token(R"({"token":"t","expires_in":300})")->lifetime, 300s);
  EXPECT_EQ(parse_token(R"({"token":"t","expires_in":-5})")->lifetime, 60s);
  EXPECT_EQ(parse_token(R"({"token":"t","expires_in":9000000000000})")->lifetime, 3600s);
}

TEST(TokenTest, WhatWouldNotFitAHeaderIsRefused) {
  for (const std::string json :
       {"", "[]", "{}", R"({"token":""})", R"({"token":5})", R"({"token":"a b"})",
        R"({"token":"a\r\nHost: x"})", R"({"token":"é"})"}) {
    SCOPED_TRACE(json);
    const auto token = parse_token(json);
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(parse_token(R"({"token":")" + std::string(70'000, 'x') + R"("})"));
}

class AuthenticatorTest : public ::testing::Test {
 protected:
  Authenticator::Fetch fetch() {
    return [this](http::WebRequest request, Deadline) -> Result<http::Response> {
      sent_.push_back(std::move(request));
      return answer_;
    };
  }
  Result<std::string> answer(const AccessRequest& access, const std::string& challenge) {
    return authenticator_.answer(access, challenge, fetch(), Deadline::after(1s));
  }
  Result<std::string> prepare(const AccessRequest& access) {
    return authenticator_.prepare(access, fetch(), Deadline::after(1s));
  }

  const AccessRequest user_{"r.test", "team/app", {"user", "pass", ""}, false};
  const AccessRequest nobody_{"r.test", "team/app", {}, false};
  const std::string bearer_ = R"(Bearer realm="https://auth.test/token?x=1",service="r.test")";
  testing::FakeClock clock_;
  Authenticator authenticator_{clock_};
  Result<http::Response> answer_ = reply(200, R"({"token":"abc","expires_in":100})");
  std::vector<http::WebRequest> sent_;
};

TEST_F(AuthenticatorTest, ATokenIsAskedForToPullThisRepositoryOnly) {
  EXPECT_EQ(answer(user_, bearer_ + R"(,scope="registry:catalog:*")"), "Bearer abc");
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_EQ(sent_[0].url,
            "https://auth.test/token?x=1&service=r.test&scope=repository%3Ateam%2Fapp%3Apull");
  EXPECT_EQ(sent_[0].headers.at("Authorization"), "Basic dXNlcjpwYXNz");
}

TEST_F(AuthenticatorTest, NobodyAsksWithoutAHeader) {
  EXPECT_EQ(answer(nobody_, bearer_), "Bearer abc");
  EXPECT_FALSE(sent_.at(0).headers.contains("Authorization"));
}

TEST_F(AuthenticatorTest, AnIdentityTokenIsPosted) {
  auto access = user_;
  access.credential = {"", "", "refresh+me"};
  EXPECT_EQ(answer(access, bearer_), "Bearer abc");
  EXPECT_EQ(sent_.at(0).method, "POST");
  EXPECT_NE(sent_.at(0).body.find("refresh_token=refresh%2Bme"), std::string::npos);
  EXPECT_EQ(sent_.at(0).url, "https://auth.test/token?x=1");
}

TEST_F(AuthenticatorTest, ATokenIsKeptUntilItsLastTenth) {
  ASSERT_TRUE(answer(user_, bearer_));
  clock_.advance(89s);
  EXPECT_EQ(prepare(user_), "Bearer abc");
  EXPECT_EQ(sent_.size(), 1U);

  answer_ = reply(200, R"({"token":"new"})");
  clock_.advance(1s);
  EXPECT_EQ(prepare(user_), "Bearer new");  // the way is known: no 401 is needed
  EXPECT_EQ(sent_.size(), 2U);
}

TEST_F(AuthenticatorTest, ATokenServesOnlyTheCredentialAndRepositoryItWasGivenTo) {
  ASSERT_TRUE(answer(user_, bearer_));
  answer_ = reply(401);
  EXPECT_FALSE(prepare(nobody_));
  auto other = user_;
  other.repository = "secret/app";
  EXPECT_FALSE(prepare(other));
  other = user_;
  other.credential.password = "other";
  EXPECT_FALSE(prepare(other));
  // Another host learns nothing from this one.
  other = user_;
  other.host = "evil.test";
  EXPECT_EQ(prepare(other), "");
}

TEST_F(AuthenticatorTest, BasicIsSentAheadOnceAskedFor) {
  EXPECT_EQ(prepare(user_), "");
  EXPECT_EQ(answer(user_, "Basic realm=\"x\""), "Basic dXNlcjpwYXNz");
  EXPECT_EQ(prepare(user_), "Basic dXNlcjpwYXNz");
  EXPECT_EQ(prepare(nobody_), "");
  authenticator_.reject(user_);
  EXPECT_EQ(prepare(user_), "");
  EXPECT_TRUE(sent_.empty());
}

TEST_F(AuthenticatorTest, TheStrongerWayIsTaken) {
  EXPECT_EQ(answer(user_, "Basic realm=\"x\", " + bearer_), "Bearer abc");
}

TEST_F(AuthenticatorTest, CredentialsGoOverPlainHttpOnlyWhereTheRegistryItselfIsPlain) {
  const std::string plain = R"(Bearer realm="http://auth.test/token")";
  const auto refused = answer(user_, plain);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_TRUE(sent_.empty());

  auto access = user_;
  access.plain_http = true;
  EXPECT_EQ(answer(access, plain), "Bearer abc");
}

TEST_F(AuthenticatorTest, EachWayToFailHasItsCodeAndNamesTheRegistry) {
  struct Case {
    std::string name;
    bool with_credential;
    std::string challenge;
    Result<http::Response> answer;
    ErrorCode code;
    std::string says;
  };
  const Case cases[] = {
      {"no challenge, anonymous", false, "", reply(200), ErrorCode::kPermissionDenied,
       "spec.imagePullSecrets"},
      {"no challenge", true, "", reply(200), ErrorCode::kPermissionDenied, "not supported"},
      {"unknown way", true, "Negotiate", reply(200), ErrorCode::kPermissionDenied, "not supported"},
      {"basic, anonymous", false, "Basic realm=x", reply(200), ErrorCode::kPermissionDenied,
       "spec.imagePullSecrets"},
      {"no realm", true, "Bearer service=x", reply(200), ErrorCode::kPermissionDenied,
       "token service"},
      {"realm no URL", true, "Bearer realm=\"/token\"", reply(200), ErrorCode::kPermissionDenied,
       "token service"},
      {"realm with user", true, "Bearer realm=\"https://a@b.test/\"", reply(200),
       ErrorCode::kPermissionDenied, "token service"},
      {"refused, anonymous", false, bearer_, reply(401), ErrorCode::kPermissionDenied,
       "spec.imagePullSecrets"},
      {"refused", true, bearer_, reply(403), ErrorCode::kPermissionDenied, "renew"},
      {"limited", true, bearer_, reply(429), ErrorCode::kResourceExhausted, "429"},
      {"down", true, bearer_, reply(503), ErrorCode::kUnavailable, "503"},
      {"redirect", true, bearer_, reply(302), ErrorCode::kInvalidArgument, "302"},
      {"no token", true, bearer_, reply(200, "{}"), ErrorCode::kInvalidArgument, "no token"},
      {"no JSON", true, bearer_, reply(200, "<html>"), ErrorCode::kInvalidArgument, "auth.test"},
      {"unreachable", true, bearer_, Error(ErrorCode::kUnavailable, "dns: no address"),
       ErrorCode::kUnavailable, "dns"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    answer_ = test.answer;
    const auto header = answer(test.with_credential ? user_ : nobody_, test.challenge);
    ASSERT_FALSE(header);
    EXPECT_EQ(header.error().code(), test.code);
    EXPECT_NE(header.error().message().find(test.says), std::string::npos)
        << header.error().message();
    EXPECT_NE(header.error().message().find("r.test"), std::string::npos);
    EXPECT_EQ(header.error().message().find("pass,"), std::string::npos);
    EXPECT_EQ(header.error().message().find("dXNlcjpwYXNz"), std::string::npos);
  }
}

TEST_F(AuthenticatorTest, AnIdentityTokenIsNoPassword) {
  auto access = user_;
  access.credential = {"", "", "refresh"};
  EXPECT_FALSE(answer(access, "Basic realm=x"));
}

}  // namespace
}  // namespace portcullis::oci
