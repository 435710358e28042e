#include "lib/policy/evidence_rules.hpp"

#include <algorithm>
#include <array>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"
#include "lib/policy/scan_report.hpp"

namespace portcullis::policy {
namespace {

using api::EvidenceType;
using Claims = std::vector<const verify::Claim*>;
using Judgement = std::variant<Met, Unmet>;

// verification.md §1.6; compared as exact strings.
constexpr std::array<std::string_view, 3> kSbomPredicates = {
    "https://spdx.dev/Document", "https://spdx.dev/Document/v2.3", "https://cyclonedx.org/bom"};
constexpr std::array<std::string_view, 2> kProvenancePredicates = {
    "https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"};

/// A report signed later than this may be an old one under a new date (verification.md §6.5).
constexpr std::chrono::hours kMostSignDelay{1};

/// What evidence must be about: the image, or one platform of an index.
struct Target {
  std::string digest;
  const PlatformManifest* platform = nullptr;
};

std::vector<Target> targets_of(const ImageFacts& facts, EvidenceType type) {
  if (type == EvidenceType::kSignature || facts.platforms.empty()) return {{facts.digest, nullptr}};
  std::vector<Target> out;
  for (const auto& platform : facts.platforms) out.push_back({platform.digest, &platform});
  return out;
}

std::string platform_text(const PlatformManifest& platform) {
  return platform.os + "/" + platform.architecture +
         (platform.variant.empty() ? "" : "/" + platform.variant);
}

/// arm64 has one variant in use, which most tools leave out (containerd platforms.Normalize).
std::string normalised(const std::string& platform) {
  return platform == "linux/arm64/v8" ? "linux/arm64" : platform;
}

std::string where(const Target& target) {
  return target.platform == nullptr ? "" : " for platform " + platform_text(*target.platform);
}

bool is_about(const verify::Claim& claim, const Target& target, const ImageFacts& facts) {
  if (claim.subject_digest == target.digest) return true;
  if (target.platform == nullptr || claim.subject_digest != facts.digest) return false;
  if (claim.predicate_type != verify::kCosignVulnPredicate || !claim.predicate) return false;
  const auto platform = scan_platform(*claim.predicate);
  return platform && normalised(*platform) == normalised(platform_text(*target.platform));
}

Claims claims_about(const Target& target, const ImageFacts& facts,
                    const verify::Authority& authority, EvidenceType type) {
  Claims out;
  const auto found = facts.by_authority.find(authority.fingerprint());
  if (found == facts.by_authority.end()) return out;
  for (const auto& claim : found->second.claims) {
    // The facts go by key: another policy's authority with the same key may allow more formats.
    if (authority.allows(claim.format) && is_evidence(claim, type) &&
        is_about(claim, target, facts)) {
      out.push_back(&claim);
    }
  }
  return out;
}

/// Times that logs or timestamp authorities vouch for bound what a report may claim; without them
/// (a bare key) the claimed time stands.
std::optional<ScanFailure> judge_signing(const verify::Claim& claim, Time claimed) {
  if (claim.verified_times.empty()) return std::nullopt;
  const auto [first, last] = std::ranges::minmax(claim.verified_times);
  if (claimed > last + kClockSkew) {
    return ScanFailure{"the scan is dated after it was signed", "make a new one and attest it"};
  }
  if (first - claimed > kMostSignDelay) {
    return ScanFailure{"the scan was signed more than 1h after it was made",
                       "make a new one and attest it at once"};
  }
  return std::nullopt;
}

/// A scan by its time, before its content is looked at.
struct DatedScan {
  const verify::Claim* claim;
  Time time;
};

Judgement judge_scan(const DatedScan& scan, const api::EvidenceRequirement& requirement, Time now) {
  const auto unmet = [](ScanFailure failure) {
    return Unmet{true, std::move(failure.cause), std::move(failure.remedy), ""};
  };
  if (auto failure = judge_signing(*scan.claim, scan.time)) return unmet(std::move(*failure));
  const auto report = parse_scan_report(*scan.claim->predicate);
  if (!report) return unmet({report.error().message(), "scan the whole image and attest it"});
  if (auto failure = judge(*report, requirement, now)) return unmet(std::move(*failure));
  return Met{report->time, expiry(*report, requirement)};
}

/// Of an authority's scans the newest counts; of equally new ones the worst.
Judgement judge_scans(const Claims& claims, const api::EvidenceRequirement& requirement, Time now) {
  std::vector<DatedScan> scans;
  Unmet undated{true, "the scan says nothing", "scan the image and attest it", ""};
  for (const auto* claim : claims) {
    if (!claim->predicate) continue;
    const auto time = scan_time(*claim->predicate);
    if (time) {
      scans.push_back({claim, *time});
    } else {
      undated.cause = time.error().message();
    }
  }
  if (scans.empty()) return undated;
  const auto newest = std::ranges::max(scans, {}, &DatedScan::time).time;
  Met met{newest, std::nullopt};
  for (const auto& scan : scans) {
    if (scan.time != newest) continue;
    auto judged = judge_scan(scan, requirement, now);
    if (std::holds_alternative<Unmet>(judged)) return judged;
    const auto& expires = std::get<Met>(judged).expiry_time;
    if (expires) met.expiry_time = std::min(met.expiry_time.value_or(*expires), *expires);
  }
  return met;
}

/// SPDX creationInfo.created, CycloneDX metadata.timestamp.
std::optional<Time> sbom_time(const codec::Json& predicate) {
  for (const auto& [parent, key] :
       {std::pair("creationInfo", "created"), std::pair("metadata", "timestamp")}) {
    const auto* holder = codec::find(predicate, parent);
    if (holder == nullptr) continue;
    if (const auto time = codec::parse_rfc3339(codec::string_or_empty(*holder, key))) return *time;
  }
  return std::nullopt;
}

Judgement judge_sboms(const Claims& claims, const api::EvidenceRequirement& requirement, Time now) {
  Unmet unmet{true, "the SBOM says nothing", "make a new one and attest it", ""};
  for (const auto* claim : claims) {
    if (!claim->predicate) continue;
    if (!requirement.max_age) return Met{};
    const auto time = sbom_time(*claim->predicate);
    if (!time) {
      unmet.cause = "the SBOM does not say when it was made";
    } else if (auto failure = judge_age("the SBOM", *time, requirement.max_age, now)) {
      unmet.cause = std::move(failure->cause);
      unmet.remedy = std::move(failure->remedy);
    } else {
      return Met{*time, *time + *requirement.max_age};
    }
  }
  return unmet;
}

std::string builder_of(const codec::Json& predicate) {
  for (const auto* builder : {codec::find_path(predicate, {"runDetails", "builder"}),
                              codec::find_path(predicate, {"builder"})}) {
    if (builder != nullptr) return codec::string_or_empty(*builder, "id");
  }
  return "";
}

Judgement judge_provenance(const Claims& claims, const std::vector<std::string>& builder_ids) {
  Unmet unmet{true, "the provenance says nothing", "build it where the policy allows", ""};
  for (const auto* claim : claims) {
    if (!claim->predicate) continue;
    const auto builder = builder_of(*claim->predicate);
    if (builder_ids.empty() || std::ranges::find(builder_ids, builder) != builder_ids.end()) {
      return Met{};
    }
    unmet.cause = "it was built by \"" + builder + "\", which provenance.builderIDs does not name";
  }
  return unmet;
}

/// Why nothing of this authority is evidence of the type: what was found instead.
std::string none_of_type(const ImageFacts& facts, const verify::Authority& authority,
                         EvidenceType type, const Target& target) {
  const auto missing = "no " + std::string(api::to_string(type)) + where(target);
  if (facts.candidates == 0) return missing + ": no signature or attestation was found at all";
  auto cause = std::to_string(facts.candidates) + " signatures and attestations found, " + missing +
               " by authority " + authority.name();
  const auto found = facts.by_authority.find(authority.fingerprint());
  if (found == facts.by_authority.end()) return cause;
  if (!found->second.rejected.empty()) return cause + ": " + found->second.rejected[0].reason;
  if (!found->second.claims.empty()) cause += ", which vouched only for something else";
  return cause;
}

Judgement judge_pins(const ImageFacts& facts, const verify::Authority& authority,
                     const Target& target) {
  if (authority.pins(facts.digest) || authority.pins(target.digest)) return Met{};
  return Unmet{
      false, target.digest + " is not among the digests that " + authority.name() + " pins",
      "use a pinned digest, or have the admin add this one to that authority", target.digest};
}

Judgement judge_target(const ImageFacts& facts, const verify::Authority& authority,
                       const api::EvidenceRequirement& requirement,
                       const std::vector<std::string>& builder_ids, const Target& target,
                       Time now) {
  if (authority.is_pin()) return judge_pins(facts, authority, target);
  const auto claims = claims_about(target, facts, authority, requirement.type);
  if (claims.empty()) {
    return Unmet{false, none_of_type(facts, authority, requirement.type, target), "",
                 target.digest};
  }
  auto judged = [&]() -> Judgement {
    switch (requirement.type) {
      case EvidenceType::kScan:
        return judge_scans(claims, requirement, now);
      case EvidenceType::kSBOM:
        return judge_sboms(claims, requirement, now);
      case EvidenceType::kProvenance:
        return judge_provenance(claims, builder_ids);
      case EvidenceType::kSignature:
      case EvidenceType::kVEX:
        break;
    }
    return Met{};
  }();
  if (auto* unmet = std::get_if<Unmet>(&judged)) {
    unmet->digest = target.digest;
    unmet->cause = std::string(api::to_string(requirement.type)) + where(target) +
                   " by authority " + authority.name() + ": " + unmet->cause;
  }
  return judged;
}

std::optional<Time> earlier(const std::optional<Time>& a, const std::optional<Time>& b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

}  // namespace

bool is_evidence(const verify::Claim& claim, EvidenceType type) {
  switch (type) {
    case EvidenceType::kSignature:
      return claim.predicate_type == verify::kCosignSignPredicate ||
             (claim.kind == verify::ClaimKind::kSignature && claim.predicate_type.empty());
    case EvidenceType::kScan:
      return claim.predicate_type == verify::kCosignVulnPredicate;
    case EvidenceType::kSBOM:
      return std::ranges::find(kSbomPredicates, claim.predicate_type) != kSbomPredicates.end();
    case EvidenceType::kProvenance:
      return std::ranges::find(kProvenancePredicates, claim.predicate_type) !=
             kProvenancePredicates.end();
    case EvidenceType::kVEX:
      return false;  // It suppresses findings; it is never required by itself.
  }
  return false;
}

std::variant<Met, Unmet> judge_authority(const ImageFacts& facts,
                                         const verify::Authority& authority,
                                         const api::EvidenceRequirement& requirement,
                                         const std::vector<std::string>& builder_ids, Time now) {
  Met all;
  for (const auto& target : targets_of(facts, requirement.type)) {
    auto judged = judge_target(facts, authority, requirement, builder_ids, target, now);
    if (std::holds_alternative<Unmet>(judged)) return judged;
    all.scan_time = earlier(all.scan_time, std::get<Met>(judged).scan_time);
    all.expiry_time = earlier(all.expiry_time, std::get<Met>(judged).expiry_time);
  }
  return all;
}

}  // namespace portcullis::policy
