#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/codec/json_fwd.hpp"

namespace portcullis::verify {

enum class Format {
  kBundle,             ///< Sigstore bundle v0.3.
  kLegacySignature,    ///< cosign `.sig`: simple signing payload.
  kLegacyAttestation,  ///< cosign `.att`: DSSE envelope.
};

/// Something found in a registry that may vouch for an image. All of it is attacker-controlled.
struct Candidate {
  Format format = Format::kBundle;
  std::string bytes;  ///< The blob: bundle JSON, simple signing payload, or DSSE envelope.
  std::map<std::string, std::string> annotations;  ///< Of the layer's descriptor (legacy formats).
  std::string digest;      ///< Of the blob; names it in caches and messages.
  std::string repository;  ///< Where it was found, for messages.
};

/// What a claim says, taken from its signed content alone: cosign's simple signing, its sign/v1
/// predicate, or a signature over the manifest itself is a Signature; no other attestation ever is.
enum class ClaimKind { kSignature, kAttestation };

/// One statement about one digest whose signature has been verified. Policy sees only these.
struct Claim {
  ClaimKind kind = ClaimKind::kAttestation;
  /// "sha256:…": the image, index or platform manifest it is about. When the content names several
  /// of the digests asked for, the first of these.
  std::string subject_digest;
  std::string predicate_type;  ///< "" for simple signing and for a signature over the manifest.
  /// Null exactly when predicate_type is ""; JSON null when the statement has no predicate.
  std::shared_ptr<const codec::Json> predicate;
  std::vector<Time> verified_times;  ///< Log and timestamp authorities; empty for a bare key.
  Format format = Format::kBundle;
  std::string evidence_digest;  ///< Of the candidate.
};

/// Which check of verification.md §0 said no.
enum class Check {
  kStructure,  ///< JSON, media type, one-ofs, limits, encodings.
  kMaterial,   ///< Certificate where a key is asked for, or the reverse; format not allowed.
  kAlgorithm,
  kSignature,
  kPayloadType,
  kStatement,  ///< in-toto Statement type, predicate type, claim type.
  kSubject,    ///< It is about another digest.
};
/// "structure", "material", … as it stands in messages and metrics.
std::string_view to_string(Check check);

/// A candidate that is not believed: which check, and words a user can act on. Text out of the
/// candidate is shortened and free of control characters.
struct Rejected {
  Check check = Check::kStructure;
  std::string reason;
};

using Verification = std::variant<Claim, Rejected>;

/// in-toto predicate types we know; matched as exact strings.
inline constexpr std::string_view kCosignSignPredicate = "https://sigstore.dev/cosign/sign/v1";
inline constexpr std::string_view kCosignVulnPredicate =
    "https://cosign.sigstore.dev/attestation/vuln/v1";

}  // namespace portcullis::verify
