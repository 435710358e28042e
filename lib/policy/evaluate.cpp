#include <algorithm>
#include <iterator>
#include <set>

#include "lib/policy/evidence_rules.hpp"
#include "lib/policy/policy_set.hpp"

namespace portcullis::policy {
namespace {

using api::EvidenceRequirement;
using api::EvidenceType;
using Policies = std::vector<const CompiledPolicy*>;

/// The image's digest as far as it is known: also when nothing could be fetched, a reference may
/// carry one, and a revoked digest must be refused as such.
std::string known_digest(const ImageFacts& facts) {
  if (!facts.digest.empty()) return facts.digest;
  const auto at = facts.reference.rfind('@');
  return at == std::string::npos ? std::string() : facts.reference.substr(at + 1);
}

Violation refusal(const ImageFacts& facts, std::string policy, std::string check, std::string cause,
                  std::string remedy) {
  return {.outcome = Outcome::kRefused,
          .field = facts.field,
          .image = facts.reference,
          .policy = std::move(policy),
          .check = std::move(check),
          .cause = std::move(cause),
          .remedy = std::move(remedy),
          .could_not_decide = false};
}

Outcome outcome_of(const Error& error) {
  if (error.code() == ErrorCode::kInternal) return Outcome::kBroken;
  return is_transient(error.code()) ? Outcome::kUndecided : Outcome::kRefused;
}

std::string remedy_of(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kPermissionDenied:
      return "check the pull secrets (spec.imagePullSecrets) and the registry's certificate";
    case ErrorCode::kNotFound:
      return "check the reference, and that the image was pushed";
    case ErrorCode::kInvalidArgument:
      return "check what the registry holds under this reference";
    case ErrorCode::kInternal:
      return "see the log of portcullis-webhook";
    default:
      return "try again; if it stays so, check the registry";
  }
}

Violation could_not_find_out(const ImageFacts& facts) {
  auto violation =
      refusal(facts, "", "Evidence", facts.failure->message(), remedy_of(*facts.failure));
  violation.outcome = outcome_of(*facts.failure);
  violation.could_not_decide = true;
  return violation;
}

Violation broken_policy(const ImageFacts& facts, const CompiledPolicy& policy) {
  return refusal(facts, policy.name, "Policy",
                 "the policy cannot be used: " + policy.broken->message(),
                 "mend the TrustPolicy " + policy.name);
}

std::optional<Violation> revoked(const ImageFacts& facts, const CompiledPolicy& policy) {
  const auto is_revoked = [&](const std::string& digest) {
    return std::ranges::find(policy.revoked_digests, digest) != policy.revoked_digests.end();
  };
  auto digest = known_digest(facts);
  if (!is_revoked(digest)) {
    const auto child = std::ranges::find_if(facts.platforms, is_revoked, &PlatformManifest::digest);
    if (child == facts.platforms.end()) return std::nullopt;
    digest = child->digest;
  }
  return refusal(facts, policy.name, "Revocation", digest + " is revoked",
                 "use another version of the image");
}

/// The command that makes what is missing.
std::string command(EvidenceType type, const ImageFacts& facts, const std::string& digest) {
  const auto image = facts.name + "@" + digest;
  switch (type) {
    case EvidenceType::kScan:
      return "cosign attest --type vuln --predicate SCAN.json --key KEY " + image;
    case EvidenceType::kSBOM:
      return "cosign attest --type spdxjson --predicate SBOM.json --key KEY " + image;
    case EvidenceType::kProvenance:
      return "cosign attest --type slsaprovenance1 --predicate PROVENANCE.json --key KEY " + image;
    default:
      return "cosign sign --key KEY " + image;
  }
}

std::string instruction(EvidenceType type) {
  switch (type) {
    case EvidenceType::kScan:
      return "scan it and attest the report";
    case EvidenceType::kSignature:
      return "sign it";
    default:
      return "attest it";
  }
}

Violation unmet_violation(const ImageFacts& facts, const CompiledPolicy& policy, EvidenceType type,
                          const Unmet& unmet, bool is_pin) {
  auto remedy = unmet.remedy.empty() ? instruction(type) : unmet.remedy;
  if (!is_pin) remedy += ": " + command(type, facts, unmet.digest);
  return refusal(facts, policy.name, std::string(api::to_string(type)), unmet.cause,
                 std::move(remedy));
}

Evidence met_evidence(const ImageFacts& facts, const CompiledPolicy& policy,
                      const verify::Authority& authority, EvidenceType type, const Met& met) {
  return {.field = facts.field,
          .image = facts.reference,
          .digest = facts.digest,
          .policy = policy.name,
          .authority = authority.name(),
          .check = std::string(api::to_string(type)),
          .scan_time = met.scan_time,
          .expiry_time = met.expiry_time};
}

/// What one policy's own authorities say to one requirement.
struct PolicyAnswer {
  bool abstains = true;  ///< It has no authority for this type.
  std::vector<Evidence> evidence;
  std::set<std::string> fingerprints;  ///< Of the authorities that vouched.
  std::optional<Violation> violation;  ///< None of its own authorities vouched, and why.
};

PolicyAnswer ask(const ImageFacts& facts, const CompiledPolicy& policy,
                 const EvidenceRequirement& requirement, Time now) {
  PolicyAnswer answer;
  std::optional<Unmet> told;
  bool told_by_pin = false;
  for (const auto& authority : policy.authorities) {
    if (!authority.vouches_for(requirement.type)) continue;
    answer.abstains = false;
    const auto builders = policy.builder_ids.find(authority.name());
    const auto judged = judge_authority(
        facts, authority, requirement,
        builders == policy.builder_ids.end() ? std::vector<std::string>() : builders->second, now);
    if (const auto* met = std::get_if<Met>(&judged)) {
      answer.fingerprints.insert(authority.fingerprint());
      answer.evidence.push_back(met_evidence(facts, policy, authority, requirement.type, *met));
      continue;
    }
    // Evidence that fails tells more than evidence that is missing.
    const auto& unmet = std::get<Unmet>(judged);
    if (told && (told->found || !unmet.found)) continue;
    told = unmet;
    told_by_pin = authority.is_pin();
  }
  if (answer.evidence.empty() && told) {
    answer.violation = unmet_violation(facts, policy, requirement.type, *told, told_by_pin);
  }
  return answer;
}

std::string names_of(const Policies& policies) {
  std::string names;
  for (const auto* policy : policies) names += (names.empty() ? "" : ", ") + policy->name;
  return names;
}

/// design §2.3, for one type: who matches must have an authority, each of those must be satisfied
/// by one of its own, and enough distinct authorities must have vouched.
void judge_requirement(const ImageFacts& facts, const Policies& enforcing,
                       const EvidenceRequirement& requirement, Time now, ImageVerdict& out) {
  const auto type = std::string(api::to_string(requirement.type));
  Policies asked;
  std::set<std::string> fingerprints;
  bool complete = true;
  for (const auto* policy : enforcing) {
    auto answer = ask(facts, *policy, requirement, now);
    if (answer.abstains) continue;
    asked.push_back(policy);
    fingerprints.merge(answer.fingerprints);
    std::ranges::move(answer.evidence, std::back_inserter(out.evidence));
    complete = complete && !answer.violation;
    if (answer.violation) out.violations.push_back(std::move(*answer.violation));
  }
  if (asked.empty()) {
    out.violations.push_back(refusal(
        facts, names_of(enforcing), type,
        "evidence of type " + type + " is required, but no matching policy says who vouches for it",
        "add " + type + " to vouchesFor of an authority in a TrustPolicy that matches " +
            facts.name));
    return;
  }
  const auto wanted =
      static_cast<std::size_t>(std::max(1, requirement.min_authorities.value_or(1)));
  if (complete && fingerprints.size() < wanted) {
    out.violations.push_back(
        refusal(facts, names_of(asked), type,
                std::to_string(fingerprints.size()) + " of " + std::to_string(wanted) +
                    " required authorities vouch for it (minAuthorities, distinct keys)",
                "have another authority do so: " + command(requirement.type, facts, facts.digest)));
  }
}

/// What a policy in mode Audit would have refused by itself.
void audit(const ImageFacts& facts, const CompiledPolicy& policy,
           const std::vector<EvidenceRequirement>& required, Time now, ImageVerdict& out) {
  if (policy.broken) {
    out.audited.push_back(broken_policy(facts, policy));
  } else if (auto violation = revoked(facts, policy)) {
    out.audited.push_back(std::move(*violation));
  } else if (!facts.failure) {
    for (const auto& requirement : required) {
      auto answer = ask(facts, policy, requirement, now);
      if (answer.violation) out.audited.push_back(std::move(*answer.violation));
    }
  }
}

void enforce(const ImageFacts& facts, const Policies& enforcing,
             const std::vector<EvidenceRequirement>& required, Time now, ImageVerdict& out) {
  for (const auto* policy : enforcing) {
    if (auto violation = revoked(facts, *policy)) {
      out.violations = {std::move(*violation)};
      return;
    }
  }
  if (facts.failure) {
    out.violations.push_back(could_not_find_out(facts));
    return;
  }
  for (const auto& requirement : required) {
    judge_requirement(facts, enforcing, requirement, now, out);
  }
  if (!required.empty()) return;
  out.evidence.push_back({.field = facts.field,
                          .image = facts.reference,
                          .digest = facts.digest,
                          .policy = enforcing.front()->name,
                          .authority = "no evidence is required",
                          .check = "Policy",
                          .scan_time = std::nullopt,
                          .expiry_time = std::nullopt});
}

}  // namespace

ImageVerdict evaluate(const ImageFacts& facts, const std::vector<const CompiledPolicy*>& policies,
                      const std::vector<api::EvidenceRequirement>& required, Time now) {
  ImageVerdict out;
  Policies enforcing;
  for (const auto* policy : policies) {
    if (policy->mode == api::Mode::kAudit) {
      audit(facts, *policy, required, now, out);
    } else if (policy->broken) {
      out.violations.push_back(broken_policy(facts, *policy));
    } else {
      enforcing.push_back(policy);
    }
  }
  if (!enforcing.empty()) {
    enforce(facts, enforcing, required, now, out);
  } else if (out.violations.empty()) {
    out.violations.push_back(no_policy_matches(facts.field, facts.reference, facts.name));
  }
  return out;
}

Violation no_policy_matches(std::string field, std::string reference, std::string_view name) {
  return {.outcome = Outcome::kRefused,
          .field = std::move(field),
          .image = std::move(reference),
          .policy = "builtin/no-policy",
          .check = "Policy",
          .cause = "no TrustPolicy that is enforced here matches " + std::string(name),
          .remedy =
              "use an image of a trusted registry, or have the admin add a TrustPolicy whose "
              "images.include matches it",
          .could_not_decide = false};
}

}  // namespace portcullis::policy
