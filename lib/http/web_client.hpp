#pragma once

#include <memory>
#include <string>

#include "lib/base/deadline.hpp"
#include "lib/base/result.hpp"
#include "lib/http/message.hpp"

namespace portcullis::http {

/// One request to a server that we do not trust (a registry, a token service).
struct WebRequest {
  std::string method = "GET";  ///< GET, HEAD or POST.
  std::string url;             ///< Absolute, http or https.
  Headers headers;
  std::string body;
  /// A longer answer is kInvalidArgument, cut while reading.
  std::size_t max_body_bytes = 4U << 20;
  std::string ca_pem;  ///< Trust these roots instead of the system's; empty: the system's.
};

/// Fetches from untrusted servers. Redirects are answers, never followed; nothing is decompressed;
/// connections are kept per host. The interface is what lib/oci is tested with; the implementation
/// is libcurl. Any thread.
class WebClient {
 public:
  virtual ~WebClient() = default;

  /// Any status is a Response. Errors: kUnavailable (DNS "dns: …", connection "connect: …"),
  /// kPermissionDenied (TLS, "tls: …"), kDeadlineExceeded, kInvalidArgument (URL, size).
  virtual Result<Response> fetch(const WebRequest& request, Deadline deadline) = 0;
};

/// The real one. Whatever name led there, it refuses to connect to link-local addresses
/// (169.254.0.0/16, fe80::/10) and to the cloud providers' other metadata addresses: no registry
/// lives there. Uses the proxy of the environment (https_proxy, no_proxy), never for loopback.
/// Ignores SIGPIPE in the whole process, unless it has a handler: libcurl's TLS writes raise it.
std::unique_ptr<WebClient> make_web_client(std::string user_agent);

}  // namespace portcullis::http
