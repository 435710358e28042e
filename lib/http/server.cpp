#include "lib/http/server.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "lib/base/guarded.hpp"
#include "lib/base/log.hpp"
#include "lib/http/server_connection.hpp"
#include "lib/http/server_core.hpp"
#include "lib/http/tls.hpp"

namespace portcullis::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kDestructorDrain{1'000};
/// After a failed accept (no file descriptor left, mostly) until the next one.
constexpr std::chrono::milliseconds kAcceptPause{100};

class BeastServer final : public Server {
 public:
  BeastServer(ServerOptions options, Security security, Handler handler)
      : security_(security),
        workers_(options.workers, options.max_queued),
        core_(std::make_shared<ServerCore>(std::move(options), std::move(handler), context_,
                                           workers_)) {}

  ~BeastServer() override {
    drain(Deadline::after(kDestructorDrain));
    core_->stopping = true;
    context_.stop();
    if (io_.joinable()) io_.join();
    core_->forget_server();
  }

  Result<void> listen() {
    error_code ec;
    const auto address = asio::ip::make_address(core_->options.address, ec);
    if (ec) {
      return Error(ErrorCode::kInvalidArgument,
                   "'" + core_->options.address + "' is not an IP address to listen on");
    }
    const tcp::endpoint endpoint(address, core_->options.port);
    acceptor_.open(endpoint.protocol(), ec);
    if (!ec) acceptor_.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec) acceptor_.bind(endpoint, ec);
    if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (!ec) port_ = acceptor_.local_endpoint(ec).port();
    if (!ec) return {};
    return Error(ErrorCode::kUnavailable, "cannot listen on " + core_->options.address + " port " +
                                              std::to_string(core_->options.port) + ": " +
                                              ec.message());
  }

  void start() override {
    if (io_.joinable()) return;
    accept();
    io_ = std::jthread([this] { context_.run(); });
  }

  std::uint16_t port() const override { return port_; }

  Result<void> set_certificate(const ServerCertificate& certificate) override {
    tls_.set(TRY(make_server_context(certificate)));
    return {};
  }

  void drain(Deadline deadline) override {
    if (!io_.joinable()) {
      error_code ignored;
      acceptor_.close(ignored);
      return;
    }
    std::unique_lock lock(mutex_);
    quiet_ = false;
    asio::post(context_, [this] { core_->start_drain([this] { on_quiet(); }); });
    if (changed_.wait_until(lock, deadline.at(), [this] { return quiet_; })) return;
    asio::post(context_, [this] { stop_accepting(); });
    changed_.wait(lock, [this] { return !accepting_; });
  }

 private:
  void accept() {
    acceptor_.async_accept([this](error_code ec, tcp::socket socket) {
      if (!acceptor_.is_open()) return;
      if (ec) return accept_later(ec);
      admit(std::move(socket));
      accept();
    });
  }

  void accept_later(error_code why) {
    log::warning("cannot accept a connection", {{"reason", why.message()}});
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](error_code cancelled) {
      if (!cancelled && acceptor_.is_open()) accept();
    });
  }

  /// At the cap the connection that has been idle longest makes room: nothing is lost with it, and
  /// idle strangers cannot lock the API server out. Without one the new connection is closed.
  void admit(tcp::socket socket) {
    if (core_->connections >= core_->options.max_connections) {
      if (core_->idle.empty()) return;
      core_->idle.front()->close();
    }
    const auto tls = tls_.copy();
    if (security_ == Security::kTls && !tls) return;  // no certificate yet
    serve_connection(core_, std::move(socket), security_ == Security::kTls ? tls : nullptr);
  }

  void stop_accepting() {
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    core_->close_idle();
    const std::lock_guard lock(mutex_);
    accepting_ = false;
    changed_.notify_all();
  }

  void on_quiet() {
    stop_accepting();
    const std::lock_guard lock(mutex_);
    quiet_ = true;
    changed_.notify_all();
  }

  // Constant after construction and listen().
  const Security security_;
  std::uint16_t port_ = 0;

  // Any thread.
  Guarded<std::shared_ptr<TlsContext>> tls_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool accepting_ = true;  // guarded by mutex_
  bool quiet_ = false;     // guarded by mutex_

  // Io thread only, once it runs. Destroyed in the order workers, acceptor, context: connections
  // that end with the context need the core, which each of them holds.
  asio::io_context context_{1};
  // A request may be with a worker alone when nothing is accepted any more.
  asio::executor_work_guard<asio::io_context::executor_type> work_ =
      asio::make_work_guard(context_);
  tcp::acceptor acceptor_{context_};
  asio::steady_timer pause_{context_};
  runtime::WorkerPool workers_;
  std::shared_ptr<ServerCore> core_;
  std::jthread io_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::create(ServerOptions options, Security security,
                                               Handler handler) {
  auto server = std::make_unique<BeastServer>(std::move(options), security, std::move(handler));
  TRY_VOID(server->listen());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace portcullis::http
