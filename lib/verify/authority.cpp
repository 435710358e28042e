#include "lib/verify/authority.hpp"

#include <algorithm>
#include <utility>

#include "lib/codec/encoding.hpp"
#include "lib/crypto/digest.hpp"
#include "lib/verify/bundle.hpp"
#include "lib/verify/legacy.hpp"

namespace portcullis::verify {
namespace {

Error invalid(const api::Authority& spec, std::string_view field, std::string_view message) {
  std::string text = "authority ";
  text.append(spec.name).append(": ").append(field).append(": ").append(message);
  return {ErrorCode::kInvalidArgument, std::move(text)};
}

Result<void> check_shape(const api::Authority& spec) {
  const int bases = (spec.public_key_pem ? 1 : 0) + (spec.keyless.empty() ? 0 : 1) +
                    (spec.digests.empty() ? 0 : 1);
  if (bases != 1) {
    return invalid(spec, "publicKey, keyless, digests", "exactly one of them must be given");
  }
  if (spec.vouches_for.empty()) {
    return invalid(spec, "vouchesFor", "name at least one kind of evidence, such as Signature");
  }
  if (!spec.keyless.empty()) {
    return invalid(spec, "keyless",
                   "this version cannot check certificates; use a publicKey or digests");
  }
  if (!spec.requirements.empty()) {
    return invalid(
        spec, "requires",
        "this version cannot check transparency logs and timestamps; leave `requires` out "
        "only if the signature alone is enough for you");
  }
  return {};
}

Result<std::vector<std::string>> sorted_pins(const api::Authority& spec) {
  std::vector<std::string> digests = spec.digests;
  for (const auto& digest : digests) {
    if (!crypto::is_sha256_digest(digest)) {
      return invalid(spec, "digests", "each must be sha256: and 64 lower-case hexadecimal digits");
    }
  }
  std::sort(digests.begin(), digests.end());
  digests.erase(std::unique(digests.begin(), digests.end()), digests.end());
  return digests;
}

bool has(const std::vector<api::SignatureFormat>& formats, api::SignatureFormat wanted) {
  return formats.empty() || std::find(formats.begin(), formats.end(), wanted) != formats.end();
}

}  // namespace

Authority::Authority(const api::Authority& spec, std::variant<crypto::PublicKey, Pins> basis,
                     std::string fingerprint)
    : name_(spec.name),
      fingerprint_(std::move(fingerprint)),
      vouches_for_(spec.vouches_for),
      formats_(spec.formats),
      evidence_repositories_(spec.evidence_repositories),
      basis_(std::move(basis)) {}

Result<Authority> Authority::create(const api::Authority& spec) {
  TRY_VOID(check_shape(spec));
  if (spec.public_key_pem) {
    auto key = crypto::PublicKey::parse_pem(*spec.public_key_pem);
    if (!key) return invalid(spec, "publicKey.pem", key.error().message());
    std::string fingerprint = "key:" + key->fingerprint();
    return Authority(spec, *std::move(key), std::move(fingerprint));
  }
  auto pins = TRY(sorted_pins(spec));
  std::string joined;
  for (const auto& pin : pins) joined += pin + "\n";
  std::string fingerprint = "digests:" + codec::encode_hex(crypto::sha256(joined));
  return Authority(spec, std::move(pins), std::move(fingerprint));
}

bool Authority::vouches_for(api::EvidenceType type) const {
  return std::find(vouches_for_.begin(), vouches_for_.end(), type) != vouches_for_.end();
}

bool Authority::allows(Format format) const {
  return has(formats_, format == Format::kBundle ? api::SignatureFormat::kBundle
                                                 : api::SignatureFormat::kLegacy);
}

bool Authority::pins(std::string_view digest) const {
  const auto* pins = std::get_if<Pins>(&basis_);
  return pins != nullptr && std::binary_search(pins->begin(), pins->end(), digest);
}

Verification Authority::verify(const Candidate& candidate,
                               const std::vector<std::string>& subjects) const {
  const auto* key = std::get_if<crypto::PublicKey>(&basis_);
  if (key == nullptr) {
    return Rejected{Check::kMaterial,
                    "this authority vouches by pinned digest; it has no key that signs"};
  }
  if (!allows(candidate.format)) {
    return Rejected{Check::kMaterial, candidate.format == Format::kBundle
                                          ? "the policy accepts only the legacy format; sign with "
                                            "`cosign sign --new-bundle-format=false`"
                                          : "the policy accepts only Sigstore bundles; sign with "
                                            "cosign 3"};
  }
  return candidate.format == Format::kBundle ? verify_bundle_by_key(candidate, *key, subjects)
                                             : verify_legacy_by_key(candidate, *key, subjects);
}

}  // namespace portcullis::verify
