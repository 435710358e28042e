#include "operator/workload_status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/codec/json.hpp"

namespace portcullis::controller {
namespace {

using ::testing::HasSubstr;

const Time kNow{std::chrono::seconds(1'767'323'045)};

api::AIWorkload triage() {
  api::AIWorkload workload;
  workload.meta.key = {"clinic", "triage"};
  workload.meta.generation = 3;
  workload.selector = {{"app", "triage"}};
  return workload;
}

const api::Condition& find(const std::vector<api::Condition>& conditions, const std::string& type) {
  return *std::ranges::find(conditions, type, &api::Condition::type);
}

TEST(WorkloadStatusTest, ReadyNamesTheFirstControlThatIsNotInPlace) {
  struct Row {
    const char* name;
    std::function<void(api::AIWorkload&, WorkloadOutcome&)> change;
    const char* status;
    const char* reason;
  };
  for (const auto& row : std::vector<Row>{
           {"nothing asked", [](auto&, auto&) {}, "True", "InPlace"},
           {"isolated",
            [](auto&, auto&outcome) {
              outcome.isolates = true;
              outcome.network_state = ObjectState::kApplied;
            },
            "True", "InPlace"},
           {"apply failed",
            [](auto&, auto&outcome) {
              outcome.isolates = true;
              outcome.network_state = ObjectState::kFailed;
              outcome.network_error = "forbidden";
            },
            "False", "ApplyFailed"},
           {"peers left out",
            [](auto&, auto&outcome) {
              outcome.isolates = true;
              outcome.network_state = ObjectState::kApplied;
              outcome.network_problems = {{"spec.network.egress[0].to[0]", "is public"}};
            },
            "False", "PeersLeftOut"},
           {"unknown profile",
            [](auto&, auto&outcome) { outcome.undecided_reason = "ProfileNotFound"; }, "False",
            "ProfileNotFound"},
           {"unsatisfiable",
            [](auto&, auto&outcome) {
              outcome.effective.unsatisfiable = {"podSecurity.runtimeClassNames"};
            },
            "False", "Unsatisfiable"},
           {"overlap", [](auto&, auto&outcome) { outcome.overlapping = {"older"}; }, "False",
            "SelectorOverlaps"},
           {"secrets declared", [](auto&workload, auto&) { workload.secret_names = {"token"}; },
            "False", "NotYetEnforced"},
           {"access declared", [](auto&workload, auto&) { workload.has_access_grants = true; },
            "False", "NotYetEnforced"}}) {
    SCOPED_TRACE(row.name);
    auto workload = triage();
    WorkloadOutcome outcome;
    row.change(workload, outcome);
    const auto conditions = conditions_of(workload, outcome, kNow);
    EXPECT_EQ(conditions.front().type, "Ready");
    EXPECT_EQ(conditions.front().status, row.status);
    EXPECT_EQ(conditions.front().reason, row.reason);
  }
}

TEST(WorkloadStatusTest, TransitionTimesMoveOnlyWithTheStatus) {
  auto workload = triage();
  workload.conditions = conditions_of(workload, {}, kNow);
  const auto later = kNow + std::chrono::hours(1);
  EXPECT_EQ(find(conditions_of(workload, {}, later), "Ready").last_transition_time, kNow);
  WorkloadOutcome broken;
  broken.undecided_reason = "ProfileNotFound";
  EXPECT_EQ(find(conditions_of(workload, broken, later), "Ready").last_transition_time, later);
}

TEST(WorkloadStatusTest, EveryConditionObservesTheGeneration) {
  for (const auto& condition : conditions_of(triage(), {}, kNow)) {
    EXPECT_EQ(condition.observed_generation, 3) << condition.type;
    EXPECT_FALSE(condition.reason.empty()) << condition.type;
  }
}

TEST(WorkloadStatusTest, ModelsAreDeclaredOrUnresolvedNeverVerified) {
  auto workload = triage();
  workload.models = {{.name = "base", .image_reference = "registry.example.com/m@sha256:0"},
                     {.name = "lora", .uri = "s3://bucket/lora"}};
  const auto status = status_object(workload, {}, {})["status"];
  EXPECT_EQ(status["models"][0]["verification"], "Unresolved");
  EXPECT_EQ(status["models"][1]["verification"], "Declared");
}

TEST(WorkloadStatusTest, AHugeMessageFitsACondition) {
  WorkloadOutcome outcome;
  outcome.undecided_reason = "ProfileInvalid";
  outcome.undecided_message = std::string(100'000, 'x');
  EXPECT_LE(conditions_of(triage(), outcome, kNow).front().message.size(), 32'768U);
}

// Each requirement that this version reads and does not enforce is one row.
TEST(WorkloadStatusTest, ListsWhatIsNotYetEnforced) {
  api::Requirements all;
  all.pod_security.level = api::PodSecurityLevel::kRestricted;
  all.pod_security.read_only_root_filesystem = api::RootFilesystemRule::kRequired;
  all.pod_security.api_token = api::AllowDeny::kDeny;
  all.pod_security.runtime_class_names = std::vector<std::string>{"kata"};
  all.sessions = api::AllowDeny::kDeny;
  all.secrets_max_age = std::chrono::hours(1);
  all.declare = {api::Declaration::kContact};
  all.models.unverifiable = api::AllowDeny::kDeny;
  all.network.foreign_policies = api::ForeignPolicyRule::kReport;
  all.images.evidence = {{.type = api::EvidenceType::kSBOM},
                         {.type = api::EvidenceType::kProvenance}};
  EXPECT_THAT(not_yet_enforced(triage(), all),
              ::testing::UnorderedElementsAre(
                  "podSecurity.level", "podSecurity.readOnlyRootFilesystem", "podSecurity.apiToken",
                  "podSecurity.runtimeClassNames", "sessions", "secrets.maxAge", "declare",
                  "models.unverifiable", "network.foreignPolicies", "images.evidence[SBOM]",
                  "images.evidence[Provenance]"));
  EXPECT_TRUE(not_yet_enforced(triage(), {}).empty());
}

}  // namespace
}  // namespace portcullis::controller
