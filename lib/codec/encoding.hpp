#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/result.hpp"

/// The small encodings. Byte strings are std::string. Pure; any thread.
namespace portcullis::codec {

/// RFC 4648 section 4: standard alphabet, padded. Strict: no line ends, no missing padding, no
/// non-zero trailing bits. kInvalidArgument otherwise.
Result<std::string> decode_base64(std::string_view text);
std::string encode_base64(std::string_view bytes);

/// Lower-case hexadecimal.
std::string encode_hex(std::string_view bytes);
Result<std::string> decode_hex(std::string_view text);

/// One PEM block (RFC 7468): the label ("PUBLIC KEY") and the DER bytes.
struct PemBlock {
  std::string label;
  std::string der;
};
/// Every block of the text; text around the blocks is skipped. kInvalidArgument when a block is
/// broken or there is none. At most 64 blocks and 1 MiB.
Result<std::vector<PemBlock>> parse_pem(std::string_view text);
std::string encode_pem(std::string_view label, std::string_view der);

/// RFC 3339 date-time, any offset, fraction of up to nine digits; leap second 60 is read as 59.
/// A Time ends in 1677 and 2262: what lies outside (Go's zero time) becomes the nearest end.
Result<Time> parse_rfc3339(std::string_view text);
/// metav1.Time: whole seconds and Z ("2026-01-02T03:04:05Z").
std::string format_time(Time time);
/// metav1.MicroTime: exactly six fractional digits, or the API server answers 400.
std::string format_micro_time(Time time);

/// Our durations, ^([0-9]{1,5}(h|m|s)){1,3}$ ("168h", "1h30m").
Result<std::chrono::seconds> parse_duration(std::string_view text);
/// The same notation, without zero parts ("336h", "1h30m", "0s"); negative is "0s".
std::string format_duration(std::chrono::seconds duration);

/// Percent-encodes one path segment (RFC 3986 unreserved characters stay).
std::string encode_path_segment(std::string_view text);
/// Percent-encodes one query value.
std::string encode_query(std::string_view text);

/// The length of the longest prefix that is UTF-8 (RFC 3629): text.size() when all of it is.
std::size_t valid_utf8_prefix(std::string_view text);

}  // namespace portcullis::codec
