#pragma once

#include <map>
#include <string>
#include <string_view>

namespace portcullis::http {

/// Orders header names without regard to ASCII case (RFC 9110 section 5.1).
struct HeaderLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};
using Headers = std::map<std::string, std::string, HeaderLess>;  ///< Repeated lines joined by ", ".

/// A request, on either side of the wire.
struct Request {
  std::string method = "GET";
  std::string target;  ///< Origin form: path and query, percent-encoded ("/api/v1/pods?limit=500").
  Headers headers;
  std::string body;
};

struct Response {
  int status = 0;
  Headers headers;
  std::string body;

  /// The header's value, or "".
  std::string_view header(std::string_view name) const;
};

/// Adds one header line: what the name already has stays in front, joined by ", ".
void add_header(Headers& headers, std::string_view name, std::string_view value);

/// True when the name is an RFC 9110 token and the value has no control character but tab: such a
/// line cannot smuggle in another one. Every sender of this folder refuses the rest.
bool is_valid_header(std::string_view name, std::string_view value);

/// The path of a target, without its query; and one query value, percent-decoded ("+" is a space),
/// "" when absent. An escape that is none stays as it stands.
std::string_view path_of(std::string_view target);
std::string query_value(std::string_view target, std::string_view name);

}  // namespace portcullis::http
