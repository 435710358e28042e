#include "lib/codec/json.hpp"
#include "lib/crypto/digest.hpp"
#include "lib/verify/authority.hpp"
#include "lib/verify/bundle.hpp"
#include "tests/fuzz/property.hpp"

using namespace portcullis;

namespace {

// The public half of a key whose private half nobody has kept: whatever verifies is a forgery. (The
// seeds are signed by other keys.)
constexpr const char* kKey =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE1xVWrFW2/NM/+g1qnK1Z2WTC2K0a\n"
    "qwiMoJ9Lf44DPw/rVss2bO7f2ZJwSSwyCpAyLGBn0ngk5gI8W+IoxgbcLA==\n"
    "-----END PUBLIC KEY-----\n";

verify::Authority authority() {
  api::Authority spec;
  spec.name = "fuzz";
  spec.vouches_for = {api::EvidenceType::kSignature};
  spec.public_key_pem = kKey;
  auto made = verify::Authority::create(spec);
  fuzz::require(made.has_value());
  return *std::move(made);
}

}  // namespace

// What parses keeps the limits and the one-ofs; nothing is believed without the key; every refusal
// has words.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const verify::Authority trusted = authority();
  const auto text = fuzz::as_text(data, size);

  if (const auto bundle = verify::parse_bundle(text)) {
    fuzz::require(bundle->log_entries.size() <= 32 && bundle->timestamps.size() <= 32);
    for (const auto& entry : bundle->log_entries) {
      fuzz::require(entry.log_id.size() == 32 && entry.log_index >= 0 &&
                    entry.integrated_time >= 0);
      const auto& proof = entry.inclusion_proof;
      fuzz::require(proof.log_index >= 0 && proof.log_index < proof.tree_size);
      fuzz::require(proof.hashes.size() <= 64 && proof.root_hash.size() == 32);
    }
    if (const auto* envelope = std::get_if<verify::Envelope>(&bundle->content)) {
      fuzz::require(!envelope->payload.empty() && !envelope->signature.empty());
    } else {
      fuzz::require(std::get<verify::MessageSignature>(bundle->content).sha256.size() == 32);
    }
  }
  const std::vector<std::string> subjects = {crypto::sha256_digest("image")};
  for (const auto format : {verify::Format::kBundle, verify::Format::kLegacySignature,
                            verify::Format::kLegacyAttestation}) {
    verify::Candidate candidate;
    candidate.format = format;
    candidate.bytes = std::string(text);
    candidate.annotations["dev.cosignproject.cosign/signature"] = std::string(text.substr(0, 96));
    const auto result = trusted.verify(candidate, subjects);
    const auto* rejected = std::get_if<verify::Rejected>(&result);
    fuzz::require(rejected != nullptr && !rejected->reason.empty());
  }
  return 0;
}
