#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"
#include "lib/crypto/public_key.hpp"
#include "lib/verify/claim.hpp"
#include "lib/verify/dsse.hpp"

namespace portcullis::verify {

/// An in-toto Statement, v0.1 or v1 (in-toto/attestation, spec/v1/statement.md).
struct Statement {
  std::vector<std::string> subjects;  ///< The sha256 digests among all subjects', "sha256:…".
  std::string predicate_type;
  std::shared_ptr<const codec::Json> predicate;  ///< Never null; JSON null when absent.
};

/// Reads a payload. As the specification demands, members that we do not know are ignored; those
/// that we know must be of their type. kInvalidArgument also for: no subject, more than 1024, a
/// subject without any digest or with more than 32, no predicate type.
Result<Statement> parse_statement(std::string_view payload);

/// The steps that every envelope goes through, whatever it was found in and however `key` came to
/// be trusted (verification.md §0 C.11 and C.12): signature over the PAE, payload type, Statement,
/// subject, then the claim.
Verification verify_envelope(const Envelope& envelope, const crypto::PublicKey& key,
                             crypto::Hash hash, const Candidate& candidate,
                             const std::vector<std::string>& subjects);

/// What to tell about a signature that is not `key`'s.
Rejected wrong_signature(const crypto::PublicKey& key);
/// What to tell about evidence for other digests than the `subjects` asked for; `found` may be
/// empty.
Rejected wrong_subject(const std::vector<std::string>& found,
                       const std::vector<std::string>& subjects);

}  // namespace portcullis::verify
