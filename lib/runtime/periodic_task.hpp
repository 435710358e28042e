#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace portcullis::runtime {

/// Runs `task` on a thread of its own: at once, then `interval` after each end; and soon after
/// poke(). The destructor waits for a running task and joins. What it throws is logged.
class PeriodicTask {
 public:
  PeriodicTask(std::chrono::milliseconds interval, std::function<void()> task);
  ~PeriodicTask();
  void poke();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace portcullis::runtime
