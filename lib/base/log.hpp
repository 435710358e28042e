#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "lib/base/result.hpp"

/// Structured logging to standard error: a constant message and keys. One line a record, as JSON
/// ({"ts":…,"level":…,"msg":…,"key":…}) or as text for people. Any thread may call it.
/// Never a secret, a token or a key in a field.
namespace portcullis::log {

enum class Level { kDebug, kInfo, kWarning, kError };
enum class Format { kJson, kText };

/// One key of a record. Values are text; numbers and errors have their constructors.
struct Field {
  Field(std::string_view field_key, std::string field_value)
      : key(field_key), value(std::move(field_value)) {}
  Field(std::string_view field_key, std::string_view field_value)
      : key(field_key), value(field_value) {}
  Field(std::string_view field_key, const char* field_value)
      : key(field_key), value(field_value) {}
  Field(std::string_view field_key, std::int64_t field_value)
      : key(field_key), value(std::to_string(field_value)) {}
  Field(std::string_view field_key, const Error& error)
      : key(field_key), value(std::string(to_string(error.code())) + ": " + error.message()) {}

  std::string_view key;
  std::string value;
};
using Fields = std::initializer_list<Field>;

/// Call once in main, before the first thread.
void configure(Level level, Format format);
Result<Level> parse_level(std::string_view name);    ///< "debug", "info", "warning", "error"
Result<Format> parse_format(std::string_view name);  ///< "json", "text"

void debug(std::string_view message, Fields fields = {});
void info(std::string_view message, Fields fields = {});
void warning(std::string_view message, Fields fields = {});
void error(std::string_view message, Fields fields = {});

/// The record's text without its line end, as info() and its siblings would write it; for tests.
std::string format_record(Format format, Level level, std::string_view timestamp,
                          std::string_view message, Fields fields);

}  // namespace portcullis::log
