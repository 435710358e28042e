#include "lib/evidence/leads.hpp"

#include <algorithm>
#include <map>

#include "lib/policy/evidence_rules.hpp"

namespace portcullis::evidence {
namespace {

using oci::Descriptor;

// verification.md §1.1, §1.2, §1.4, §2.1
constexpr std::string_view kBundlePrefix = "application/vnd.dev.sigstore.bundle";
constexpr std::string_view kSimpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json";
constexpr std::string_view kDsse = "application/vnd.dsse.envelope.v1+json";
constexpr std::string_view kEmptyConfig = "application/vnd.oci.empty.v1+json";
constexpr std::string_view kLegacySignatureArtifact =
    "application/vnd.dev.cosign.artifact.sig.v1+json";
constexpr const char* kPredicateTypeHint = "dev.sigstore.bundle.predicateType";
constexpr const char* kCreatedHint = "org.opencontainers.image.created";
constexpr std::size_t kMaxLegacyLayers = 64;
constexpr std::uint64_t kMaxSimpleSigningBytes = 32U << 10;

std::string annotation(const Descriptor& descriptor, const char* name) {
  const auto found = descriptor.annotations.find(name);
  return found == descriptor.annotations.end() ? "" : found->second;
}

}  // namespace

bool may_be_evidence(const Descriptor& referrer) {
  // Some registries list the config's media type, which for a bundle is the empty one.
  return referrer.artifact_type.empty() || referrer.artifact_type == kEmptyConfig ||
         referrer.artifact_type.starts_with(kBundlePrefix) ||
         referrer.artifact_type == kLegacySignatureArtifact;
}

bool may_be_wanted(const Descriptor& referrer, const std::vector<api::EvidenceType>& types) {
  const auto hint = annotation(referrer, kPredicateTypeHint);
  if (hint.empty()) return true;
  verify::Claim hinted;
  hinted.predicate_type = hint;
  return std::ranges::any_of(
      types, [&](api::EvidenceType type) { return policy::is_evidence(hinted, type); });
}

std::vector<Descriptor> choose(std::vector<Descriptor> referrers, std::size_t limit) {
  if (referrers.size() <= limit) return referrers;
  // RFC 3339 in UTC, as cosign writes it, sorts as text.
  std::ranges::stable_sort(referrers, std::greater<>{}, [](const Descriptor& referrer) {
    return annotation(referrer, kCreatedHint);
  });
  std::map<std::string, std::size_t> taken;
  std::vector<std::pair<std::size_t, Descriptor>> ranked;
  for (auto& referrer : referrers) {
    const auto rank = taken[annotation(referrer, kPredicateTypeHint)]++;
    ranked.emplace_back(rank, std::move(referrer));
  }
  std::ranges::stable_sort(ranked, {}, [](const auto& entry) { return entry.first; });
  ranked.resize(limit);
  std::vector<Descriptor> chosen;
  for (auto& entry : ranked) chosen.push_back(std::move(entry.second));
  return chosen;
}

Result<std::vector<Lead>> leads_of_referrer(const oci::Manifest& manifest,
                                            const std::string& subject) {
  const auto invalid = [&](const std::string& why) {
    return Error(ErrorCode::kInvalidArgument, "the referrer " + manifest.digest + " " + why);
  };
  if (!manifest.subject || manifest.subject->digest != subject) {
    return invalid("is not about " + subject);
  }
  if (manifest.is_index) return invalid("is an index");
  if (auto leads = leads_of_legacy(manifest.layers); !leads.empty()) return leads;
  if (manifest.layers.size() != 1 || !manifest.layers[0].media_type.starts_with(kBundlePrefix)) {
    return invalid("holds no bundle");
  }
  Lead lead{verify::Format::kBundle, manifest.layers[0]};
  lead.blob.annotations.clear();  // a bundle carries all that counts itself
  return std::vector<Lead>{std::move(lead)};
}

std::vector<Lead> leads_of_legacy(const std::vector<Descriptor>& layers) {
  std::vector<Lead> leads;
  for (const auto& layer : layers) {
    if (leads.size() == kMaxLegacyLayers) break;
    if (layer.media_type == kSimpleSigning && layer.size <= kMaxSimpleSigningBytes) {
      leads.push_back({verify::Format::kLegacySignature, layer});
    } else if (layer.media_type == kDsse) {
      leads.push_back({verify::Format::kLegacyAttestation, layer});
    }
  }
  return leads;
}

}  // namespace portcullis::evidence
