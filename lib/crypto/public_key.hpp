#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "lib/base/result.hpp"

struct evp_pkey_st;

namespace portcullis::crypto {

/// The hash that goes with the signature. Ed25519 hashes by itself and ignores it.
enum class Hash { kSha256, kSha384, kSha512 };

/// A public key that may verify signatures: ECDSA P-256, P-384, P-521 (named curves), RSA of 2048
/// to 8192 bits with an odd e ≥ 65537 (PKCS#1 v1.5), Ed25519. Nothing else is ever accepted
/// (verification.md §3.9).
/// Immutable; cheap to copy; any thread.
class PublicKey {
 public:
  enum class Type { kEcdsaP256, kEcdsaP384, kEcdsaP521, kRsa, kEd25519 };

  /// Exactly one PEM block, "PUBLIC KEY"; text around it is skipped. kInvalidArgument says what is
  /// wrong and how to make such a block from what was given instead.
  static Result<PublicKey> parse_pem(std::string_view pem);
  /// DER SubjectPublicKeyInfo, all bytes used.
  static Result<PublicKey> parse_spki(std::string_view der);

  Type type() const { return type_; }
  /// SHA-256 of the DER SubjectPublicKeyInfo, lower-case hex: what makes two keys the same. Taken
  /// of the canonical encoding, so that a compressed point is not another key.
  const std::string& fingerprint() const { return fingerprint_; }
  /// The hash of the key's own size: P-384 → SHA-384, P-521 → SHA-512, else SHA-256.
  Hash natural_hash() const;

  /// True when `signature` is this key's signature over `message`. ECDSA signatures are ASN.1 DER.
  /// Anything malformed is false: a bad signature is a value, not an error.
  bool verify(std::string_view message, std::string_view signature, Hash hash) const;

  /// The same for a message of which only the digest is known (raw bytes, `hash` of the message).
  /// Always false for Ed25519, which cannot be checked without the message.
  bool verify_digest(std::string_view digest, std::string_view signature, Hash hash) const;

 private:
  PublicKey(std::shared_ptr<evp_pkey_st> key, Type type, std::string fingerprint)
      : key_(std::move(key)), type_(type), fingerprint_(std::move(fingerprint)) {}
  static Result<PublicKey> wrap(std::shared_ptr<evp_pkey_st> key);

  std::shared_ptr<evp_pkey_st> key_;
  Type type_;
  std::string fingerprint_;
};

}  // namespace portcullis::crypto
