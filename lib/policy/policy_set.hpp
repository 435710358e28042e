#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "lib/api/requirements.hpp"
#include "lib/api/trust_policy.hpp"
#include "lib/base/clock.hpp"
#include "lib/base/result.hpp"
#include "lib/policy/image_pattern.hpp"
#include "lib/policy/verdict.hpp"
#include "lib/verify/authority.hpp"

namespace portcullis::policy {

/// One TrustPolicy, compiled; or one that did not compile and therefore denies.
struct CompiledPolicy {
  std::string name;
  std::int64_t generation = 0;
  std::vector<ImagePattern> include, exclude;
  std::vector<std::string> profiles;  ///< Empty: all.
  api::Mode mode = api::Mode::kEnforce;
  std::vector<std::string> revoked_digests;
  std::vector<verify::Authority> authorities;
  /// Of the authorities that have some, by name: whose provenance counts (provenance.builderIDs).
  std::map<std::string, std::vector<std::string>, std::less<>> builder_ids;
  std::optional<Error> broken;  ///< Set: denies the images of all bound pods in its profiles.

  bool applies_to(std::string_view profile) const;
  bool matches(std::string_view image_name) const;
};

/// A TrustPolicy as the cluster has it: parsed, or the error of parsing it (then with its name, and
/// its profiles as far as they could be read).
struct PolicySource {
  std::string name;
  std::variant<api::TrustPolicy, Error> policy;
  std::vector<std::string> profiles = {};  ///< With an Error: api::readable_profiles(). Empty: all.
};

/// Compiles one policy; never fails: see CompiledPolicy::broken.
CompiledPolicy compile(const PolicySource& source);

/// All policies of the cluster, an immutable snapshot. Any thread.
class PolicySet {
 public:
  explicit PolicySet(std::vector<PolicySource> sources);

  const std::vector<CompiledPolicy>& policies() const { return policies_; }

  /// The policies that count for an image in a namespace of this profile, broken ones included
  /// (whatever they match). Pure and first: when none is there, no registry is asked.
  std::vector<const CompiledPolicy*> select(std::string_view image_name,
                                            std::string_view profile) const;

 private:
  std::vector<CompiledPolicy> policies_;  ///< In name order.
};

/// One child of an index (a platform's manifest).
struct PlatformManifest {
  std::string digest;
  std::string os, architecture, variant;
};

/// What one authority proved about one image.
struct AuthorityFacts {
  std::vector<verify::Claim> claims;
  std::vector<verify::Rejected> rejected;  ///< At most 8, for messages.
};

/// Everything the rules may look at for one image. Gathered before, so that evaluating does no I/O.
struct ImageFacts {
  std::string field;      ///< Path in the submitted object.
  std::string reference;  ///< As written.
  std::string name;       ///< Normalised host/repository.
  std::string digest;     ///< What the reference points at; "" when `failure` is set.
  std::vector<PlatformManifest> platforms;  ///< Of an index, those the pod may run on; else empty.
  std::map<std::string, AuthorityFacts> by_authority;  ///< By verify::Authority::fingerprint().
  std::size_t candidates = 0;    ///< Signatures and attestations found, of any kind.
  std::optional<Error> failure;  ///< Could not find out, and why.
};

/// Judges one image: the composition rules of design §2.3. Policies in mode Audit count as absent
/// and add to `audited`. Pure: the same arguments give the same answer.
struct ImageVerdict {
  std::vector<Evidence> evidence;
  std::vector<Violation> violations;
  std::vector<Violation> audited;  ///< What policies in mode Audit would have refused.
};
ImageVerdict evaluate(const ImageFacts& facts, const std::vector<const CompiledPolicy*>& policies,
                      const std::vector<api::EvidenceRequirement>& required, Time now);

/// The violation for an image that no enforcing policy matches.
Violation no_policy_matches(std::string field, std::string reference, std::string_view name);

}  // namespace portcullis::policy
