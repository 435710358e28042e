#include "lib/policy/scan_report.hpp"

#include <gmock/gmock.h>

#include "tests/unit/lib/policy/builders.hpp"

namespace portcullis::policy {
namespace {

using codec::Json;
using ::testing::HasSubstr;

TEST(ScanReportTest, ReadsWhatTrivyWrites) {
  const auto report = parse_scan_report(
      scan_predicate("2026-11-01T00:00:00Z", {{"CVE-1", "HIGH", "2026-02-03T04:05:06Z", "1.1"}}));
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->time, at("2026-11-01T00:00:00Z"));
  EXPECT_EQ(report->scanner, "pkg:github/aquasecurity/trivy@0.58.0");
  EXPECT_EQ(report->platform, "linux/amd64");
  ASSERT_EQ(report->vulnerabilities.size(), 1U);
  const auto& found = report->vulnerabilities[0];
  EXPECT_EQ(found.id, "CVE-1");
  EXPECT_EQ(found.package + " " + found.installed_version, "openssl 1.0");
  EXPECT_EQ(found.fixed_version, "1.1");
  EXPECT_EQ(found.severity, api::Severity::kHigh);
  EXPECT_EQ(found.published, at("2026-02-03T04:05:06Z"));
}

// verification.md §6.2: `trivy convert` stamps an old report anew, so the oldest time counts.
TEST(ScanReportTest, TheOldestOfAllTimesCounts) {
  struct Row {
    const char* pointer;
    const char* time;
  };
  const Row rows[] = {{"/metadata/scanFinishedOn", "2026-10-01T00:00:00Z"},
                      {"/scanner/result/CreatedAt", "2026-10-01T00:00:00Z"},
                      {"/scanner/db/lastUpdate", "2026-10-01T00:00:00Z"}};
  for (const auto& row : rows) {
    auto predicate = scan_predicate("2026-11-01T00:00:00Z");
    predicate[Json::json_pointer(row.pointer)] = row.time;
    const auto report = parse_scan_report(predicate);
    ASSERT_TRUE(report) << row.pointer;
    EXPECT_EQ(report->time, at(row.time)) << row.pointer;
  }
}

TEST(ScanReportTest, SeveritiesThatAreNotKnownAreKeptAsUnknown) {
  for (const auto* word : {"UNKNOWN", "NEGLIGIBLE", "critical", ""}) {
    const auto report = parse_scan_report(scan_predicate(hours_ago(1), {{"CVE-1", word}}));
    ASSERT_TRUE(report);
    EXPECT_EQ(report->vulnerabilities[0].severity, std::nullopt) << word;
  }
}

TEST(ScanReportTest, ACleanScanOfPackagesIsAReport) {
  auto predicate = scan_predicate(hours_ago(1));
  predicate["scanner"]["result"]["Results"][0].erase("Vulnerabilities");
  predicate["scanner"]["result"]["Results"][0]["Class"] = "lang-pkgs";
  const auto report = parse_scan_report(predicate);
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_TRUE(report->vulnerabilities.empty());
}

// One row for each way not to be a whole scan.
TEST(ScanReportTest, WhatIsNoWholeScanIsRefused) {
  struct Row {
    const char* pointer;
    const char* value;
    const char* expected;
  };
  const Row rows[] = {
      {"/scanner", "null", "is no Trivy report"},
      {"/scanner/result", "\"text\"", "is no Trivy report"},
      {"/scanner/result/SchemaVersion", "1", "is no Trivy report"},
      {"/scanner/result/SchemaVersion", "\"2\"", "is no Trivy report"},
      {"/scanner/result/ArtifactType", "\"filesystem\"", "is no Trivy report"},
      {"/scanner/result", R"({"matches": [], "descriptor": {"name": "grype"}})",
       "is no Trivy report"},
      {"/scanner/result/Results", "null", "no packages were scanned"},
      {"/scanner/result/Results", "[]", "no packages were scanned"},
      {"/scanner/result/Results", "{}", "no packages were scanned"},
      {"/scanner/result/Results/0/Class", "\"secret\"", "no packages were scanned"},
      {"/scanner/result/Results/0/Vulnerabilities", "{}", "Vulnerabilities is no list"},
      {"/scanner/result/Results/0/Vulnerabilities", "[3]", "a vulnerability is no object"},
      {"/scanner/result/Results/0/ExperimentalModifiedFindings", "[{\"Status\": \"ignored\"}]",
       "findings were suppressed"},
      {"/metadata/scanFinishedOn", "\"yesterday\"", "scanFinishedOn is no RFC 3339 time"},
      {"/scanner/result/CreatedAt", "\"1\"", "CreatedAt is no RFC 3339 time"},
      {"/scanner/db/lastUpdate", "\"1\"", "lastUpdate is no RFC 3339 time"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(std::string(row.pointer) + " = " + row.value);
    auto predicate = scan_predicate(hours_ago(1));
    predicate[Json::json_pointer(row.pointer)] = Json::parse(row.value);
    const auto report = parse_scan_report(predicate);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(report.error().message(), HasSubstr(row.expected));
  }
  for (const auto* text : {"null", "[]", "\"x\"", "3", "{}"}) {
    EXPECT_FALSE(parse_scan_report(Json::parse(text))) << text;
  }
}

TEST(ScanReportTest, WithoutAnyTimeItIsNoReport) {
  auto predicate = scan_predicate(hours_ago(1));
  predicate["metadata"] = {{"scanFinishedOn", ""}};
  predicate["scanner"]["result"].erase("CreatedAt");
  const auto report = parse_scan_report(predicate);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message(), HasSubstr("it says no time"));
}

TEST(ScanReportTest, TimeAndPlatformCanBeReadOfAReportThatCannotBeUsed) {
  auto predicate = scan_predicate("2026-11-01T00:00:00Z", {}, "linux/arm64");
  predicate["scanner"]["result"]["Results"] = Json::array();
  EXPECT_FALSE(parse_scan_report(predicate));
  EXPECT_EQ(*scan_time(predicate), at("2026-11-01T00:00:00Z"));
  EXPECT_EQ(scan_platform(predicate), "linux/arm64");
  EXPECT_EQ(scan_platform(Json::object()), std::nullopt);
}

}  // namespace
}  // namespace portcullis::policy
