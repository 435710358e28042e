#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/base/deadline.hpp"
#include "lib/base/result.hpp"
#include "lib/oci/keychain.hpp"
#include "lib/oci/reference.hpp"
#include "lib/policy/policy_set.hpp"

namespace portcullis::evidence {

/// What is to be found out about one image.
struct Question {
  std::string field;    ///< Copied into the facts.
  std::string written;  ///< The reference as the user wrote it.
  oci::Reference reference;
  /// The authorities whose word is wanted, of the policies that matched; shared, immutable.
  std::vector<const verify::Authority*> authorities;
  /// Kinds of evidence that are required (a missing one makes the discovery cache short-lived).
  std::vector<api::EvidenceType> required;
  /// Platforms ("linux/amd64") the pod may run on; empty: every platform of an index.
  std::vector<std::string> platforms;
  /// Look again for what was last looked for more than 30 s ago: for a second try after facts from
  /// a cache did not suffice.
  bool fresh = false;
};

/// Collects the facts that policy decides on: registry reads and signature verification, through
/// the caches of design §3 (discovery, evidence bytes, verified claims; never verdicts).
/// Any thread; several gather() calls share the work for the same digest (single-flight).
class Gatherer {
 public:
  virtual ~Gatherer() = default;

  /// One ImageFacts a question, in order; what could not be found out is in ImageFacts::failure, so
  /// this itself cannot fail. Returns by the deadline; work that is under way goes on in the
  /// background for at most 30 s more, so that a retry finds it done.
  /// `policies` owns the authorities that the questions point to, and is kept alive as long as
  /// needed.
  virtual std::vector<policy::ImageFacts> gather(const std::vector<Question>& questions,
                                                 std::shared_ptr<const policy::PolicySet> policies,
                                                 std::shared_ptr<const oci::Keychain> keychain,
                                                 Deadline deadline) = 0;

  /// The digest that the reference has now: the pinning webhook's only need. The answer is kept for
  /// 10 s so that the validating call that follows sees the same digest.
  virtual Result<std::string> resolve(const oci::Reference& reference,
                                      std::shared_ptr<const oci::Keychain> keychain,
                                      Deadline deadline) = 0;
};

}  // namespace portcullis::evidence
