#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>

#include "lib/runtime/worker_pool.hpp"

namespace portcullis::evidence {

/// Runs work(0) … work(count - 1) on this thread and on whatever threads of the pool are idle, and
/// returns when all are done. The calling thread alone gets it done when none is: a job of the pool
/// may call this without a deadlock. What `work` throws is thrown here, once.
inline void parallel(runtime::WorkerPool& pool, std::size_t count,
                     std::function<void(std::size_t)> work) {
  struct Shared {
    std::function<void(std::size_t)> work;
    std::size_t count = 0;
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::condition_variable all_done;
    std::size_t done = 0;          // guarded by mutex
    std::exception_ptr exception;  // guarded by mutex
  };
  // More would only wait for the same registry.
  constexpr std::size_t kMaxHelpers = 7;

  const auto shared = std::make_shared<Shared>();
  shared->work = std::move(work);
  shared->count = count;
  // A helper that comes too late finds no index left, and touches nothing but `shared`.
  const auto take_part = [](Shared& task) {
    for (auto i = task.next++; i < task.count; i = task.next++) {
      std::exception_ptr exception;
      try {
        task.work(i);
      } catch (...) {
        exception = std::current_exception();
      }
      const std::lock_guard lock(task.mutex);
      if (exception && !task.exception) task.exception = exception;
      if (++task.done == task.count) task.all_done.notify_all();
    }
  };
  for (std::size_t helper = 1; helper < std::min(count, kMaxHelpers + 1); ++helper) {
    if (!pool.submit([shared, take_part] { take_part(*shared); })) break;
  }
  take_part(*shared);
  std::unique_lock lock(shared->mutex);
  shared->all_done.wait(lock, [&] { return shared->done == shared->count; });
  if (shared->exception) std::rethrow_exception(shared->exception);
}

}  // namespace portcullis::evidence
