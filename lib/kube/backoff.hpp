#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace portcullis::kube {

/// The reflector's pauses: 800 ms, doubled up to 30 s, each with up to as much again at random;
/// from the start again when nothing failed for 2 min (client-go tools/cache/reflector.go). One
/// thread.
class ReflectorBackoff {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit ReflectorBackoff(std::mt19937_64& random) : random_(random) {}

  /// The pause before the next try.
  std::chrono::milliseconds next(TimePoint now) {
    if (now - last_ > kQuiet) delay_ = kFirst;
    last_ = now;
    const auto jitter = std::uniform_int_distribution<std::int64_t>(0, delay_.count())(random_);
    const auto out = delay_ + std::chrono::milliseconds(jitter);
    delay_ = std::min(delay_ * 2, kMost);
    return out;
  }

  /// Things work: the next pause is a first one.
  void reset() { delay_ = kFirst; }

 private:
  static constexpr std::chrono::milliseconds kFirst{800};
  static constexpr std::chrono::milliseconds kMost{30'000};
  static constexpr std::chrono::minutes kQuiet{2};

  std::mt19937_64& random_;
  std::chrono::milliseconds delay_ = kFirst;
  TimePoint last_{};
};

}  // namespace portcullis::kube
