#include "lib/http/server_connection.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <chrono>
#include <optional>
#include <set>
#include <type_traits>

namespace portcullis::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using beast::error_code;

using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

/// How long a peer may go on sending after we have ended a connection. Closing at once while its
/// bytes are still arriving would make the kernel reset it, and the answer with it.
constexpr std::chrono::seconds kLinger{2};

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// Set by us from the body; a handler's own would contradict it.
bool is_framing_header(const std::string& name) {
  static const std::set<std::string, HeaderLess> kFraming{"Content-Length", "Transfer-Encoding",
                                                          "Connection", "Keep-Alive"};
  return kFraming.contains(name);
}

template <typename Message>
Request to_request(Message&& message) {
  Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message) {
    add_header(request.headers, {field.name_string().data(), field.name_string().size()},
               {field.value().data(), field.value().size()});
  }
  request.body = std::move(message.body());
  return request;
}

template <typename Stream>
class Connection final : public std::enable_shared_from_this<Connection<Stream>>,
                         public IdleConnection {
 public:
  template <typename... Args>
  explicit Connection(std::shared_ptr<ServerCore> core, Args&&... args)
      : core_(std::move(core)),
        stream_(std::forward<Args>(args)...),
        buffer_(std::max(kMaxBufferBytes, core_->options.max_header_bytes)) {
    ++core_->connections;
  }
  ~Connection() {
    leave_idle();
    end_request();
    --core_->connections;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start() {
    lowest().expires_after(core_->options.header_timeout);
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      stream_.async_handshake(asio::ssl::stream_base::server, [self = self()](error_code ec) {
        if (!ec) self->await_request(self->core_->options.header_timeout);
      });
    } else {
      await_request(core_->options.header_timeout);
    }
  }

  void close() override {
    leave_idle();
    lowest().close();
  }

 private:
  using Parser = beast::http::request_parser<beast::http::string_body>;
  using Answer = beast::http::response<beast::http::string_body>;

  std::shared_ptr<Connection> self() { return this->shared_from_this(); }
  beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

  void leave_idle() {
    if (!idle_) return;
    core_->idle.erase(*idle_);
    idle_.reset();
  }
  void end_request() {
    if (std::exchange(under_way_, false)) core_->end_request();
  }

  /// Waits for the first byte, so that patience between requests is not patience within one.
  void await_request(std::chrono::milliseconds patience) {
    if (buffer_.size() > 0) return read_header();
    lowest().expires_after(patience);
    stream_.async_read_some(buffer_.prepare(kReadBytes),
                            [self = self()](error_code ec, std::size_t bytes) {
                              self->leave_idle();
                              self->buffer_.commit(bytes);
                              if (!ec) self->read_header();
                            });
  }

  void await_next_request() {
    if (buffer_.size() == 0) {
      buffer_.shrink_to_fit();
      idle_ = core_->idle.insert(core_->idle.end(), this);
    }
    await_request(core_->options.idle_timeout);
  }

  void read_header() {
    core_->begin_request();
    under_way_ = true;
    is_head_ = false;
    keep_alive_ = false;
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(core_->options.max_header_bytes));
    parser_->body_limit(core_->options.max_body_bytes);
    lowest().expires_after(core_->options.header_timeout);
    beast::http::async_read_header(
        stream_, buffer_, *parser_,
        [self = self()](error_code ec, std::size_t) { self->on_header(ec); });
  }

  void on_header(error_code ec) {
    if (ec) return refuse(ec);
    const auto& header = parser_->get();
    if (header.target().empty() || header.target().front() != '/') return reject(400);
    if (header.version() >= 11 && header.count(beast::http::field::host) != 1) return reject(400);
    lowest().expires_after(core_->options.body_timeout);
    const auto expected = header[beast::http::field::expect];
    if (expected.empty() || parser_->is_done()) return read_body();
    if (!beast::iequals(expected, "100-continue")) return reject(417);
    asio::async_write(stream_, asio::buffer(kContinue.data(), kContinue.size()),
                      [self = self()](error_code failed, std::size_t) {
                        if (!failed) self->read_body();
                      });
  }

  void read_body() {
    beast::http::async_read(stream_, buffer_, *parser_,
                            [self = self()](error_code ec, std::size_t) {
                              if (ec) return self->refuse(ec);
                              self->dispatch();
                            });
  }

  /// A limit or a malformed message is answered; a lost or too slow peer is not.
  void refuse(error_code ec) {
    if (ec == beast::http::error::header_limit) return reject(431);
    if (ec == beast::http::error::body_limit) return reject(413);
    const bool malformed =
        ec.category() == make_error_code(beast::http::error::bad_value).category();
    const bool ended =
        ec == beast::http::error::end_of_stream || ec == beast::http::error::partial_message;
    if (malformed && !ended) reject(400);
  }

  void reject(int status) {
    keep_alive_ = false;
    respond({status, {}, {}});
  }

  void dispatch() {
    lowest().expires_never();
    keep_alive_ = parser_->keep_alive() && parser_->get().version() >= 11;
    is_head_ = parser_->get().method() == beast::http::verb::head;
    auto request = std::make_shared<const Request>(to_request(parser_->release()));
    // The job gives its reference away, so that the connection always dies on the io thread.
    auto job = [self = self(), request]() mutable {
      auto response = self->core_->answer(*request);
      auto& context = self->core_->context;
      asio::post(context, [connection = std::move(self), answer = std::move(response)]() mutable {
        connection->respond(std::move(answer));
      });
    };
    if (core_->workers.submit(std::move(job))) return;
    respond({503, {{"Retry-After", "1"}}, "too many requests are waiting: try again\n"});
  }

  void respond(Response response) {
    keep_alive_ = keep_alive_ && !core_->draining();
    answer_.emplace();
    answer_->version(11);
    answer_->result(static_cast<unsigned>(response.status));
    for (const auto& [name, value] : response.headers) {
      if (is_valid_header(name, value) && !is_framing_header(name)) answer_->set(name, value);
    }
    if (!keep_alive_) answer_->set(beast::http::field::connection, "close");
    const bool no_body = response.status == 204 || response.status == 304;
    if (!no_body) answer_->content_length(response.body.size());
    if (!no_body && !is_head_) answer_->body() = std::move(response.body);
    lowest().expires_after(core_->options.body_timeout);
    beast::http::async_write(
        stream_, *answer_, [self = self()](error_code ec, std::size_t) { self->on_answered(ec); });
  }

  void on_answered(error_code ec) {
    answer_.reset();
    parser_.reset();
    end_request();
    if (ec) return;
    // A drain that began while the answer was being written ends this connection as an idle one.
    if (keep_alive_ && !core_->draining()) return await_next_request();
    end_connection();
  }

  void end_connection() {
    lowest().expires_after(kLinger);
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      stream_.async_shutdown([self = self()](error_code) { self->linger(); });
    } else {
      linger();
    }
  }

  void linger() {
    error_code ignored;
    lowest().socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    discard();
  }

  void discard() {
    lowest().async_read_some(asio::buffer(discarded_), [self = self()](error_code ec, std::size_t) {
      if (!ec) self->discard();
    });
  }

  static constexpr std::size_t kReadBytes = 4096;
  // Beast reads ahead at most this much; the parser's own limits are below and say why.
  static constexpr std::size_t kMaxBufferBytes = 256U << 10;

  const std::shared_ptr<ServerCore> core_;
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<Answer> answer_;
  std::optional<ServerCore::IdleList::iterator> idle_;
  bool under_way_ = false;
  bool keep_alive_ = false;
  bool is_head_ = false;
  std::array<char, kReadBytes> discarded_;
};

}  // namespace

void serve_connection(std::shared_ptr<ServerCore> core, asio::ip::tcp::socket socket,
                      const std::shared_ptr<TlsContext>& tls) {
  error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  if (tls) {
    std::make_shared<Connection<TlsStream>>(std::move(core), beast::tcp_stream(std::move(socket)),
                                            *tls)
        ->start();
  } else {
    std::make_shared<Connection<PlainStream>>(std::move(core), std::move(socket))->start();
  }
}

}  // namespace portcullis::http
