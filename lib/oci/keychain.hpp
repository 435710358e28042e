#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.hpp"
#include "lib/oci/reference.hpp"

namespace portcullis::oci {

/// What a registry accepts as proof of who asks. Never logged.
struct Credential {
  std::string username;
  std::string password;
  std::string identity_token;  ///< OAuth2 refresh token; then username and password are empty.

  /// Tells two credentials apart without telling either: SHA-256, hex. "" for no credential.
  std::string fingerprint() const;
};

/// Credentials by registry, from kubernetes.io/dockerconfigjson and dockercfg secrets, matched as
/// the kubelet does (host globs per label, longest path first). Immutable once built; any thread.
class Keychain {
 public:
  Keychain() = default;

  /// Adds the entries of one secret's `.dockerconfigjson` (or `.dockercfg`). kInvalidArgument names
  /// what is malformed, never a value.
  Result<void> add_docker_config(std::string_view json);

  /// All that fit, best first; empty: ask anonymously.
  std::vector<Credential> find(const Reference& reference) const;
  bool empty() const { return entries_.empty(); }

 private:
  struct Entry {
    std::string host;
    std::string path;
    Credential credential;
  };
  std::vector<Entry> entries_;
};

}  // namespace portcullis::oci
