#include "operator/workload_reconciler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/codec/json.hpp"
#include "tests/fakes/fake_api_server.hpp"

namespace portcullis::controller {
namespace {

using codec::Json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

const api::ObjectKey kKey{"clinic", "triage"};
const api::ObjectKey kPolicyKey{"clinic", "triage-portcullis"};

class FakeRecorder final : public kube::Recorder {
 public:
  void record(const kube::Regarding&, kube::EventType, const std::string& reason,
              const std::string&, const std::string&) override {
    reasons.push_back(reason);
  }
  std::vector<std::string> reasons;
};

class WorkloadReconcilerTest : public ::testing::Test {
 protected:
  WorkloadReconcilerTest() {
    set_profile(R"({"baseline": {"mode": "Enforce", "network": {"isolation": "Full"}}})");
    protect("default");
    server_.put(kube::kAIWorkloads, Json::parse(R"({
      "apiVersion": "portcullis.dev/v1alpha1", "kind": "AIWorkload",
      "metadata": {"namespace": "clinic", "name": "triage"},
      "spec": {"selector": {"matchLabels": {"app": "triage"}}, "dataClassification": "Internal"}})"));
    sync();
  }

  /// What reflectors do.
  void sync() {
    std::map<api::ObjectKey, Workload> workloads;
    for (const auto& object : server_.list(kube::kAIWorkloads)) {
      workloads[api::parse_meta(object).key] =
          api::keep<api::AIWorkload>(object, api::parse_ai_workload);
    }
    workloads_.replace(std::move(workloads));
    std::map<api::ObjectKey, std::shared_ptr<const OwnedObject>> policies;
    for (const auto& object : server_.list(kube::kNetworkPolicies)) {
      const auto meta = api::parse_meta(object);
      if (!meta.labels.contains(api::kWorkloadLabel)) continue;
      policies[meta.key] = std::make_shared<const OwnedObject>(
          OwnedObject{meta, std::make_shared<const Json>(object["spec"])});
      barrier_.seen(meta.key, meta.resource_version);
    }
    for (const auto& old : policies_.list()) {
      if (!policies.contains(old->meta.key))
        barrier_.seen(old->meta.key, old->meta.resource_version);
    }
    policies_.replace(std::move(policies));
  }
  void set_profile(const char* spec) {
    const Json object = {{"metadata", {{"name", "default"}}}, {"spec", Json::parse(spec)}};
    profiles_.put({"", "default"},
                  api::keep<api::AISecurityProfile>(object, api::parse_security_profile));
  }
  void protect(const std::string& profile) {
    api::ObjectMeta meta;
    meta.key = {"", "clinic"};
    meta.labels[api::kProfileLabel] = profile;
    namespaces_.put(meta.key, std::make_shared<const api::ObjectMeta>(meta));
  }
  void run_pod(const std::string& name, const std::string& app) {
    api::PodInfo pod;
    pod.meta.key = {"clinic", name};
    pod.meta.labels["app"] = app;
    pods_.put(pod.meta.key, std::make_shared<const api::PodInfo>(pod));
  }
  /// Reconciles until nothing more is asked for at once, as the controller does.
  Result<kube::Action> settle() {
    for (int round = 0; round < 5; ++round) {
      auto action = reconciler_.reconcile(kKey, Deadline::after(5s));
      sync();
      if (!action) return action;
      if (action->requeue_after && *action->requeue_after >= 1s) return action;
    }
    return kube::Action::await_change();
  }
  Json condition(const std::string& type) {
    const auto workload = server_.get(kube::kAIWorkloads, kKey);
    if (!workload || !workload->contains("status")) return {};
    for (const auto& one : (*workload)["status"]["conditions"]) {
      if (one["type"] == type) return one;
    }
    return {};
  }

  testing::FakeClock clock_;
  testing::FakeApiServer server_{clock_};
  kube::Client client_{server_, "test"};
  FakeRecorder recorder_;
  WriteBarrier barrier_{clock_};
  kube::MutableStore<api::Parsed<api::AIWorkload>> workloads_;
  kube::MutableStore<api::Parsed<api::AISecurityProfile>> profiles_;
  kube::MutableStore<api::ObjectMeta> namespaces_;
  kube::MutableStore<api::PodInfo> pods_;
  kube::MutableStore<OwnedObject> policies_;
  WorkloadReconciler reconciler_{{},       {workloads_, profiles_, namespaces_, pods_, policies_},
                                 client_,  recorder_,
                                 barrier_, [] { return NetworkFacts{}; },
                                 clock_};
};

TEST_F(WorkloadReconcilerTest, TheFinalizerComesBeforeAnyEffect) {
  ASSERT_TRUE(reconciler_.reconcile(kKey, Deadline::after(5s)));
  EXPECT_EQ((*server_.get(kube::kAIWorkloads, kKey))["metadata"]["finalizers"],
            Json::array({"portcullis.dev/isolation"}));
  EXPECT_FALSE(server_.get(kube::kNetworkPolicies, kPolicyKey));
}

TEST_F(WorkloadReconcilerTest, IsolatesAndReports) {
  ASSERT_TRUE(settle());
  EXPECT_TRUE(server_.get(kube::kNetworkPolicies, kPolicyKey));
  EXPECT_EQ(condition("NetworkIsolated")["status"], "True");
  EXPECT_EQ(condition("Ready")["status"], "True");
  EXPECT_THAT(recorder_.reasons, Contains("Isolated"));
  const auto status = (*server_.get(kube::kAIWorkloads, kKey))["status"];
  EXPECT_EQ(status["objects"][0]["state"], "Applied");
  EXPECT_EQ(status["effective"]["requirements"]["network"]["isolation"], "Full");
}

TEST_F(WorkloadReconcilerTest, ASettledWorkloadIsNotWrittenAgain) {
  ASSERT_TRUE(settle());
  server_.forget_requests();
  ASSERT_TRUE(settle());
  for (const auto& request : server_.requests()) {
    ADD_FAILURE() << request.method << " " << request.target << " " << request.body;
  }
}

TEST_F(WorkloadReconcilerTest, ADeletedPolicyIsBackAndSaid) {
  ASSERT_TRUE(settle());
  server_.remove(kube::kNetworkPolicies, kPolicyKey);
  sync();
  ASSERT_TRUE(settle());
  EXPECT_TRUE(server_.get(kube::kNetworkPolicies, kPolicyKey));
  EXPECT_THAT(recorder_.reasons, Contains("DriftRepaired"));
}

TEST_F(WorkloadReconcilerTest, AChangedPolicyIsRepaired) {
  ASSERT_TRUE(settle());
  const auto wanted = *server_.get(kube::kNetworkPolicies, kPolicyKey);
  auto tampered = wanted;
  tampered["spec"]["ingress"] = Json::array({Json::object()});
  server_.put(kube::kNetworkPolicies, tampered);
  sync();
  ASSERT_TRUE(settle());
  EXPECT_EQ((*server_.get(kube::kNetworkPolicies, kPolicyKey))["spec"], wanted["spec"]);
  EXPECT_THAT(recorder_.reasons, Contains("DriftRepaired"));
}

TEST_F(WorkloadReconcilerTest, OurOwnWriteIsNotTakenForDriftWhileTheStoreLags) {
  ASSERT_TRUE(reconciler_.reconcile(kKey, Deadline::after(5s)));  // finalizer
  sync();
  ASSERT_TRUE(reconciler_.reconcile(kKey, Deadline::after(5s)));  // policy, which the store has not
  const auto action = reconciler_.reconcile(kKey, Deadline::after(5s));
  ASSERT_TRUE(action);
  EXPECT_LT(*action->requeue_after, 1s);
  EXPECT_THAT(recorder_.reasons, ::testing::Not(Contains("DriftRepaired")));
}

TEST_F(WorkloadReconcilerTest, AForeignPolicyOfOurNameIsNotTakenOver) {
  server_.put(kube::kNetworkPolicies, Json::parse(R"({
    "metadata": {"namespace": "clinic", "name": "triage-portcullis"}, "spec": {"podSelector": {}}})"));
  EXPECT_FALSE(settle());
  EXPECT_EQ((*server_.get(kube::kNetworkPolicies, kPolicyKey))["spec"],
            Json::parse(R"({"podSelector": {}})"));
  EXPECT_EQ(condition("NetworkIsolated")["status"], "False");
  EXPECT_THAT(condition("Ready")["message"].get<std::string>(), HasSubstr("not ours"));
}

TEST_F(WorkloadReconcilerTest, ModeAuditPlansAndAppliesNothingThatBreaks) {
  set_profile(R"({"baseline": {"mode": "Audit", "network": {"isolation": "Full"}}})");
  ASSERT_TRUE(settle());
  EXPECT_FALSE(server_.get(kube::kNetworkPolicies, kPolicyKey));
  const auto status = (*server_.get(kube::kAIWorkloads, kKey))["status"];
  EXPECT_EQ(status["objects"][0]["state"], "Planned");
  EXPECT_EQ(condition("NetworkIsolated")["reason"], "AuditOnly");
  EXPECT_EQ(condition("Ready")["reason"], "Auditing");
}

TEST_F(WorkloadReconcilerTest, GoingFromEnforceToAuditTakesThePolicyAway) {
  ASSERT_TRUE(settle());
  set_profile(R"({"baseline": {"mode": "Audit", "network": {"isolation": "Full"}}})");
  ASSERT_TRUE(settle());
  EXPECT_FALSE(server_.get(kube::kNetworkPolicies, kPolicyKey));
}

// What cannot be decided is told, and what is in place stays.
TEST_F(WorkloadReconcilerTest, FailsClosed) {
  ASSERT_TRUE(settle());
  struct Row {
    const char* name;
    std::function<void()> happens;
    const char* reason;
  };
  for (const auto& row : {Row{"unprotected",
                              [this] {
                                namespaces_.erase({"", "clinic"});
                              },
                              "NamespaceNotProtected"},
                          Row{"no profile", [this] { protect("gone"); }, "ProfileNotFound"},
                          Row{"invalid profile",
                              [this] {
                                protect("default");
                                set_profile(R"({"baseline": {"mode": "Sometimes"}})");
                              },
                              "ProfileInvalid"}}) {
    SCOPED_TRACE(row.name);
    row.happens();
    ASSERT_TRUE(settle());
    EXPECT_EQ(condition("Ready")["status"], "False");
    EXPECT_EQ(condition("Ready")["reason"], row.reason);
    EXPECT_TRUE(server_.get(kube::kNetworkPolicies, kPolicyKey)) << "isolation stays";
  }
}

TEST_F(WorkloadReconcilerTest, AFailedApplyIsInTheStatusAndTriedAgain) {
  server_.fail_next("PATCH", "networkpolicies", Error(ErrorCode::kUnavailable, "connection reset"),
                    1);
  const auto first = settle();
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(condition("NetworkIsolated")["reason"], "ApplyFailed");
  ASSERT_TRUE(settle());
  EXPECT_EQ(condition("NetworkIsolated")["status"], "True");
}

TEST_F(WorkloadReconcilerTest, DeletionWaitsForThePodsAndThenLetsGo) {
  ASSERT_TRUE(settle());
  run_pod("triage-1", "triage");
  ASSERT_TRUE(client_.remove(kube::kAIWorkloads, kKey, {}, Deadline::after(5s)));
  sync();
  const auto waiting = reconciler_.reconcile(kKey, Deadline::after(5s));
  ASSERT_TRUE(waiting);
  EXPECT_TRUE(waiting->requeue_after);
  EXPECT_TRUE(server_.get(kube::kAIWorkloads, kKey));
  EXPECT_TRUE(server_.get(kube::kNetworkPolicies, kPolicyKey)) << "isolation stays with the pods";

  pods_.erase({"clinic", "triage-1"});
  ASSERT_TRUE(reconciler_.reconcile(kKey, Deadline::after(5s)));
  EXPECT_FALSE(server_.get(kube::kAIWorkloads, kKey));
}

TEST_F(WorkloadReconcilerTest, DeletionDoesNotWaitForEver) {
  ASSERT_TRUE(settle());
  run_pod("triage-1", "triage");
  ASSERT_TRUE(client_.remove(kube::kAIWorkloads, kKey, {}, Deadline::after(5s)));
  sync();
  clock_.advance(11min);
  ASSERT_TRUE(reconciler_.reconcile(kKey, Deadline::after(5s)));
  EXPECT_FALSE(server_.get(kube::kAIWorkloads, kKey));
}

TEST_F(WorkloadReconcilerTest, CountsOnlyPodsThatTheSelectorMatches) {
  run_pod("triage-1", "triage");
  run_pod("other-1", "other");
  ASSERT_TRUE(settle());
  EXPECT_EQ((*server_.get(kube::kAIWorkloads, kKey))["status"]["pods"]["selected"], 1);
}

TEST_F(WorkloadReconcilerTest, TheYoungerOfTwoOverlappingWorkloadsIsNotBound) {
  clock_.advance(1h);
  server_.put(kube::kAIWorkloads, Json::parse(R"({
    "metadata": {"namespace": "clinic", "name": "younger"},
    "spec": {"selector": {"matchLabels": {"tier": "gpu"}}, "dataClassification": "Internal"}})"));
  sync();
  ASSERT_TRUE(settle());
  EXPECT_EQ(condition("Bound")["status"], "True") << "the older one keeps its pods";
  const auto younger = workloads_.get({"clinic", "younger"});
  EXPECT_THAT(overlapping(*younger->value, workloads_.list("clinic")),
              ::testing::ElementsAre("triage"));
}

TEST_F(WorkloadReconcilerTest, WhatIsNotYetEnforcedIsSaid) {
  set_profile(R"({"baseline": {"podSecurity": {"level": "Restricted"}, "sessions": "Deny"}})");
  ASSERT_TRUE(settle());
  EXPECT_EQ(condition("Enforced")["reason"], "NotYetEnforced");
  const auto message = condition("Enforced")["message"].get<std::string>();
  EXPECT_THAT(message, HasSubstr("podSecurity.level"));
  EXPECT_THAT(message, HasSubstr("sessions"));
}

TEST(WriteBarrierTest, EndsWhenTheStoreHasCaughtUpOrTimeIsUp) {
  testing::FakeClock clock;
  WriteBarrier barrier(clock);
  EXPECT_FALSE(barrier.pending(kKey));
  barrier.wrote(kKey, "1005");
  barrier.seen(kKey, "999");
  EXPECT_TRUE(barrier.pending(kKey)) << "an older state";
  barrier.seen(kKey, "1005");
  EXPECT_FALSE(barrier.pending(kKey));
  barrier.wrote(kKey, "1010");
  clock.advance(6s);
  EXPECT_FALSE(barrier.pending(kKey));
}

}  // namespace
}  // namespace portcullis::controller
