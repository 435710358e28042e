#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "lib/http/server_core.hpp"
#include "lib/http/tls.hpp"

namespace portcullis::http {

/// Serves one accepted socket until it ends; it owns itself from here. `tls` empty: plain. Internal
/// to lib/http; io thread only.
void serve_connection(std::shared_ptr<ServerCore> core, boost::asio::ip::tcp::socket socket,
                      const std::shared_ptr<TlsContext>& tls);

}  // namespace portcullis::http
