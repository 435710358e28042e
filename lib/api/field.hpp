#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/api/meta.hpp"
#include "lib/base/result.hpp"
#include "lib/codec/json.hpp"

/// How lib/api reads objects strictly. Internal to this folder.
namespace portcullis::api {

/// One enumerator and its word in the YAML.
template <typename E>
using Word = std::pair<E, std::string_view>;

/// A place in an object: the value there, and its path for error texts. JSON null counts as absent,
/// as in the API server. Every accessor answers kInvalidArgument ("spec.mode: …") for a value of
/// another type, also when a parent was of another type: nothing wrong reads as absent.
/// It points into the object, which must outlive it.
class Field {
 public:
  Field(const codec::Json& value, std::string path) : value_(&value), path_(std::move(path)) {}

  Field at(std::string_view key) const;
  bool present() const { return value_ != nullptr && !value_->is_null(); }
  const std::string& path() const { return path_; }
  Error error(std::string_view what) const;

  /// Fails unless it is an object; absent passes.
  Result<void> expect_object() const;

  Result<std::optional<std::string>> text() const;
  Result<std::string> text_or_empty() const;
  Result<std::string> required_text() const;  ///< Neither absent nor "".
  Result<std::optional<std::int64_t>> integer(std::int64_t least, std::int64_t most) const;
  Result<std::optional<bool>> boolean() const;
  Result<std::optional<std::chrono::seconds>> duration() const;
  Result<std::optional<Time>> time() const;
  Result<Labels> labels() const;  ///< A map of texts; absent is empty.

  /// Elements of a list; absent is empty.
  Result<std::vector<Field>> elements() const;
  /// The same for a list of constraints: present and empty is an error, because absent is the only
  /// way to say "no constraint".
  Result<std::vector<Field>> items() const;
  Result<std::vector<std::string>> texts() const;  ///< Of items(); none is "".
  /// The `key` of every one of elements(): [{name: a}, {name: b}] → a, b. Unique.
  Result<std::vector<std::string>> names(std::string_view key) const;

  template <typename E, std::size_t N>
  Result<std::optional<E>> word(const Word<E> (&words)[N]) const {
    const auto written = TRY(text());
    if (!written) return std::optional<E>();
    std::string known;
    for (const auto& [value, name] : words) {
      if (*written == name) return std::optional<E>(value);
      known += (known.empty() ? "" : ", ") + std::string(name);
    }
    return error("\"" + *written + "\" is not one of " + known);
  }
  template <typename E, std::size_t N>
  Result<E> word_or(const Word<E> (&words)[N], E otherwise) const {
    return TRY(word(words)).value_or(otherwise);
  }
  template <typename E, std::size_t N>
  Result<E> required_word(const Word<E> (&words)[N]) const {
    const auto value = TRY(word(words));
    if (!value) return error("is required");
    return *value;
  }
  /// A list of words, in enumerator order; a word that stands twice is an error.
  template <typename E, std::size_t N>
  Result<std::vector<E>> word_list(const Word<E> (&words)[N]) const {
    std::vector<bool> seen(N);
    for (const auto& item : TRY(items())) {
      const auto value = TRY(item.required_word(words));
      for (std::size_t i = 0; i < N; ++i) {
        if (words[i].first != value) continue;
        if (seen[i]) return item.error("stands twice");
        seen[i] = true;
      }
    }
    std::vector<E> out;
    for (std::size_t i = 0; i < N; ++i) {
      if (seen[i]) out.push_back(words[i].first);
    }
    return out;
  }

 private:
  Field(const codec::Json* value, std::string path, bool misplaced)
      : value_(value), path_(std::move(path)), misplaced_(misplaced) {}
  Result<void> expect(bool type_fits, std::string_view type) const;

  const codec::Json* value_;
  std::string path_;        ///< Of the parent when misplaced.
  bool misplaced_ = false;  ///< The parent is no object.
};

template <typename E, std::size_t N>
std::string_view word_of(const Word<E> (&words)[N], E value) {
  for (const auto& [candidate, name] : words) {
    if (candidate == value) return name;
  }
  return "";
}

template <typename E, std::size_t N>
Result<E> parse_word(const Word<E> (&words)[N], std::string_view word, std::string_view what) {
  for (const auto& [value, name] : words) {
    if (word == name) return value;
  }
  return Error(ErrorCode::kInvalidArgument,
               "\"" + std::string(word) + "\" is not a " + std::string(what));
}

}  // namespace portcullis::api
