#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"
#include "lib/crypto/digest.hpp"
#include "lib/verify/dsse.hpp"
#include "lib/verify/legacy.hpp"
#include "lib/verify/statement.hpp"
#include "tests/fuzz/property.hpp"

using namespace portcullis;

// The three texts of the older layout. An accepted envelope comes back from its own parts; every
// subject that a statement yields is a whole digest; a simple signing payload names one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::as_text(data, size);

  if (const auto envelope = verify::parse_envelope(text)) {
    const codec::Json again = {
        {"payload", codec::encode_base64(envelope->payload)},
        {"payloadType", envelope->payload_type},
        {"signatures", {{{"sig", codec::encode_base64(envelope->signature)}}}}};
    const auto reread = verify::parse_envelope(codec::dump_json(again));
    fuzz::require(reread && reread->payload == envelope->payload &&
                  reread->payload_type == envelope->payload_type &&
                  reread->signature == envelope->signature);
    fuzz::require(
        verify::pae(envelope->payload_type, envelope->payload).ends_with(" " + envelope->payload));
  }
  if (const auto statement = verify::parse_statement(text)) {
    fuzz::require(statement->predicate != nullptr && !statement->predicate_type.empty());
    fuzz::require(statement->subjects.size() <= 1024);
    for (const auto& subject : statement->subjects) {
      fuzz::require(crypto::is_sha256_digest(subject));
    }
  }
  if (const auto signing = verify::parse_simple_signing(text)) {
    fuzz::require(crypto::is_sha256_digest(signing->manifest_digest));
    fuzz::require(text.find(signing->manifest_digest.substr(7, 8)) != std::string_view::npos ||
                  text.find('\\') != std::string_view::npos);
  }
  return 0;
}
