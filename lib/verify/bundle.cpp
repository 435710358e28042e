#include "lib/verify/bundle.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "lib/codec/encoding.hpp"
#include "lib/verify/fields.hpp"
#include "lib/verify/statement.hpp"

namespace portcullis::verify {
namespace {

constexpr std::array<std::string_view, 2> kMediaTypes = {
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.3"};

// verification.md §2.4
constexpr std::size_t kMaxLogEntries = 32;
constexpr std::size_t kMaxTimestamps = 32;
constexpr std::size_t kMaxProofHashes = 64;
constexpr std::size_t kMaxCertificateBytes = 64U << 10;
constexpr std::size_t kMaxTimestampBytes = 64U << 10;
constexpr std::size_t kMaxCheckpointBytes = 64U << 10;
constexpr std::size_t kMaxSignatureBytes = 1024;
constexpr std::size_t kHashBytes = 32;

Error invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Result<std::vector<std::string>> proof_hashes(const Fields& proof) {
  std::vector<std::string> hashes;
  const auto items = TRY(proof.items("hashes", kMaxProofHashes));
  for (const codec::Json* item : items) {
    const codec::Json named = {{"hash", *item}};
    const Fields fields = TRY(Fields::of(named, proof.path_of("hashes[]"), {"hash"}));
    auto hash = TRY(fields.exact_bytes("hash", kHashBytes));
    hashes.push_back(std::move(hash));
  }
  return hashes;
}

Result<LogEntry::InclusionProof> parse_proof(const Fields& fields) {
  const Fields checkpoint = TRY(fields.object("checkpoint", {"envelope"}));
  LogEntry::InclusionProof proof;
  proof.log_index = TRY(fields.count("logIndex"));
  proof.tree_size = TRY(fields.count("treeSize"));
  proof.root_hash = TRY(fields.exact_bytes("rootHash", kHashBytes));
  proof.hashes = TRY(proof_hashes(fields));
  proof.checkpoint = TRY(checkpoint.text("envelope"));
  if (proof.log_index >= proof.tree_size) {
    return invalid(fields.path() + ": the index is not below the size of the tree");
  }
  if (proof.checkpoint.empty() || proof.checkpoint.size() > kMaxCheckpointBytes) {
    return invalid(checkpoint.path_of("envelope") + " is empty or larger than 64 KiB");
  }
  return proof;
}

Result<LogEntry> parse_log_entry(const codec::Json& value, const std::string& path) {
  const Fields fields =
      TRY(Fields::of(value, path,
                     {"logIndex", "logId", "kindVersion", "integratedTime", "inclusionPromise",
                      "inclusionProof", "canonicalizedBody"}));
  const Fields log_id = TRY(fields.object("logId", {"keyId"}));
  const Fields kind = TRY(fields.object("kindVersion", {"kind", "version"}));
  const Fields proof = TRY(fields.object(
      "inclusionProof", {"logIndex", "treeSize", "rootHash", "hashes", "checkpoint"}));
  LogEntry entry;
  entry.log_id = TRY(log_id.exact_bytes("keyId", kHashBytes));
  entry.log_index = TRY(fields.count("logIndex"));
  entry.kind = TRY(kind.text("kind"));
  entry.version = TRY(kind.text("version"));
  entry.integrated_time = TRY(fields.count("integratedTime"));
  entry.canonicalized_body = TRY(fields.bytes("canonicalizedBody"));
  if (fields.has("inclusionPromise")) {
    const Fields promise = TRY(fields.object("inclusionPromise", {"signedEntryTimestamp"}));
    entry.signed_entry_timestamp = TRY(promise.bytes("signedEntryTimestamp", kMaxSignatureBytes));
  }
  entry.inclusion_proof = TRY(parse_proof(proof));
  return entry;
}

Result<std::vector<LogEntry>> parse_log_entries(const Fields& material) {
  std::vector<LogEntry> entries;
  std::set<std::pair<std::string, std::int64_t>> seen;
  const auto items = TRY(material.items("tlogEntries", kMaxLogEntries));
  for (const codec::Json* item : items) {
    const std::string path =
        material.path_of("tlogEntries[" + std::to_string(entries.size()) + "]");
    auto entry = TRY(parse_log_entry(*item, path));
    if (!seen.emplace(entry.log_id, entry.log_index).second) {
      return invalid(path + " repeats another entry");
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<std::vector<std::string>> parse_timestamps(const Fields& material) {
  std::vector<std::string> timestamps;
  if (!material.has("timestampVerificationData")) return timestamps;
  const Fields data = TRY(material.object("timestampVerificationData", {"rfc3161Timestamps"}));
  const auto items = TRY(data.items("rfc3161Timestamps", kMaxTimestamps));
  for (const codec::Json* item : items) {
    const std::string path =
        data.path_of("rfc3161Timestamps[" + std::to_string(timestamps.size()) + "]");
    const Fields fields = TRY(Fields::of(*item, path, {"signedTimestamp"}));
    auto timestamp = TRY(fields.bytes("signedTimestamp", kMaxTimestampBytes));
    if (std::find(timestamps.begin(), timestamps.end(), timestamp) != timestamps.end()) {
      return invalid(path + " repeats another timestamp");
    }
    timestamps.push_back(std::move(timestamp));
  }
  return timestamps;
}

Result<std::variant<KeyMaterial, CertificateMaterial>> parse_key_or_certificate(
    const Fields& material) {
  if (material.has("x509CertificateChain")) {
    return invalid(material.path() + " holds a certificate chain, which v0.3 does not have");
  }
  if (material.has("publicKey") == material.has("certificate")) {
    return invalid(material.path() + " must hold exactly one of publicKey and certificate");
  }
  if (material.has("publicKey")) {
    const Fields key = TRY(material.object("publicKey", {"hint"}));
    KeyMaterial bare;
    if (key.has("hint")) bare.hint = TRY(key.text("hint"));
    return bare;
  }
  const Fields certificate = TRY(material.object("certificate", {"rawBytes"}));
  CertificateMaterial keyless;
  keyless.der = TRY(certificate.bytes("rawBytes", kMaxCertificateBytes));
  return keyless;
}

Result<MessageSignature> parse_message_signature(const Fields& fields) {
  const Fields digest = TRY(fields.object("messageDigest", {"algorithm", "digest"}));
  const std::string algorithm = TRY(digest.text("algorithm"));
  if (algorithm != "SHA2_256") {
    return invalid(digest.path_of("algorithm") + " is not SHA2_256, as image digests are");
  }
  MessageSignature message;
  message.sha256 = TRY(digest.exact_bytes("digest", kHashBytes));
  message.signature = TRY(fields.bytes("signature", kMaxSignatureBytes));
  return message;
}

Result<std::variant<Envelope, MessageSignature>> parse_content(const Fields& bundle) {
  if (bundle.has("dsseEnvelope") == bundle.has("messageSignature")) {
    return invalid("the bundle must hold exactly one of dsseEnvelope and messageSignature");
  }
  if (bundle.has("dsseEnvelope")) {
    const codec::Json* value = TRY(bundle.member("dsseEnvelope"));
    return TRY(parse_envelope(*value, "bundle.dsseEnvelope"));
  }
  const Fields message = TRY(bundle.object("messageSignature", {"messageDigest", "signature"}));
  return TRY(parse_message_signature(message));
}

Verification verify_message(const MessageSignature& message, const crypto::PublicKey& key,
                            const Candidate& candidate, const std::vector<std::string>& subjects) {
  if (key.type() == crypto::PublicKey::Type::kEd25519) {
    return Rejected{
        Check::kAlgorithm,
        "an Ed25519 signature over the manifest cannot be checked from its digest; sign "
        "with `cosign sign`, which makes an envelope"};
  }
  if (key.natural_hash() != crypto::Hash::kSha256) {
    return Rejected{Check::kAlgorithm,
                    "this key signs with another hash than SHA-256, of which the image has no "
                    "digest; sign with `cosign sign`, which makes an envelope"};
  }
  if (!key.verify_digest(message.sha256, message.signature, crypto::Hash::kSha256)) {
    return wrong_signature(key);
  }
  const std::string digest = "sha256:" + codec::encode_hex(message.sha256);
  const auto subject = std::find(subjects.begin(), subjects.end(), digest);
  if (subject == subjects.end()) return wrong_subject({digest}, subjects);
  return Claim{.kind = ClaimKind::kSignature,
               .subject_digest = *subject,
               .predicate_type = "",
               .predicate = nullptr,
               .verified_times = {},
               .format = candidate.format,
               .evidence_digest = candidate.digest};
}

}  // namespace

Result<Bundle> parse_bundle(std::string_view bytes) {
  const auto value = TRY(parse_evidence(bytes));
  const Fields fields = TRY(Fields::of(
      value, "bundle", {"mediaType", "verificationMaterial", "dsseEnvelope", "messageSignature"}));
  const std::string media_type = TRY(fields.text("mediaType"));
  if (std::find(kMediaTypes.begin(), kMediaTypes.end(), media_type) == kMediaTypes.end()) {
    return invalid("the bundle's media type " + shown(media_type) +
                   " is not that of version 0.3; sign with cosign 3");
  }
  const Fields material =
      TRY(fields.object("verificationMaterial", {"publicKey", "certificate", "x509CertificateChain",
                                                 "tlogEntries", "timestampVerificationData"}));
  Bundle bundle;
  bundle.material = TRY(parse_key_or_certificate(material));
  bundle.log_entries = TRY(parse_log_entries(material));
  bundle.timestamps = TRY(parse_timestamps(material));
  bundle.content = TRY(parse_content(fields));
  return bundle;
}

Verification verify_content(const Bundle& bundle, const crypto::PublicKey& key,
                            const Candidate& candidate, const std::vector<std::string>& subjects) {
  if (const auto* envelope = std::get_if<Envelope>(&bundle.content)) {
    return verify_envelope(*envelope, key, key.natural_hash(), candidate, subjects);
  }
  return verify_message(std::get<MessageSignature>(bundle.content), key, candidate, subjects);
}

Verification verify_bundle_by_key(const Candidate& candidate, const crypto::PublicKey& key,
                                  const std::vector<std::string>& subjects) {
  const auto bundle = parse_bundle(candidate.bytes);
  if (!bundle) return Rejected{Check::kStructure, bundle.error().message()};
  if (!std::holds_alternative<KeyMaterial>(bundle->material)) {
    return Rejected{
        Check::kMaterial,
        "it was signed with a certificate (keyless), but this authority is a public key; "
        "sign with the key, or add a keyless authority"};
  }
  return verify_content(*bundle, key, candidate, subjects);
}

}  // namespace portcullis::verify
