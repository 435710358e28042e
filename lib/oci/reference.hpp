#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/base/result.hpp"

namespace portcullis::oci {

/// An image reference, normalised exactly as the container runtimes do (distribution/reference):
/// "nginx" is docker.io/library/nginx:latest; index.docker.io is docker.io. Pure; any thread.
struct Reference {
  std::string host;        ///< "docker.io", "registry.example.com:5000", "localhost"; lower case.
  std::string repository;  ///< "library/nginx"
  std::optional<std::string> tag;     ///< "latest" where neither tag nor digest was written.
  std::optional<std::string> digest;  ///< "sha256:…"; with one, the tag is ignored, as runtimes do.

  /// "docker.io/library/nginx": what image patterns match.
  std::string name() const { return host + "/" + repository; }
  /// name[:tag][@digest], normalised.
  std::string to_string() const;
  bool operator==(const Reference&) const = default;
};

/// kInvalidArgument: what the runtimes refuse (upper case in the path, bad tag, bad digest, 64 hex
/// digits as a name, empty), or a digest other than sha256.
Result<Reference> parse_reference(std::string_view text);

/// `written` with its digest set to `digest`, everything else as the user wrote it:
/// ("nginx:1.25", d) → "nginx:1.25@d". Pre: `written` parses.
std::string pin(std::string_view written, std::string_view digest);

}  // namespace portcullis::oci
