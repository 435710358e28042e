#include "lib/verify/dsse.hpp"

#include "lib/codec/json.hpp"
#include "lib/verify/fields.hpp"

namespace portcullis::verify {
namespace {

constexpr std::size_t kMaxSignatureBytes = 1024;  // RSA of 8192 bits.
constexpr std::size_t kMaxSignatures = 64;        // To count them in the message; one is accepted.

Error invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Result<std::string> parse_signature(const codec::Json& value, const std::string& path) {
  // OMS signers write the key id as null; Fields allows no null, so it is judged here.
  codec::Json known = value;
  if (known.is_object()) {
    const codec::Json* key_id = codec::find(known, "keyid");
    if (key_id != nullptr && !key_id->is_null() && !key_id->is_string()) {
      return invalid(path + ".keyid is not text");
    }
    known.erase("keyid");
  }
  const Fields fields = TRY(Fields::of(known, path, {"sig"}));
  return fields.bytes("sig", kMaxSignatureBytes);
}

}  // namespace

Result<Envelope> parse_envelope(const codec::Json& value, std::string_view path) {
  const Fields fields = TRY(Fields::of(value, path, {"payload", "payloadType", "signatures"}));
  const auto signatures = TRY(fields.items("signatures", kMaxSignatures));
  if (signatures.size() != 1) {
    return invalid(fields.path_of("signatures") + " has " + std::to_string(signatures.size()) +
                   " entries; exactly one is accepted");
  }
  Envelope envelope;
  envelope.payload_type = TRY(fields.text("payloadType"));
  envelope.payload = TRY(fields.bytes("payload"));
  envelope.signature = TRY(parse_signature(*signatures.front(), fields.path_of("signatures[0]")));
  return envelope;
}

Result<Envelope> parse_envelope(std::string_view bytes) {
  const auto value = TRY(parse_evidence(bytes));
  return parse_envelope(value, "envelope");
}

std::string pae(std::string_view payload_type, std::string_view payload) {
  const std::string type_length = std::to_string(payload_type.size());
  const std::string payload_length = std::to_string(payload.size());
  std::string out;
  out.reserve(10 + type_length.size() + payload_type.size() + payload_length.size() +
              payload.size());
  out.append("DSSEv1 ").append(type_length).append(" ").append(payload_type);
  out.append(" ").append(payload_length).append(" ").append(payload);
  return out;
}

}  // namespace portcullis::verify
