#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"
#include "lib/crypto/digest.hpp"
#include "lib/verify/authority.hpp"
#include "tests/fakes/signer.hpp"

// What verifying a bundle by key costs beside the one thing that cannot be saved: OpenSSL's own
// check of the same signature over the same bytes. Both rows take the same argument, the size of
// the predicate.
namespace portcullis {
namespace {

using testing::KeyType;

const std::string& image_digest() {
  static const std::string digest = crypto::sha256_digest("image");
  return digest;
}

/// A bundle whose predicate holds about `size` bytes in many small members, as a scan report does.
struct Evidence {
  explicit Evidence(KeyType type, std::size_t size) : key(testing::make_key(type)) {
    codec::Json findings = codec::Json::array();
    for (std::size_t bytes = 0; bytes < size; bytes += 64) {
      findings.push_back({{"VulnerabilityID", "CVE-2026-0001"}, {"Severity", "LOW"}, {"n", bytes}});
    }
    candidate.bytes = testing::sign_bundle(key, testing::kVulnPredicate, findings, image_digest());
    api::Authority spec;
    spec.name = "bench";
    spec.vouches_for = {api::EvidenceType::kScan};
    spec.public_key_pem = key.public_pem();
    authority.push_back(verify::Authority::create(spec).value());
  }

  testing::SigningKey key;
  verify::Candidate candidate;
  std::vector<verify::Authority> authority;  ///< One.
};

void verify_bundle(benchmark::State& state, KeyType type) {
  const Evidence evidence(type, static_cast<std::size_t>(state.range(0)));
  const std::vector<std::string> subjects = {image_digest()};
  for (auto unused : state) {
    (void)unused;
    const auto result = evidence.authority.front().verify(evidence.candidate, subjects);
    if (!std::holds_alternative<verify::Claim>(result)) state.SkipWithError("not believed");
  }
  state.counters["bundle_bytes"] = static_cast<double>(evidence.candidate.bytes.size());
}

void bare_openssl(benchmark::State& state, KeyType type) {
  const Evidence evidence(type, static_cast<std::size_t>(state.range(0)));
  const auto bundle = codec::Json::parse(evidence.candidate.bytes);
  const auto& envelope = bundle["dsseEnvelope"];
  const auto payload = codec::decode_base64(envelope["payload"].get<std::string>()).value();
  const auto signature =
      codec::decode_base64(envelope["signatures"][0]["sig"].get<std::string>()).value();
  const auto signed_bytes = testing::make_pae(testing::kInTotoPayloadType, payload);
  const auto der = evidence.key.spki_der();
  const auto* position = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      d2i_PUBKEY(nullptr, &position, static_cast<long>(der.size())), EVP_PKEY_free);
  const EVP_MD* method = type == KeyType::kEd25519     ? nullptr
                         : type == KeyType::kEcdsaP384 ? EVP_sha384()
                                                       : EVP_sha256();
  for (auto unused : state) {
    (void)unused;
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    const bool good =
        EVP_DigestVerifyInit(context, nullptr, method, nullptr, key.get()) == 1 &&
        EVP_DigestVerify(
            context, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
            reinterpret_cast<const unsigned char*>(signed_bytes.data()), signed_bytes.size()) == 1;
    EVP_MD_CTX_free(context);
    if (!good) state.SkipWithError("not verified");
  }
}

constexpr int kSignature = 0;         // An empty predicate: `cosign sign`.
constexpr int kSmallScan = 64 << 10;  // A slim image's report.
constexpr int kLargeScan = 1 << 20;   // That of a full distribution.

void with_sizes(benchmark::internal::Benchmark* bench) {
  bench->Arg(kSignature)->Arg(kSmallScan)->Arg(kLargeScan)->Unit(benchmark::kMicrosecond);
}

BENCHMARK_CAPTURE(verify_bundle, ecdsa_p256, KeyType::kEcdsaP256)->Apply(with_sizes);
BENCHMARK_CAPTURE(bare_openssl, ecdsa_p256, KeyType::kEcdsaP256)->Apply(with_sizes);
BENCHMARK_CAPTURE(verify_bundle, ecdsa_p384, KeyType::kEcdsaP384)->Apply(with_sizes);
BENCHMARK_CAPTURE(bare_openssl, ecdsa_p384, KeyType::kEcdsaP384)->Apply(with_sizes);
BENCHMARK_CAPTURE(verify_bundle, rsa_2048, KeyType::kRsa2048)->Apply(with_sizes);
BENCHMARK_CAPTURE(bare_openssl, rsa_2048, KeyType::kRsa2048)->Apply(with_sizes);
BENCHMARK_CAPTURE(verify_bundle, ed25519, KeyType::kEd25519)->Apply(with_sizes);
BENCHMARK_CAPTURE(bare_openssl, ed25519, KeyType::kEd25519)->Apply(with_sizes);

}  // namespace
}  // namespace portcullis
