#include "operator/cluster_kinds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/fake_api_server.hpp"
#include "tests/fakes/signer.hpp"

namespace portcullis::controller {
namespace {

using codec::Json;
using ::testing::HasSubstr;

Json policy_with(const std::string& pem) {
  return {
      {"metadata", {{"name", "ours"}, {"generation", 2}}},
      {"spec",
       {{"images", {{"include", {"registry.example.com/**"}}}},
        {"authorities",
         Json::array(
             {{{"name", "ci"}, {"vouchesFor", {"Signature"}}, {"publicKey", {{"pem", pem}}}}})}}}};
}

TEST(ClusterKindsTest, APolicyThatCompilesNamesItsKeys) {
  const auto key = testing::make_key();
  const auto judged = judge_trust_policy(policy_with(key.public_pem()));
  EXPECT_EQ(judged.ready.status, "True");
  EXPECT_EQ(judged.ready.observed_generation, 2);
  EXPECT_EQ(judged.details["authorities"][0]["fingerprint"], "sha256:" + key.fingerprint());
}

TEST(ClusterKindsTest, WhatCannotBeUsedSaysWhyAndWhatHappensMeanwhile) {
  struct Row {
    const char* name;
    ClusterObject judged;
    const char* meanwhile;
  };
  const Json nonsense = {{"metadata", {{"name", "x"}}}, {"spec", {{"images", 5}}}};
  const Json bad_profile = {{"metadata", {{"name", "x"}}},
                            {"spec", {{"baseline", {{"mode", "Sometimes"}}}}}};
  for (const auto& row :
       {Row{"unreadable policy", judge_trust_policy(nonsense), "refuses"},
        Row{"broken policy", judge_trust_policy(policy_with("no key")), "refuses"},
        Row{"profile", judge_security_profile(bad_profile), "refused"}}) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(row.judged.ready.status, "False");
    EXPECT_EQ(row.judged.ready.reason, "Invalid");
    EXPECT_THAT(row.judged.ready.message, HasSubstr(row.meanwhile));
  }
}

TEST(ClusterKindsTest, WhatIsNotYetEnforcedIsSaid) {
  const Json profile = {{"metadata", {{"name", "x"}}},
                        {"spec", {{"podSecurityLabels", "Enforce"}, {"runningPods", "Evict"}}}};
  EXPECT_EQ(judge_security_profile(profile).ready.reason, "NotYetEnforced");
  EXPECT_THAT(judge_security_profile(profile).ready.message,
              HasSubstr("podSecurityLabels, runningPods"));
  const Json root = {{"metadata", {{"name", "x"}}}, {"spec", {{"inline", "{}"}}}};
  EXPECT_EQ(judge_trusted_root(root).ready.reason, "NotYetEnforced");
}

class ClusterKindReconcilerTest : public ::testing::Test {
 protected:
  void sync() {
    const auto object = *server_.get(kube::kTrustPolicies, {"", "ours"});
    store_.put({"", "ours"}, std::make_shared<const ClusterObject>(judge_trust_policy(object)));
  }
  testing::FakeClock clock_;
  testing::FakeApiServer server_{clock_};
  kube::Client client_{server_, "test"};
  kube::MutableStore<ClusterObject> store_;
  ClusterKindReconciler reconciler_{kube::kTrustPolicies, store_, client_, clock_};
};

TEST_F(ClusterKindReconcilerTest, WritesTheStatusOnceAndAgainWhenItChanges) {
  server_.put(kube::kTrustPolicies, policy_with(testing::make_key().public_pem()));
  sync();
  ASSERT_TRUE(reconciler_.reconcile({"", "ours"}, Deadline::after(std::chrono::seconds(5))));
  EXPECT_EQ((*server_.get(kube::kTrustPolicies, {"", "ours"}))["status"]["conditions"][0]["status"],
            "True");
  sync();
  server_.forget_requests();
  ASSERT_TRUE(reconciler_.reconcile({"", "ours"}, Deadline::after(std::chrono::seconds(5))));
  EXPECT_TRUE(server_.requests().empty());

  auto broken = *server_.get(kube::kTrustPolicies, {"", "ours"});
  broken["spec"]["authorities"][0]["publicKey"]["pem"] = "no key";
  server_.put(kube::kTrustPolicies, broken);
  sync();
  ASSERT_TRUE(reconciler_.reconcile({"", "ours"}, Deadline::after(std::chrono::seconds(5))));
  EXPECT_EQ((*server_.get(kube::kTrustPolicies, {"", "ours"}))["status"]["conditions"][0]["reason"],
            "Invalid");
}

TEST_F(ClusterKindReconcilerTest, FailuresComeBack) {
  server_.put(kube::kTrustPolicies, policy_with("no key"));
  sync();
  server_.fail_next("PATCH", "/status", Error(ErrorCode::kUnavailable, "down"));
  EXPECT_FALSE(reconciler_.reconcile({"", "ours"}, Deadline::after(std::chrono::seconds(5))));
  EXPECT_TRUE(reconciler_.reconcile({"", "gone"}, Deadline::after(std::chrono::seconds(5))));
}

}  // namespace
}  // namespace portcullis::controller
