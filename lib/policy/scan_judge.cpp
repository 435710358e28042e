#include <algorithm>

#include "lib/codec/encoding.hpp"
#include "lib/policy/scan_report.hpp"

namespace portcullis::policy {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// A denial has 900 bytes for everything; three names are what people act on.
constexpr std::size_t kMostNamed = 3;

api::Severity severity_of(const Vulnerability& vulnerability) {
  return vulnerability.severity.value_or(api::Severity::kCritical);
}

/// The grace for a severity, closed upwards: a limit for High holds for Critical too.
std::optional<seconds> grace(const std::vector<api::SeverityLimit>& limits,
                             api::Severity severity) {
  std::optional<seconds> shortest;
  for (const auto& limit : limits) {
    if (limit.severity <= severity) {
      shortest = shortest ? std::min(*shortest, limit.after) : limit.after;
    }
  }
  return shortest;
}

/// From when on this vulnerability fails the report; empty: never. Time::min(): always.
std::optional<Time> fails_from(const Vulnerability& vulnerability, Time scanned,
                               const api::EvidenceRequirement& requirement) {
  const auto after = grace(requirement.fail_on, severity_of(vulnerability));
  if (!after) return std::nullopt;
  const bool unfixed = vulnerability.fixed_version.empty();
  if (unfixed && requirement.unfixed != api::UnfixedRule::kFail) return std::nullopt;
  // Nobody can find what is yet to be published: such a date is as good as none.
  const bool dated = vulnerability.published && *vulnerability.published <= scanned + kClockSkew;
  if (!dated || *after == seconds::zero()) return Time::min();
  return *vulnerability.published + *after;
}

std::string days(Time time) { return codec::format_time(time).substr(0, 10); }

std::string describe(const Vulnerability& vulnerability) {
  auto text = vulnerability.id + " (";
  text += vulnerability.severity ? std::string(api::to_string(*vulnerability.severity))
                                 : std::string("severity unknown, counts as Critical");
  text += ", " + vulnerability.package + " " + vulnerability.installed_version;
  text += vulnerability.fixed_version.empty() ? ", no fix yet"
                                              : ", fixed in " + vulnerability.fixed_version;
  if (vulnerability.published) text += ", published " + days(*vulnerability.published);
  return text + ")";
}

ScanFailure describe(std::vector<const Vulnerability*> failing) {
  std::ranges::stable_sort(failing, [](const auto* a, const auto* b) {
    return std::pair(severity_of(*b), a->id) < std::pair(severity_of(*a), b->id);
  });
  auto cause = std::to_string(failing.size()) + " vulnerabilities fail it: ";
  for (std::size_t i = 0; i < std::min(failing.size(), kMostNamed); ++i) {
    cause += (i == 0 ? "" : ", ") + describe(*failing[i]);
  }
  if (failing.size() > kMostNamed) {
    cause += " +" + std::to_string(failing.size() - kMostNamed) + " more";
  }
  return {std::move(cause), "rebuild the image with the fixed packages, then scan and attest it"};
}

std::string age_text(Time::duration age) {
  const auto whole_hours = std::chrono::duration_cast<hours>(age);
  if (whole_hours >= hours(1)) return codec::format_duration(whole_hours);
  return codec::format_duration(std::chrono::duration_cast<minutes>(age));
}

}  // namespace

std::optional<ScanFailure> judge_age(std::string_view what, Time time,
                                     std::optional<seconds> max_age, Time now) {
  if (time > now + kClockSkew) {
    return ScanFailure{
        std::string(what) + " is dated in the future (" + codec::format_time(time) + ")",
        "set the clock of the machine that made it, make it again and attest it"};
  }
  if (max_age && now - time > *max_age) {
    return ScanFailure{std::string(what) + " of " + codec::format_time(time) + " is " +
                           age_text(now - time) + " old, at most " +
                           codec::format_duration(*max_age) + " are allowed",
                       "make a new one and attest it"};
  }
  return std::nullopt;
}

std::optional<ScanFailure> judge(const ScanReport& report,
                                 const api::EvidenceRequirement& requirement, Time now) {
  if (auto failure = judge_age("the scan", report.time, requirement.max_age, now)) return failure;
  std::vector<const Vulnerability*> failing;
  for (const auto& vulnerability : report.vulnerabilities) {
    const auto from = fails_from(vulnerability, report.time, requirement);
    if (from && *from <= now) failing.push_back(&vulnerability);
  }
  if (failing.empty()) return std::nullopt;
  return describe(std::move(failing));
}

std::optional<Time> expiry(const ScanReport& report, const api::EvidenceRequirement& requirement) {
  std::optional<Time> earliest;
  const auto take = [&](Time time) { earliest = earliest ? std::min(*earliest, time) : time; };
  if (requirement.max_age) take(report.time + *requirement.max_age);
  for (const auto& vulnerability : report.vulnerabilities) {
    if (const auto from = fails_from(vulnerability, report.time, requirement)) take(*from);
  }
  return earliest;
}

}  // namespace portcullis::policy
