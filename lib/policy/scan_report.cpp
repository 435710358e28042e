#include "lib/policy/scan_report.hpp"

#include <algorithm>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"

namespace portcullis::policy {
namespace {

Error unusable(std::string what) {
  return {ErrorCode::kInvalidArgument, "the scan report cannot be used: " + std::move(what)};
}

/// The oldest time so far; a time that is there but cannot be read is an error, "" is absent.
Result<void> take_time(const codec::Json* parent, std::string_view key,
                       std::optional<Time>& oldest) {
  const auto text = parent == nullptr ? std::string() : codec::string_or_empty(*parent, key);
  if (text.empty()) return {};
  const auto time = codec::parse_rfc3339(text);
  if (!time) return unusable(std::string(key) + " is no RFC 3339 time");
  oldest = oldest ? std::min(*oldest, *time) : *time;
  return {};
}

std::optional<api::Severity> severity_of(std::string_view word) {
  if (word == "LOW") return api::Severity::kLow;
  if (word == "MEDIUM") return api::Severity::kMedium;
  if (word == "HIGH") return api::Severity::kHigh;
  if (word == "CRITICAL") return api::Severity::kCritical;
  return std::nullopt;
}

Result<Vulnerability> parse_vulnerability(const codec::Json& value) {
  if (!value.is_object()) return unusable("a vulnerability is no object");
  Vulnerability out;
  out.id = codec::string_or_empty(value, "VulnerabilityID");
  out.package = codec::string_or_empty(value, "PkgName");
  out.installed_version = codec::string_or_empty(value, "InstalledVersion");
  out.fixed_version = codec::string_or_empty(value, "FixedVersion");
  out.severity = severity_of(codec::string_or_empty(value, "Severity"));
  if (const auto published = codec::parse_rfc3339(codec::string_or_empty(value, "PublishedDate"))) {
    out.published = *published;
  }
  return out;
}

/// Only these classes hold packages; a scan for secrets alone says nothing about vulnerabilities.
bool is_package_class(std::string_view name) { return name == "os-pkgs" || name == "lang-pkgs"; }

bool not_empty(const codec::Json* value) {
  return value != nullptr && !value->is_null() && !value->empty();
}

Result<void> read_result(const codec::Json& result, ScanReport& out, bool& has_packages) {
  // Trivy lists here what .trivyignore or VEX took out of Vulnerabilities: somebody's opinion that
  // no authority for VEX has signed.
  if (not_empty(codec::find(result, "ExperimentalModifiedFindings"))) {
    return unusable("findings were suppressed when it was made (ExperimentalModifiedFindings)");
  }
  has_packages = has_packages || is_package_class(codec::string_or_empty(result, "Class"));
  const auto* vulnerabilities = codec::find(result, "Vulnerabilities");
  if (vulnerabilities == nullptr || vulnerabilities->is_null()) return {};
  if (!vulnerabilities->is_array()) return unusable("Vulnerabilities is no list");
  for (const auto& item : *vulnerabilities) {
    out.vulnerabilities.push_back(TRY(parse_vulnerability(item)));
  }
  return {};
}

/// scanner.result as a Trivy report (schema 2, the only one since 2021).
Result<const codec::Json*> trivy_report(const codec::Json& predicate) {
  const auto* report = codec::find_path(predicate, {"scanner", "result"});
  const bool is_trivy = report != nullptr && report->is_object() &&
                        codec::find_integer(*report, "SchemaVersion") == 2 &&
                        codec::string_or_empty(*report, "ArtifactType") == "container_image";
  if (!is_trivy) {
    return unusable("scanner.result is no Trivy report of a container image (schema version 2)");
  }
  return report;
}

}  // namespace

Result<Time> scan_time(const codec::Json& predicate) {
  std::optional<Time> oldest;
  const auto* metadata = codec::find(predicate, "metadata");
  TRY_VOID(take_time(metadata, "scanFinishedOn", oldest));
  TRY_VOID(take_time(codec::find_path(predicate, {"scanner", "db"}), "lastUpdate", oldest));
  TRY_VOID(take_time(codec::find_path(predicate, {"scanner", "result"}), "CreatedAt", oldest));
  if (!oldest) return unusable("it says no time (metadata.scanFinishedOn)");
  return *oldest;
}

std::optional<std::string> scan_platform(const codec::Json& predicate) {
  const auto* config =
      codec::find_path(predicate, {"scanner", "result", "Metadata", "ImageConfig"});
  if (config == nullptr) return std::nullopt;
  const auto os = codec::string_or_empty(*config, "os");
  const auto architecture = codec::string_or_empty(*config, "architecture");
  const auto variant = codec::string_or_empty(*config, "variant");
  if (os.empty() || architecture.empty()) return std::nullopt;
  return os + "/" + architecture + (variant.empty() ? "" : "/" + variant);
}

Result<ScanReport> parse_scan_report(const codec::Json& predicate) {
  ScanReport out;
  out.time = TRY(scan_time(predicate));
  const auto* report = TRY(trivy_report(predicate));
  if (const auto* scanner = codec::find(predicate, "scanner")) {
    out.scanner = codec::string_or_empty(*scanner, "uri");
  }
  out.platform = scan_platform(predicate);

  const auto* results = codec::find(*report, "Results");
  bool has_packages = false;
  if (results != nullptr && results->is_array()) {
    for (const auto& result : *results) TRY_VOID(read_result(result, out, has_packages));
  }
  if (!has_packages)
    return unusable("no packages were scanned (no Results of class os-pkgs or lang-pkgs)");
  return out;
}

}  // namespace portcullis::policy
