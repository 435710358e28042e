#include "lib/api/field.hpp"

#include <set>

#include "lib/codec/encoding.hpp"

namespace portcullis::api {

Field Field::at(std::string_view key) const {
  if (misplaced_) return *this;
  if (present() && !value_->is_object()) return {nullptr, path_, true};
  auto path = path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  return {present() ? codec::find(*value_, key) : nullptr, std::move(path), false};
}

Error Field::error(std::string_view what) const {
  return {ErrorCode::kInvalidArgument, path_ + ": " + std::string(what)};
}

Result<void> Field::expect(bool type_fits, std::string_view type) const {
  if (misplaced_) return error("must be an object");
  if (!type_fits) return error("must be " + std::string(type));
  return {};
}

Result<void> Field::expect_object() const {
  return expect(!present() || value_->is_object(), "an object");
}

Result<std::optional<std::string>> Field::text() const {
  TRY_VOID(expect(!present() || value_->is_string(), "a text"));
  if (!present()) return std::optional<std::string>();
  return std::optional(value_->get<std::string>());
}

Result<std::string> Field::text_or_empty() const { return TRY(text()).value_or(""); }

Result<std::string> Field::required_text() const {
  auto value = TRY(text_or_empty());
  if (value.empty()) return error("is required");
  return value;
}

Result<std::optional<std::int64_t>> Field::integer(std::int64_t least, std::int64_t most) const {
  TRY_VOID(expect(!present() || value_->is_number_integer(), "a whole number"));
  if (!present()) return std::optional<std::int64_t>();
  const auto out_of_range =
      error("must be between " + std::to_string(least) + " and " + std::to_string(most));
  // An unsigned number above the signed range would turn negative in get().
  if (value_->is_number_unsigned() &&
      value_->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) {
    return out_of_range;
  }
  const auto value = value_->get<std::int64_t>();
  if (value < least || value > most) return out_of_range;
  return std::optional(value);
}

Result<std::optional<bool>> Field::boolean() const {
  TRY_VOID(expect(!present() || value_->is_boolean(), "true or false"));
  if (!present()) return std::optional<bool>();
  return std::optional(value_->get<bool>());
}

Result<std::optional<std::chrono::seconds>> Field::duration() const {
  const auto written = TRY(text());
  if (!written) return std::optional<std::chrono::seconds>();
  const auto value = codec::parse_duration(*written);
  if (!value) return error("\"" + *written + "\" is no duration; write it as 336h, 90m or 1h30m");
  return std::optional(*value);
}

Result<std::optional<Time>> Field::time() const {
  const auto written = TRY(text());
  if (!written) return std::optional<Time>();
  const auto value = codec::parse_rfc3339(*written);
  if (!value) return error("\"" + *written + "\" is no RFC 3339 time");
  return std::optional(*value);
}

Result<Labels> Field::labels() const {
  TRY_VOID(expect_object());
  if (misplaced_) return error("must be an object");
  Labels out;
  if (!present()) return out;
  for (const auto& [key, value] : value_->items()) {
    if (!value.is_string()) return error("\"" + key + "\" must be a text");
    out.emplace(key, value.get<std::string>());
  }
  return out;
}

Result<std::vector<Field>> Field::elements() const {
  TRY_VOID(expect(!present() || value_->is_array(), "a list"));
  std::vector<Field> out;
  if (!present()) return out;
  for (std::size_t i = 0; i < value_->size(); ++i) {
    out.emplace_back((*value_)[i], path_ + "[" + std::to_string(i) + "]");
  }
  return out;
}

Result<std::vector<Field>> Field::items() const {
  auto out = TRY(elements());
  if (present() && out.empty()) return error("is an empty list; leave the field out instead");
  return out;
}

Result<std::vector<std::string>> Field::texts() const {
  std::vector<std::string> out;
  for (const auto& item : TRY(items())) out.push_back(TRY(item.required_text()));
  return out;
}

Result<std::vector<std::string>> Field::names(std::string_view key) const {
  std::vector<std::string> out;
  std::set<std::string> seen;
  for (const auto& item : TRY(elements())) {
    out.push_back(TRY(item.at(key).required_text()));
    if (!seen.insert(out.back()).second) {
      return item.at(key).error("\"" + out.back() + "\" stands twice");
    }
  }
  return out;
}

}  // namespace portcullis::api
