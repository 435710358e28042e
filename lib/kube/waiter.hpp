#pragma once

#include <chrono>
#include <stop_token>

namespace portcullis::kube {

/// How the loops of this folder let time pass; tests give one that moves a fake clock instead of
/// sleeping. Any thread.
class Waiter {
 public:
  virtual ~Waiter() = default;
  /// Gives back after `delay`, or as soon as `stop` is requested.
  virtual void wait(std::chrono::milliseconds delay, const std::stop_token& stop) = 0;
};

/// Waits for real.
Waiter& real_waiter();

}  // namespace portcullis::kube
