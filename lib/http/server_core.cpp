#include "lib/http/server_core.hpp"

#include <exception>

#include "lib/base/log.hpp"

namespace portcullis::http {
namespace {

Response internal_error(const Request& request, std::string_view why) {
  log::error("an HTTP handler failed",
             {{"method", request.method}, {"path", path_of(request.target)}, {"reason", why}});
  return {500, {}, "internal error\n"};
}

}  // namespace

Response ServerCore::answer(const Request& request) const {
  if (stopping) return {503, {}, "the server is stopping\n"};
  try {
    auto response = handler_(request);
    if (response.status >= 200 && response.status <= 599) return response;
    return internal_error(request, "no HTTP status: " + std::to_string(response.status));
  } catch (const std::exception& failure) {
    return internal_error(request, failure.what());
  } catch (...) {
    return internal_error(request, "an exception that is no std::exception");
  }
}

void ServerCore::start_drain(std::function<void()> quiet) {
  draining_ = true;
  quiet_ = std::move(quiet);
  if (requests_under_way_ == 0) quiet_();
}

void ServerCore::end_request() {
  --requests_under_way_;
  if (requests_under_way_ == 0 && quiet_) quiet_();
}

void ServerCore::close_idle() {
  const IdleList waiting = idle;  // close() takes each off the list
  for (auto* const connection : waiting) connection->close();
}

}  // namespace portcullis::http
