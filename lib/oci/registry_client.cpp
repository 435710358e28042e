#include "lib/oci/registry_client.hpp"

#include <algorithm>

#include "lib/base/guarded.hpp"
#include "lib/crypto/digest.hpp"
#include "lib/oci/referrers.hpp"
#include "lib/oci/transport.hpp"

namespace portcullis::oci {
namespace {

using std::chrono::steady_clock;

constexpr std::uint64_t kMaxBlobBytes = 16U << 20;
constexpr std::size_t kMaxManifestBytes = 4U << 20;
constexpr std::size_t kMaxHosts = 1024;
// How long a host that keeps referrers under a tag is not asked for the API again.
constexpr std::chrono::minutes kNoApiMemory{10};

constexpr const char* kAcceptManifests =
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json";

Call manifest_call(const Reference& reference, const char* method) {
  const auto& version = reference.digest ? *reference.digest : reference.tag.value_or("latest");
  Call call;
  call.method = method;
  call.target = "/v2/" + reference.repository + "/manifests/" + version;
  call.what = "manifest " + version;
  call.accept = kAcceptManifests;
  call.max_body_bytes = kMaxManifestBytes;
  return call;
}

Error mismatch(const Endpoint& endpoint, const Call& call, const std::string& why) {
  return {ErrorCode::kInvalidArgument, "registry " + endpoint.config.host + ": " + call.what +
                                           " of " + endpoint.repository +
                                           " is not what it should be: " + why};
}

Result<Manifest> get_manifest(Transport& transport, const Endpoint& endpoint,
                              const Reference& reference, Deadline deadline) {
  const auto call = manifest_call(reference, "GET");
  const auto response = TRY(transport.send(endpoint, call, deadline));
  const auto digest = crypto::sha256_digest(response.body);
  if (reference.digest && digest != *reference.digest) {
    return mismatch(endpoint, call, "its bytes have the digest " + digest);
  }
  // A registry that contradicts itself is not to be believed about the tag either.
  const auto stated = response.header("Docker-Content-Digest");
  if (crypto::is_sha256_digest(stated) && stated != digest) {
    return mismatch(endpoint, call, "its bytes do not have the digest of the answer's header");
  }
  return with_context(parse_manifest(response.body, response.header("Content-Type")),
                      "registry " + endpoint.config.host + ": " + call.what);
}

Result<std::string> head_digest(Transport& transport, const Endpoint& endpoint,
                                const Reference& reference, Deadline deadline) {
  auto response = transport.send(endpoint, manifest_call(reference, "HEAD"), deadline);
  if (response) {
    std::string digest(response->header("Docker-Content-Digest"));
    if (crypto::is_sha256_digest(digest)) return digest;
  } else if (response.error().code() != ErrorCode::kInvalidArgument) {
    return std::move(response.error());
  }
  // No digest in the header, or HEAD is not supported.
  return TRY(get_manifest(transport, endpoint, reference, deadline)).digest;
}

Result<std::string> get_blob(Transport& transport, const Endpoint& endpoint,
                             const Descriptor& descriptor, Deadline deadline) {
  Call call;
  call.target = "/v2/" + endpoint.repository + "/blobs/" + descriptor.digest;
  call.what = "blob " + descriptor.digest;
  if (!crypto::is_sha256_digest(descriptor.digest)) {
    return mismatch(endpoint, call, "its digest is not a sha256 one");
  }
  if (descriptor.size > kMaxBlobBytes) {
    return mismatch(endpoint, call, "it is larger than 16 MiB");
  }
  // One byte more than it should have is enough to see that it is too long.
  call.max_body_bytes = static_cast<std::size_t>(descriptor.size) + 1;
  auto response = TRY(transport.send(endpoint, call, deadline));
  if (response.body.size() != descriptor.size) {
    return mismatch(endpoint, call,
                    "it has " + std::to_string(response.body.size()) + " bytes, not " +
                        std::to_string(descriptor.size));
  }
  const auto digest = crypto::sha256_digest(response.body);
  if (digest != descriptor.digest) {
    return mismatch(endpoint, call, "its bytes have the digest " + digest);
  }
  return std::move(response.body);
}

}  // namespace

struct RegistryClient::Impl {
  Impl(http::WebClient& web, std::shared_ptr<const Registries> initial, const Clock& client_clock)
      : transport(web, client_clock), registries(std::move(initial)), clock(client_clock) {}

  std::vector<Endpoint> endpoints(const Reference& reference, const Keychain& keychain) const {
    auto snapshot = registries.copy();
    if (!snapshot) snapshot = std::make_shared<const Registries>();
    auto hosts = snapshot->find(reference.host).mirrors;
    hosts.push_back(reference.host);
    std::vector<Endpoint> result;
    for (const auto& host : hosts) {
      auto there = reference;
      there.host = host;
      Endpoint endpoint{snapshot->find(host), reference.repository, {}, snapshot};
      if (endpoint.config.auth == RegistryAuth::kPullSecrets) {
        endpoint.credentials = keychain.find(there);
      }
      result.push_back(std::move(endpoint));
    }
    return result;
  }

  /// The first good answer of the mirrors and the host itself, which is asked last; its error.
  /// `enough` says whether an answer is good enough not to go on.
  template <typename Use, typename Enough>
  auto ask(const Reference& reference, const Keychain& keychain, Deadline deadline, const Use& use,
           const Enough& enough) -> decltype(use(std::declval<const Endpoint&>(), deadline)) {
    const auto all = endpoints(reference, keychain);
    for (std::size_t i = 0; i + 1 < all.size(); ++i) {
      // A mirror that hangs must leave the host its time.
      auto answer = use(all[i], deadline.at_most(deadline.remaining() / 2));
      if (answer && enough(*answer)) return answer;
    }
    return use(all.back(), deadline);
  }
  template <typename Use>
  auto ask(const Reference& reference, const Keychain& keychain, Deadline deadline,
           const Use& use) {
    return ask(reference, keychain, deadline, use, [](const auto&) { return true; });
  }

  bool has_no_api(const std::string& host) const {
    return without_api.with([&](const auto& hosts) {
      const auto found = hosts.find(host);
      return found != hosts.end() && clock.steady() < found->second;
    });
  }
  void set_no_api(const std::string& host) {
    without_api.with([&](auto& hosts) {
      if (hosts.size() >= kMaxHosts) hosts.clear();
      hosts.insert_or_assign(host, clock.steady() + kNoApiMemory);
    });
  }

  Transport transport;
  Guarded<std::shared_ptr<const Registries>> registries;
  const Clock& clock;
  Guarded<std::map<std::string, steady_clock::time_point>> without_api;  // until when
};

RegistryClient::RegistryClient(http::WebClient& web, std::shared_ptr<const Registries> registries,
                               const Clock& clock)
    : impl_(std::make_unique<Impl>(web, std::move(registries), clock)) {}
RegistryClient::~RegistryClient() = default;

void RegistryClient::set_registries(std::shared_ptr<const Registries> registries) {
  impl_->registries.set(std::move(registries));
}

Result<std::string> RegistryClient::resolve(const Reference& reference, const Keychain& keychain,
                                            Deadline deadline) {
  if (reference.digest) return *reference.digest;
  return impl_->ask(reference, keychain, deadline, [&](const Endpoint& endpoint, Deadline until) {
    return head_digest(impl_->transport, endpoint, reference, until);
  });
}

Result<Manifest> RegistryClient::manifest(const Reference& reference, const Keychain& keychain,
                                          Deadline deadline) {
  return impl_->ask(reference, keychain, deadline, [&](const Endpoint& endpoint, Deadline until) {
    return get_manifest(impl_->transport, endpoint, reference, until);
  });
}

Result<std::string> RegistryClient::blob(const Reference& repository, const Descriptor& descriptor,
                                         const Keychain& keychain, Deadline deadline) {
  return impl_->ask(repository, keychain, deadline, [&](const Endpoint& endpoint, Deadline until) {
    return get_blob(impl_->transport, endpoint, descriptor, until);
  });
}

Result<std::vector<Descriptor>> RegistryClient::referrers(const Reference& repository,
                                                          const std::string& digest,
                                                          const Keychain& keychain,
                                                          Deadline deadline) {
  if (!crypto::is_sha256_digest(digest)) {
    return Error(ErrorCode::kInvalidArgument, "referrers: only sha256 digests are supported");
  }
  auto list = TRY(impl_->ask(
      repository, keychain, deadline,
      [&](const Endpoint& endpoint, Deadline until) {
        const auto& host = endpoint.config.host;
        auto found =
            list_referrers(impl_->transport, endpoint, digest, impl_->has_no_api(host), until);
        if (found && found->from_tag) impl_->set_no_api(host);
        return found;
      },
      // Pull-through caches commonly have no referrers: a mirror's "none" is no answer.
      [](const ReferrersList& found) { return !found.descriptors.empty(); }));
  return std::move(list.descriptors);
}

RegistryCounters RegistryClient::counters() const { return {impl_->transport.requests()}; }

}  // namespace portcullis::oci
