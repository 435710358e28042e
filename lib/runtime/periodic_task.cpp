#include "lib/runtime/periodic_task.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "lib/base/log.hpp"

namespace portcullis::runtime {
namespace {

/// Stands for every longer interval, so that adding it to the time cannot overflow.
constexpr std::chrono::milliseconds kLongestInterval = std::chrono::hours(24 * 365);

}  // namespace

struct PeriodicTask::Impl {
  Impl(std::chrono::milliseconds pause, std::function<void()> work)
      : interval(std::min(pause, kLongestInterval)),
        task(std::move(work)),
        thread([this] { run(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    changed.notify_all();
    thread.join();
  }

  void run() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      poked = false;
      lock.unlock();
      run_once();
      lock.lock();
      changed.wait_for(lock, interval, [this] { return stopping || poked; });
    }
  }

  void run_once() const {
    try {
      task();
    } catch (const std::exception& problem) {
      log::error("a periodic task failed", {{"cause", problem.what()}});
    } catch (...) {
      log::error("a periodic task failed", {{"cause", "an exception of unknown type"}});
    }
  }

  const std::chrono::milliseconds interval;
  const std::function<void()> task;
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  bool poked = false;
  std::thread thread;  // last: it uses all the others
};

PeriodicTask::PeriodicTask(std::chrono::milliseconds interval, std::function<void()> task)
    : impl_(std::make_unique<Impl>(interval, std::move(task))) {}

PeriodicTask::~PeriodicTask() = default;

void PeriodicTask::poke() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->poked = true;
  }
  impl_->changed.notify_all();
}

}  // namespace portcullis::runtime
