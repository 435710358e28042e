#include "lib/api/requirements.hpp"

#include <gmock/gmock.h>

#include "lib/codec/json.hpp"

namespace portcullis::api {
namespace {

using codec::Json;
using std::chrono::hours;
using ::testing::HasSubstr;

constexpr const char* kEverything = R"({
  "mode": "Enforce", "declare": ["Purpose", "Contact"],
  "images": {"tags": "Pin", "evidence": [
    {"type": "Scan", "maxAge": "336h", "unfixed": "Ignore", "minAuthorities": 2,
     "failOn": [{"severity": "Critical", "after": "72h"}, {"severity": "High", "after": "720h"}]},
    {"type": "Signature", "minAuthorities": 1}]},
  "models": {"undeclared": "Deny", "unverifiable": "Allow", "evidence": [{"type": "Signature"}]},
  "podSecurity": {"level": "Restricted", "readOnlyRootFilesystem": "Required", "apiToken": "Deny",
                  "runtimeClassNames": ["kata", "gvisor", "kata"]},
  "sessions": "Deny", "secrets": {"maxAge": "2160h"},
  "network": {"isolation": "Full", "publicEgress": "Deny", "foreignPolicies": "Report"}})";

TEST(RequirementsTest, EveryFieldIsRead) {
  const auto parsed = parse_requirements(Json::parse(kEverything), "spec.requirements");
  ASSERT_TRUE(parsed) << parsed.error().message();

  Requirements expected;
  expected.mode = Mode::kEnforce;
  expected.declare = {Declaration::kContact, Declaration::kPurpose};
  expected.images.tags = TagRule::kPin;
  expected.images.evidence = {{EvidenceType::kSignature, 1, std::nullopt, {}, std::nullopt},
                              {EvidenceType::kScan,
                               2,
                               hours(336),
                               {{Severity::kHigh, hours(720)}, {Severity::kCritical, hours(72)}},
                               UnfixedRule::kIgnore}};
  expected.models = {AllowDeny::kDeny,
                     AllowDeny::kAllow,
                     {{EvidenceType::kSignature, std::nullopt, std::nullopt, {}, std::nullopt}}};
  expected.pod_security = {PodSecurityLevel::kRestricted, RootFilesystemRule::kRequired,
                           AllowDeny::kDeny, std::vector<std::string>{"gvisor", "kata"}};
  expected.sessions = AllowDeny::kDeny;
  expected.secrets_max_age = hours(2160);
  expected.network = {Isolation::kFull, AllowDeny::kDeny, ForeignPolicyRule::kReport};
  EXPECT_EQ(*parsed, expected);
}

TEST(RequirementsTest, GoThroughJsonUnchanged) {
  const auto parsed = parse_requirements(Json::parse(kEverything), "");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parse_requirements(to_json(*parsed), ""), *parsed);
}

TEST(RequirementsTest, NothingSetIsNoConstraintAndAnEmptyObject) {
  for (const auto* text : {"{}", R"({"mode": null, "images": {}, "unknownToThisVersion": 3})"}) {
    const auto parsed = parse_requirements(Json::parse(text), "");
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, Requirements{}) << text;
  }
  EXPECT_EQ(to_json(Requirements{}).dump(), "{}");
}

TEST(RequirementsTest, AFailOnWithoutGraceFailsAtOnce) {
  const auto parsed = parse_requirements(
      Json::parse(
          R"({"images": {"evidence": [{"type": "Scan", "failOn": [{"severity": "Low"}]}]}})"),
      "");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->images.evidence[0].fail_on[0], (SeverityLimit{Severity::kLow, hours(0)}));
}

TEST(RequirementsTest, WhatIsWrongIsNamedByItsPath) {
  struct Row {
    const char* text;
    const char* expected;
  };
  const Row rows[] = {
      {R"([])", "spec.requirements: must be an object"},
      {R"({"mode": "enforce"})",
       "spec.requirements.mode: \"enforce\" is not one of Audit, Enforce"},
      {R"({"mode": true})", "spec.requirements.mode: must be a text"},
      {R"({"declare": []})", "spec.requirements.declare: is an empty list"},
      {R"({"declare": ["Owner"]})", "spec.requirements.declare[0]: \"Owner\" is not one of"},
      {R"({"images": []})", "spec.requirements.images: must be an object"},
      {R"({"images": {"tags": "Allow"}})", "images.tags: \"Allow\" is not one of Pin, Deny"},
      {R"({"images": {"evidence": [{}]}})", "images.evidence[0].type: is required"},
      {R"({"images": {"evidence": [{"type": "VEX"}]}})", "VEX suppresses findings"},
      {R"({"images": {"evidence": [{"type": "SBOM"}, {"type": "SBOM"}]}})",
       "images.evidence[1].type: stands twice"},
      {R"({"images": {"evidence": [{"type": "Scan", "maxAge": "14d"}]}})",
       "images.evidence[0].maxAge: \"14d\" is no duration"},
      {R"({"images": {"evidence": [{"type": "Scan", "minAuthorities": 0}]}})",
       "images.evidence[0].minAuthorities: must be between 1 and"},
      {R"({"images": {"evidence": [{"type": "Signature", "maxAge": "1h"}]}})",
       "images.evidence[0].maxAge: is for evidence of type Scan or SBOM"},
      {R"({"images": {"evidence": [{"type": "SBOM", "failOn": [{"severity": "Low"}]}]}})",
       "images.evidence[0].failOn: is for evidence of type Scan"},
      {R"({"models": {"evidence": [{"type": "Signature", "unfixed": "Fail"}]}})",
       "models.evidence[0].unfixed: is for evidence of type Scan"},
      {R"({"images": {"evidence": [{"type": "Scan", "failOn": [{"after": "1h"}]}]}})",
       "images.evidence[0].failOn[0].severity: is required"},
      {R"({"images": {"evidence": [{"type": "Scan",
           "failOn": [{"severity": "Low"}, {"severity": "Low"}]}]}})",
       "images.evidence[0].failOn[1].severity: stands twice"},
      {R"({"podSecurity": {"level": "restricted"}})", "podSecurity.level: \"restricted\""},
      {R"({"podSecurity": {"runtimeClassNames": []}})", "runtimeClassNames: is an empty list"},
      {R"({"podSecurity": {"readOnlyRootFilesystem": "Optional"}})", "is not one of Required"},
      {R"({"sessions": 1})", "spec.requirements.sessions: must be a text"},
      {R"({"secrets": {"maxAge": ""}})", "secrets.maxAge: \"\" is no duration"},
      {R"({"secrets": "2160h"})", "spec.requirements.secrets: must be an object"},
      {R"({"network": {"isolation": "Egress"}})", "network.isolation: \"Egress\""},
  };
  for (const auto& row : rows) {
    const auto parsed = parse_requirements(Json::parse(row.text), "spec.requirements");
    ASSERT_FALSE(parsed) << row.text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument) << row.text;
    EXPECT_THAT(parsed.error().message(), HasSubstr(row.expected)) << row.text;
  }
}

TEST(RequirementsTest, WordsAreThoseOfTheYaml) {
  EXPECT_EQ(to_string(Mode::kEnforce), "Enforce");
  EXPECT_EQ(to_string(EvidenceType::kSBOM), "SBOM");
  EXPECT_EQ(to_string(Severity::kCritical), "Critical");
  EXPECT_EQ(to_string(Isolation::kIngress), "Ingress");
  EXPECT_EQ(to_string(PodSecurityLevel::kBaseline), "Baseline");
  EXPECT_EQ(*parse_evidence_type("Provenance"), EvidenceType::kProvenance);
  EXPECT_EQ(*parse_severity("High"), Severity::kHigh);
  EXPECT_FALSE(parse_evidence_type("signature"));
  EXPECT_FALSE(parse_severity(""));
}

// join takes the greater enumerator for the stricter one, so their order is part of the contract.
TEST(RequirementsTest, EnumeratorsStandInOrderOfStrictness) {
  EXPECT_LT(Mode::kAudit, Mode::kEnforce);
  EXPECT_LT(TagRule::kPin, TagRule::kDeny);
  EXPECT_LT(Severity::kHigh, Severity::kCritical);
  EXPECT_LT(UnfixedRule::kIgnore, UnfixedRule::kFail);
  EXPECT_LT(AllowDeny::kAllow, AllowDeny::kDeny);
  EXPECT_LT(PodSecurityLevel::kPrivileged, PodSecurityLevel::kBaseline);
  EXPECT_LT(PodSecurityLevel::kBaseline, PodSecurityLevel::kRestricted);
  EXPECT_LT(Isolation::kNone, Isolation::kIngress);
  EXPECT_LT(Isolation::kIngress, Isolation::kFull);
  EXPECT_LT(ForeignPolicyRule::kReport, ForeignPolicyRule::kDeny);
}

}  // namespace
}  // namespace portcullis::api
