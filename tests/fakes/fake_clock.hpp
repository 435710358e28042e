#pragma once

#include <chrono>
#include <mutex>

#include "lib/base/clock.hpp"

namespace portcullis::testing {

/// A clock that stands still until the test moves it. Both of its times move together. Any thread.
class FakeClock final : public Clock {
 public:
  /// 2026-01-02T03:04:05Z.
  static Time start() { return Time(std::chrono::seconds(1'767'323'045)); }

  explicit FakeClock(Time now = start()) : now_(now) {}

  Time now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  std::chrono::steady_clock::time_point steady() const override {
    const std::lock_guard lock(mutex_);
    return steady_;
  }

  void advance(std::chrono::steady_clock::duration step) {
    const std::lock_guard lock(mutex_);
    now_ += step;
    steady_ += step;
  }
  /// Moves the wall clock alone, as a correction by NTP does.
  void set(Time now) {
    const std::lock_guard lock(mutex_);
    now_ = now;
  }

 private:
  mutable std::mutex mutex_;
  Time now_;                                    ///< Guarded by mutex_.
  std::chrono::steady_clock::time_point steady_{///< Guarded by mutex_.
                                                std::chrono::hours(1)};
};

}  // namespace portcullis::testing
