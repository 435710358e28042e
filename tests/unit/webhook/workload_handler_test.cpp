#include "webhook/workload_handler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/webhook_fixture.hpp"

namespace portcullis::webhook {
namespace {

using codec::Json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class WorkloadHandlerTest : public WebhookFixture {
 protected:
  admission::Answer judge(const api::AdmissionRequest& request) {
    auto answer = workload_handler_.handle(request, soon());
    EXPECT_TRUE(answer) << answer.error().message();
    return answer ? *answer
                  : admission::Answer{policy::Verdict::deny({.cause = "error"}), {}, {}, {}};
  }
  policy::Violation refusal(const api::AdmissionRequest& request) {
    const auto answer = judge(request);
    EXPECT_FALSE(answer.verdict.allowed());
    return answer.verdict.allowed() ? policy::Violation{} : answer.verdict.violations().front();
  }
};

TEST_F(WorkloadHandlerTest, ASignedImageIsLetThrough) {
  const auto answer = judge(create(pod()));
  EXPECT_TRUE(answer.verdict.allowed());
  EXPECT_THAT(answer.audit_annotations.at("images"), HasSubstr("sha256:aaaa"));
  EXPECT_THAT(answer.audit_annotations.at("workloads"), HasSubstr("triage"));
}

TEST_F(WorkloadHandlerTest, AnUnsignedImageIsRefusedWithFieldAndPolicy) {
  gatherer_.unsigned_names = {"registry.example.com/app"};
  const auto violation = refusal(create(pod()));
  EXPECT_EQ(violation.field, "spec.containers[0].image");
  EXPECT_EQ(violation.check, "Signature");
  EXPECT_FALSE(violation.could_not_decide);
  EXPECT_FALSE(violation.remedy.empty());
}

TEST_F(WorkloadHandlerTest, OneBadImageAmongManyRefusesThePod) {
  gatherer_.unsigned_names = {"registry.example.com/bad"};
  const auto good = pod()["spec"]["containers"][0];
  auto bad = good;
  bad["image"] = "registry.example.com/bad@" + gatherer_.digest;
  for (const auto* list : {"initContainers", "containers", "ephemeralContainers"}) {
    auto object = pod();
    object["spec"][list] = Json::array({good, bad});
    EXPECT_EQ(refusal(create(object)).field, std::string("spec.") + list + "[1].image");
  }
  auto with_volume = pod();
  with_volume["spec"]["volumes"] =
      Json::array({{{"name", "m"}, {"image", {{"reference", bad["image"]}}}}});
  set_profile(R"({"baseline": {"models": {"evidence": [{"type": "Signature"}]}}})");
  EXPECT_EQ(refusal(create(with_volume)).field, "spec.volumes[0].image.reference");
}

TEST_F(WorkloadHandlerTest, NoRegistryIsAskedForAnImageThatNoPolicyMatches) {
  const auto violation = refusal(create(pod("docker.io/library/nginx@" + gatherer_.digest)));
  EXPECT_THAT(violation.cause, HasSubstr("no TrustPolicy"));
  EXPECT_THAT(gatherer_.asked, IsEmpty());
}

TEST_F(WorkloadHandlerTest, ARefusalByOldFindingsIsLookedIntoOnceMore) {
  gatherer_.unsigned_names = {"registry.example.com/app"};
  refusal(create(pod()));
  ASSERT_THAT(gatherer_.asked, SizeIs(2));
  EXPECT_FALSE(gatherer_.asked[0].fresh);
  EXPECT_TRUE(gatherer_.asked[1].fresh);
}

TEST_F(WorkloadHandlerTest, APodsReferenceMustCarryItsDigest) {
  EXPECT_EQ(refusal(create(pod("registry.example.com/app:1"))).check, "Tag");
}

TEST_F(WorkloadHandlerTest, ATemplatesTagIsJudgedByTheDigestItHasNow) {
  Json deployment = {{"metadata", {{"name", "d"}}},
                     {"spec", {{"template", pod("registry.example.com/app:1")}}}};
  EXPECT_TRUE(judge(create(deployment, "Deployment")).verdict.allowed());
  gatherer_.unsigned_names = {"registry.example.com/app"};
  EXPECT_EQ(refusal(create(deployment, "Deployment")).field,
            "spec.template.spec.containers[0].image");
}

TEST_F(WorkloadHandlerTest, TagsDenyRefusesTagsEvenInTemplates) {
  set_profile(R"({"baseline": {"images": {"tags": "Deny"}}})");
  Json deployment = {{"metadata", {{"name", "d"}}},
                     {"spec", {{"template", pod("registry.example.com/app:1")}}}};
  EXPECT_EQ(refusal(create(deployment, "Deployment")).check, "Tag");
  EXPECT_TRUE(judge(create(pod())).verdict.allowed());
}

TEST_F(WorkloadHandlerTest, AnUnselectedPodGoesByTheProfile) {
  const auto stranger = create(pod("docker.io/library/nginx", "stranger"));
  EXPECT_TRUE(judge(stranger).verdict.allowed());
  set_profile(R"({"unselectedPods": "Report"})");
  EXPECT_THAT(judge(stranger).warnings, SizeIs(1));
  set_profile(R"({"unselectedPods": "Deny"})");
  EXPECT_EQ(refusal(stranger).check, "Binding");
}

TEST_F(WorkloadHandlerTest, AWorkloadThatTheCacheHasNotYetIsFoundLive) {
  workloads_.erase({"clinic", "triage"});
  gatherer_.unsigned_names = {"registry.example.com/app"};
  EXPECT_EQ(refusal(create(pod())).check, "Signature");
}

TEST_F(WorkloadHandlerTest, AnUnselectedPodMayNotBorrowFromAWorkload) {
  add_workload("vault",
               R"({"selector": {"matchLabels": {"app": "vault"}}, "dataClassification": "Public",
    "secrets": [{"name": "token", "generate": {"keys": ["t"]}}], "access": {"serviceAccount": {"name": "vault"}}})");
  auto with_account = pod("docker.io/library/nginx", "stranger");
  with_account["spec"]["serviceAccountName"] = "vault";
  EXPECT_EQ(refusal(create(with_account)).policy, "builtin/borrowed");
  auto with_secret = pod("docker.io/library/nginx", "stranger");
  with_secret["spec"]["volumes"] =
      Json::array({{{"name", "s"}, {"secret", {{"secretName", "token"}}}}});
  EXPECT_EQ(refusal(create(with_secret)).policy, "builtin/borrowed");
}

TEST_F(WorkloadHandlerTest, APodMayNotLeaveItsBinding) {
  EXPECT_EQ(refusal(update(pod(), pod("docker.io/library/nginx", "stranger"))).policy,
            "builtin/binding");
}

TEST_F(WorkloadHandlerTest, APodRelabelledIntoABindingIsJudgedWhole) {
  gatherer_.unsigned_names = {"registry.example.com/app"};
  const auto reference = pod()["spec"]["containers"][0]["image"].get<std::string>();
  EXPECT_EQ(refusal(update(pod(reference, "stranger"), pod(reference))).check, "Signature");
}

TEST_F(WorkloadHandlerTest, WhatDidNotChangeIsNotJudgedAnew) {
  gatherer_.unsigned_names = {"registry.example.com/app"};
  auto scaled = pod();
  scaled["spec"]["activeDeadlineSeconds"] = 5;
  EXPECT_TRUE(judge(update(pod(), scaled)).verdict.allowed());
  EXPECT_THAT(gatherer_.asked, IsEmpty());
}

// Never skip for what a tenant can write (admission.md B4).
TEST_F(WorkloadHandlerTest, StateSkipsNothing) {
  gatherer_.unsigned_names = {"registry.example.com/app"};
  auto deleting = pod();
  deleting["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  deleting["metadata"]["annotations"] = {{"portcullis.dev/verified", "true"}};
  EXPECT_EQ(refusal(create(deleting)).check, "Signature");
  Json zero = {{"metadata", {{"name", "d"}}}, {"spec", {{"replicas", 0}, {"template", pod()}}}};
  EXPECT_EQ(refusal(create(zero, "Deployment")).check, "Signature");
  auto terminating = pod();
  terminating["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  auto debugged = terminating;
  debugged["spec"]["ephemeralContainers"] = Json::array(
      {{{"name", "d"}, {"image", "registry.example.com/app@sha256:" + std::string(64, 'b')}}});
  EXPECT_EQ(refusal(update(terminating, debugged)).field, "spec.ephemeralContainers[0].image");
}

TEST_F(WorkloadHandlerTest, AnImageMovedFromAVolumeIntoAContainerIsJudged) {
  api::PodTemplate before;
  before.images = {{"spec.volumes[0].image.reference", "a", api::ImageUse::kVolume}};
  api::PodTemplate now;
  now.images = {{"spec.containers[0].image", "a", api::ImageUse::kContainer}};
  EXPECT_THAT(changed_images(before, now), SizeIs(1));
  before.images.push_back({"spec.initContainers[0].image", "a", api::ImageUse::kInitContainer});
  EXPECT_THAT(changed_images(before, now), IsEmpty());
}

TEST_F(WorkloadHandlerTest, ModeAuditLetsThroughAndWarns) {
  gatherer_.unsigned_names = {"registry.example.com/app"};
  set_profile(R"({"baseline": {"mode": "Audit"}})");
  const auto answer = judge(create(pod()));
  EXPECT_TRUE(answer.verdict.allowed());
  ASSERT_THAT(answer.warnings, SizeIs(1));
  EXPECT_THAT(answer.warnings[0], HasSubstr("spec.containers[0].image"));
}

TEST_F(WorkloadHandlerTest, TwoWorkloadsThatMatchAreJudgedByTheStricter) {
  add_workload("twin",
               R"({"selector": {"matchLabels": {"app": "triage"}}, "dataClassification": "Public",
    "requirements": {"images": {"tags": "Deny"}}})");
  Json deployment = {{"metadata", {{"name", "d"}}},
                     {"spec", {{"template", pod("registry.example.com/app:1")}}}};
  EXPECT_EQ(refusal(create(deployment, "Deployment")).check, "Tag");
}

TEST_F(WorkloadHandlerTest, UndeclaredModelsAreRefusedWhereTheProfileSaysSo) {
  set_profile(R"({"baseline": {"models": {"undeclared": "Deny"}}})");
  auto object = pod();
  const auto reference = "registry.example.com/models/llama@" + gatherer_.digest;
  object["spec"]["volumes"] = Json::array({{{"name", "m"}, {"image", {{"reference", reference}}}}});
  EXPECT_EQ(refusal(create(object)).check, "Model");
  add_workload("triage",
               R"({"selector": {"matchLabels": {"app": "triage"}}, "dataClassification": "Public",
    "models": [{"name": "base", "image": {"reference": "registry.example.com/models/llama"}}]})");
  EXPECT_TRUE(judge(create(object)).verdict.allowed());
}

// What cannot be decided is refused: each way to fail is one row.
TEST_F(WorkloadHandlerTest, FailsClosed) {
  struct Row {
    const char* name;
    std::function<void()> happens;
  };
  const std::vector<Row> rows = {
      {"registry down", [&] { gatherer_.failure = Error(ErrorCode::kUnavailable, "503"); }},
      {"registry refuses", [&] { gatherer_.failure = Error(ErrorCode::kPermissionDenied, "401"); }},
      {"too late", [&] { gatherer_.failure = Error(ErrorCode::kDeadlineExceeded, "2 s"); }},
      {"a bug of ours", [&] { gatherer_.failure = Error(ErrorCode::kInternal, "bug"); }},
      {"policy broken", [&] { set_policy(R"({"images": {"include": ["UPPER CASE"]}})"); }},
      {"policy unreadable", [&] { set_policy(R"({"images": {"include": "text"}})"); }},
      {"no policy",
       [&] {
         policies_.replace({});
         policy_sets_.invalidate();
       }},
      {"profile invalid", [&] { set_profile(R"({"baseline": {"mode": "Sometimes"}})"); }},
      {"profile missing",
       [&] {
         profiles_.erase({"", "default"});
       }},
      {"workload unreadable", [&] { add_workload("broken", R"({"selector": 1})"); }},
      {"stale", [&] { stale_ = "has not heard from the API server"; }},
      {"no node of the platform", [&] { gatherer_.unsigned_names = {"registry.example.com/app"}; }},
      {"API server down for the live list",
       [&] {
         workloads_.replace({});
         server_.fail_next("GET", "/aiworkloads", Error(ErrorCode::kUnavailable, "down"), 100);
       }},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    gatherer_.failure.reset();
    stale_.clear();
    row.happens();
    const auto answer = workload_handler_.handle(create(pod()), soon());
    EXPECT_FALSE(answer && answer->verdict.allowed());
  }
}

TEST_F(WorkloadHandlerTest, FailuresAreToldApartFromRefusals) {
  struct Row {
    ErrorCode code;
    policy::Outcome outcome;
  };
  for (const auto& row : {Row{ErrorCode::kUnavailable, policy::Outcome::kUndecided},
                          Row{ErrorCode::kDeadlineExceeded, policy::Outcome::kUndecided},
                          Row{ErrorCode::kResourceExhausted, policy::Outcome::kUndecided},
                          Row{ErrorCode::kPermissionDenied, policy::Outcome::kRefused},
                          Row{ErrorCode::kNotFound, policy::Outcome::kRefused},
                          Row{ErrorCode::kInvalidArgument, policy::Outcome::kRefused},
                          Row{ErrorCode::kInternal, policy::Outcome::kBroken}}) {
    gatherer_.failure = Error(row.code, "the cause");
    const auto violation = refusal(create(pod()));
    EXPECT_EQ(violation.outcome, row.outcome) << to_string(row.code);
    EXPECT_TRUE(violation.could_not_decide);
    EXPECT_THAT(violation.cause, HasSubstr("the cause"));
  }
}

TEST_F(WorkloadHandlerTest, OnlyCreateAndUpdateAreJudged) {
  auto connect = create(pod());
  connect.operation = api::Operation::kConnect;
  EXPECT_FALSE(workload_handler_.handle(connect, soon()));
  auto nothing = create(pod());
  nothing.object = nullptr;
  EXPECT_FALSE(workload_handler_.handle(nothing, soon()));
}

TEST_F(WorkloadHandlerTest, APullSecretThatStandsOnlyInThePodIsExplained) {
  gatherer_.failure = Error(ErrorCode::kPermissionDenied, "authentication required");
  auto object = pod();
  object["spec"]["imagePullSecrets"] = Json::array({{{"name", "regcred"}}});
  EXPECT_THAT(refusal(create(object)).cause, HasSubstr("add it to spec.imagePullSecrets"));
}

}  // namespace
}  // namespace portcullis::webhook
