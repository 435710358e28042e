#pragma once

#include <chrono>
#include <compare>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"

/// design: "What must be vouched for". One type, everywhere: a profile's baseline and rows, and a
/// workload's own spec.requirements. Constraints only: an absent field is no constraint.
/// Enumerators stand in order of strictness, so that the stricter of two is the greater one.
/// policy::join combines them.
namespace portcullis::api {

enum class Mode { kAudit, kEnforce };
enum class Declaration { kContact, kPurpose };
enum class TagRule { kPin, kDeny };
enum class EvidenceType { kSignature, kScan, kSBOM, kProvenance, kVEX };
enum class Severity { kLow, kMedium, kHigh, kCritical };
enum class UnfixedRule { kIgnore, kFail };
enum class AllowDeny { kAllow, kDeny };
enum class PodSecurityLevel { kPrivileged, kBaseline, kRestricted };
enum class RootFilesystemRule { kRequired };
enum class Isolation { kNone, kIngress, kFull };
enum class ForeignPolicyRule { kReport, kDeny };

/// A vulnerability of this severity or worse fails the scan once it has been published for `after`.
struct SeverityLimit {
  Severity severity = Severity::kCritical;
  std::chrono::seconds after{0};
  bool operator==(const SeverityLimit&) const = default;
};

/// One required kind of evidence; unique by type within its list.
struct EvidenceRequirement {
  EvidenceType type = EvidenceType::kSignature;
  std::optional<int> min_authorities;           ///< Distinct keys or identities; absent: 1.
  std::optional<std::chrono::seconds> max_age;  ///< On the report's own time. Scan, SBOM.
  std::vector<SeverityLimit> fail_on;           ///< Scan. Unique by severity.
  std::optional<UnfixedRule> unfixed;           ///< Scan. Absent: kIgnore.
  bool operator==(const EvidenceRequirement&) const = default;
};

struct ImageRequirements {
  std::optional<TagRule> tags;
  std::vector<EvidenceRequirement> evidence;
  bool operator==(const ImageRequirements&) const = default;
};

struct ModelRequirements {
  std::optional<AllowDeny> undeclared;
  std::optional<AllowDeny> unverifiable;
  std::vector<EvidenceRequirement> evidence;
  bool operator==(const ModelRequirements&) const = default;
};

struct PodSecurityRequirements {
  std::optional<PodSecurityLevel> level;
  std::optional<RootFilesystemRule> read_only_root_filesystem;
  std::optional<AllowDeny> api_token;
  /// Absent: any. Present and empty: nothing satisfies it (only join makes that).
  std::optional<std::vector<std::string>> runtime_class_names;
  bool operator==(const PodSecurityRequirements&) const = default;
};

struct NetworkRequirements {
  std::optional<Isolation> isolation;
  std::optional<AllowDeny> public_egress;
  std::optional<ForeignPolicyRule> foreign_policies;
  bool operator==(const NetworkRequirements&) const = default;
};

struct Requirements {
  std::optional<Mode> mode;
  std::vector<Declaration> declare;  ///< Sorted, unique.
  ImageRequirements images;
  ModelRequirements models;
  PodSecurityRequirements pod_security;
  std::optional<AllowDeny> sessions;
  std::optional<std::chrono::seconds> secrets_max_age;
  NetworkRequirements network;
  bool operator==(const Requirements&) const = default;
};

/// The words of the YAML: "Enforce", "Signature", "Critical", …
std::string_view to_string(Mode value);
std::string_view to_string(EvidenceType value);
std::string_view to_string(Severity value);
std::string_view to_string(Isolation value);
std::string_view to_string(PodSecurityLevel value);
Result<EvidenceType> parse_evidence_type(std::string_view word);
Result<Severity> parse_severity(std::string_view word);

/// Reads a `requirements` object. The schema has checked it, but this reader does not rely on that:
/// an unknown word or a malformed duration is kInvalidArgument with the field's path below `path`.
Result<Requirements> parse_requirements(const codec::Json& value, std::string_view path);
codec::Json to_json(const Requirements& requirements);

}  // namespace portcullis::api
