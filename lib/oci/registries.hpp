#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.hpp"

namespace portcullis::oci {

enum class Scheme { kHttps, kHttp };
enum class RegistryAuth { kPullSecrets, kAnonymous };

/// How one registry host is reached.
struct RegistryConfig {
  std::string host;                  ///< As in normalised references, exact.
  Scheme scheme = Scheme::kHttps;    ///< Plain HTTP only where this file says so.
  RegistryAuth auth = RegistryAuth::kPullSecrets;
  std::vector<std::string> mirrors;  ///< Hosts asked first, in order, then `host` itself.
  std::string ca_pem;                ///< Private roots; empty: the system's.
  double requests_per_second = 0;    ///< 0: no limit of ours.
};

/// The registries file (chart value, --registries): YAML,
///   registries: [{host, scheme, auth, mirrors, caFile, requestsPerSecond}]
/// A host that is not listed gets the defaults.
class Registries {
 public:
  /// kInvalidArgument names the field. `directory`: where relative caFile paths start.
  static Result<Registries> parse(std::string_view yaml, std::string_view directory);
  Registries() = default;

  RegistryConfig find(std::string_view host) const;

 private:
  std::vector<RegistryConfig> entries_;
};

}  // namespace portcullis::oci
