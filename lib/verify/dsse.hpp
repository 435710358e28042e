#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"

namespace portcullis::verify {

/// A DSSE envelope (secure-systems-lab/dsse, protocol.md) with exactly one signature, decoded.
/// Nothing in it is true before the signature over pae() has been verified.
struct Envelope {
  std::string payload_type;
  std::string payload;
  std::string signature;
};

/// Reads an envelope; `path` names it in messages. kInvalidArgument for: an unknown member, another
/// number of signatures than one, base64 that is not strict, empty payload or signature. The key id
/// is a hint by its nature and ignored, so that it may also be null.
Result<Envelope> parse_envelope(const codec::Json& value, std::string_view path);
/// The same from the text of a cosign `.att` layer.
Result<Envelope> parse_envelope(std::string_view bytes);

/// The bytes that are signed: DSSE v1.0.2, pre-authentication encoding.
std::string pae(std::string_view payload_type, std::string_view payload);

}  // namespace portcullis::verify
