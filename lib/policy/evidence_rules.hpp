#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/api/requirements.hpp"
#include "lib/base/clock.hpp"
#include "lib/policy/policy_set.hpp"
#include "lib/verify/authority.hpp"

/// Whether one authority's claims meet one requirement: what a claim is, what it is about, and what
/// it says. Internal to this folder; evaluate() composes the answers.
namespace portcullis::policy {

/// The requirement is met.
struct Met {
  std::optional<Time> scan_time;    ///< The oldest over the platforms.
  std::optional<Time> expiry_time;  ///< The earliest over the platforms.
};

/// It is not, and why.
struct Unmet {
  bool found = false;  ///< There is evidence of this type, but it does not pass.
  std::string cause;
  std::string remedy;
  std::string digest;  ///< What needs other evidence: the image's, or a platform's manifest.
};

/// True when a verified claim is evidence of this type. It goes by the signed predicate type: no
/// attestation but sign/v1 is ever a Signature.
bool is_evidence(const verify::Claim& claim, api::EvidenceType type);

/// Judges what `authority` has proved about the image, or its pins. A signature is about the
/// image's own digest. Other evidence is needed for each platform of an index: about the platform's
/// manifest, or about the index with that platform in the signed content.
/// `builder_ids`: whose provenance counts; empty: anybody's.
std::variant<Met, Unmet> judge_authority(const ImageFacts& facts,
                                         const verify::Authority& authority,
                                         const api::EvidenceRequirement& requirement,
                                         const std::vector<std::string>& builder_ids, Time now);

}  // namespace portcullis::policy
