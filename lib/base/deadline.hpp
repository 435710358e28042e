#pragma once

#include <algorithm>
#include <chrono>

namespace portcullis {

/// The moment by which a caller needs its answer (steady clock; never compared with wall time).
/// Every call that leaves the process takes one.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  static Deadline after(std::chrono::milliseconds budget) {
    return Deadline(Clock::now() + budget);
  }

  /// Time left, never negative.
  std::chrono::milliseconds remaining() const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(at_ - Clock::now());
    return std::max(left, std::chrono::milliseconds::zero());
  }
  bool expired() const { return Clock::now() >= at_; }
  Clock::time_point at() const { return at_; }

  /// This deadline, or `budget` from now, whichever comes first.
  Deadline at_most(std::chrono::milliseconds budget) const {
    return Deadline(std::min(at_, Clock::now() + budget));
  }

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  Clock::time_point at_;
};

}  // namespace portcullis
