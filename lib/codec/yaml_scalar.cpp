#include "lib/codec/yaml_scalar.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "lib/codec/json.hpp"

namespace portcullis::codec {
namespace {

constexpr std::string_view kStandardTag = "tag:yaml.org,2002:";
constexpr std::string_view kDigits = "0123456789";

/// Never quotes the scalar: it may be a password. Its position is in the caller's message.
Error refused(std::string why) { return {ErrorCode::kInvalidArgument, std::move(why)}; }

Error unsupported_tag(std::string_view tag) {
  constexpr std::size_t kQuotedBytes = 64;
  return refused("the tag " + std::string(tag.substr(0, kQuotedBytes)) +
                 " is not supported: remove it");
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> spellings) {
  return std::find(spellings.begin(), spellings.end(), text) != spellings.end();
}
bool is_null(std::string_view text) { return is_one_of(text, {"", "~", "null", "Null", "NULL"}); }
bool is_true(std::string_view text) { return is_one_of(text, {"true", "True", "TRUE"}); }
bool is_false(std::string_view text) { return is_one_of(text, {"false", "False", "FALSE"}); }

std::string_view without_sign(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  return text;
}

bool is_infinite_or_nan(std::string_view text) {
  return is_one_of(without_sign(text), {".inf", ".Inf", ".INF"}) ||
         is_one_of(text, {".nan", ".NaN", ".NAN"});
}

bool all_of(std::string_view text, std::string_view alphabet) {
  return !text.empty() && text.find_first_not_of(alphabet) == std::string_view::npos;
}

bool is_decimal(std::string_view text) { return all_of(without_sign(text), kDigits); }
bool is_octal(std::string_view text) {
  return text.starts_with("0o") && all_of(text.substr(2), "01234567");
}
bool is_hexadecimal(std::string_view text) {
  return text.starts_with("0x") && all_of(text.substr(2), "0123456789abcdefABCDEF");
}

std::string_view take_digits(std::string_view& text) {
  const auto count = std::min(text.find_first_not_of(kDigits), text.size());
  const auto digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

/// [-+]? ( "." [0-9]+ | [0-9]+ ( "." [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool is_float(std::string_view text) {
  text = without_sign(text);
  const auto whole = take_digits(text);
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits(text);
  }
  if (whole.empty() && fraction.empty()) return false;
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  return all_of(without_sign(text.substr(1)), kDigits);
}

template <typename T>
std::optional<T> parse_number(std::string_view digits, int base) {
  T value{};
  const auto* const end = digits.data() + digits.size();
  const auto [rest, problem] = std::from_chars(digits.data(), end, value, base);
  if (problem != std::errc() || rest != end) return std::nullopt;
  return value;
}

Result<Json> read_float(std::string_view text) {
  auto digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [rest, problem] = std::from_chars(digits.data(), end, value);
  if (problem != std::errc() || rest != end) {
    return refused("a number that no double can hold: quote it if it is text");
  }
  return Json(value);
}

Result<Json> read_based(std::string_view text, int base) {
  if (const auto value = parse_number<std::uint64_t>(text.substr(2), base)) return Json(*value);
  return refused("a number of more than 64 bits: quote it if it is text");
}

Result<Json> read_decimal(std::string_view text) {
  auto digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  if (const auto bare = without_sign(text); bare.size() > 1 && bare.front() == '0') {
    return refused(
        "a number with leading zeros, octal for some readers and decimal for others: quote it if "
        "it "
        "is text, or write it without them");
  }
  if (digits.starts_with('-')) {
    if (const auto value = parse_number<std::int64_t>(digits, 10)) return Json(*value);
  } else if (const auto value = parse_number<std::uint64_t>(digits, 10)) {
    return Json(*value);
  }
  return read_float(text);
}

Result<Json> read_plain(const std::string& text) {
  if (is_null(text)) return Json(nullptr);
  if (is_true(text)) return Json(true);
  if (is_false(text)) return Json(false);
  if (is_decimal(text)) return read_decimal(text);
  if (is_octal(text)) return read_based(text, 8);
  if (is_hexadecimal(text)) return read_based(text, 16);
  if (is_float(text)) return read_float(text);
  if (is_infinite_or_nan(text)) {
    return refused("a number that JSON does not have: quote it if it is text");
  }
  return Json(text);
}

}  // namespace

Result<Json> resolve_scalar(std::string_view tag, const std::string& text) {
  if (tag == "?") return read_plain(text);
  if (tag == "!") return Json(text);
  if (!tag.starts_with(kStandardTag)) return unsupported_tag(tag);
  const auto type = tag.substr(kStandardTag.size());
  if (type == "str") return Json(text);

  auto value = TRY(read_plain(text));
  if (type == "float" && value.is_number()) return Json(value.get<double>());
  const bool matches = (type == "int" && value.is_number_integer()) ||
                       (type == "bool" && value.is_boolean()) ||
                       (type == "null" && value.is_null());
  if (matches) return value;
  if (!is_one_of(type, {"int", "float", "bool", "null"})) {
    return unsupported_tag(tag);
  }
  return refused("the value is not of the type that its tag says, " + std::string(type));
}

}  // namespace portcullis::codec
