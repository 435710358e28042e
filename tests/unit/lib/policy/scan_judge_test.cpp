#include <gmock/gmock.h>

#include "lib/policy/scan_report.hpp"
#include "tests/unit/lib/policy/builders.hpp"

namespace portcullis::policy {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;
using ::testing::Not;

api::EvidenceRequirement requirement(std::vector<api::SeverityLimit> fail_on,
                                     std::optional<hours> max_age = {}) {
  auto out = need(EvidenceType::kScan);
  out.fail_on = std::move(fail_on);
  out.max_age = max_age;
  return out;
}

ScanReport report(Time time, std::vector<Vulnerability> vulnerabilities = {}) {
  ScanReport out;
  out.time = time;
  out.vulnerabilities = std::move(vulnerabilities);
  return out;
}

Vulnerability vulnerability(std::optional<api::Severity> severity, std::optional<Time> published,
                            std::string fixed = "2.0") {
  return {"CVE-1", "openssl", "1.0", std::move(fixed), severity, published};
}

TEST(ScanJudgeTest, AgeIsJudgedOnTheReportsOwnTime) {
  struct Row {
    const char* name;
    Time::duration age;
    std::optional<hours> max_age;
    bool passes;
  };
  const Row rows[] = {
      {"fresh", hours(1), hours(24), true},
      {"just fresh", hours(24), hours(24), true},
      {"just stale", hours(24) + minutes(1), hours(24), false},
      {"old, but nobody minds", hours(9999), std::nullopt, true},
      {"a clock that runs ahead a little", -minutes(5), hours(24), true},
      {"dated in the future", -minutes(6), hours(24), false},
      {"dated in the future, and no age is asked", -minutes(6), std::nullopt, false},
  };
  for (const auto& row : rows) {
    const auto failure = judge(report(kNow - row.age), requirement({}, row.max_age), kNow);
    EXPECT_EQ(!failure, row.passes) << row.name;
  }
}

TEST(ScanJudgeTest, VulnerabilitiesFailAfterTheirGrace) {
  using enum api::Severity;
  const std::vector<api::SeverityLimit> limits = {{kHigh, hours(720)}, {kCritical, hours(72)}};
  struct Row {
    const char* name;
    std::optional<api::Severity> severity;
    std::optional<Time> published;
    bool passes;
  };
  const Row rows[] = {
      {"critical, young", kCritical, kNow - hours(71), true},
      {"critical, just elapsed", kCritical, kNow - hours(72), false},
      {"critical, old", kCritical, kNow - hours(999), false},
      {"high, within its own grace", kHigh, kNow - hours(719), true},
      {"high, old", kHigh, kNow - hours(721), false},
      {"medium, never", kMedium, kNow - hours(9999), true},
      {"unknown severity counts as critical", std::nullopt, kNow - hours(73), false},
      {"unknown severity, young", std::nullopt, kNow - hours(1), true},
      {"unknown publication has elapsed", kCritical, std::nullopt, false},
      {"published after it was found, which cannot be", kCritical, kNow + hours(48), false},
  };
  for (const auto& row : rows) {
    const auto found = report(kNow - hours(1), {vulnerability(row.severity, row.published)});
    EXPECT_EQ(!judge(found, requirement(limits), kNow), row.passes) << row.name;
  }
}

TEST(ScanJudgeTest, ALimitHoldsForEveryWorseSeverity) {
  using enum api::Severity;
  const auto critical = report(kNow, {vulnerability(kCritical, kNow - hours(48))});
  EXPECT_TRUE(judge(critical, requirement({{kMedium, hours(24)}}), kNow));
  EXPECT_TRUE(judge(critical, requirement({{kMedium, hours(24)}, {kCritical, hours(999)}}), kNow));
  EXPECT_FALSE(judge(critical, requirement({{kMedium, hours(999)}}), kNow));
}

TEST(ScanJudgeTest, NoGraceFailsAtOnceAlsoWithADateOfTomorrow) {
  const auto limits = requirement({{api::Severity::kCritical, hours(0)}});
  for (const auto published : {kNow - hours(1), kNow, kNow + minutes(4)}) {
    EXPECT_TRUE(
        judge(report(kNow, {vulnerability(api::Severity::kCritical, published)}), limits, kNow));
  }
}

TEST(ScanJudgeTest, WhatHasNoFixFailsOnlyWhereItIsAsked) {
  const auto found = report(kNow, {vulnerability(api::Severity::kCritical, std::nullopt, "")});
  auto limits = requirement({{api::Severity::kCritical, hours(0)}});
  EXPECT_FALSE(judge(found, limits, kNow)) << "absent is Ignore";
  limits.unfixed = api::UnfixedRule::kIgnore;
  EXPECT_FALSE(judge(found, limits, kNow));
  limits.unfixed = api::UnfixedRule::kFail;
  EXPECT_TRUE(judge(found, limits, kNow));
}

TEST(ScanJudgeTest, TheTextNamesTheWorstAndSaysWhatToDo) {
  using enum api::Severity;
  auto found = report(kNow);
  for (const auto& [id, severity] :
       {std::pair("CVE-4", kHigh), std::pair("CVE-3", kHigh), std::pair("CVE-2", kCritical),
        std::pair("CVE-1", kCritical)}) {
    found.vulnerabilities.push_back(
        {id, "openssl", "1.0", "2.0", severity, at("2026-01-02T00:00:00Z")});
  }
  const auto failure = judge(found, requirement({{kHigh, hours(0)}}), kNow);
  ASSERT_TRUE(failure);
  EXPECT_THAT(failure->cause,
              HasSubstr("4 vulnerabilities fail it: CVE-1 (Critical, openssl 1.0, fixed in 2.0, "
                        "published 2026-01-02), CVE-2 (Critical"));
  EXPECT_THAT(failure->cause, HasSubstr("CVE-3"));
  EXPECT_THAT(failure->cause, Not(HasSubstr("CVE-4")));
  EXPECT_THAT(failure->cause, HasSubstr("+1 more"));
  EXPECT_THAT(failure->remedy, HasSubstr("rebuild the image"));

  const auto stale = judge(report(kNow - hours(400)), requirement({}, hours(336)), kNow);
  ASSERT_TRUE(stale);
  EXPECT_THAT(stale->cause, HasSubstr("is 400h old, at most 336h are allowed"));
}

TEST(ScanExpiryTest, IsTheFirstMomentAtWhichAnythingFails) {
  using enum api::Severity;
  const auto scanned = kNow - hours(10);
  EXPECT_EQ(expiry(report(scanned), requirement({})), std::nullopt);
  EXPECT_EQ(expiry(report(scanned), requirement({}, hours(24))), scanned + hours(24));

  const auto young = report(scanned, {vulnerability(kCritical, kNow - hours(70))});
  const auto limits = requirement({{kCritical, hours(72)}}, hours(24));
  EXPECT_EQ(expiry(young, limits), kNow + hours(2));
  EXPECT_FALSE(judge(young, limits, kNow + hours(2) - minutes(1)));
  EXPECT_TRUE(judge(young, limits, kNow + hours(2))) << "expiry and judge agree";

  const auto unfixed = report(scanned, {vulnerability(kCritical, kNow - hours(70), "")});
  EXPECT_EQ(expiry(unfixed, limits), scanned + hours(24));
}

}  // namespace
}  // namespace portcullis::policy
