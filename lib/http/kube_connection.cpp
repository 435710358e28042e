#include "lib/http/kube_connection.hpp"

#include <netinet/tcp.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <functional>
#include <limits>
#include <vector>

#include "lib/http/cpprest_client.hpp"

namespace portcullis::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using beast::error_code;
using Endpoints = std::vector<tcp::endpoint>;

constexpr std::size_t kMaxBufferBytes = 64U << 10;
constexpr std::uint32_t kMaxHeaderBytes = 64U << 10;
/// A watch may be idle for ten minutes; looking up, connecting and shaking hands may not (client-go
/// dials for 30 s).
constexpr std::chrono::milliseconds kConnectStep{30'000};

/// A watch may be silent for minutes, and HTTP/1.1 has no ping: the kernel must find out that the
/// peer is gone. 30 s + 3 × 5 s = 45 s, the same as for bytes that nobody acknowledges.
void keep_alive(tcp::socket& socket) {
  const auto set = [&socket](int level, int name, int value) {
    ::setsockopt(socket.native_handle(), level, name, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 45'000);
  set(IPPROTO_TCP, TCP_NODELAY, 1);
}

/// A name being looked up on cpprestsdk's pool: getaddrinfo cannot be interrupted, so whoever waits
/// must be able to walk away from it, and its thread must belong to somebody who outlives us.
class Lookup : public std::enable_shared_from_this<Lookup> {
 public:
  using Handler = std::function<void(error_code, Endpoints)>;

  Lookup(asio::io_context& home, Handler handler) : home_(&home), handler_(std::move(handler)) {}

  void start(const std::string& host, const std::string& port) {
    resolver_.async_resolve(host, port,
                            [self = shared_from_this()](error_code ec, const auto& results) {
                              self->finish(ec, Endpoints(results.begin(), results.end()));
                            });
  }

  void abandon() {
    const std::lock_guard lock(mutex_);
    home_ = nullptr;
  }

 private:
  void finish(error_code ec, Endpoints endpoints) {
    const std::lock_guard lock(mutex_);
    if (home_ == nullptr) return;
    asio::post(*home_, [self = shared_from_this(), ec, found = std::move(endpoints)] {
      self->handler_(ec, found);
    });
  }

  std::mutex mutex_;
  asio::io_context* home_;  // guarded by mutex_; null: nobody waits any more
  Handler handler_;         // called on the waiting thread only
  tcp::resolver resolver_{crossplat::threadpool::shared_instance().service()};
};

Error unavailable(std::string_view step, const error_code& ec) {
  return Error(ErrorCode::kUnavailable, std::string(step) + ": " + ec.message());
}

bool is_tls_failure(const error_code& ec) {
  return ec.category() == asio::error::get_ssl_category();
}

}  // namespace

struct KubeConnection::Impl {
  using TlsStream = beast::ssl_stream<beast::tcp_stream>;
  using Parser = beast::http::response_parser<beast::http::buffer_body>;

  Impl(Patience how_long, const std::stop_token& stop)
      : patience(how_long), on_stop(stop, Stop{this}) {}

  struct Stop {
    Impl* impl;
    void operator()() const {
      asio::post(impl->context, [this_impl = impl] {
        this_impl->stopped = true;
        this_impl->socket_stream().close();
        this_impl->timer.cancel();
      });
    }
  };

  beast::tcp_stream& socket_stream() { return tls ? beast::get_lowest_layer(*tls) : plain; }

  std::chrono::steady_clock::time_point expiry() const {
    const auto step = connected ? patience.idle : std::min(patience.idle, kConnectStep);
    const auto idle = std::chrono::steady_clock::now() + step;
    return patience.deadline ? std::min(idle, patience.deadline->at()) : idle;
  }

  /// Starts one asynchronous operation and runs it to its end on this thread.
  template <typename Start>
  error_code await(Start&& start) {
    if (stopped) return asio::error::operation_aborted;
    socket_stream().expires_at(expiry());
    std::optional<error_code> outcome;
    start([&outcome](error_code ec, auto&&...) { outcome = ec; });
    while (!outcome) {
      context.restart();
      context.run_one();
    }
    return *outcome;
  }

  error_code read_some() {
    return await([this](auto handler) {
      if (tls) return beast::http::async_read_some(*tls, buffer, *parser, handler);
      return beast::http::async_read_some(plain, buffer, *parser, handler);
    });
  }

  Error failure(std::string_view step, const error_code& ec) const {
    if (ec != beast::error::timeout) return unavailable(step, ec);
    return Error(ErrorCode::kDeadlineExceeded,
                 std::string(step) + ": no byte from the API server in time");
  }

  Result<Endpoints> look_up(const KubeAddress& address);
  Result<void> shake_hands(const ClientTls& with);

  const Patience patience;
  asio::io_context context{1};
  beast::tcp_stream plain{context};
  asio::steady_timer timer{context};
  std::optional<TlsContext> tls_context;
  std::optional<TlsStream> tls;
  beast::flat_buffer buffer{kMaxBufferBytes};
  std::optional<Parser> parser;
  bool connected = false;
  bool stopped = false;
  // Last, so that it goes first: no callback may find the members above destroyed.
  std::stop_callback<Stop> on_stop;
};

Result<Endpoints> KubeConnection::Impl::look_up(const KubeAddress& address) {
  error_code not_numeric;
  const auto numeric = asio::ip::make_address(address.host, not_numeric);
  if (!not_numeric) {
    return Endpoints{tcp::endpoint(numeric, static_cast<std::uint16_t>(std::stoi(address.port)))};
  }
  initialize_cpprest_pool();
  std::optional<error_code> outcome;
  Endpoints found;
  const auto lookup =
      std::make_shared<Lookup>(context, [&outcome, &found](error_code ec, Endpoints endpoints) {
        outcome = ec;
        found = std::move(endpoints);
      });
  lookup->start(address.host, address.port);
  timer.expires_at(expiry());
  bool late = false;
  timer.async_wait([&late](error_code) { late = true; });
  while (!outcome && !late && !stopped) {
    context.restart();
    context.run_one();
  }
  lookup->abandon();
  timer.cancel();
  while (!late) {  // its handler must not outlive the variables above
    context.restart();
    context.run_one();
  }
  if (outcome && !*outcome) return found;
  if (outcome) return unavailable("dns", *outcome);
  return failure("dns", beast::error::timeout);
}

Result<void> KubeConnection::Impl::shake_hands(const ClientTls& with) {
  tls_context.emplace(TlsContext::tls_client);
  TRY_VOID(configure_client(*tls_context, with));
  tls.emplace(std::move(plain), *tls_context);
  if (!is_ip_address(with.server_name)) {
    SSL_set_tlsext_host_name(tls->native_handle(), with.server_name.c_str());
  }
  const auto ec = await([this](auto handler) {
    tls->async_handshake(asio::ssl::stream_base::client, std::move(handler));
  });
  if (!ec) return {};
  if (!is_tls_failure(ec)) return failure("connect: TLS handshake", ec);
  const auto refused = verify_failure(tls->native_handle());
  return Error(ErrorCode::kPermissionDenied,
               "tls: " + tls_reason(static_cast<unsigned long>(ec.value())) +
                   (refused.empty() ? "" : " (" + refused + ")"));
}

KubeConnection::KubeConnection(Patience patience, const std::stop_token& stop)
    : impl_(std::make_unique<Impl>(patience, stop)) {}

KubeConnection::~KubeConnection() = default;

bool KubeConnection::stopped() const { return impl_->stopped; }

Result<void> KubeConnection::open(const KubeAddress& address, const ClientTls& tls) {
  const auto endpoints = TRY(impl_->look_up(address));
  const auto ec = impl_->await([this, &endpoints](auto handler) {
    impl_->plain.async_connect(endpoints.begin(), endpoints.end(), std::move(handler));
  });
  if (ec) return impl_->failure("connect", ec);
  keep_alive(impl_->plain.socket());
  if (address.tls) TRY_VOID(impl_->shake_hands(tls));
  impl_->connected = true;
  return {};
}

Result<Response> KubeConnection::exchange(const Request& request, const KubeAddress& address) {
  namespace bh = beast::http;
  bh::request<bh::string_body> message;
  message.version(11);
  message.method_string(request.method);
  message.target(address.prefix + request.target);
  message.set(bh::field::host, address.authority());
  for (const auto& [name, value] : request.headers) message.set(name, value);
  message.body() = request.body;
  message.prepare_payload();

  auto& impl = *impl_;
  auto ec = impl.await([&](auto handler) {
    if (impl.tls) return bh::async_write(*impl.tls, message, std::move(handler));
    return bh::async_write(impl.plain, message, std::move(handler));
  });
  if (ec) return impl.failure("connect: sending", ec);

  impl.parser.emplace();
  impl.parser->header_limit(kMaxHeaderBytes);
  // Bounded by whoever calls read(). (boost::none would be less than any Content-Length.)
  impl.parser->body_limit(std::numeric_limits<std::uint64_t>::max());
  impl.parser->eager(true);
  impl.parser->skip(request.method == "HEAD");
  ec = impl.await([&](auto handler) {
    if (impl.tls) return bh::async_read_header(*impl.tls, impl.buffer, *impl.parser, handler);
    return bh::async_read_header(impl.plain, impl.buffer, *impl.parser, handler);
  });
  if (ec) return impl.failure("connect: reading the answer", ec);

  Response response;
  response.status = static_cast<int>(impl.parser->get().result_int());
  for (const auto& field : impl.parser->get()) {
    add_header(response.headers, std::string(field.name_string()), std::string(field.value()));
  }
  return response;
}

Result<std::size_t> KubeConnection::read(char* into, std::size_t size) {
  auto& impl = *impl_;
  auto& body = impl.parser->get().body();
  while (!impl.parser->is_done()) {
    body.data = into;
    body.size = size;
    body.more = true;
    const auto ec = impl.read_some();
    if (body.size < size) return size - body.size;  // an error shows again at the next call
    if (ec && ec != beast::http::error::need_buffer) {
      return impl.failure("connect: reading the answer", ec);
    }
  }
  return std::size_t{0};
}

}  // namespace portcullis::http
