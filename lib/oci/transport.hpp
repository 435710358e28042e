#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/deadline.hpp"
#include "lib/base/guarded.hpp"
#include "lib/base/result.hpp"
#include "lib/http/web_client.hpp"
#include "lib/oci/auth.hpp"
#include "lib/oci/registries.hpp"
#include "lib/oci/throttle.hpp"
#include "lib/oci/url.hpp"

namespace portcullis::oci {

/// One host, asked about one repository.
struct Endpoint {
  RegistryConfig config;
  std::string repository;
  std::vector<Credential> credentials;           ///< Tried in order; empty: anonymous.
  std::shared_ptr<const Registries> registries;  ///< How other hosts (redirects) are reached.
};

/// Where `target` lies on the endpoint's host (docker.io is served as registry-1.docker.io).
Result<Url> url_of(const Endpoint& endpoint, const std::string& target);

/// One request of the distribution API.
struct Call {
  std::string method = "GET";
  std::string target;  ///< "/v2/<repository>/…", percent-encoded.
  std::string what;    ///< For messages: "manifest latest".
  std::string accept;
  std::size_t max_body_bytes = 4U << 20;
};

/// Sends calls: authenticates, tries one credential after the other, follows redirects, holds back
/// what the throttle says. Gives 2xx answers only; every other status is an error that names the
/// host, as the RegistryClient's manual says. Any thread.
class Transport {
 public:
  /// Both must outlive it.
  Transport(http::WebClient& web, const Clock& clock) : web_(web), auth_(clock), throttle_(clock) {}

  Result<http::Response> send(const Endpoint& endpoint, const Call& call, Deadline deadline);

  /// Requests sent, those to token services and redirect targets included.
  std::uint64_t requests() const { return requests_.load(); }

 private:
  Result<http::Response> exchange(const Endpoint& endpoint, const Call& call,
                                  const Credential& credential, Deadline deadline);
  Result<http::Response> follow(const Endpoint& endpoint, const Call& call,
                                const std::string& authorization, Deadline deadline);
  Result<http::Response> fetch(const std::string& host, double per_second,
                               const http::WebRequest& request, Deadline deadline);
  std::vector<Credential> in_order(const Endpoint& endpoint) const;
  void remember(const Endpoint& endpoint, const Credential& credential);

  http::WebClient& web_;
  Authenticator auth_;
  Throttle throttle_;
  std::atomic<std::uint64_t> requests_{0};
  // Which of several credentials was accepted: fingerprint by credentials_key().
  Guarded<std::map<std::string, std::string>> accepted_;
};

}  // namespace portcullis::oci
