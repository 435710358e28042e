#include "lib/crypto/public_key.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include <array>
#include <optional>

#include "lib/codec/encoding.hpp"
#include "lib/crypto/digest.hpp"
#include "lib/crypto/openssl.hpp"

namespace portcullis::crypto {
namespace {

constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;  // One verification stays below a millisecond.
constexpr unsigned long kMinRsaExponent = 65537;
constexpr std::size_t kMaxSpkiBytes = 8192;

constexpr std::string_view kAccepted =
    "accepted are ECDSA P-256, P-384 and P-521, RSA of 2048 bits or more, and Ed25519";

Error invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

const EVP_MD* method_of(Hash hash) {
  switch (hash) {
    case Hash::kSha256:
      return sha256_method();
    case Hash::kSha384:
      return sha384_method();
    case Hash::kSha512:
      return sha512_method();
  }
  return nullptr;
}

std::string text_parameter(const EVP_PKEY* key, const char* name) {
  std::array<char, 80> buffer{};
  std::size_t length = 0;
  if (EVP_PKEY_get_utf8_string_param(key, name, buffer.data(), buffer.size(), &length) != 1)
    return "";
  return {buffer.data(), length};
}

Result<PublicKey::Type> ecdsa_type(EVP_PKEY* key) {
  // Parameters written out can describe a curve on which anybody can sign (CVE-2020-0601).
  if (text_parameter(key, OSSL_PKEY_PARAM_EC_ENCODING) != OSSL_PKEY_EC_ENCODING_GROUP) {
    return invalid(
        "the elliptic curve is written out instead of named; export the key with a named curve");
  }
  if (EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                     OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) != 1) {
    return invalid("the elliptic curve point cannot be read: " + openssl_reason());
  }
  const OwnedKeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (!context || EVP_PKEY_public_check(context.get()) != 1) {
    return invalid("the public key is not a valid point of its curve");
  }
  const std::string curve = text_parameter(key, OSSL_PKEY_PARAM_GROUP_NAME);
  if (curve == "prime256v1") return PublicKey::Type::kEcdsaP256;
  if (curve == "secp384r1") return PublicKey::Type::kEcdsaP384;
  if (curve == "secp521r1") return PublicKey::Type::kEcdsaP521;
  return invalid("the elliptic curve " + curve + " is not accepted; " + std::string(kAccepted));
}

Result<PublicKey::Type> rsa_type(const EVP_PKEY* key) {
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < kMinRsaBits || bits > kMaxRsaBits) {
    return invalid("an RSA key of " + std::to_string(bits) + " bits is not accepted; use " +
                   std::to_string(kMinRsaBits) + " to " + std::to_string(kMaxRsaBits) + " bits");
  }
  BIGNUM* raw_exponent = nullptr;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &raw_exponent) != 1) {
    return invalid("the RSA key has no public exponent");
  }
  const Owned<BIGNUM, BN_free> exponent(raw_exponent);
  // BN_get_word gives the greatest word for what does not fit: large, and so not too small.
  if (BN_is_odd(exponent.get()) == 0 || BN_get_word(exponent.get()) < kMinRsaExponent) {
    return invalid("the RSA public exponent must be odd and at least 65537; make a new key");
  }
  return PublicKey::Type::kRsa;
}

Result<PublicKey::Type> type_of(EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC:
      return ecdsa_type(key);
    case EVP_PKEY_RSA:
      return rsa_type(key);
    case EVP_PKEY_ED25519:
      return PublicKey::Type::kEd25519;
    default:
      return invalid("this kind of public key is not accepted; " + std::string(kAccepted));
  }
}

// What to do with a block that is not a public key, by what it is.
std::string advice(const std::string& label) {
  if (label == "CERTIFICATE") {
    return "it is a certificate; take its key with `openssl x509 -pubkey -noout`";
  }
  if (label == "RSA PUBLIC KEY") {
    return "convert it with `openssl rsa -RSAPublicKey_in -pubout`";
  }
  if (label.ends_with("PRIVATE KEY")) {
    return "it is a private key, which must never be here: give its public half, and make a new "
           "key "
           "if others could read this one";
  }
  return "expected \"PUBLIC KEY\"";
}

}  // namespace

Result<PublicKey> PublicKey::parse_pem(std::string_view pem) {
  const auto blocks = TRY(codec::parse_pem(pem));
  const auto& block = blocks.front();
  if (block.label != "PUBLIC KEY") {
    return invalid("the PEM block is \"" + block.label + "\": " + advice(block.label));
  }
  if (blocks.size() > 1) {
    return invalid("the PEM text holds " + std::to_string(blocks.size()) +
                   " blocks; give one public key for each authority");
  }
  return parse_spki(block.der);
}

Result<PublicKey> PublicKey::parse_spki(std::string_view der) {
  const ErrorQueueGuard guard;
  if (der.size() > kMaxSpkiBytes) return invalid("the public key is larger than 8 KiB");
  const unsigned char* position = octets(der);
  std::shared_ptr<EVP_PKEY> key(d2i_PUBKEY(nullptr, &position, static_cast<long>(der.size())),
                                EVP_PKEY_free);
  if (!key) return invalid("the public key does not decode: " + openssl_reason());
  if (position != octets(der) + der.size()) {
    return invalid("the public key has bytes after its end");
  }
  return wrap(std::move(key));
}

Result<PublicKey> PublicKey::wrap(std::shared_ptr<evp_pkey_st> key) {
  const Type type = TRY(type_of(key.get()));
  unsigned char* encoded = nullptr;
  const int size = i2d_PUBKEY(key.get(), &encoded);
  if (size <= 0) return invalid("the public key does not encode: " + openssl_reason());
  std::string fingerprint = codec::encode_hex(
      sha256({reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(size)}));
  OPENSSL_free(encoded);
  return PublicKey(std::move(key), type, std::move(fingerprint));
}

Hash PublicKey::natural_hash() const {
  switch (type_) {
    case Type::kEcdsaP384:
      return Hash::kSha384;
    case Type::kEcdsaP521:
      return Hash::kSha512;
    case Type::kEcdsaP256:
    case Type::kRsa:
    case Type::kEd25519:
      return Hash::kSha256;
  }
  return Hash::kSha256;
}

bool PublicKey::verify(std::string_view message, std::string_view signature, Hash hash) const {
  const ErrorQueueGuard guard;
  const OwnedDigestContext context(EVP_MD_CTX_new());
  const EVP_MD* method = type_ == Type::kEd25519 ? nullptr : method_of(hash);
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, method, nullptr, key_.get()) != 1) {
    return false;
  }
  return EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(message),
                          message.size()) == 1;
}

bool PublicKey::verify_digest(std::string_view digest, std::string_view signature,
                              Hash hash) const {
  if (type_ == Type::kEd25519) return false;
  const ErrorQueueGuard guard;
  const EVP_MD* method = method_of(hash);
  if (digest.size() != static_cast<std::size_t>(EVP_MD_get_size(method))) return false;
  const OwnedKeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
  if (!context || EVP_PKEY_verify_init(context.get()) != 1) return false;
  if (type_ == Type::kRsa && EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1) {
    return false;
  }
  if (EVP_PKEY_CTX_set_signature_md(context.get(), method) != 1) return false;
  return EVP_PKEY_verify(context.get(), octets(signature), signature.size(), octets(digest),
                         digest.size()) == 1;
}

}  // namespace portcullis::crypto
