#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "lib/api/requirements.hpp"
#include "lib/base/clock.hpp"
#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"

namespace portcullis::policy {

/// How far another machine's clock may run ahead of ours before its times are lies
/// (verification.md §6.5).
inline constexpr std::chrono::minutes kClockSkew{5};

struct Vulnerability {
  std::string id;
  std::string package;
  std::string installed_version, fixed_version;
  std::optional<api::Severity> severity;  ///< Empty: UNKNOWN; counts as kCritical (worst).
  std::optional<Time> published;          ///< Empty: unknown; counts as long ago.
};

/// A scan, whatever tool made it. Source: verification.md §6.1, §6.2, §6.5.
struct ScanReport {
  Time time;  ///< The oldest of all times it claims: finish, report creation, database.
  std::string scanner;
  std::vector<Vulnerability> vulnerabilities;
  std::optional<std::string> platform;  ///< "linux/amd64" as the report says it.
};

/// Reads the predicate of a cosign vuln attestation whose scanner.result is a Trivy JSON report.
/// kInvalidArgument: a partial scan (no Results of class os-pkgs or lang-pkgs, modified findings),
/// no time, another scanner's format.
Result<ScanReport> parse_scan_report(const codec::Json& predicate);

/// ScanReport::time alone, also of a predicate whose report cannot be used: a newer scan that is
/// no good must not hide behind an older one.
Result<Time> scan_time(const codec::Json& predicate);

/// ScanReport::platform alone, likewise.
std::optional<std::string> scan_platform(const codec::Json& predicate);

/// Why the report fails the requirement at `now`; empty: it passes. The text names the worst
/// vulnerabilities and says what to do.
struct ScanFailure {
  std::string cause;
  std::string remedy;
};
std::optional<ScanFailure> judge(const ScanReport& report,
                                 const api::EvidenceRequirement& requirement, Time now);

/// Why something of this age fails `max_age` at `now`; `what` begins the sentence ("the scan").
/// Times in the future fail too.
std::optional<ScanFailure> judge_age(std::string_view what, Time time,
                                     std::optional<std::chrono::seconds> max_age, Time now);

/// When a passing report stops passing by age or by an `after` that elapses.
std::optional<Time> expiry(const ScanReport& report, const api::EvidenceRequirement& requirement);

}  // namespace portcullis::policy
