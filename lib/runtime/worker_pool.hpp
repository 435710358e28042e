#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace portcullis::runtime {

/// A fixed number of threads and a bounded queue of jobs. Any thread may submit. The destructor
/// runs what waits, then joins. What a job throws is logged and lost: jobs report by other means.
class WorkerPool {
 public:
  WorkerPool(std::size_t threads, std::size_t max_queued);
  ~WorkerPool();

  /// False when the queue is full or the pool stops: the job is not run.
  [[nodiscard]] bool submit(std::function<void()> job);
  std::size_t queued() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace portcullis::runtime
