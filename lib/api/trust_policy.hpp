#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/api/meta.hpp"
#include "lib/api/requirements.hpp"
#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"

namespace portcullis::api {

enum class SignatureFormat { kBundle, kLegacy };
enum class TimeRequirement { kTransparencyLog, kTimestamp };

struct KeylessIdentity {
  std::optional<std::string> issuer, issuer_reg_exp;    ///< Exactly one.
  std::optional<std::string> subject, subject_reg_exp;  ///< Exactly one.
};

/// Who may vouch: exactly one of public_key_pem, keyless (not empty), digests (not empty).
struct Authority {
  std::string name;
  std::vector<EvidenceType> vouches_for;
  std::optional<std::string> public_key_pem;
  std::vector<KeylessIdentity> keyless;
  std::vector<std::string> digests;
  std::vector<SignatureFormat> formats;       ///< Empty: both.
  std::vector<TimeRequirement> requirements;  ///< `requires`
  std::optional<std::string> trusted_root;    ///< trustedRootRef.name
  std::vector<std::string> evidence_repositories;
  std::vector<std::string> builder_ids;  ///< provenance.builderIDs
};

/// portcullis.dev/v1alpha1 TrustPolicy.
struct TrustPolicy {
  ObjectMeta meta;
  std::vector<std::string> include;  ///< Image patterns; at least one.
  std::vector<std::string> exclude;
  std::vector<std::string> profiles;  ///< Empty: all.
  Mode mode = Mode::kEnforce;
  std::vector<std::string> revoked_digests;
  std::vector<Authority> authorities;
};

/// kInvalidArgument with the field's path. An object that does not parse must still count as a
/// policy that denies: the caller keeps it with its error (policy::PolicySource).
Result<TrustPolicy> parse_trust_policy(const codec::Json& object);
/// spec.profiles of an object that does not parse, as far as it can be read; empty: all.
std::vector<std::string> readable_profiles(const codec::Json& object);

/// portcullis.dev/v1alpha1 TrustedRoot: exactly one of the two.
struct TrustedRoot {
  ObjectMeta meta;
  std::optional<std::string> inline_json;
  std::optional<std::string> config_map_name, config_map_key;
};
Result<TrustedRoot> parse_trusted_root(const codec::Json& object);

}  // namespace portcullis::api
