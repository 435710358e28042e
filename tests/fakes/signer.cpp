#include "tests/fakes/signer.hpp"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <stdexcept>

#include "lib/codec/encoding.hpp"
#include "lib/crypto/digest.hpp"

namespace portcullis::testing {
namespace {

using codec::Json;

void require(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(std::string("test signer: ") + what);
}

EVP_PKEY* make_rsa(const char* algorithm, std::size_t bits, unsigned long exponent) {
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr), EVP_PKEY_CTX_free);
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> e(BN_new(), BN_free);
  EVP_PKEY* key = nullptr;
  require(context && e && BN_set_word(e.get(), exponent) == 1 &&
              EVP_PKEY_keygen_init(context.get()) == 1 &&
              EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), static_cast<int>(bits)) == 1 &&
              EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context.get(), e.get()) == 1 &&
              EVP_PKEY_generate(context.get(), &key) == 1,
          "RSA key generation");
  return key;
}

EVP_PKEY* generate(KeyType type) {
  switch (type) {
    case KeyType::kEcdsaP256:
      return EVP_EC_gen("P-256");
    case KeyType::kEcdsaP384:
      return EVP_EC_gen("P-384");
    case KeyType::kEcdsaP521:
      return EVP_EC_gen("P-521");
    case KeyType::kSecp256k1:
      return EVP_EC_gen("secp256k1");
    case KeyType::kRsa2048:
      return make_rsa("RSA", 2048, 65537);
    case KeyType::kRsa1024:
      return make_rsa("RSA", 1024, 65537);
    case KeyType::kSmallRsa3:
      return make_rsa("RSA", 2048, 3);
    case KeyType::kRsaPss:
      return make_rsa("RSA-PSS", 2048, 65537);
    case KeyType::kEd25519:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    case KeyType::kEd448:
      return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448");
  }
  return nullptr;
}

const EVP_MD* method_of(crypto::Hash hash) {
  switch (hash) {
    case crypto::Hash::kSha256:
      return EVP_sha256();
    case crypto::Hash::kSha384:
      return EVP_sha384();
    case crypto::Hash::kSha512:
      return EVP_sha512();
  }
  return nullptr;
}

crypto::Hash natural_hash(KeyType type) {
  if (type == KeyType::kEcdsaP384) return crypto::Hash::kSha384;
  if (type == KeyType::kEcdsaP521) return crypto::Hash::kSha512;
  return crypto::Hash::kSha256;
}

template <typename Write>
std::string written(Write write) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new(BIO_s_mem()), BIO_free_all);
  require(bio && write(bio.get()) == 1, "writing");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

SigningKey::SigningKey(std::shared_ptr<evp_pkey_st> key, KeyType type)
    : key_(std::move(key)), type_(type) {
  public_pem_ = written([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, key_.get()); });
}

SigningKey make_key(KeyType type) {
  std::shared_ptr<EVP_PKEY> key(generate(type), EVP_PKEY_free);
  require(key != nullptr, "key generation");
  return {std::move(key), type};
}

std::string SigningKey::private_pem() const {
  return written([&](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string SigningKey::spki_der() const {
  return written([&](BIO* bio) { return i2d_PUBKEY_bio(bio, key_.get()); });
}

std::string SigningKey::fingerprint() const {
  return codec::encode_hex(crypto::sha256(spki_der()));
}

std::string SigningKey::sign(std::string_view message) const {
  return sign(message, natural_hash(type_));
}

std::string SigningKey::sign(std::string_view message, crypto::Hash hash) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  const bool hashes_itself = type_ == KeyType::kEd25519 || type_ == KeyType::kEd448;
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  std::size_t size = 0;
  require(context &&
              EVP_DigestSignInit(context.get(), nullptr, hashes_itself ? nullptr : method_of(hash),
                                 nullptr, key_.get()) == 1,
          "preparing to sign");
  require(EVP_DigestSign(context.get(), nullptr, &size, bytes, message.size()) == 1, "sizing");
  std::string signature(size, '\0');
  require(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                         bytes, message.size()) == 1,
          "signing");
  signature.resize(size);
  return signature;
}

Json make_statement(std::string_view predicate_type, const Json& predicate,
                    const std::vector<std::string>& subject_digests) {
  Json subjects = Json::array();
  for (const auto& digest : subject_digests) {
    const auto colon = digest.find(':');
    require(colon != std::string::npos, "a subject digest is ALGORITHM:HEX");
    subjects.push_back({{"digest", {{digest.substr(0, colon), digest.substr(colon + 1)}}}});
  }
  return {{"_type", "https://in-toto.io/Statement/v1"},
          {"subject", subjects},
          {"predicateType", predicate_type},
          {"predicate", predicate}};
}

std::string make_pae(std::string_view payload_type, std::string_view payload) {
  return "DSSEv1 " + std::to_string(payload_type.size()) + " " + std::string(payload_type) + " " +
         std::to_string(payload.size()) + " " + std::string(payload);
}

Json make_envelope(const SigningKey& key, std::string_view payload, std::string_view payload_type) {
  const std::string signature = key.sign(make_pae(payload_type, payload));
  return {{"payload", codec::encode_base64(payload)},
          {"payloadType", payload_type},
          {"signatures", {{{"sig", codec::encode_base64(signature)}, {"keyid", ""}}}}};
}

Json make_envelope(const SigningKey& key, std::string_view payload, std::string_view payload_type,
                   crypto::Hash hash) {
  Json envelope = make_envelope(key, payload, payload_type);
  envelope["signatures"][0]["sig"] =
      codec::encode_base64(key.sign(make_pae(payload_type, payload), hash));
  return envelope;
}

Json make_bundle(const SigningKey& key, const Json& envelope) {
  const std::string hint = codec::encode_base64(crypto::sha256(key.spki_der()));
  return {
      {"mediaType", kBundleMediaType},
      {"verificationMaterial", {{"publicKey", {{"hint", hint}}}, {"tlogEntries", Json::array()}}},
      {"dsseEnvelope", envelope}};
}

std::string sign_bundle(const SigningKey& key, std::string_view predicate_type,
                        const Json& predicate, std::string_view subject_digest) {
  const auto statement = make_statement(predicate_type, predicate, {std::string(subject_digest)});
  return make_bundle(key, make_envelope(key, statement.dump())).dump();
}

std::string sign_image(const SigningKey& key, std::string_view subject_digest) {
  return sign_bundle(key, kSignPredicate, Json::object(), subject_digest);
}

std::string sign_message_bundle(const SigningKey& key, std::string_view manifest_bytes) {
  Json bundle = make_bundle(key, {});
  bundle.erase("dsseEnvelope");
  const std::string digest = codec::encode_base64(crypto::sha256(manifest_bytes));
  bundle["messageSignature"] = {{"messageDigest", {{"algorithm", "SHA2_256"}, {"digest", digest}}},
                                {"signature", codec::encode_base64(key.sign(manifest_bytes))}};
  return bundle.dump();
}

std::string make_simple_signing(std::string_view subject_digest) {
  // As cosign writes it: not sorted, which the signature is over.
  return R"({"critical":{"identity":{"docker-reference":"registry.example.com/app"},)"
         R"("image":{"docker-manifest-digest":")" +
         std::string(subject_digest) +
         R"("},"type":"cosign container image signature"},"optional":null})";
}

LegacyLayer sign_payload(const SigningKey& key, std::string_view payload) {
  const std::string signature = key.sign(payload, crypto::Hash::kSha256);
  return {.media_type = kSimpleSigningMediaType,
          .bytes = std::string(payload),
          .annotations = {{kSignatureAnnotation, codec::encode_base64(signature)}}};
}

LegacyLayer sign_legacy(const SigningKey& key, std::string_view subject_digest) {
  return sign_payload(key, make_simple_signing(subject_digest));
}

LegacyLayer attest_legacy(const SigningKey& key, std::string_view predicate_type,
                          const Json& predicate, std::string_view subject_digest) {
  auto statement = make_statement(predicate_type, predicate, {std::string(subject_digest)});
  statement["_type"] = "https://in-toto.io/Statement/v0.1";
  const auto envelope =
      make_envelope(key, statement.dump(), kInTotoPayloadType, crypto::Hash::kSha256);
  return {
      .media_type = kDsseMediaType,
      .bytes = envelope.dump(),
      .annotations = {{kSignatureAnnotation, ""}, {"predicateType", std::string(predicate_type)}}};
}

Json vuln_predicate(const Json& report, std::string_view scan_finished_on) {
  return {
      {"invocation", {{"parameters", nullptr}, {"uri", ""}, {"event_id", ""}}},
      {"scanner",
       {{"uri", "pkg:github/aquasecurity/trivy@0.74.0"},
        {"version", "0.74.0"},
        {"db", {{"uri", ""}, {"version", ""}}},
        {"result", report}}},
      {"metadata", {{"scanStartedOn", scan_finished_on}, {"scanFinishedOn", scan_finished_on}}}};
}

}  // namespace portcullis::testing
