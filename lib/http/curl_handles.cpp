#include "lib/http/curl_handles.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace portcullis::http {
namespace {

/// One for each of the hosts that a cluster's images come from, several for the busy ones.
constexpr std::size_t kMaxIdle = 32;

void initialize_curl() {
  static const bool kOnce = [] {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    // With CURLOPT_NOSIGNAL, which threads need, libcurl leaves SIGPIPE to the program.
    struct sigaction current = {};
    if (sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) {
      current.sa_handler = SIG_IGN;
      sigaction(SIGPIPE, &current, nullptr);
    }
    return true;
  }();
  static_cast<void>(kOnce);
}

}  // namespace

CurlHandles::CurlHandles() { initialize_curl(); }

CurlHandle CurlHandles::take(const std::string& origin) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(idle_, origin, &Idle::origin);
    if (found != idle_.end()) {
      auto handle = std::move(found->handle);
      idle_.erase(found);
      return handle;
    }
  }
  return CurlHandle(curl_easy_init());
}

void CurlHandles::give_back(std::string origin, CurlHandle handle) {
  curl_easy_reset(handle.get());
  std::list<Idle> surplus;  // closed after the lock is gone
  const std::lock_guard lock(mutex_);
  idle_.push_front({std::move(origin), std::move(handle)});
  if (idle_.size() > kMaxIdle) surplus.splice(surplus.end(), idle_, std::prev(idle_.end()));
}

}  // namespace portcullis::http
