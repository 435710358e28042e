#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.hpp"
#include "lib/crypto/public_key.hpp"
#include "lib/verify/claim.hpp"

/// cosign's storage before bundles: `.sig` and `.att` tags (verification.md §1).
namespace portcullis::verify {

/// What a simple signing payload says.
struct SimpleSigning {
  std::string manifest_digest;   ///< critical.image.docker-manifest-digest, as written.
  std::string docker_reference;  ///< critical.identity.docker-reference: a claim, not checked.
};
/// Reads a payload of at most 32 KiB. kInvalidArgument for: unknown members of `critical` (as the
/// format demands, and Go's readers ignore case), a member twice, another type than "cosign
/// container image signature", a digest that is not "sha256:…".
Result<SimpleSigning> parse_simple_signing(std::string_view payload);

/// Verifies a legacy layer by an authority that is a bare key, in the order of §1.5: annotations,
/// key and not certificate, signature (always SHA-256, whatever the key's curve), claim.
/// Transparency log annotations count for nothing here.
Verification verify_legacy_by_key(const Candidate& candidate, const crypto::PublicKey& key,
                                  const std::vector<std::string>& subjects);

}  // namespace portcullis::verify
