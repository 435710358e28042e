#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "lib/base/deadline.hpp"
#include "lib/base/result.hpp"

namespace portcullis::evidence {

/// One piece of work that several callers wait for. Any thread.
template <typename T>
class Flight {
 public:
  /// The result, or empty when the deadline comes first.
  std::optional<Result<T>> wait(Deadline deadline) {
    std::unique_lock lock(mutex_);
    landed_.wait_until(lock, deadline.at(), [&] { return result_.has_value(); });
    return result_;
  }
  void land(Result<T> result) {
    {
      const std::lock_guard lock(mutex_);
      if (result_) return;
      result_.emplace(std::move(result));
    }
    landed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable landed_;
  std::optional<Result<T>> result_;  // guarded by mutex_
};

/// Single-flight: the same work is under way at most once. T is copied to everybody who waits.
template <typename T>
class Flights {
 public:
  /// The flight for the key, and whether the caller has to do the work (and finish() it, whatever
  /// happens).
  std::pair<std::shared_ptr<Flight<T>>, bool> join(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto [at, is_new] = flights_.try_emplace(key);
    if (is_new) at->second = std::make_shared<Flight<T>>();
    return {at->second, is_new};
  }

  /// Gives the result to all who wait; who comes later starts anew.
  void finish(const std::string& key, Result<T> result) {
    std::shared_ptr<Flight<T>> flight;
    {
      const std::lock_guard lock(mutex_);
      const auto found = flights_.find(key);
      if (found == flights_.end()) return;
      flight = std::move(found->second);
      flights_.erase(found);
    }
    flight->land(std::move(result));
  }

  /// Does the work here, or waits for whoever does it. An exception in `work` is kInternal for all.
  template <typename Work>
  Result<T> run(const std::string& key, Deadline deadline, const Work& work) {
    const auto [flight, is_mine] = join(key);
    if (is_mine) {
      Result<T> result = Error(ErrorCode::kInternal, "the work was given up");
      try {
        result = work();
      } catch (const std::exception& failure) {
        result = Error(ErrorCode::kInternal, failure.what());
      }
      finish(key, result);
      return result;
    }
    auto result = flight->wait(deadline);
    if (result) return *std::move(result);
    return Error(ErrorCode::kDeadlineExceeded, "the time was spent waiting for the registry");
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Flight<T>>> flights_;  // guarded by mutex_
};

}  // namespace portcullis::evidence
