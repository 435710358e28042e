#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "lib/base/deadline.hpp"
#include "lib/base/result.hpp"
#include "lib/http/message.hpp"

namespace portcullis::http {

/// A PEM certificate chain (leaf first) and its private key.
struct ServerCertificate {
  std::string certificate_chain_pem;
  std::string private_key_pem;
};

struct ServerOptions {
  std::string address = "0.0.0.0";
  std::uint16_t port = 0;  ///< 0: any free port, see Server::port().
  std::size_t max_header_bytes = 16U << 10;
  std::size_t max_body_bytes = 7U << 20;
  std::chrono::milliseconds header_timeout{5'000};
  std::chrono::milliseconds body_timeout{10'000};  ///< To read a body; to write an answer.
  /// The API server keeps idle connections for 90 s: ours must be longer, or calls race the close.
  std::chrono::milliseconds idle_timeout{120'000};
  /// At the cap the connection idle longest is closed; without an idle one, the new one is.
  std::size_t max_connections = 1'024;
  std::size_t workers = 4;       ///< Threads that run the handler.
  std::size_t max_queued = 256;  ///< Requests waiting for a worker; more are answered 503 at once.
};

/// Answers one request. Runs on a worker thread, several at once. Must not throw; what it throws
/// becomes 500 and is logged.
using Handler = std::function<Response(const Request&)>;

/// An HTTP/1.1 server on Boost.Beast: TLS 1.2+ where a certificate is set, plain otherwise (health
/// and metrics). Every limit of ServerOptions is enforced while reading, before anything is kept.
///
/// Owns its io thread and its workers; the destructor drains for at most one second and joins them.
class Server {
 public:
  /// Binds and listens; nothing is served before start(). kUnavailable when the port is taken.
  /// `tls`: serve HTTPS; until set_certificate() is called, handshakes fail.
  enum class Security { kPlain, kTls };
  static Result<std::unique_ptr<Server>> create(ServerOptions options, Security security,
                                                Handler handler);
  virtual ~Server() = default;

  virtual void start() = 0;
  virtual std::uint16_t port() const = 0;

  /// Serves new handshakes with this certificate; open connections are not touched. Any thread.
  /// kInvalidArgument when chain and key do not parse or do not belong together: the old one stays.
  virtual Result<void> set_certificate(const ServerCertificate& certificate) = 0;

  /// Answers with `Connection: close` from now on, goes on accepting, and gives back when no
  /// request is under way or the deadline has passed; then nothing is accepted any more.
  virtual void drain(Deadline deadline) = 0;
};

}  // namespace portcullis::http
