#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/api/requirements.hpp"
#include "lib/base/result.hpp"
#include "lib/oci/registry_client.hpp"
#include "lib/verify/claim.hpp"

namespace portcullis::evidence {

/// A blob that may be evidence, and where it was found. All of it is attacker-controlled. Legacy
/// formats carry their signature in the descriptor's annotations.
struct Lead {
  verify::Format format = verify::Format::kBundle;
  oci::Descriptor blob;
};

/// True when the referrer may be evidence at all, by its artifact type; registries that do not tell
/// the type get the benefit of the doubt. Pure.
bool may_be_evidence(const oci::Descriptor& referrer);

/// True when the referrer's own annotation does not rule out that it is evidence of one of `types`.
/// The annotation is a hint: believing it can only hide evidence, which a registry can anyway.
/// Pure.
bool may_be_wanted(const oci::Descriptor& referrer, const std::vector<api::EvidenceType>& types);

/// At most `limit` of the referrers: of each predicate type the newest first, the types in turn, so
/// that a year of daily scans does not push out the one signature. Pure.
std::vector<oci::Descriptor> choose(std::vector<oci::Descriptor> referrers, std::size_t limit);

/// What a referrer's manifest holds. kInvalidArgument: it is not about `subject`, or it is no
/// bundle (exactly one layer) and no legacy signature. Pure.
Result<std::vector<Lead>> leads_of_referrer(const oci::Manifest& manifest,
                                            const std::string& subject);

/// The layers of a `.sig` or `.att` manifest that are of its format; at most 64. Pure.
std::vector<Lead> leads_of_legacy(const std::vector<oci::Descriptor>& layers);

}  // namespace portcullis::evidence
