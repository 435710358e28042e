#include "lib/policy/verdict.hpp"

#include <gmock/gmock.h>

namespace portcullis::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;

Evidence evidence(std::string policy) {
  Evidence out;
  out.policy = std::move(policy);
  return out;
}
Violation violation(Outcome outcome, std::string cause) {
  Violation out;
  out.outcome = outcome;
  out.cause = std::move(cause);
  return out;
}

TEST(VerdictTest, AllowNeedsEvidenceAndNoViolation) {
  EXPECT_TRUE(Verdict::allow(evidence("a")).allowed());
  EXPECT_FALSE(Verdict::deny(violation(Outcome::kRefused, "no")).allowed());
  EXPECT_TRUE(Verdict::of({evidence("a")}, {}).allowed());
  EXPECT_FALSE(Verdict::of({evidence("a")}, {violation(Outcome::kRefused, "no")}).allowed());
}

TEST(VerdictTest, WithNeitherItIsOurFaultAndRefused) {
  const auto verdict = Verdict::of({}, {});
  EXPECT_FALSE(verdict.allowed());
  ASSERT_EQ(verdict.violations().size(), 1U);
  EXPECT_EQ(verdict.violations()[0].outcome, Outcome::kBroken);
  EXPECT_TRUE(verdict.violations()[0].could_not_decide);
}

TEST(VerdictTest, AMovedFromVerdictIsARefusal) {
  auto verdict = Verdict::allow(evidence("a"));
  const auto taken = std::move(verdict);
  EXPECT_TRUE(taken.allowed());
  EXPECT_FALSE(verdict.allowed());  // NOLINT(bugprone-use-after-move): that is the point
}

TEST(VerdictTest, TheWorstStandsFirstAndEqualsKeepTheirOrder) {
  const auto verdict = Verdict::deny(
      violation(Outcome::kBroken, "ours"),
      {violation(Outcome::kUndecided, "busy"), violation(Outcome::kRefused, "unsigned"),
       violation(Outcome::kRefused, "unscanned")});
  EXPECT_THAT(
      verdict.violations(),
      ElementsAre(Field(&Violation::cause, "unsigned"), Field(&Violation::cause, "unscanned"),
                  Field(&Violation::cause, "busy"), Field(&Violation::cause, "ours")));
}

TEST(VerdictTest, AuditLetsThroughAndKeepsWhatItWouldHaveRefused) {
  const auto refused = Verdict::deny(violation(Outcome::kRefused, "unsigned")).audited();
  EXPECT_TRUE(refused.allowed());
  EXPECT_THAT(refused.audited_violations(), ElementsAre(Field(&Violation::cause, "unsigned")));
  EXPECT_THAT(refused.evidence(), ElementsAre(Field(&Evidence::policy, "builtin/audit")));

  const auto allowed = Verdict::allow(evidence("ours")).audited();
  EXPECT_TRUE(allowed.allowed());
  EXPECT_TRUE(allowed.audited_violations().empty());
  EXPECT_THAT(allowed.evidence(), ElementsAre(Field(&Evidence::policy, "ours")));
}

}  // namespace
}  // namespace portcullis::policy
