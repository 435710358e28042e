#pragma once

#include <cstddef>

#include "lib/http/kube_connection.hpp"
#include "lib/http/kube_transport.hpp"

namespace portcullis::http {

/// The stream half of KubeTransport, on an open connection: see KubeTransport::stream. A stop shows
/// as whatever error it caused; connection.stopped() tells. Internal to lib/http.
Result<Response> watch_lines(KubeConnection& connection, const Request& request,
                             const KubeAddress& address, const KubeTransport::LineSink& sink);

/// Sends the request and reads the whole answer. kInvalidArgument when the body is longer than
/// `max_body_bytes`.
Result<Response> fetch_whole(KubeConnection& connection, const Request& request,
                             const KubeAddress& address, std::size_t max_body_bytes);

}  // namespace portcullis::http
