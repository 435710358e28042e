#pragma once

#include <memory>

#include "lib/base/deadline.hpp"
#include "lib/base/result.hpp"
#include "lib/http/kube_address.hpp"
#include "lib/http/message.hpp"
#include "lib/http/tls.hpp"

namespace portcullis::http {

/// Unary requests through cpprestsdk's http_client, with the settings that make it safe: no
/// redirects, our trust only, no SNI for addresses, a hard deadline, a cap while reading. Internal
/// to lib/http. Any thread but cpprestsdk's own.
class CpprestClient {
 public:
  /// The host of `address` must not be an IPv6 literal: cpprestsdk looks "[::1]" up in DNS.
  CpprestClient(const KubeAddress& address, const ClientTls& tls);
  ~CpprestClient();

  /// See KubeTransport::send. A request that misses its deadline is given up at once and ends by
  /// itself in the background.
  Result<Response> send(const Request& request, const std::string& prefix, Deadline deadline) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Sets cpprestsdk's pool to one thread, once per process: none of our continuations blocks, and
/// with one thread a cancellation never touches a socket that another thread is reading.
void initialize_cpprest_pool();

}  // namespace portcullis::http
