#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>

#include "lib/base/deadline.hpp"
#include "lib/base/result.hpp"
#include "lib/http/kube_address.hpp"
#include "lib/http/message.hpp"
#include "lib/http/tls.hpp"

namespace portcullis::http {

/// How long a KubeConnection waits. Both at once when both are there.
struct Patience {
  std::chrono::milliseconds idle;    ///< Without a byte; at most 30 s for each step of connecting.
  std::optional<Deadline> deadline;  ///< For all of it.
};

/// One connection of its own to the API server, for one request whose answer is read piece by
/// piece: what cpprestsdk's client cannot do bounded, nor with keep-alive options. Blocking calls
/// on the caller's thread; a stop request ends each of them at once. Internal to lib/http.
class KubeConnection {
 public:
  KubeConnection(Patience patience, const std::stop_token& stop);
  ~KubeConnection();

  /// Looks up, connects, shakes hands. Errors as KubeTransport::send.
  Result<void> open(const KubeAddress& address, const ClientTls& tls);

  /// Sends the request and reads the answer's header; the Response has no body yet.
  Result<Response> exchange(const Request& request, const KubeAddress& address);

  /// Reads the next piece of the body, at least one byte; 0: the body is complete. kUnavailable
  /// when the connection ends before the body does.
  Result<std::size_t> read(char* into, std::size_t size);

  /// The stop token's request has come; whatever failed since then failed for that reason.
  bool stopped() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace portcullis::http
