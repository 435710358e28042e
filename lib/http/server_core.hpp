#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <list>
#include <memory>
#include <utility>  // before asio, which forgets it under C++20

#include "lib/http/server.hpp"
#include "lib/runtime/worker_pool.hpp"

/// What a server and its connections share. Internal to lib/http.
namespace portcullis::http {

/// A connection that waits for its next request, so that it can be closed without loss.
class IdleConnection {
 public:
  virtual void close() = 0;

 protected:
  ~IdleConnection() = default;
};

/// Outlives the server as long as a connection does. Only answer() may be called off the io thread.
class ServerCore {
 public:
  ServerCore(ServerOptions server_options, Handler handler, boost::asio::io_context& io_context,
             runtime::WorkerPool& worker_pool)
      : options(std::move(server_options)),
        context(io_context),
        workers(worker_pool),
        handler_(std::move(handler)) {}

  /// The handler's answer; 500 when it throws or answers with no HTTP status; 503 once `stopping`.
  Response answer(const Request& request) const;

  /// From here on each answer closes its connection; `quiet` is called as soon as no request is
  /// under way, at once if none is.
  void start_drain(std::function<void()> quiet);
  bool draining() const { return draining_; }
  /// The server goes away: `quiet` must not be called any more.
  void forget_server() { quiet_ = nullptr; }

  /// A request is under way from its first byte to the last byte of its answer.
  void begin_request() { ++requests_under_way_; }
  void end_request();

  using IdleList = std::list<IdleConnection*>;
  IdleList idle;  ///< The one that has waited longest is in front.
  void close_idle();

  std::size_t connections = 0;

  /// What still waits for a worker is not worth running. Any thread.
  std::atomic<bool> stopping = false;

  const ServerOptions options;
  boost::asio::io_context& context;
  runtime::WorkerPool& workers;

 private:
  const Handler handler_;
  bool draining_ = false;
  std::function<void()> quiet_;
  std::size_t requests_under_way_ = 0;
};

}  // namespace portcullis::http
