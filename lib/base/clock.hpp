#pragma once

#include <chrono>

namespace portcullis {

/// Wall-clock time, to the second or finer; the only notion of "now" that policy sees.
using Time = std::chrono::system_clock::time_point;

/// Where effects read the time, so that tests can set it. Pure code takes a Time instead.
/// Any thread may call it.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;                               ///< Wall clock: judged dates.
  virtual std::chrono::steady_clock::time_point steady() const = 0;  ///< Intervals: caches, backoff.
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  Time now() const override { return std::chrono::system_clock::now(); }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::now();
  }
};

}  // namespace portcullis
