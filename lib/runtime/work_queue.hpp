#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "lib/base/clock.hpp"

namespace portcullis::runtime {

struct BackoffOptions {
  std::chrono::milliseconds first{5};
  std::chrono::milliseconds most{300'000};  ///< 5 min: longer is too long for security drift.
  double jitter = 0.2;  ///< Up to this share is added at random, also to `most`.
};

/// A queue of keys that holds each key once: added while waiting, it is not added again; added
/// while a worker has it, it comes again after done(). So no two workers ever have the same key
/// (client-go util/workqueue). Any thread.
class WorkQueue {
 public:
  explicit WorkQueue(BackoffOptions backoff = {});
  /// `clock` must outlive the queue; its steady() times the delays. A test that moves it then asks
  /// depth() or get(), which look at it.
  WorkQueue(BackoffOptions backoff, const Clock& clock);
  ~WorkQueue();

  void add(const std::string& key);
  /// Adds the key when `delay` has passed; of two delays for one key the one that ends first
  /// counts.
  void add_after(const std::string& key, std::chrono::milliseconds delay);
  /// Adds the key after its own backoff, which doubles with each call until forget().
  void add_rate_limited(const std::string& key);
  /// Ends the key's backoff: the next failure starts again with `first`.
  void forget(const std::string& key);
  /// Calls of add_rate_limited() since forget().
  int retries(const std::string& key) const;

  /// Blocks for the next key; empty when the queue is shut down and drained.
  std::optional<std::string> get();
  /// The worker is through with the key. Every get() needs one.
  void done(const std::string& key);

  /// No more adds; get() gives out what waits now (delayed keys are dropped), then empty.
  void shut_down();
  /// Keys that a get() would give out now; delayed ones and those at a worker do not count.
  std::size_t depth() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace portcullis::runtime
