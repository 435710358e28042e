#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "lib/base/deadline.hpp"
#include "lib/base/result.hpp"
#include "lib/http/message.hpp"

namespace portcullis::http {

/// Where the API server is and how we prove who we are. PEM members are contents, not paths.
struct KubeEndpoint {
  std::string url;      ///< "https://10.96.0.1:443", path prefix allowed.
  std::string ca_pem;   ///< Empty: read `ca_file`; both empty: the system's store.
  std::string ca_file;  ///< Re-read every 5 min.
  std::string tls_server_name;
  bool insecure_skip_tls_verify = false;
  std::string client_certificate_pem, client_key_pem;
  std::string token;  ///< Empty: read `token_file` (re-read each minute and on 401).
  std::string token_file;
};

/// The way to the API server: one request, one answer; or one request and a stream of lines.
/// The interface is what lib/kube is tested with; the implementation is cpprestsdk's client for
/// send() and Boost.Beast for stream(). Any thread but cpprestsdk's own may call it.
class KubeTransport {
 public:
  virtual ~KubeTransport() = default;

  /// Sends, reads the whole answer (at most 128 MiB), whatever its status. Errors: kUnavailable
  /// (connection "connect: …", name "dns: …"), kPermissionDenied (TLS "tls: …"), kDeadlineExceeded,
  /// kInvalidArgument (a request that cannot be sent as it is, an answer over 128 MiB). Never
  /// follows a redirect. After a 401 a changed token file is tried once.
  virtual Result<Response> send(const Request& request, Deadline deadline) = 0;

  /// Gets one line without its line end; false ends the stream.
  using LineSink = std::function<bool(std::string_view line)>;

  /// Opens a watch: gives each line of a 200 answer to `sink` on the calling thread until the
  /// server closes, `stop` is requested or `sink` says false (Response without a body: a clean end,
  /// with status 200 even when the stop came before any answer). Empty lines are skipped. Another
  /// status comes back as a Response with its body at once. Errors: as send(); kDeadlineExceeded
  /// when `idle` passes without a byte; kInvalidArgument for a line over 8 MiB.
  virtual Result<Response> stream(const Request& request, std::chrono::milliseconds idle,
                                  std::stop_token stop, const LineSink& sink) = 0;
};

/// Call once in main, with signals blocked: starts cpprestsdk's pool with one thread, not forty, as
/// nothing of ours blocks in it. make_kube_transport() does it where main has not.
void initialize_kube_transport();

/// The real one. kInvalidArgument when a URL, certificate or key does not parse.
Result<std::unique_ptr<KubeTransport>> make_kube_transport(const KubeEndpoint& endpoint);

}  // namespace portcullis::http
