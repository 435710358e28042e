#include <gmock/gmock.h>

#include "lib/policy/policy_set.hpp"
#include "tests/unit/lib/policy/builders.hpp"

namespace portcullis::policy {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using enum api::EvidenceType;
const std::vector<api::EvidenceRequirement> kNeedSignature = {need(kSignature)};

api::TrustPolicy ours() {
  return trust_policy("ours", {authority("ci", {kSignature, kScan}, "ci")});
}
ImageFacts signed_by(std::initializer_list<std::string> keys) {
  auto out = facts();
  for (const auto& key : keys) claim(out, key, signature());
  return out;
}
bool allowed(const ImageVerdict& verdict) {
  return verdict.violations.empty() && !verdict.evidence.empty();
}
std::string cause(const ImageVerdict& verdict) {
  return verdict.violations.empty() ? "" : verdict.violations[0].cause;
}
std::string remedy(const ImageVerdict& verdict) {
  return verdict.violations.empty() ? "" : verdict.violations[0].remedy;
}

TEST(EvaluateTest, ASignedImageIsAllowedWithItsEvidence) {
  const auto verdict = judge_image(signed_by({"ci"}), {source(ours())}, kNeedSignature);
  EXPECT_THAT(verdict.violations, IsEmpty());
  ASSERT_EQ(verdict.evidence.size(), 1U);
  const auto& evidence = verdict.evidence[0];
  EXPECT_EQ(evidence.field, "spec.containers[0].image");
  EXPECT_EQ(evidence.image, "registry.example.com/ml/app:1");
  EXPECT_EQ(evidence.digest, kImage);
  EXPECT_EQ(evidence.policy + "/" + evidence.authority + "/" + evidence.check, "ours/ci/Signature");
}

TEST(EvaluateTest, AnUnsignedImageIsRefusedWithTheCommandThatWouldHelp) {
  const auto verdict = judge_image(facts(), {source(ours())}, kNeedSignature);
  ASSERT_EQ(verdict.violations.size(), 1U);
  const auto& violation = verdict.violations[0];
  EXPECT_EQ(violation.outcome, Outcome::kRefused);
  EXPECT_FALSE(violation.could_not_decide);
  EXPECT_EQ(violation.policy, "ours");
  EXPECT_EQ(violation.check, "Signature");
  EXPECT_THAT(violation.cause, HasSubstr("no Signature: no signature or attestation was found"));
  EXPECT_EQ(violation.remedy,
            "sign it: cosign sign --key KEY registry.example.com/ml/app@" + kImage);
}

TEST(EvaluateTest, TheCauseSaysWhatWasFoundInstead) {
  auto rejected = facts();
  rejected.candidates = 2;
  rejected.by_authority[fingerprint("ci")].rejected = {
      {verify::Check::kSignature, "the signature does not verify with key ci"}};
  EXPECT_EQ(cause(judge_image(rejected, {source(ours())}, kNeedSignature)),
            "2 signatures and attestations found, no Signature by authority ci: the signature does "
            "not verify with key ci");

  auto scanned = facts();
  claim(scanned, "ci", scan(hours_ago(1)));
  EXPECT_THAT(cause(judge_image(scanned, {source(ours())}, kNeedSignature)),
              HasSubstr("by authority ci, which vouched only for something else"));

  EXPECT_THAT(cause(judge_image(signed_by({"stranger"}), {source(ours())}, kNeedSignature)),
              HasSubstr("1 signatures and attestations found, no Signature by authority ci"));
}

TEST(EvaluateTest, WhatNoEnforcingPolicyMatchesIsRefused) {
  EXPECT_THAT(
      cause(judge_image(signed_by({"ci"}), {}, kNeedSignature)),
      HasSubstr("no TrustPolicy that is enforced here matches registry.example.com/ml/app"));
  auto audit = ours();
  audit.mode = api::Mode::kAudit;
  EXPECT_THAT(cause(judge_image(signed_by({"ci"}), {source(audit)}, kNeedSignature)),
              HasSubstr("no TrustPolicy that is enforced here"));
}

TEST(EvaluateTest, ARequiredTypeNeedsAPolicyThatSaysWhoVouchesForIt) {
  const auto verdict =
      judge_image(signed_by({"ci"}), {source(ours())}, {need(kSignature), need(kSBOM)});
  ASSERT_EQ(verdict.violations.size(), 1U);
  EXPECT_EQ(verdict.violations[0].check, "SBOM");
  EXPECT_THAT(cause(verdict), HasSubstr("no matching policy says who vouches for it"));
  EXPECT_THAT(remedy(verdict), HasSubstr("add SBOM to vouchesFor"));
}

// design §2.3: each policy that has an authority for the type needs one of its own.
TEST(EvaluateTest, PoliciesAreJoinedByAnd) {
  const auto theirs = trust_policy("theirs", {authority("release", {kSignature}, "release")});
  const auto scanners = trust_policy("scanners", {authority("scanner", {kScan}, "scanner")});
  struct Row {
    const char* name;
    ImageFacts facts;
    std::vector<PolicySource> policies;
    bool allowed;
  };
  const Row rows[] = {
      {"both satisfied", signed_by({"ci", "release"}), {source(ours()), source(theirs)}, true},
      {"only ours", signed_by({"ci"}), {source(ours()), source(theirs)}, false},
      {"only theirs", signed_by({"release"}), {source(ours()), source(theirs)}, false},
      {"a policy without the type abstains",
       signed_by({"ci"}),
       {source(ours()), source(scanners)},
       true},
      {"only one that abstains", signed_by({"ci"}), {source(scanners)}, false},
      {"one policy, two authorities: one is enough",
       signed_by({"release"}),
       {source(trust_policy("either", {authority("ci", {kSignature}, "ci"),
                                       authority("release", {kSignature}, "release")}))},
       true},
      {"an authority that does not vouch for it",
       signed_by({"scanner"}),
       {source(trust_policy("split", {authority("ci", {kSignature}, "ci"),
                                      authority("scanner", {kScan}, "scanner")}))},
       false},
  };
  for (const auto& row : rows) {
    const auto verdict = judge_image(row.facts, row.policies, kNeedSignature);
    EXPECT_EQ(allowed(verdict), row.allowed) << row.name << ": " << cause(verdict);
  }
}

TEST(EvaluateTest, DistinctAuthoritiesAreCountedByKeyNotByName) {
  auto two = need(kSignature);
  two.min_authorities = 2;
  const auto same_key = trust_policy(
      "same", {authority("a", {kSignature}, "ci"), authority("b", {kSignature}, "ci")});
  const auto two_keys = trust_policy(
      "two", {authority("a", {kSignature}, "ci"), authority("b", {kSignature}, "release")});
  auto again = ours();
  again.meta.key.name = "again";
  struct Row {
    const char* name;
    ImageFacts facts;
    std::vector<PolicySource> policies;
    bool allowed;
  };
  const Row rows[] = {
      {"one key under two names", signed_by({"ci"}), {source(same_key)}, false},
      {"one key in two policies", signed_by({"ci"}), {source(ours()), source(again)}, false},
      {"one key that signed twice", signed_by({"ci", "ci"}), {source(ours())}, false},
      {"two keys of one policy", signed_by({"ci", "release"}), {source(two_keys)}, true},
      {"two keys over two policies",
       signed_by({"ci", "release"}),
       {source(ours()), source(trust_policy("theirs", {authority("r", {kSignature}, "release")}))},
       true},
  };
  for (const auto& row : rows) {
    const auto verdict = judge_image(row.facts, row.policies, {two});
    EXPECT_EQ(allowed(verdict), row.allowed) << row.name << ": " << cause(verdict);
    if (row.allowed) continue;
    EXPECT_THAT(cause(verdict), HasSubstr("1 of 2 required authorities"));
  }
}

TEST(EvaluateTest, ARevokedDigestIsRefusedAtOnceWhoeverSigned) {
  auto policy = ours();
  policy.revoked_digests = {kImage};
  const auto image = judge_image(signed_by({"ci"}), {source(policy)}, kNeedSignature);
  EXPECT_THAT(image.violations, ElementsAre(AllOf(Field(&Violation::check, "Revocation"),
                                                  Field(&Violation::policy, "ours"),
                                                  Field(&Violation::could_not_decide, false))));

  policy.revoked_digests = {kAmd64};
  auto index = signed_by({"ci"});
  index.platforms = {{kArm64, "linux", "arm64", ""}, {kAmd64, "linux", "amd64", ""}};
  EXPECT_THAT(cause(judge_image(index, {source(policy)}, kNeedSignature)),
              HasSubstr(kAmd64 + " is revoked"));

  // Also when the registry is down, and by another policy than the one that vouches.
  auto unreachable = facts();
  unreachable.digest.clear();
  unreachable.reference = "registry.example.com/ml/app:1@" + kAmd64;
  unreachable.failure = Error(ErrorCode::kUnavailable, "connection refused");
  auto other = trust_policy("revocations", {authority("x", {kSBOM}, "x")});
  other.revoked_digests = {kAmd64};
  const auto verdict = judge_image(unreachable, {source(ours()), source(other)}, kNeedSignature);
  EXPECT_THAT(verdict.violations, ElementsAre(Field(&Violation::policy, "revocations")));
}

TEST(EvaluateTest, ABrokenPolicyDeniesWhateverOthersSay) {
  const PolicySource broken{"bad", Error(ErrorCode::kInvalidArgument, "spec.mode: no")};
  const auto verdict = judge_image(signed_by({"ci"}), {source(ours()), broken}, kNeedSignature);
  EXPECT_THAT(verdict.violations, ElementsAre(Field(&Violation::policy, "bad")));
  EXPECT_THAT(cause(verdict), HasSubstr("the policy cannot be used: spec.mode: no"));
  EXPECT_THAT(remedy(verdict), HasSubstr("mend the TrustPolicy bad"));

  const auto alone = judge_image(signed_by({"ci"}), {broken}, kNeedSignature);
  EXPECT_THAT(alone.violations, ElementsAre(Field(&Violation::policy, "bad")));

  auto watching = ours();
  watching.meta.key.name = "watch";
  watching.mode = api::Mode::kAudit;
  watching.include = {"App"};
  const auto audited =
      judge_image(signed_by({"ci"}), {source(ours()), source(watching)}, kNeedSignature);
  EXPECT_TRUE(allowed(audited));
  EXPECT_THAT(audited.audited, ElementsAre(Field(&Violation::policy, "watch")));
}

TEST(EvaluateTest, AuditPoliciesCountAsAbsentAndReport) {
  auto watch = trust_policy("watch", {authority("release", {kSignature}, "release")});
  watch.mode = api::Mode::kAudit;
  const auto verdict =
      judge_image(signed_by({"ci"}), {source(ours()), source(watch)}, kNeedSignature);
  EXPECT_TRUE(allowed(verdict));
  EXPECT_THAT(verdict.audited, ElementsAre(AllOf(Field(&Violation::policy, "watch"),
                                                 Field(&Violation::check, "Signature"))));

  auto satisfied = signed_by({"ci", "release"});
  EXPECT_THAT(judge_image(satisfied, {source(ours()), source(watch)}, kNeedSignature).audited,
              IsEmpty());
  watch.revoked_digests = {kImage};
  const auto revoked = judge_image(satisfied, {source(ours()), source(watch)}, kNeedSignature);
  EXPECT_TRUE(allowed(revoked));
  EXPECT_THAT(revoked.audited, ElementsAre(Field(&Violation::check, "Revocation")));
}

// What could not be found out denies; the code says who must act.
TEST(EvaluateTest, FailsClosed) {
  struct Row {
    ErrorCode code;
    Outcome outcome;
  };
  const Row rows[] = {
      {ErrorCode::kUnavailable, Outcome::kUndecided},
      {ErrorCode::kDeadlineExceeded, Outcome::kUndecided},
      {ErrorCode::kResourceExhausted, Outcome::kUndecided},
      {ErrorCode::kPermissionDenied, Outcome::kRefused},
      {ErrorCode::kNotFound, Outcome::kRefused},
      {ErrorCode::kInvalidArgument, Outcome::kRefused},
      {ErrorCode::kInternal, Outcome::kBroken},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(to_string(row.code));
    auto unknown = signed_by({"ci"});
    unknown.failure = Error(row.code, "what went wrong");
    const auto verdict = judge_image(unknown, {source(ours())}, kNeedSignature);
    ASSERT_EQ(verdict.violations.size(), 1U);
    EXPECT_EQ(verdict.violations[0].outcome, row.outcome);
    EXPECT_TRUE(verdict.violations[0].could_not_decide);
    EXPECT_EQ(verdict.violations[0].cause, "what went wrong");
    EXPECT_FALSE(verdict.violations[0].remedy.empty());
    EXPECT_FALSE(allowed(judge_image(unknown, {source(ours())}, {}))) << "nothing is required";
  }
}

TEST(EvaluateTest, WhereNothingIsRequiredAMatchingPolicyIsTheEvidence) {
  const auto verdict = judge_image(facts(), {source(ours())}, {});
  EXPECT_TRUE(allowed(verdict));
  EXPECT_EQ(verdict.evidence[0].policy + "/" + verdict.evidence[0].check, "ours/Policy");
}

TEST(EvaluateTest, EveryRequirementIsJudged) {
  auto strict = need(kScan);
  strict.max_age = std::chrono::hours(24);
  auto image = signed_by({"ci"});
  claim(image, "ci", scan(hours_ago(48)));
  const auto verdict = judge_image(image, {source(ours())}, {need(kSignature), strict});
  ASSERT_EQ(verdict.violations.size(), 1U);
  EXPECT_EQ(verdict.violations[0].check, "Scan");
  EXPECT_THAT(cause(verdict), HasSubstr("Scan by authority ci: the scan of 2026-11-22T12:00:00Z is "
                                        "48h old, at most 24h are allowed"));
  EXPECT_THAT(remedy(verdict), HasSubstr("cosign attest --type vuln"));
  EXPECT_EQ(verdict.evidence.size(), 1U) << "the signature still counts as found";

  claim(image, "ci", scan(hours_ago(2)));
  const auto fresh = judge_image(image, {source(ours())}, {need(kSignature), strict});
  EXPECT_TRUE(allowed(fresh)) << cause(fresh);
  EXPECT_EQ(fresh.evidence[1].scan_time, kNow - std::chrono::hours(2));
  EXPECT_EQ(fresh.evidence[1].expiry_time, kNow + std::chrono::hours(22));
}

TEST(EvaluateTest, EvidenceThatFailsTellsMoreThanEvidenceThatIsMissing) {
  const auto policy = trust_policy(
      "ours", {authority("first", {kScan}, "first"), authority("second", {kScan}, "second")});
  auto strict = need(kScan);
  strict.max_age = std::chrono::hours(24);
  auto image = facts();
  claim(image, "second", scan(hours_ago(48)));
  EXPECT_THAT(cause(judge_image(image, {source(policy)}, {strict})),
              HasSubstr("Scan by authority second"));
}

}  // namespace
}  // namespace portcullis::policy
