#include "lib/api/trust_policy.hpp"

#include "lib/api/field.hpp"
#include "lib/api/words.hpp"

namespace portcullis::api {
namespace {

/// design §2.3: `issuer` or `issuerRegExp`, and the same for the subject.
Result<void> exactly_one(const Field& field, std::string_view exact, std::string_view pattern) {
  if (field.at(exact).present() != field.at(pattern).present()) return {};
  return field.error("must have exactly one of " + std::string(exact) + ", " +
                     std::string(pattern));
}

Result<std::vector<KeylessIdentity>> parse_identities(const Field& field) {
  std::vector<KeylessIdentity> out;
  for (const auto& item : TRY(field.items())) {
    TRY_VOID(item.expect_object());
    TRY_VOID(exactly_one(item, "issuer", "issuerRegExp"));
    TRY_VOID(exactly_one(item, "subject", "subjectRegExp"));
    KeylessIdentity identity;
    identity.issuer = TRY(item.at("issuer").text());
    identity.issuer_reg_exp = TRY(item.at("issuerRegExp").text());
    identity.subject = TRY(item.at("subject").text());
    identity.subject_reg_exp = TRY(item.at("subjectRegExp").text());
    out.push_back(std::move(identity));
  }
  if (out.empty()) return field.error("is required");
  return out;
}

Result<Authority> parse_authority(const Field& field) {
  TRY_VOID(field.expect_object());
  Authority out;
  out.name = TRY(field.at("name").required_text());
  out.vouches_for = TRY(field.at("vouchesFor").word_list(kEvidenceTypes));
  if (out.vouches_for.empty()) return field.at("vouchesFor").error("is required");

  const auto key = field.at("publicKey");
  const auto keyless = field.at("keyless");
  const auto digests = field.at("digests");
  if ((key.present() ? 1 : 0) + (keyless.present() ? 1 : 0) + (digests.present() ? 1 : 0) != 1) {
    return field.error("must have exactly one of publicKey, keyless, digests");
  }
  if (key.present()) out.public_key_pem = TRY(key.at("pem").required_text());
  if (keyless.present()) out.keyless = TRY(parse_identities(keyless.at("identities")));
  out.digests = TRY(digests.texts());

  out.formats = TRY(field.at("formats").word_list(kSignatureFormats));
  out.requirements = TRY(field.at("requires").word_list(kTimeRequirements));
  const auto root = field.at("trustedRootRef");
  if (root.present()) out.trusted_root = TRY(root.at("name").required_text());
  out.evidence_repositories = TRY(field.at("evidenceRepositories").texts());
  out.builder_ids = TRY(field.at("provenance").at("builderIDs").texts());
  return out;
}

}  // namespace

Result<TrustPolicy> parse_trust_policy(const codec::Json& object) {
  const auto spec = Field(object, "").at("spec");
  TrustPolicy out;
  out.meta = parse_meta(object);
  out.include = TRY(spec.at("images").at("include").texts());
  if (out.include.empty()) return spec.at("images").at("include").error("is required");
  out.exclude = TRY(spec.at("images").at("exclude").texts());
  out.profiles = TRY(spec.at("profiles").texts());
  out.mode = TRY(spec.at("mode").word_or(kModes, Mode::kEnforce));
  // The one list that may be empty: an admin clears it by emptying it.
  for (const auto& digest : TRY(spec.at("revokedDigests").elements())) {
    out.revoked_digests.push_back(TRY(digest.required_text()));
  }
  const auto authorities = spec.at("authorities");
  TRY_VOID(authorities.names("name"));
  for (const auto& item : TRY(authorities.items())) {
    out.authorities.push_back(TRY(parse_authority(item)));
  }
  if (out.authorities.empty()) return authorities.error("is required");
  return out;
}

std::vector<std::string> readable_profiles(const codec::Json& object) {
  const auto profiles = Field(object, "").at("spec").at("profiles").texts();
  return profiles ? *profiles : std::vector<std::string>();
}

Result<TrustedRoot> parse_trusted_root(const codec::Json& object) {
  const auto spec = Field(object, "").at("spec");
  TrustedRoot out;
  out.meta = parse_meta(object);
  const auto reference = spec.at("configMapRef");
  if (reference.present()) {
    out.config_map_name = TRY(reference.at("name").required_text());
    out.config_map_key = TRY(reference.at("key").required_text());
  }
  out.inline_json = TRY(spec.at("inline").text());
  if (out.inline_json.has_value() == out.config_map_name.has_value()) {
    return spec.error("must have exactly one of configMapRef, inline");
  }
  return out;
}

}  // namespace portcullis::api
