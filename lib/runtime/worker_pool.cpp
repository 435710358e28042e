#include "lib/runtime/worker_pool.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "lib/base/log.hpp"

namespace portcullis::runtime {
namespace {

void run_logged(const std::function<void()>& job) {
  try {
    job();
  } catch (const std::exception& problem) {
    log::error("a job failed", {{"cause", problem.what()}});
  } catch (...) {
    log::error("a job failed", {{"cause", "an exception of unknown type"}});
  }
}

}  // namespace

struct WorkerPool::Impl {
  explicit Impl(std::size_t most) : max_queued(most) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    changed.notify_all();
    for (auto& thread : threads) thread.join();
  }

  void work() {
    while (true) {
      std::function<void()> job;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return stopping || !jobs.empty(); });
        if (jobs.empty()) return;
        job = std::move(jobs.front());
        jobs.pop_front();
      }
      run_logged(job);
    }
  }

  const std::size_t max_queued;
  mutable std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  std::deque<std::function<void()>> jobs;
  std::vector<std::thread> threads;
};

// The threads start when impl_ owns the rest: if one cannot start, those before it are joined.
WorkerPool::WorkerPool(std::size_t threads, std::size_t max_queued)
    : impl_(std::make_unique<Impl>(max_queued)) {
  const auto count = std::max<std::size_t>(threads, 1);
  impl_->threads.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    impl_->threads.emplace_back([impl = impl_.get()] { impl->work(); });
  }
}

WorkerPool::~WorkerPool() = default;

bool WorkerPool::submit(std::function<void()> job) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopping || impl_->jobs.size() >= impl_->max_queued) return false;
    impl_->jobs.push_back(std::move(job));
  }
  impl_->changed.notify_one();
  return true;
}

std::size_t WorkerPool::queued() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->jobs.size();
}

}  // namespace portcullis::runtime
