#include "lib/verify/legacy.hpp"

#include <algorithm>
#include <utility>

#include "lib/codec/encoding.hpp"
#include "lib/crypto/digest.hpp"
#include "lib/verify/dsse.hpp"
#include "lib/verify/fields.hpp"
#include "lib/verify/statement.hpp"

namespace portcullis::verify {
namespace {

constexpr const char* kSignatureAnnotation = "dev.cosignproject.cosign/signature";
constexpr const char* kCertificateAnnotation = "dev.sigstore.cosign/certificate";
constexpr std::string_view kClaimType = "cosign container image signature";
constexpr std::size_t kMaxPayloadBytes = 32U << 10;
constexpr std::size_t kMaxSignatureText = 1400;  // base64 of an RSA-8192 signature: 1368.

Error invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Result<std::string> signature_of(const Candidate& candidate) {
  const auto annotation = candidate.annotations.find(kSignatureAnnotation);
  if (annotation == candidate.annotations.end() || annotation->second.empty()) {
    return invalid(std::string("the layer has no annotation ") + kSignatureAnnotation);
  }
  if (annotation->second.size() > kMaxSignatureText) {
    return invalid(std::string("the annotation ") + kSignatureAnnotation + " is too long");
  }
  return with_context(codec::decode_base64(annotation->second), kSignatureAnnotation);
}

Verification verify_signature_layer(const Candidate& candidate, const std::string& signature,
                                    const crypto::PublicKey& key,
                                    const std::vector<std::string>& subjects) {
  if (!key.verify(candidate.bytes, signature, crypto::Hash::kSha256)) return wrong_signature(key);
  const auto payload = parse_simple_signing(candidate.bytes);
  if (!payload) return Rejected{Check::kStatement, payload.error().message()};
  const auto subject = std::find(subjects.begin(), subjects.end(), payload->manifest_digest);
  if (subject == subjects.end()) return wrong_subject({payload->manifest_digest}, subjects);
  return Claim{.kind = ClaimKind::kSignature,
               .subject_digest = *subject,
               .predicate_type = "",
               .predicate = nullptr,
               .verified_times = {},
               .format = candidate.format,
               .evidence_digest = candidate.digest};
}

}  // namespace

Result<SimpleSigning> parse_simple_signing(std::string_view payload) {
  auto value = TRY(parse_evidence(payload, kMaxPayloadBytes));
  if (!value.is_object()) return invalid("the payload is not a JSON object");
  // `optional` is null when cosign has no annotations to write; nothing of it is read.
  value.erase("optional");
  const Fields fields = TRY(Fields::of(value, "payload", {"critical"}));
  const Fields critical = TRY(fields.object("critical", {"identity", "image", "type"}));
  const Fields identity = TRY(critical.object("identity", {"docker-reference"}));
  const Fields image = TRY(critical.object("image", {"docker-manifest-digest"}));
  const std::string type = TRY(critical.text("type"));
  if (type != kClaimType) {
    return invalid("the payload is of type " + shown(type) + ", not " + shown(kClaimType));
  }
  SimpleSigning signing;
  signing.manifest_digest = TRY(image.text("docker-manifest-digest"));
  signing.docker_reference = TRY(identity.text("docker-reference"));
  if (!crypto::is_sha256_digest(signing.manifest_digest)) {
    return invalid(image.path_of("docker-manifest-digest") + " is not a sha256 digest");
  }
  return signing;
}

Verification verify_legacy_by_key(const Candidate& candidate, const crypto::PublicKey& key,
                                  const std::vector<std::string>& subjects) {
  const bool is_signature = candidate.format == Format::kLegacySignature;
  auto signature = is_signature ? signature_of(candidate) : Result<std::string>(std::string());
  if (!signature) return Rejected{Check::kStructure, signature.error().message()};
  if (is_signature && candidate.bytes.size() > kMaxPayloadBytes) {
    return Rejected{Check::kStructure, "the payload is larger than 32 KiB"};
  }
  const auto certificate = candidate.annotations.find(kCertificateAnnotation);
  if (certificate != candidate.annotations.end() && !certificate->second.empty()) {
    return Rejected{
        Check::kMaterial,
        "it was signed with a certificate (keyless), but this authority is a public key; "
        "sign with the key, or add a keyless authority"};
  }
  if (is_signature) return verify_signature_layer(candidate, *signature, key, subjects);
  const auto envelope = parse_envelope(candidate.bytes);
  if (!envelope) return Rejected{Check::kStructure, envelope.error().message()};
  return verify_envelope(*envelope, key, crypto::Hash::kSha256, candidate, subjects);
}

}  // namespace portcullis::verify
