#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>

#include "lib/base/clock.hpp"
#include "lib/base/deadline.hpp"
#include "lib/base/result.hpp"

namespace portcullis::oci {

/// Holds requests back, host by host: after transient failures (a breaker) and above the configured
/// rate. Any thread.
///
/// The breaker opens at once on "too many requests" and at the second transient failure in a row
/// otherwise, for 1 s, doubling to 5 s, up to a quarter less at random so that replicas do not
/// return together. While it is open every request gets the failure that opened it, unsent.
class Throttle {
 public:
  /// `clock` must outlive it.
  explicit Throttle(const Clock& clock) : clock_(clock), random_(std::random_device{}()) {}

  /// Leave to send one request; waits for its turn under the rate (`per_second`, 0: no limit), at
  /// most until the deadline. Errors: the one that opened the breaker; kResourceExhausted when the
  /// rate has no room before the deadline.
  Result<void> admit(const std::string& host, double per_second, Deadline deadline);

  /// How an admitted request ended. Only transient errors count as failures of the host.
  void succeeded(const std::string& host);
  void failed(const std::string& host, const Error& error);

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  struct Host {
    int failures = 0;  // in a row
    TimePoint closed_from{};
    std::optional<Error> reason;
    TimePoint next_turn{};
  };

  // The wait until the request's turn, which is thereby taken.
  Result<std::chrono::nanoseconds> take_turn(const std::string& host, double per_second,
                                             Deadline deadline);

  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Host> hosts_;  // guarded by mutex_, as is random_
  std::minstd_rand random_;
};

}  // namespace portcullis::oci
