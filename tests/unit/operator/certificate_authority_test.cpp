#include "operator/certificate_authority.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"
#include "tests/fakes/fake_api_server.hpp"

namespace portcullis::controller {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;

constexpr const char* kName = "portcullis-webhook.portcullis-system.svc";
constexpr hours kDay{24};
const Time kStart = testing::FakeClock::start();

std::size_t certificates_in(const std::string& pem) { return codec::parse_pem(pem)->size(); }

TEST(AdvanceTest, MakesACaWhereThereIsNone) {
  const auto state = advance(std::nullopt, kName, kStart);
  ASSERT_TRUE(state);
  EXPECT_FALSE(state->next);
  EXPECT_EQ(state->bundle_pem, state->current.certificate_pem);
  EXPECT_TRUE(crypto::parse_certificate(state->current.certificate_pem)->is_ca);
}

TEST(AdvanceTest, NothingChangesWhileTheCaIsYoung) {
  const auto state = *advance(std::nullopt, kName, kStart);
  EXPECT_EQ(*advance(state, kName, kStart + 200 * kDay), state);
}

// Overlap in both directions: at no moment is a leaf served that the bundle does not vouch for.
TEST(AdvanceTest, ANewCaIsTrustedBeforeItSignsAndTheOldOneAfter) {
  const auto first = *advance(std::nullopt, kName, kStart);
  const auto rotating = *advance(first, kName, kStart + 250 * kDay);
  ASSERT_TRUE(rotating.next);
  EXPECT_EQ(rotating.current.certificate_pem, first.current.certificate_pem) << "signs still";
  EXPECT_EQ(certificates_in(rotating.bundle_pem), 2U);
  EXPECT_EQ(*advance(rotating, kName, kStart + 250 * kDay + std::chrono::minutes(30)), rotating);

  const auto rotated = *advance(rotating, kName, kStart + 250 * kDay + hours(2));
  EXPECT_EQ(rotated.current.certificate_pem, rotating.next->certificate_pem);
  EXPECT_FALSE(rotated.next);
  EXPECT_THAT(rotated.bundle_pem, HasSubstr(first.current.certificate_pem)) << "leaves of it live";

  const auto later = *advance(rotated, kName, kStart + 370 * kDay);
  EXPECT_EQ(certificates_in(later.bundle_pem), 1U) << "an ended CA leaves the bundle";
}

TEST(AdvanceTest, WhatCannotBeUsedIsReplaced) {
  const auto good = *advance(std::nullopt, kName, kStart);
  const auto other = *advance(std::nullopt, kName, kStart);
  struct Row {
    const char* name;
    AuthorityState state;
    Time now;
  };
  for (const auto& row :
       {Row{"not PEM", {{"x", "y"}, std::nullopt, ""}, kStart},
        Row{"foreign key",
            {{good.current.certificate_pem, other.current.private_key_pem}, std::nullopt, ""},
            kStart},
        Row{"ended", good, kStart + 400 * kDay}}) {
    SCOPED_TRACE(row.name);
    const auto state = advance(row.state, kName, row.now);
    ASSERT_TRUE(state);
    EXPECT_NE(state->current.certificate_pem, row.state.current.certificate_pem);
    EXPECT_TRUE(
        crypto::key_belongs_to(state->current.private_key_pem, state->current.certificate_pem));
  }
}

TEST(AdvanceTest, ABrokenNextIsDroppedAndMadeAnew) {
  auto state = *advance(std::nullopt, kName, kStart);
  state.next = crypto::Credential{"broken", "broken"};
  const auto dropped = *advance(state, kName, kStart + 250 * kDay);
  EXPECT_FALSE(dropped.next);
  EXPECT_TRUE(advance(dropped, kName, kStart + 250 * kDay)->next);
}

class CertificateAuthorityTest : public ::testing::Test {
 protected:
  CertificateAuthorityTest() {
    for (const auto& resource : {kube::kValidatingWebhooks, kube::kMutatingWebhooks}) {
      server_.put(
          resource,
          {{"metadata", {{"name", "portcullis"}}},
           {"webhooks", codec::Json::array({{{"name", "pods.portcullis.dev"},
                                             {"clientConfig", {{"service", {{"name", "s"}}}}}}})}});
    }
  }
  std::string published() {
    return (*server_.get(kube::kValidatingWebhooks,
                         {"", "portcullis"}))["webhooks"][0]["clientConfig"]
        .value("caBundle", "");
  }
  std::string secret_entry(const char* key) {
    return (*server_.get(kube::kSecrets, kSecret))["data"].value(key, "");
  }

  const api::ObjectKey kSecret{"portcullis-system", "ca"};
  testing::FakeClock clock_;
  testing::FakeApiServer server_;
  kube::Client client_{server_, "test"};
  metrics::Registry registry_;
  CertificateAuthority authority_{
      {kSecret, kName, "portcullis", "portcullis"}, client_, clock_, registry_};
};

TEST_F(CertificateAuthorityTest, MakesTheSecretAndPublishesItsBundle) {
  EXPECT_NE(authority_.why_not_kept(), "");
  authority_.keep();
  EXPECT_EQ(authority_.why_not_kept(), "");
  EXPECT_EQ((*server_.get(kube::kSecrets, kSecret))["type"], "kubernetes.io/tls");
  EXPECT_EQ(published(), secret_entry("ca-bundle.crt"));
}

TEST_F(CertificateAuthorityTest, ASecondPassWritesNothing) {
  authority_.keep();
  server_.forget_requests();
  authority_.keep();
  for (const auto& request : server_.requests()) EXPECT_EQ(request.method, "GET") << request.target;
}

TEST_F(CertificateAuthorityTest, ABundleSomebodyChangedIsRepaired) {
  authority_.keep();
  auto configuration = *server_.get(kube::kValidatingWebhooks, {"", "portcullis"});
  configuration["webhooks"][0]["clientConfig"]["caBundle"] = "AAAA";
  server_.put(kube::kValidatingWebhooks, configuration);
  authority_.keep();
  EXPECT_EQ(published(), secret_entry("ca-bundle.crt"));
}

TEST_F(CertificateAuthorityTest, RotationDropsNextOnceItSigns) {
  authority_.keep();
  clock_.advance(250 * kDay);
  authority_.keep();
  EXPECT_NE(secret_entry("next.crt"), "");
  clock_.advance(hours(2));
  authority_.keep();
  EXPECT_EQ(secret_entry("next.crt"), "");
  EXPECT_EQ(published(), secret_entry("ca-bundle.crt"));
}

TEST_F(CertificateAuthorityTest, FailuresAreTold) {
  server_.fail_next("GET", "/secrets/", Error(ErrorCode::kPermissionDenied, "forbidden"), 10);
  authority_.keep();
  EXPECT_THAT(authority_.why_not_kept(), HasSubstr("forbidden"));
  EXPECT_FALSE(server_.get(kube::kSecrets, kSecret)) << "unreadable is not absent";
}

}  // namespace
}  // namespace portcullis::controller
