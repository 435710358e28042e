#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/api/trust_policy.hpp"
#include "lib/base/result.hpp"
#include "lib/crypto/public_key.hpp"
#include "lib/verify/claim.hpp"

namespace portcullis::verify {

/// One compiled authority of a TrustPolicy: whom we believe. Immutable; cheap to copy; any thread.
class Authority {
 public:
  /// kInvalidArgument: a key or digest that does not parse, not exactly one of key, keyless and
  /// digests, and what this version cannot check (keyless, transparency log or timestamp
  /// requirements): better no authority than an unchecked one.
  static Result<Authority> create(const api::Authority& spec);

  const std::string& name() const { return name_; }
  /// The same for the same key or the same pinned digests, whatever the authority is called:
  /// "key:sha256hex" or "digests:sha256hex". Distinctness and claim caches go by it.
  const std::string& fingerprint() const { return fingerprint_; }
  bool vouches_for(api::EvidenceType type) const;
  bool allows(Format format) const;
  const std::vector<std::string>& evidence_repositories() const { return evidence_repositories_; }
  const std::vector<api::EvidenceType>& evidence_types() const { return vouches_for_; }

  /// True when the admin vouched for this very digest by pin (authority of kind digests).
  bool pins(std::string_view digest) const;
  bool is_pin() const { return std::holds_alternative<Pins>(basis_); }

  /// Checks `candidate` in the order of verification.md §0 phase C (bundle) or §1.5 (legacy), with
  /// this authority's key. `subjects` are the digests it may be about: the image's, and for an
  /// index its children's; the claim is about the first of them that is named. No clock, no I/O.
  ///
  /// The answer depends on fingerprint(), the allowed formats and the arguments alone. A pin
  /// verifies nothing: it rejects every candidate.
  Verification verify(const Candidate& candidate, const std::vector<std::string>& subjects) const;

 private:
  using Pins = std::vector<std::string>;  ///< Sorted, unique.

  Authority(const api::Authority& spec, std::variant<crypto::PublicKey, Pins> basis,
            std::string fingerprint);

  std::string name_;
  std::string fingerprint_;
  std::vector<api::EvidenceType> vouches_for_;
  std::vector<api::SignatureFormat> formats_;  ///< Empty: both.
  std::vector<std::string> evidence_repositories_;
  std::variant<crypto::PublicKey, Pins> basis_;
};

}  // namespace portcullis::verify
