#include "lib/oci/transport.hpp"

#include <gtest/gtest.h>

#include "tests/fakes/fake_clock.hpp"
#include "tests/fakes/fake_registry.hpp"

namespace portcullis::oci {
namespace {

using namespace std::chrono_literals;
using testing::FakeRegistry;
using testing::web_answer;

class TransportTest : public ::testing::Test {
 protected:
  TransportTest() {
    endpoint_.config.host = registry_.host();
    endpoint_.repository = "team/app";
    endpoint_.registries = std::make_shared<const Registries>();
    call_.target = "/v2/team/app/manifests/v1";
    call_.what = "manifest v1";
    registry_.add_image("team/app", "one", "v1");
    registry_.users = {{"alice", "secret-a"}, {"bob", "secret-b"}};
  }

  Result<http::Response> send() { return transport_.send(endpoint_, call_, Deadline::after(5s)); }
  void use_file(const std::string& yaml) {
    endpoint_.registries = std::make_shared<const Registries>(*Registries::parse(yaml, ""));
    endpoint_.config = endpoint_.registries->find(registry_.host());
  }
  std::vector<std::string> authorizations() const {
    std::vector<std::string> headers;
    for (const auto& request : registry_.requests()) {
      const auto found = request.headers.find("Authorization");
      headers.push_back(found == request.headers.end() ? "" : found->second);
    }
    return headers;
  }
  using Headers = std::vector<std::string>;

  const Credential alice_{"alice", "secret-a", ""};
  const Credential bob_{"bob", "secret-b", ""};
  const Credential wrong_{"alice", "wrong", ""};
  const std::string alice_basic_ = "Basic YWxpY2U6c2VjcmV0LWE=";
  testing::FakeClock clock_;
  FakeRegistry registry_;
  Transport transport_{registry_, clock_};
  Endpoint endpoint_;
  Call call_;
};

TEST_F(TransportTest, BasicCredentialsAreSentWhenAskedForAndThenAhead) {
  registry_.behaviour.auth = FakeRegistry::Auth::kBasic;
  endpoint_.credentials = {alice_};
  ASSERT_TRUE(send());
  ASSERT_TRUE(send());
  EXPECT_EQ(authorizations(), (Headers{"", alice_basic_, alice_basic_}));
}

TEST_F(TransportTest, ATokenIsFetchedOnceAndUsedAgain) {
  registry_.behaviour.auth = FakeRegistry::Auth::kToken;
  endpoint_.credentials = {alice_};
  ASSERT_TRUE(send());
  ASSERT_TRUE(send());
  EXPECT_EQ(registry_.count("auth.registry.example.com"), 1U);
  EXPECT_EQ(transport_.requests(), 4U);
  // The password went to the token service alone.
  EXPECT_EQ(authorizations(),
            (Headers{"", alice_basic_, "Bearer token-0-alice", "Bearer token-0-alice"}));
}

TEST_F(TransportTest, ATokenThatIsNotAcceptedAnyMoreIsReplaced) {
  registry_.behaviour.auth = FakeRegistry::Auth::kToken;
  endpoint_.credentials = {alice_};
  ASSERT_TRUE(send());
  registry_.expire_tokens();
  EXPECT_TRUE(send());
  EXPECT_EQ(registry_.count("auth.registry.example.com"), 2U);
}

TEST_F(TransportTest, PublicRepositoriesNeedNoCredentials) {
  registry_.behaviour.auth = FakeRegistry::Auth::kToken;
  registry_.behaviour.may_pull = [](const std::string& user, const std::string& repository) {
    return user.empty() && repository == "team/app";
  };
  EXPECT_TRUE(send());
}

TEST_F(TransportTest, OneCredentialAfterTheOtherIsTriedAndTheGoodOneRemembered) {
  for (const auto auth : {FakeRegistry::Auth::kBasic, FakeRegistry::Auth::kToken}) {
    registry_.behaviour.auth = auth;
    endpoint_.credentials = {wrong_, bob_};
    ASSERT_TRUE(send());
    registry_.clear_log();
    ASSERT_TRUE(send());
    EXPECT_EQ(registry_.requests().size(), 1U);
  }
}

TEST_F(TransportTest, ACredentialThatMayNotReadIsNotTheLastWord) {
  registry_.behaviour.auth = FakeRegistry::Auth::kBasic;
  registry_.behaviour.may_pull = [](const std::string& user, const std::string&) {
    return user == "bob";
  };
  endpoint_.credentials = {alice_, bob_};
  EXPECT_TRUE(send());
  endpoint_.credentials = {alice_};
  const auto denied = send();
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_NE(denied.error().message().find("access denied"), std::string::npos);
}

TEST_F(TransportTest, CredentialsAreDroppedWhenTheHostChanges) {
  registry_.behaviour.auth = FakeRegistry::Auth::kBasic;
  registry_.behaviour.blobs_redirect = true;
  endpoint_.credentials = {alice_};
  const auto blob = registry_.put_blob("team/app", "bytes");
  call_.target = "/v2/team/app/blobs/" + blob;

  const auto response = send();
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->body, "bytes");
  EXPECT_EQ(authorizations(), (Headers{"", alice_basic_, ""}));
}

TEST_F(TransportTest, CredentialsDoNotComeBackWithTheHost) {
  registry_.behaviour.auth = FakeRegistry::Auth::kBasic;
  endpoint_.credentials = {alice_};
  ASSERT_TRUE(send());
  registry_.clear_log();
  registry_.fail("/manifests/v1",
                 web_answer(307, "", {{"Location", "https://storage.registry.example.com/x"}}));
  registry_.fail("storage.registry.example.com/x",
                 web_answer(307, "", {{"Location", "https://registry.example.com/v2/y"}}));
  EXPECT_FALSE(send());
  EXPECT_EQ(authorizations(), (Headers{alice_basic_, "", ""}));
}

TEST_F(TransportTest, AChallengeFromARedirectTargetIsNotAnswered) {
  endpoint_.credentials = {alice_};
  registry_.fail("/manifests/v1",
                 web_answer(302, "", {{"Location", "https://storage.registry.example.com/x"}}));
  registry_.fail("storage.registry.example.com",
                 web_answer(401, "", {{"WWW-Authenticate", "Basic realm=x"}}));
  const auto response = send();
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(authorizations(), (Headers{"", ""}));
}

TEST_F(TransportTest, RedirectsStayWithinTheRules) {
  struct Case {
    std::string name, location;
    ErrorCode code;
    std::size_t requests;
  };
  const Case cases[] = {
      {"circle", "/v2/team/app/manifests/v1", ErrorCode::kInvalidArgument, 4},
      {"plain", "http://registry.example.com/x", ErrorCode::kInvalidArgument, 1},
      {"plain, other host", "http://storage.registry.example.com/x", ErrorCode::kInvalidArgument,
       1},
      {"no location", "", ErrorCode::kInvalidArgument, 1},
      {"other scheme", "file:///etc/passwd", ErrorCode::kInvalidArgument, 1},
      {"user in URL", "https://a:b@storage.registry.example.com/x", ErrorCode::kInvalidArgument, 1},
      {"no such host", "https://nowhere.test/x", ErrorCode::kUnavailable, 2},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    registry_.heal();
    registry_.clear_log();
    registry_.fail("/manifests/v1", web_answer(301, "", {{"Location", test.location}}));
    const auto response = send();
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code(), test.code) << response.error().message();
    EXPECT_NE(response.error().message().find("registry.example.com"), std::string::npos);
    EXPECT_EQ(registry_.requests().size(), test.requests);
  }
}

TEST_F(TransportTest, PlainHttpIsUsedWhereTheFileSaysSo) {
  use_file("registries: [{host: registry.example.com, scheme: http}]");
  registry_.behaviour.auth = FakeRegistry::Auth::kToken;
  registry_.behaviour.realm = "http://auth.registry.example.com/token";
  endpoint_.credentials = {alice_};
  ASSERT_TRUE(send());
  EXPECT_EQ(registry_.count("GET http://registry.example.com/v2/"), 2U);
  EXPECT_EQ(registry_.count("https://"), 0U);
}

TEST_F(TransportTest, PrivateRootsGoToTheRegistryAndItsTokenServiceOnly) {
  endpoint_.config.ca_pem = "roots";
  registry_.behaviour.auth = FakeRegistry::Auth::kToken;
  registry_.behaviour.blobs_redirect = true;
  endpoint_.credentials = {alice_};
  const auto blob = registry_.put_blob("team/app", "bytes");
  call_.target = "/v2/team/app/blobs/" + blob;
  ASSERT_TRUE(send());
  for (const auto& request : registry_.requests()) {
    const bool storage = request.url.find("storage.") != std::string::npos;
    EXPECT_EQ(request.ca_pem, storage ? "" : "roots") << request.url;
  }
}

TEST_F(TransportTest, EachFailureHasItsCodeAndItsWords) {
  struct Case {
    std::string name;
    Result<http::Response> answer;
    ErrorCode code;
    std::string says;
  };
  const Case cases[] = {
      {"401", web_answer(401), ErrorCode::kPermissionDenied, "authentication required"},
      {"403", web_answer(403), ErrorCode::kPermissionDenied, "access denied"},
      {"404", web_answer(404), ErrorCode::kNotFound, "not found"},
      {"408", web_answer(408), ErrorCode::kUnavailable, "408"},
      {"429", web_answer(429), ErrorCode::kResourceExhausted, "too many requests"},
      {"500", web_answer(500), ErrorCode::kUnavailable, "500"},
      {"503", web_answer(503), ErrorCode::kUnavailable, "503"},
      {"418", web_answer(418), ErrorCode::kInvalidArgument, "418"},
      {"101", web_answer(101), ErrorCode::kInvalidArgument, "101"},
      {"TLS", Error(ErrorCode::kPermissionDenied, "tls: unknown authority"),
       ErrorCode::kPermissionDenied, "caFile"},
      {"DNS", Error(ErrorCode::kUnavailable, "dns: no address"), ErrorCode::kUnavailable, "dns"},
      {"connect", Error(ErrorCode::kUnavailable, "connect: refused"), ErrorCode::kUnavailable,
       "connect"},
      {"time", Error(ErrorCode::kDeadlineExceeded, "timed out"), ErrorCode::kDeadlineExceeded,
       "timed out"},
      {"size", Error(ErrorCode::kInvalidArgument, "too long"), ErrorCode::kInvalidArgument,
       "too long"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    registry_.heal();
    registry_.fail("/manifests/", test.answer);
    clock_.advance(10s);
    const auto response = send();
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code(), test.code);
    EXPECT_NE(response.error().message().find(test.says), std::string::npos)
        << response.error().message();
    EXPECT_NE(response.error().message().find("registry registry.example.com"), std::string::npos);
  }
}

TEST_F(TransportTest, TheRemedyFitsTheCredentials) {
  registry_.behaviour.auth = FakeRegistry::Auth::kBasic;
  EXPECT_NE(send().error().message().find("spec.imagePullSecrets"), std::string::npos);
  endpoint_.credentials = {wrong_};
  const auto refused = send();
  EXPECT_NE(refused.error().message().find("renew the pull secret"), std::string::npos);
  EXPECT_EQ(refused.error().message().find("wrong"), std::string::npos);
}

TEST_F(TransportTest, RetryAfterIsPassedOn) {
  registry_.fail("/manifests/", web_answer(429, "", {{"Retry-After", "7"}}));
  EXPECT_EQ(send().error().retry_after(), 7s);
}

TEST_F(TransportTest, AHostThatSaysTooManyRequestsIsLeftAlone) {
  registry_.fail("/manifests/", web_answer(429), 1);
  EXPECT_FALSE(send());
  const auto held = send();
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(registry_.requests().size(), 1U);
  clock_.advance(5s);
  EXPECT_TRUE(send());
}

TEST_F(TransportTest, WithoutTimeNothingIsSent) {
  const auto response = transport_.send(endpoint_, call_, Deadline::after(0ms));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), ErrorCode::kDeadlineExceeded);
  EXPECT_TRUE(registry_.requests().empty());
}

}  // namespace
}  // namespace portcullis::oci
