#pragma once

#include <string>

#include "lib/base/result.hpp"
#include "lib/oci/registry_client.hpp"

namespace portcullis::webhook {

/// The --registries file: read at the start, and again when its content changes (ConfigMap volumes
/// swap a symbolic link, so times say nothing). A change that does not parse is logged, and the old
/// settings stay. Used by one thread at a time.
class RegistriesFile {
 public:
  /// `client` must outlive this. An empty `path`: the defaults for every host.
  RegistriesFile(std::string path, oci::RegistryClient& client)
      : path_(std::move(path)), client_(client) {}

  Result<void> reload();
  void reload_if_changed();

 private:
  Result<std::string> read() const;

  const std::string path_;
  oci::RegistryClient& client_;
  std::string content_;
};

}  // namespace portcullis::webhook
