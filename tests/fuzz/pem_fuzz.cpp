#include "lib/codec/encoding.hpp"
#include "lib/crypto/certificate.hpp"
#include "lib/crypto/public_key.hpp"
#include "tests/fuzz/property.hpp"

using namespace portcullis;

// PEM comes back from its blocks; keys and certificates are read from PEM and from DER without
// harm.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::as_text(data, size);
  if (const auto blocks = codec::parse_pem(text)) {
    std::string written;
    for (const auto& block : *blocks) written += codec::encode_pem(block.label, block.der);
    const auto again = codec::parse_pem(written);
    fuzz::require(again && again->size() == blocks->size());
    for (std::size_t i = 0; i < blocks->size(); ++i) {
      fuzz::require((*again)[i].label == (*blocks)[i].label && (*again)[i].der == (*blocks)[i].der);
    }
  }
  (void)crypto::PublicKey::parse_pem(text);
  (void)crypto::PublicKey::parse_spki(text);
  (void)crypto::parse_certificate(text);
  // Most inputs are no base64: this way the certificate parser sees the raw bytes too.
  (void)crypto::parse_certificate(codec::encode_pem("CERTIFICATE", text));
  return 0;
}
