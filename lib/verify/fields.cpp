#include "lib/verify/fields.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "lib/codec/encoding.hpp"

namespace portcullis::verify {
namespace {

constexpr std::size_t kMaxQuotedBytes = 80;

Error invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

// ^(0|[1-9][0-9]{0,18})$ and no more than int64 holds.
bool parse_count(std::string_view text, std::int64_t& value) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return false;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Result<codec::Json> parse_evidence(std::string_view bytes, std::size_t max_bytes) {
  return codec::parse_json(bytes, {.max_bytes = max_bytes,
                                   .max_depth = kMaxEvidenceDepth,
                                   .duplicates = codec::Duplicates::kRefuse});
}

std::string shown(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, kMaxQuotedBytes)) out += (c >= ' ' && c <= '~') ? c : '?';
  if (text.size() > kMaxQuotedBytes) out += "...";
  return out + "\"";
}

Result<Fields> Fields::of(const codec::Json& value, std::string_view path,
                          std::initializer_list<std::string_view> known) {
  if (!value.is_object()) return invalid(std::string(path) + " is not a JSON object");
  for (auto member = value.begin(); member != value.end(); ++member) {
    if (std::find(known.begin(), known.end(), member.key()) == known.end()) {
      return invalid(std::string(path) + " has the unknown field " + shown(member.key()));
    }
    if (member->is_null()) return invalid(std::string(path) + "." + member.key() + " is null");
  }
  return Fields(value, std::string(path));
}

Result<const codec::Json*> Fields::member(std::string_view name) const {
  const codec::Json* found = codec::find(*value_, name);
  if (found == nullptr) return invalid(path_of(name) + " is missing");
  return found;
}

Result<Fields> Fields::object(std::string_view name,
                              std::initializer_list<std::string_view> known) const {
  const codec::Json* found = TRY(member(name));
  return of(*found, path_of(name), known);
}

Result<std::string> Fields::text(std::string_view name) const {
  const codec::Json* found = TRY(member(name));
  if (!found->is_string()) return invalid(path_of(name) + " is not text");
  return found->get_ref<const std::string&>();
}

Result<std::string> Fields::bytes(std::string_view name, std::size_t max_bytes) const {
  const codec::Json* found = TRY(member(name));
  if (!found->is_string()) return invalid(path_of(name) + " is not base64 text");
  const auto& encoded = found->get_ref<const std::string&>();
  if (encoded.empty()) return invalid(path_of(name) + " is empty");
  if (encoded.size() / 4 > max_bytes / 3 + 1) {
    return invalid(path_of(name) + " holds more than " + std::to_string(max_bytes) + " bytes");
  }
  auto decoded = TRY(with_context(codec::decode_base64(encoded), path_of(name)));
  if (decoded.size() > max_bytes) {
    return invalid(path_of(name) + " holds more than " + std::to_string(max_bytes) + " bytes");
  }
  return decoded;
}

Result<std::string> Fields::exact_bytes(std::string_view name, std::size_t size) const {
  auto decoded = TRY(bytes(name, size));
  if (decoded.size() != size) {
    return invalid(path_of(name) + " is not " + std::to_string(size) + " bytes");
  }
  return decoded;
}

Result<std::int64_t> Fields::count(std::string_view name) const {
  const codec::Json* found = codec::find(*value_, name);
  if (found == nullptr) return std::int64_t{0};
  std::int64_t value = 0;
  if (found->is_string() && parse_count(found->get_ref<const std::string&>(), value)) return value;
  if (found->is_number_unsigned()) {
    const auto number = found->get<std::uint64_t>();
    if (number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return static_cast<std::int64_t>(number);
    }
  }
  return invalid(path_of(name) + " is not a whole number from 0 to 2^63-1");
}

Result<std::vector<const codec::Json*>> Fields::items(std::string_view name,
                                                      std::size_t max_items) const {
  std::vector<const codec::Json*> elements;
  const codec::Json* found = codec::find(*value_, name);
  if (found == nullptr) return elements;
  if (!found->is_array()) return invalid(path_of(name) + " is not a list");
  if (found->size() > max_items) {
    return invalid(path_of(name) + " has " + std::to_string(found->size()) +
                   " entries, more than " + std::to_string(max_items));
  }
  for (const auto& element : *found) elements.push_back(&element);
  return elements;
}

}  // namespace portcullis::verify
