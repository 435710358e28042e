#pragma once

#include <mutex>
#include <utility>

namespace portcullis {

/// A value that can only be reached under its mutex. Any thread may call with().
///
/// Snapshots are shared as Guarded<std::shared_ptr<const T>>: std::atomic<std::shared_ptr> of
/// libstdc++ 12 races under ThreadSanitizer.
template <typename T>
class Guarded {
 public:
  template <typename... Args>
  explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}

  /// Runs `use` on the value with the lock held. Keep it short: no I/O, no other lock inside.
  template <typename F>
  decltype(auto) with(F&& use) {
    const std::lock_guard lock(mutex_);
    return std::forward<F>(use)(value_);
  }
  template <typename F>
  decltype(auto) with(F&& use) const {
    const std::lock_guard lock(mutex_);
    return std::forward<F>(use)(value_);
  }

  /// A copy of the value as it is now; for snapshots (shared_ptr) and small values.
  T copy() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  void set(T value) {
    const std::lock_guard lock(mutex_);
    std::swap(value_, value);  // the old value dies after the lock is gone
  }

 private:
  mutable std::mutex mutex_;
  T value_;
};

}  // namespace portcullis
