#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/deadline.hpp"
#include "lib/base/result.hpp"
#include "lib/http/web_client.hpp"
#include "lib/oci/keychain.hpp"
#include "lib/oci/reference.hpp"
#include "lib/oci/registries.hpp"

namespace portcullis::oci {

struct Platform {
  std::string os, architecture, variant;
  bool operator==(const Platform&) const = default;
};

/// image-spec descriptor.
struct Descriptor {
  std::string media_type;
  std::string digest;
  std::uint64_t size = 0;
  std::string artifact_type;
  std::map<std::string, std::string> annotations;
  std::optional<Platform> platform;
};

/// An image manifest or an index, whose bytes have the digest.
struct Manifest {
  std::string digest;
  std::string media_type;
  std::string artifact_type;
  bool is_index = false;
  std::vector<Descriptor> manifests;  ///< Of an index.
  std::vector<Descriptor> layers;     ///< Of an image manifest.
  std::optional<Descriptor> config;
  std::optional<Descriptor> subject;
  std::map<std::string, std::string> annotations;
};

/// How many requests were sent, in all; for tests, benchmarks and metrics.
struct RegistryCounters {
  std::uint64_t requests = 0;
};

/// OCI distribution v1.1 as a client that verifies: everything fetched by digest is checked for size
/// and digest before it is given back. Manifests ≤ 4 MiB, blobs ≤ 16 MiB, referrers ≤ 10 pages and
/// 256 descriptors: more is kInvalidArgument. Token and basic authentication; tokens are kept until
/// they expire; the token realm gets credentials only over https (or where the registry itself is
/// plain HTTP by configuration). Redirects: at most 3, https only, credentials dropped when the host
/// changes. Any thread.
///
/// Errors, told apart by code and by words: 401 and 403 kPermissionDenied ("authentication
/// required", "access denied"), 404 kNotFound, 429 kResourceExhausted, TLS kPermissionDenied, DNS and
/// connection and 5xx kUnavailable, time kDeadlineExceeded, digest or size mismatch kInvalidArgument.
class RegistryClient {
 public:
  /// All must outlive the client. `registries` is read at each call (hot reload).
  RegistryClient(http::WebClient& web, std::shared_ptr<const Registries> registries, const Clock& clock);
  ~RegistryClient();

  void set_registries(std::shared_ptr<const Registries> registries);

  /// The digest that the reference's tag has now (HEAD, or GET where HEAD gives none); a reference
  /// with a digest is given back as it is, without a request.
  Result<std::string> resolve(const Reference& reference, const Keychain& keychain, Deadline deadline);

  /// GET by digest or tag. kNotFound when there is none.
  Result<Manifest> manifest(const Reference& reference, const Keychain& keychain, Deadline deadline);

  /// A blob by its descriptor.
  Result<std::string> blob(const Reference& repository, const Descriptor& descriptor,
                           const Keychain& keychain, Deadline deadline);

  /// Everything that claims `digest` as its subject: referrers API, on 404 the tag fall-back. An
  /// empty list is an answer. All of it is unauthenticated.
  Result<std::vector<Descriptor>> referrers(const Reference& repository, const std::string& digest,
                                            const Keychain& keychain, Deadline deadline);

  RegistryCounters counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Reads manifest bytes. kInvalidArgument. Pure (a fuzz target).
Result<Manifest> parse_manifest(std::string_view bytes, std::string_view media_type);

}  // namespace portcullis::oci
