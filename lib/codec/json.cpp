#include "lib/codec/json.hpp"

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>
#include <vector>

namespace portcullis::codec {
namespace {

Error refused(const std::string& why) { return {ErrorCode::kInvalidArgument, "JSON: " + why}; }

/// The parser's message without "last read: …": the bytes it quotes may belong to a Secret.
std::string without_quoted_input(std::string_view message) {
  message = message.substr(0, message.find("; last read"));
  const auto start = message.find("syntax error");
  return start == std::string_view::npos ? "syntax error" : std::string(message.substr(start));
}

/// Builds the value from the parser's events; says no as soon as a limit is passed.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // JSON text has none

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    const auto [member, is_new] =
        open_.back()->get_ref<Json::object_t&>().try_emplace(name, nullptr);
    if (!is_new && limits_.duplicates == Duplicates::kRefuse) {
      return fail("an object names the member " + dump_json(name.substr(0, kQuotedBytes)) +
                  " twice");
    }
    member_ = &member->second;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& problem) override {
    // Codes of the 400s are about values: a number that no double can hold.
    const bool out_of_range = problem.id >= 400;
    return fail((out_of_range ? "a number is too large" : without_quoted_input(problem.what())) +
                ", at byte " + std::to_string(position));
  }

  const std::string& failure() const { return failure_; }
  Json take() { return std::move(root_); }

 private:
  static constexpr std::size_t kQuotedBytes = 64;

  template <typename T>
  Json* place(T&& value) {
    if (open_.empty()) return &(root_ = std::forward<T>(value));
    if (open_.back()->is_array()) {
      return &open_.back()->get_ref<Json::array_t&>().emplace_back(std::forward<T>(value));
    }
    return &(*member_ = std::forward<T>(value));
  }

  template <typename T>
  bool put(T&& value) {
    place(std::forward<T>(value));
    return true;
  }

  bool open(Json empty) {
    if (std::cmp_greater_equal(open_.size(), limits_.max_depth)) {
      return fail("nested deeper than " + std::to_string(limits_.max_depth) + " levels");
    }
    // The parent does not grow while its child is open, so the pointer stays good.
    open_.push_back(place(std::move(empty)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  bool fail(std::string why) {
    failure_ = std::move(why);
    return false;
  }

  const JsonLimits& limits_;
  Json root_;
  std::vector<Json*> open_;
  Json* member_ = nullptr;
  std::string failure_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return refused(std::to_string(text.size()) + " bytes, more than the allowed " +
                   std::to_string(limits.max_bytes));
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    return refused("a byte-order mark at byte 0: save the text as UTF-8 without it");
  }
  // The parser takes a NUL for the end of its input: what follows one would be hidden from it.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    return refused("a NUL character, at byte " + std::to_string(nul));
  }
  try {
    Builder builder(limits);
    if (!Json::sax_parse(text.begin(), text.end(), &builder)) return refused(builder.failure());
    return builder.take();
  } catch (const std::exception&) {
    return Error(ErrorCode::kInternal, "JSON: the parser failed (out of memory?)");
  }
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

const Json* find(const Json& value, std::string_view key) {
  if (!value.is_object()) return nullptr;
  const auto member = value.find(key);
  return member == value.end() ? nullptr : &*member;
}

const Json* find_path(const Json& value, std::initializer_list<std::string_view> path) {
  const Json* here = &value;
  for (const auto step : path) {
    here = find(*here, step);
    if (here == nullptr) return nullptr;
  }
  return here;
}

std::optional<std::string> find_string(const Json& value, std::string_view key) {
  const auto* member = find(value, key);
  if (member == nullptr || !member->is_string()) return std::nullopt;
  return member->get<std::string>();
}

std::optional<std::int64_t> find_integer(const Json& value, std::string_view key) {
  const auto* member = find(value, key);
  if (member == nullptr || !member->is_number_integer()) return std::nullopt;
  if (member->is_number_unsigned() &&
      std::cmp_greater(member->get<std::uint64_t>(), std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  return member->get<std::int64_t>();
}

std::optional<bool> find_bool(const Json& value, std::string_view key) {
  const auto* member = find(value, key);
  if (member == nullptr || !member->is_boolean()) return std::nullopt;
  return member->get<bool>();
}

std::string string_or_empty(const Json& value, std::string_view key) {
  return find_string(value, key).value_or("");
}

}  // namespace portcullis::codec
