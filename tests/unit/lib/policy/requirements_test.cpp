#include "lib/policy/requirements.hpp"

#include <gmock/gmock.h>

#include "tests/unit/lib/policy/requirement_generator.hpp"

namespace portcullis::policy {
namespace {

using namespace api;
using std::chrono::hours;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

AISecurityProfile profile() {
  AISecurityProfile out;
  out.meta.key.name = "default";
  out.baseline.images.tags = TagRule::kPin;
  Requirements internal;
  internal.images.evidence = {
      {EvidenceType::kScan, {}, hours(720), {{Severity::kHigh, hours(72)}}, {}}};
  Requirements confidential;
  confidential.images.evidence = {{EvidenceType::kScan, {}, hours(336), {}, {}}};
  confidential.declare = {Declaration::kContact};
  Requirements restricted;
  restricted.declare = {Declaration::kPurpose};
  out.classifications = {{DataClassification::kInternal, internal},
                         {DataClassification::kConfidential, confidential},
                         {DataClassification::kRestricted, restricted}};
  Requirements high;
  high.sessions = AllowDeny::kDeny;
  out.risk_classes = {{RiskClass::kHigh, high}};
  return out;
}

AIWorkload workload(DataClassification classification, std::optional<RiskClass> risk = {}) {
  AIWorkload out;
  out.meta.key = {"clinic", "triage"};
  out.data_classification = classification;
  out.risk_class = risk;
  return out;
}

std::string source_of(const Effective& effective, std::string_view field) {
  for (const auto& source : effective.sources) {
    if (source.field == field) return source.from;
  }
  return "";
}

const EvidenceRequirement* scan_of(const Effective& effective) {
  for (const auto& requirement : effective.requirements.images.evidence) {
    if (requirement.type == EvidenceType::kScan) return &requirement;
  }
  return nullptr;
}

TEST(EffectiveTest, TheFloorHoldsWhateverTheProfileSays) {
  const auto effective = policy::effective({}, workload(DataClassification::kPublic));
  EXPECT_EQ(effective.requirements.images.tags, TagRule::kPin);
  ASSERT_EQ(effective.requirements.images.evidence.size(), 1U);
  EXPECT_EQ(effective.requirements.images.evidence[0].type, EvidenceType::kSignature);
  EXPECT_EQ(effective.requirements.pod_security.level, PodSecurityLevel::kBaseline);
  EXPECT_EQ(source_of(effective, "images.evidence[Signature]"), "builtin floor");
}

TEST(EffectiveTest, WhatIsUnsaidIsEnforced) {
  auto audit = profile();
  EXPECT_EQ(policy::effective(audit, workload({})).requirements.mode, Mode::kEnforce);
  audit.baseline.mode = Mode::kAudit;
  EXPECT_EQ(policy::effective(audit, workload({})).requirements.mode, Mode::kAudit);
  auto strict = workload({});
  strict.requirements.mode = Mode::kEnforce;
  EXPECT_EQ(policy::effective(audit, strict).requirements.mode, Mode::kEnforce);
  auto lax = workload({});
  lax.requirements.mode = Mode::kAudit;
  EXPECT_EQ(policy::effective(profile(), lax).requirements.mode, Mode::kEnforce)
      << "a workload cannot switch enforcement off";
}

TEST(EffectiveTest, RowsAreCumulativeUpToTheLevel) {
  const auto at_public = policy::effective(profile(), workload(DataClassification::kPublic));
  EXPECT_EQ(scan_of(at_public), nullptr);

  const auto at_internal = policy::effective(profile(), workload(DataClassification::kInternal));
  ASSERT_NE(scan_of(at_internal), nullptr);
  EXPECT_EQ(scan_of(at_internal)->max_age, hours(720));

  const auto at_restricted =
      policy::effective(profile(), workload(DataClassification::kRestricted));
  EXPECT_EQ(scan_of(at_restricted)->max_age, hours(336));
  EXPECT_THAT(at_restricted.requirements.declare,
              ElementsAre(Declaration::kContact, Declaration::kPurpose));
  EXPECT_EQ(at_restricted.requirements.sessions, std::nullopt);
}

TEST(EffectiveTest, ALimitHoldsForEveryWorseSeverity) {
  const auto effective = policy::effective(profile(), workload(DataClassification::kInternal));
  EXPECT_THAT(scan_of(effective)->fail_on,
              ElementsAre(SeverityLimit{Severity::kHigh, hours(72)},
                          SeverityLimit{Severity::kCritical, hours(72)}));
}

TEST(EffectiveTest, LessThanTheProfilesMinimumIsJudgedAsTheMinimum) {
  auto strict = profile();
  strict.minimum_classification = DataClassification::kInternal;
  EXPECT_NE(scan_of(policy::effective(strict, workload(DataClassification::kPublic))), nullptr);
}

TEST(EffectiveTest, RiskRowsCountOnlyWithARiskClass) {
  EXPECT_EQ(policy::effective(profile(), workload({}, RiskClass::kLimited)).requirements.sessions,
            std::nullopt);
  EXPECT_EQ(policy::effective(profile(), workload({}, RiskClass::kHigh)).requirements.sessions,
            AllowDeny::kDeny);
}

TEST(EffectiveTest, EverySetFieldHasItsSource) {
  auto own = workload(DataClassification::kRestricted, RiskClass::kHigh);
  own.requirements.images.evidence = {{EvidenceType::kSignature, 2, {}, {}, {}}};
  const auto effective = policy::effective(profile(), own);
  const std::pair<const char*, const char*> rows[] = {
      {"mode", "builtin"},
      {"declare[Contact]", "profile default, classification Confidential"},
      {"declare[Purpose]", "profile default, classification Restricted"},
      {"images.tags", "builtin floor"},
      {"images.evidence[Signature]", "builtin floor"},
      {"images.evidence[Signature].minAuthorities", "workload triage"},
      {"images.evidence[Scan]", "profile default, classification Internal"},
      {"images.evidence[Scan].maxAge", "profile default, classification Confidential"},
      {"images.evidence[Scan].failOn[High].after", "profile default, classification Internal"},
      {"images.evidence[Scan].failOn[Critical].after", "profile default, classification Internal"},
      {"models.evidence[Signature]", "builtin floor"},
      {"podSecurity.level", "builtin floor"},
      {"sessions", "profile default, risk class High"},
  };
  for (const auto& [field, from] : rows) EXPECT_EQ(source_of(effective, field), from) << field;
  EXPECT_EQ(effective.sources.size(), std::size(rows));
}

TEST(EffectiveTest, AWorkloadCanOnlyTighten) {
  RequirementGenerator generator(4);
  for (int round = 0; round < 500; ++round) {
    auto with = workload(DataClassification::kInternal);
    with.requirements = generator.any();
    const auto before =
        policy::effective(profile(), workload(DataClassification::kInternal)).requirements;
    const auto after = policy::effective(profile(), with).requirements;
    ASSERT_THAT(lowered(before, after), IsEmpty());
  }
}

TEST(EffectiveTest, WhatNothingCanSatisfyIsNamed) {
  auto strict = profile();
  strict.baseline.pod_security.runtime_class_names = {{"kata"}};
  auto own = workload({});
  EXPECT_THAT(policy::effective(strict, own).unsatisfiable, IsEmpty());
  own.requirements.pod_security.runtime_class_names = {{"gvisor"}};
  EXPECT_THAT(policy::effective(strict, own).unsatisfiable,
              ElementsAre("podSecurity.runtimeClassNames"));
}

TEST(EffectiveTest, UnselectedPodsAreJudgedByTheProfilesMinimum) {
  auto strict = profile();
  EXPECT_EQ(scan_of(effective_unselected(strict)), nullptr);
  strict.minimum_classification = DataClassification::kConfidential;
  ASSERT_NE(scan_of(effective_unselected(strict)), nullptr);
  EXPECT_EQ(scan_of(effective_unselected(strict))->max_age, hours(336));
}

TEST(LoweredTest, NamesExactlyWhatBecameWeaker) {
  Requirements before;
  before.mode = Mode::kEnforce;
  before.declare = {Declaration::kContact};
  before.images.evidence = {
      {EvidenceType::kSignature, 2, {}, {}, {}},
      {EvidenceType::kScan, {}, hours(24), {{Severity::kHigh, hours(1)}}, {}}};
  before.network.isolation = Isolation::kFull;

  auto after = before;
  after.mode = Mode::kAudit;
  after.declare = {Declaration::kPurpose};
  after.images.evidence = {
      {EvidenceType::kSignature, {}, {}, {}, {}},
      {EvidenceType::kScan, {}, hours(48), {{Severity::kCritical, hours(1)}}, {}}};
  after.network.isolation = Isolation::kIngress;
  EXPECT_THAT(lowered(before, after),
              ElementsAre("mode", "declare[Contact]", "images.evidence[Signature].minAuthorities",
                          "images.evidence[Scan].maxAge",
                          "images.evidence[Scan].failOn[High].after", "network.isolation"));

  after = before;
  after.images.evidence.pop_back();
  EXPECT_THAT(lowered(before, after), Contains("images.evidence[Scan]"));
}

TEST(LoweredTest, TighteningAndRewritingLowerNothing) {
  Requirements before;
  before.images.evidence = {{EvidenceType::kScan, {}, {}, {{Severity::kCritical, hours(72)}}, {}}};
  auto after = before;
  after.images.evidence[0].fail_on = {{Severity::kHigh, hours(24)}};  // closed upwards
  after.sessions = AllowDeny::kDeny;
  EXPECT_THAT(lowered(before, after), IsEmpty());
  EXPECT_THAT(lowered(before, before), IsEmpty());
  EXPECT_THAT(lowered({}, before), IsEmpty());
}

TEST(LoweredTest, RemovingAnyFieldIsLowering) {
  RequirementGenerator generator(5);
  for (const auto& field : leaf_fields()) {
    auto with = generator.only(field);
    while (with == Requirements{}) with = generator.only(field);
    EXPECT_THAT(lowered(with, {}), Not(IsEmpty())) << field;
  }
}

}  // namespace
}  // namespace portcullis::policy
