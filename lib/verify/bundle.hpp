#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/base/result.hpp"
#include "lib/crypto/public_key.hpp"
#include "lib/verify/claim.hpp"
#include "lib/verify/dsse.hpp"

namespace portcullis::verify {

/// The material of a bundle made with a bare key. The hint says which key, by the signer's word;
/// the key itself always comes from policy.
struct KeyMaterial {
  std::string hint;
};
/// The material of a keyless bundle: the leaf certificate.
struct CertificateMaterial {
  std::string der;
};

/// One entry of a transparency log, as the bundle has it: nothing of it is proved.
struct LogEntry {
  std::string log_id;  ///< Raw bytes.
  std::int64_t log_index = 0;
  std::string kind, version;
  std::int64_t integrated_time = 0;    ///< Seconds since 1970; worth nothing without the promise.
  std::string signed_entry_timestamp;  ///< "" without a promise.
  struct InclusionProof {
    std::int64_t log_index = 0;
    std::int64_t tree_size = 0;
    std::string root_hash;            ///< 32 bytes.
    std::vector<std::string> hashes;  ///< 32 bytes each.
    std::string checkpoint;
  } inclusion_proof;
  std::string canonicalized_body;
};

/// A signature over the artifact itself: for an image, over the bytes of its manifest.
struct MessageSignature {
  std::string sha256;  ///< 32 raw bytes, by the signer's word.
  std::string signature;
};

/// A Sigstore bundle v0.3 (protobuf-specs, sigstore_bundle.proto; verification.md §2.3), decoded.
/// All of it is attacker-controlled.
struct Bundle {
  std::variant<KeyMaterial, CertificateMaterial> material;
  std::vector<LogEntry> log_entries;    ///< At most 32, no two of the same log and index.
  std::vector<std::string> timestamps;  ///< RFC 3161 responses, DER; at most 32, all different.
  std::variant<Envelope, MessageSignature> content;
};

/// Structure only: strict JSON, media type, exactly-one one-ofs, known fields, limits of §2.4.
/// Every error is kInvalidArgument and names the field.
Result<Bundle> parse_bundle(std::string_view bytes);

/// Verifies what the bundle holds with a key that is already trusted (§0 C.11 and C.12): the
/// envelope or message signature, then what it says. The hash is the key's own.
Verification verify_content(const Bundle& bundle, const crypto::PublicKey& key,
                            const Candidate& candidate, const std::vector<std::string>& subjects);

/// Verifies a bundle by an authority that is a bare key (§3.10). Log entries and timestamps must be
/// well formed but count for nothing: without a trust root there is nobody to believe them.
Verification verify_bundle_by_key(const Candidate& candidate, const crypto::PublicKey& key,
                                  const std::vector<std::string>& subjects);

}  // namespace portcullis::verify
