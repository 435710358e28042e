#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/codec/json.hpp"
#include "lib/crypto/public_key.hpp"

/// Signs as cosign does, so that tests can make evidence, good and bad, without cosign. Target
/// portcullis::signer. Everything here throws std::runtime_error when OpenSSL fails.
namespace portcullis::testing {

enum class KeyType {
  kEcdsaP256,
  kEcdsaP384,
  kEcdsaP521,
  kRsa2048,
  kEd25519,
  kRsa1024,    ///< Must be refused as a public key, as must all below.
  kSmallRsa3,  ///< 2048 bits, public exponent 3.
  kRsaPss,     ///< 2048 bits, OID rsassaPss.
  kSecp256k1,
  kEd448,
};

/// A key pair made for one test. Immutable; cheap to copy.
class SigningKey {
 public:
  const std::string& public_pem() const { return public_pem_; }  ///< For TrustPolicy publicKey.pem.
  std::string private_pem() const;                               ///< PKCS#8
  std::string spki_der() const;
  /// An independent opinion on what the fingerprint is: lower-case hex SHA-256 of spki_der().
  std::string fingerprint() const;

  /// The raw signature over `message` (ECDSA: DER), with the hash of the key's own size or `hash`.
  std::string sign(std::string_view message) const;
  std::string sign(std::string_view message, crypto::Hash hash) const;

 private:
  friend SigningKey make_key(KeyType type);
  SigningKey(std::shared_ptr<evp_pkey_st> key, KeyType type);

  std::shared_ptr<evp_pkey_st> key_;
  KeyType type_;
  std::string public_pem_;
};
SigningKey make_key(KeyType type = KeyType::kEcdsaP256);

/// One layer of a cosign `.sig` or `.att` manifest: blob, media type and the descriptor's
/// annotations.
struct LegacyLayer {
  std::string media_type;
  std::string bytes;
  std::map<std::string, std::string> annotations;
};

inline constexpr const char* kBundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";
inline constexpr const char* kSimpleSigningMediaType =
    "application/vnd.dev.cosign.simplesigning.v1+json";
inline constexpr const char* kDsseMediaType = "application/vnd.dsse.envelope.v1+json";
inline constexpr const char* kInTotoPayloadType = "application/vnd.in-toto+json";
inline constexpr const char* kSignPredicate = "https://sigstore.dev/cosign/sign/v1";
inline constexpr const char* kVulnPredicate = "https://cosign.sigstore.dev/attestation/vuln/v1";
inline constexpr const char* kSignatureAnnotation = "dev.cosignproject.cosign/signature";

// ---- The usual: one call, a finished blob. `subject_digest` is "sha256:…". ----

/// `cosign attest` (v3) or, with kSignPredicate and {}, `cosign sign`: bundle JSON.
std::string sign_bundle(const SigningKey& key, std::string_view predicate_type,
                        const codec::Json& predicate, std::string_view subject_digest);
/// `cosign sign` (v3): a bundle with predicate kSignPredicate.
std::string sign_image(const SigningKey& key, std::string_view subject_digest);
/// A bundle with a messageSignature over the bytes of the image manifest.
std::string sign_message_bundle(const SigningKey& key, std::string_view manifest_bytes);
/// `cosign sign` (v2): simple signing payload, signature in the annotation. Always SHA-256.
LegacyLayer sign_legacy(const SigningKey& key, std::string_view subject_digest);
/// `cosign attest` (v2): DSSE envelope. Always SHA-256.
LegacyLayer attest_legacy(const SigningKey& key, std::string_view predicate_type,
                          const codec::Json& predicate, std::string_view subject_digest);
/// A cosign vuln predicate around a scanner's native report (Trivy JSON).
codec::Json vuln_predicate(const codec::Json& report, std::string_view scan_finished_on);

// ---- The parts, for evidence that is wrong in one place. ----

codec::Json make_statement(std::string_view predicate_type, const codec::Json& predicate,
                           const std::vector<std::string>& subject_digests);
/// DSSE pre-authentication encoding.
std::string make_pae(std::string_view payload_type, std::string_view payload);
codec::Json make_envelope(const SigningKey& key, std::string_view payload,
                          std::string_view payload_type = kInTotoPayloadType);
codec::Json make_envelope(const SigningKey& key, std::string_view payload,
                          std::string_view payload_type, crypto::Hash hash);
/// A bundle around an envelope, with `key` as its publicKey material.
codec::Json make_bundle(const SigningKey& key, const codec::Json& envelope);
/// The simple signing payload for a digest.
std::string make_simple_signing(std::string_view subject_digest);
/// A layer that carries `payload` with `key`'s SHA-256 signature.
LegacyLayer sign_payload(const SigningKey& key, std::string_view payload);

}  // namespace portcullis::testing
