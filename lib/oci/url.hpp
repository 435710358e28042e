#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.hpp"

namespace portcullis::oci {

/// An absolute http or https URL, taken apart as far as a registry client needs (RFC 3986). Pure.
struct Url {
  std::string scheme;     ///< "https" or "http"
  std::string authority;  ///< host[:port], lower case, without the scheme's default port
  std::string target;     ///< Path and query, at least "/"; no fragment.

  std::string to_string() const { return scheme + "://" + authority + target; }
  bool same_origin(const Url& other) const {
    return scheme == other.scheme && authority == other.authority;
  }
};

/// kInvalidArgument: another scheme, no host, user information, white space or control characters,
/// more than 8 KiB.
Result<Url> parse_url(std::string_view text);

/// What `location` means in a document fetched from `base`: absolute, "//host/path", "/path",
/// "?query" or "path" (without "..": a registry that says that is refused).
Result<Url> resolve_url(const Url& base, std::string_view location);

}  // namespace portcullis::oci
