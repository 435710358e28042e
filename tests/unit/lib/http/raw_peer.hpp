#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "lib/http/server.hpp"

namespace portcullis::http::testing {

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using RawContext = std::unique_ptr<SSL_CTX, ContextFree>;

/// A TLS client that trusts anybody: what the server does is under test, not whom we trust.
inline RawContext client_context() { return RawContext(SSL_CTX_new(TLS_client_method())); }

inline RawContext server_context(const ServerCertificate& identity) {
  RawContext context(SSL_CTX_new(TLS_server_method()));
  const auto load = [](const std::string& pem) {
    return BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  };
  BIO* const chain = load(identity.certificate_chain_pem);
  BIO* const key = load(identity.private_key_pem);
  X509* const certificate = PEM_read_bio_X509(chain, nullptr, nullptr, nullptr);
  EVP_PKEY* const secret = PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
  SSL_CTX_use_certificate(context.get(), certificate);
  SSL_CTX_use_PrivateKey(context.get(), secret);
  X509_free(certificate);
  EVP_PKEY_free(secret);
  BIO_free(chain);
  BIO_free(key);
  return context;
}

/// One end of a TCP connection that sends exactly the bytes it is told to. Calls block; a read that
/// gets nothing for 30 s counts as the end, so that a broken test fails instead of hanging.
class RawPeer {
 public:
  explicit RawPeer(int socket) : socket_(socket) {
    const timeval patience{30, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~RawPeer() { close(); }
  RawPeer(RawPeer&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        ssl_(std::exchange(other.ssl_, nullptr)),
        buffer_(std::move(other.buffer_)) {}
  RawPeer& operator=(RawPeer&&) = delete;

  static RawPeer connect(std::uint16_t port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool connected =
        ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    RawPeer peer(socket);
    if (!connected) peer.close();
    return peer;
  }
  bool connected() const { return socket_ >= 0; }

  /// False when the other side refuses.
  bool start_tls(SSL_CTX* context, bool as_server = false) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    ssl_ = SSL_new(context);
    SSL_set_fd(ssl_, socket_);
    return (as_server ? SSL_accept(ssl_) : SSL_connect(ssl_)) == 1;
  }
  SSL* tls() const { return ssl_; }

  /// False when the peer is gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent =
          ssl_ != nullptr
              ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
              : static_cast<int>(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// Everything up to and with `mark`; less when the connection ends before it.
  std::string read_until(std::string_view mark) {
    auto found = buffer_.find(mark);
    while (found == std::string::npos && receive()) found = buffer_.find(mark);
    return take(found == std::string::npos ? buffer_.size() : found + mark.size());
  }
  std::string read_exactly(std::size_t size) {
    while (buffer_.size() < size && receive()) continue;
    return take(std::min(size, buffer_.size()));
  }
  std::string read_to_end() {
    while (receive()) continue;
    return take(buffer_.size());
  }
  /// True when the other side has ended the connection without another byte.
  bool ended() { return read_exactly(1).empty(); }

  /// A response with a Content-Length, or a request with one or without a body: its header with the
  /// empty line, then its body.
  struct Message {
    std::string head, body;
    bool has(std::string_view text) const { return head.find(text) != std::string::npos; }
    int status() const { return head.size() < 12 ? 0 : std::atoi(head.c_str() + 9); }
  };
  Message read_message(bool has_body = true) {
    Message message;
    message.head = read_until("\r\n\r\n");
    const auto length = message.head.find("Content-Length: ");
    if (!has_body || length == std::string::npos) return message;
    message.body =
        read_exactly(static_cast<std::size_t>(std::atoi(message.head.c_str() + length + 16)));
    return message;
  }

  void shut_down() const { ::shutdown(socket_, SHUT_RDWR); }
  void close() {
    if (ssl_ != nullptr) SSL_free(std::exchange(ssl_, nullptr));
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

 private:
  bool receive() {
    char piece[16'384];
    const auto size = ssl_ != nullptr ? SSL_read(ssl_, piece, sizeof piece)
                                      : static_cast<int>(::recv(socket_, piece, sizeof piece, 0));
    if (size > 0) buffer_.append(piece, static_cast<std::size_t>(size));
    return size > 0;
  }
  std::string take(std::size_t size) {
    auto taken = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return taken;
  }

  int socket_;
  SSL* ssl_ = nullptr;
  std::string buffer_;
};

/// A server that runs a script for each connection, one after the other, on a thread of its own.
/// The destructor cuts the connection that is open.
class RawServer {
 public:
  using Script = std::function<void(RawPeer&)>;

  explicit RawServer(Script script) : script_(std::move(script)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size);
    ::listen(socket_, 16);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~RawServer() {
    stopping_ = true;
    {
      const std::lock_guard lock(mutex_);
      if (current_ != nullptr) current_->shut_down();
    }
    RawPeer::connect(port_).close();  // wakes accept()
    thread_.join();
    ::close(socket_);
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string url(std::string_view scheme = "http") const {
    return std::string(scheme) + "://127.0.0.1:" + std::to_string(port_);
  }
  int connections() const { return connections_; }

 private:
  void serve() {
    while (!stopping_) {
      RawPeer peer(::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC));
      if (stopping_) return;
      ++connections_;
      set_current(&peer);
      script_(peer);
      set_current(nullptr);
    }
  }
  void set_current(RawPeer* peer) {
    const std::lock_guard lock(mutex_);
    current_ = peer;
    if (peer != nullptr && stopping_) peer->shut_down();
  }

  Script script_;
  int socket_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  RawPeer* current_ = nullptr;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace portcullis::http::testing
