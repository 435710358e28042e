#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"

/// Bytes to JSON values and back, with limits; and ways to look into a value that cannot throw.
/// Pure; any thread.
namespace portcullis::codec {

/// What happens when an object names a member twice.
enum class Duplicates {
  kLastWins,  ///< As the API server reads JSON (sigs.k8s.io/json).
  kRefuse,    ///< For signed data: two readers must not see two documents.
};

struct JsonLimits {
  std::size_t max_bytes = 7U << 20;  ///< An AdmissionReview's bound: two objects and 1 MiB.
  int max_depth = 64;                ///< Nesting of arrays and objects.
  Duplicates duplicates = Duplicates::kLastWins;
};

/// Parses exactly one JSON text (RFC 8259). kInvalidArgument for: syntax, trailing bytes, invalid
/// UTF-8, a byte-order mark (all with the byte offset), or a limit. The message never quotes
/// values. An integer keeps its exact value between -2^63 and 2^64-1; outside it becomes a double.
Result<Json> parse_json(std::string_view text, const JsonLimits& limits = {});

/// Compact text. Invalid UTF-8 in strings becomes U+FFFD instead of an exception.
/// Members are in key order, so for ASCII strings and integers it is RFC 8785 (JCS).
std::string dump_json(const Json& value);

/// The member `key` of an object; null when `value` is no object or has no such member.
const Json* find(const Json& value, std::string_view key);

/// Descends through objects: find_path(pod, {"spec", "containers"}). Null when any step is missing.
const Json* find_path(const Json& value, std::initializer_list<std::string_view> path);

/// The member as text, integer or boolean; empty when absent or of another type.
std::optional<std::string> find_string(const Json& value, std::string_view key);
std::optional<std::int64_t> find_integer(const Json& value, std::string_view key);
std::optional<bool> find_bool(const Json& value, std::string_view key);

/// The member as text, "" when absent or of another type. For fields where absent and "" are one.
std::string string_or_empty(const Json& value, std::string_view key);

}  // namespace portcullis::codec
