#include "lib/admission/handler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"

namespace portcullis::admission {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const policy::Evidence kFine{.policy = "ours", .authority = "ci", .check = "Signature"};

policy::Violation violation(policy::Outcome outcome, std::string cause = "no signature") {
  return {.outcome = outcome,
          .field = "spec.containers[0].image",
          .image = "registry.example.com/app:1",
          .policy = "ours",
          .check = "Signature",
          .cause = std::move(cause),
          .remedy = "sign it",
          .could_not_decide = outcome != policy::Outcome::kRefused};
}

codec::Json response_to(const Result<Answer>& decision) {
  const auto review = to_review("uid-1", decision);
  EXPECT_EQ(review["apiVersion"], "admission.k8s.io/v1");
  EXPECT_EQ(review["kind"], "AdmissionReview");
  EXPECT_EQ(review["response"]["uid"], "uid-1");
  return review["response"];
}

codec::Json denied(std::vector<policy::Violation> violations) {
  auto first = violations.front();
  violations.erase(violations.begin());
  return response_to(
      Answer{policy::Verdict::deny(std::move(first), std::move(violations)), {}, {}, {}});
}

TEST(ToReviewTest, AllowsWithEvidenceOnly) {
  const auto response = response_to(Answer{policy::Verdict::allow(kFine), {}, {}, {}});
  EXPECT_EQ(response["allowed"], true);
  EXPECT_FALSE(response.contains("patch"));
  EXPECT_FALSE(response.contains("status"));
}

TEST(ToReviewTest, RefusalTellsFieldImageCausePolicyAndRemedy) {
  const auto response = denied({violation(policy::Outcome::kRefused)});
  EXPECT_EQ(response["allowed"], false);
  EXPECT_EQ(response["status"]["code"], 403);
  EXPECT_EQ(response["status"]["reason"], "Forbidden");
  const auto message = response["status"]["message"].get<std::string>();
  for (const auto* part : {"spec.containers[0].image", "registry.example.com/app:1", "no signature",
                           "policy ours", "sign it"}) {
    EXPECT_THAT(message, HasSubstr(part));
  }
  const auto& cause = response["status"]["details"]["causes"][0];
  EXPECT_EQ(cause["reason"], "Refused");
  EXPECT_EQ(cause["field"], "spec.containers[0].image");
}

TEST(ToReviewTest, ThereIsNeverARetryAfterInTheBody) {
  for (const auto outcome :
       {policy::Outcome::kRefused, policy::Outcome::kUndecided, policy::Outcome::kBroken}) {
    EXPECT_FALSE(denied({violation(outcome)})["status"]["details"].contains("retryAfterSeconds"));
  }
}

TEST(ToReviewTest, TheCodeSaysWhoMustAct) {
  using enum policy::Outcome;
  struct Row {
    const char* name;
    std::vector<policy::Outcome> outcomes;
    int code;
    const char* reason;
  };
  for (const auto& row :
       {Row{"refused", {kRefused}, 403, "Refused"},
        Row{"transient", {kUndecided}, 429, "CouldNotDecide"},
        Row{"ours", {kBroken}, 500, "CouldNotDecide"},
        Row{"refused and undecided", {kRefused, kUndecided}, 403, "Refused"},
        Row{"broken and undecided", {kBroken, kUndecided}, 500, "CouldNotDecide"}}) {
    SCOPED_TRACE(row.name);
    std::vector<policy::Violation> violations;
    for (const auto outcome : row.outcomes) violations.push_back(violation(outcome));
    const auto response = denied(std::move(violations));
    EXPECT_EQ(response["status"]["code"], row.code);
    EXPECT_EQ(response["status"]["details"]["causes"][0]["reason"], row.reason);
  }
}

TEST(ToReviewTest, EveryErrorIsARefusal) {
  struct Row {
    ErrorCode code;
    int status;
  };
  for (const auto& row : {Row{ErrorCode::kInvalidArgument, 403}, Row{ErrorCode::kNotFound, 403},
                          Row{ErrorCode::kPermissionDenied, 403}, Row{ErrorCode::kConflict, 429},
                          Row{ErrorCode::kGone, 429}, Row{ErrorCode::kResourceExhausted, 429},
                          Row{ErrorCode::kUnavailable, 429}, Row{ErrorCode::kDeadlineExceeded, 429},
                          Row{ErrorCode::kInternal, 500}}) {
    SCOPED_TRACE(to_string(row.code));
    const auto response = response_to(Error(row.code, "the reason"));
    EXPECT_EQ(response["allowed"], false);
    EXPECT_EQ(response["status"]["code"], row.status);
    EXPECT_EQ(response["status"]["details"]["causes"][0]["reason"], "CouldNotDecide");
    EXPECT_THAT(response["status"]["message"].get<std::string>(), HasSubstr("the reason"));
  }
}

TEST(ToReviewTest, AMovedFromVerdictIsARefusal) {
  auto verdict = policy::Verdict::allow(kFine);
  const auto taken = std::move(verdict);
  EXPECT_TRUE(taken.allowed());
  const auto response = response_to(Answer{std::move(verdict), {}, {}, {}});  // NOLINT: the point
  EXPECT_EQ(response["allowed"], false);
}

TEST(ToReviewTest, TheMessageIsBoundedAndCountsWhatItLeavesOut) {
  std::vector<policy::Violation> many;
  for (int index = 0; index < 100; ++index) {
    many.push_back(violation(policy::Outcome::kRefused, "cause " + std::to_string(index)));
  }
  const auto response = denied(many);
  const auto message = response["status"]["message"].get<std::string>();
  EXPECT_LE(message.size(), 900U);
  EXPECT_THAT(message, StartsWith("100 point(s) refused"));
  EXPECT_THAT(message, HasSubstr("cause 0"));
  EXPECT_THAT(message, HasSubstr("more"));
  EXPECT_LE(response["status"]["details"]["causes"].size(), 32U);
}

TEST(ToReviewTest, WhatTwoPointsAreAboutIsSaidOnce) {
  const auto response = denied({violation(policy::Outcome::kRefused, "no signature"),
                                violation(policy::Outcome::kRefused, "no scan")});
  const auto message = response["status"]["message"].get<std::string>();
  EXPECT_EQ(message.find("spec.containers[0].image"), message.rfind("spec.containers[0].image"));
  EXPECT_THAT(message, HasSubstr("and no scan"));
}

TEST(ToReviewTest, AHugeSingleCauseIsCutAtACharacter) {
  const auto response = denied({violation(policy::Outcome::kRefused, [] {
    std::string text;
    for (int index = 0; index < 2000; ++index) text += "é";
    return text;
  }())});
  const auto message = response["status"]["message"].get<std::string>();
  EXPECT_LE(message.size(), 900U);
  EXPECT_TRUE(codec::parse_json("\"" + codec::dump_json(message).substr(1)).has_value());
  EXPECT_THAT(message, Not(HasSubstr("\xEF\xBF\xBD")));
}

TEST(ToReviewTest, ReplacementsBecomeAJsonPatch) {
  const auto response = response_to(Answer{
      policy::Verdict::allow(kFine), {{"/spec/containers/0/image", "app@sha256:00"}}, {}, {}});
  EXPECT_EQ(response["patchType"], "JSONPatch");
  const auto patch = codec::parse_json(*codec::decode_base64(response["patch"].get<std::string>()));
  ASSERT_TRUE(patch);
  EXPECT_EQ(*patch,
            codec::Json::parse(
                R"([{"op":"replace","path":"/spec/containers/0/image","value":"app@sha256:00"}])"));
}

TEST(ToReviewTest, WarningsAreCutAndAuditAnnotationsKept) {
  const auto response = response_to(
      Answer{policy::Verdict::allow(kFine), {}, {std::string(500, 'w')}, {{"images", "[]"}}});
  EXPECT_LE(response["warnings"][0].get<std::string>().size(), 120U);
  EXPECT_EQ(response["auditAnnotations"]["images"], "[]");
}

}  // namespace
}  // namespace portcullis::admission
