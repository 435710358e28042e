#pragma once

#include <curl/curl.h>

#include <list>
#include <memory>
#include <mutex>
#include <string>

namespace portcullis::http {

struct CurlCleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using CurlHandle = std::unique_ptr<CURL, CurlCleanup>;

/// Idle libcurl handles, each with the connection of its last request: a request to the same origin
/// takes it up again. (Sharing connections between handles, CURL_LOCK_DATA_CONNECT, is not safe
/// between threads.) Internal to lib/http. Any thread.
class CurlHandles {
 public:
  CurlHandles();

  /// The handle that was used for `origin` most recently, or a new one; options as after reset.
  /// Null only when out of memory.
  CurlHandle take(const std::string& origin);
  void give_back(std::string origin, CurlHandle handle);

 private:
  struct Idle {
    std::string origin;
    CurlHandle handle;
  };
  std::mutex mutex_;
  std::list<Idle> idle_;  // guarded by mutex_; the most recently used is in front
};

}  // namespace portcullis::http
