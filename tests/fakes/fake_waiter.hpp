#pragma once

#include <chrono>
#include <mutex>
#include <vector>

#include "lib/kube/waiter.hpp"
#include "tests/fakes/fake_clock.hpp"

namespace portcullis::testing {

/// Waits by moving the clock, at once; remembers every wait. Any thread.
class FakeWaiter final : public kube::Waiter {
 public:
  explicit FakeWaiter(FakeClock& clock) : clock_(clock) {}

  void wait(std::chrono::milliseconds delay, const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    waits_.push_back(delay);
    clock_.advance(delay);
  }

  std::vector<std::chrono::milliseconds> waits() const {
    const std::lock_guard lock(mutex_);
    return waits_;
  }

 private:
  FakeClock& clock_;
  mutable std::mutex mutex_;
  std::vector<std::chrono::milliseconds> waits_;  ///< Guarded by mutex_.
};

}  // namespace portcullis::testing
