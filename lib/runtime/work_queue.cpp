#include "lib/runtime/work_queue.hpp"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace portcullis::runtime {
namespace {

/// Stands for every longer delay, so that adding it to the time cannot overflow.
constexpr std::chrono::milliseconds kLongestDelay = std::chrono::hours(24 * 365);

using SteadyTime = std::chrono::steady_clock::time_point;

const Clock& system_clock() {
  static const SystemClock kClock;
  return kClock;
}

/// first, 2 first, 4 first … most; then up to the share `jitter` more.
std::chrono::milliseconds backoff_delay(const BackoffOptions& backoff, int retries,
                                        double random_share) {
  const auto first = static_cast<double>(backoff.first.count());
  const auto most = static_cast<double>(backoff.most.count());
  const double delay = std::min(std::ldexp(first, retries), most);
  return std::chrono::milliseconds(std::llround(delay * (1 + backoff.jitter * random_share)));
}

}  // namespace

struct WorkQueue::Impl {
  Impl(BackoffOptions options, const Clock& queue_clock) : backoff(options), clock(queue_clock) {}

  /// Under the lock. True when a waiting get() has something to take.
  bool insert(const std::string& key) {
    if (!dirty.insert(key).second || processing.contains(key)) return false;
    ready.push_back(key);
    return true;
  }

  /// Under the lock: moves what is due from the delayed keys to the ready ones. True when some is.
  bool promote() {
    bool any = false;
    const auto now = clock.steady();
    while (!by_time.empty() && by_time.begin()->first <= now) {
      const auto key = by_time.begin()->second;
      by_time.erase(by_time.begin());
      due_at.erase(key);
      any = insert(key) || any;
    }
    return any;
  }

  /// Under the lock.
  void delay_until(const std::string& key, SteadyTime due) {
    const auto [entry, is_new] = due_at.try_emplace(key, due);
    if (!is_new) {
      if (entry->second <= due) return;
      by_time.erase({entry->second, key});
      entry->second = due;
    }
    by_time.emplace(due, key);
  }

  const BackoffOptions backoff;
  const Clock& clock;

  mutable std::mutex mutex;
  std::condition_variable changed;
  bool shutting_down = false;
  std::deque<std::string> ready;
  std::unordered_set<std::string> dirty;  ///< Wants to be worked on: ready, or again after done().
  std::unordered_set<std::string> processing;  ///< At a worker.
  std::set<std::pair<SteadyTime, std::string>> by_time;
  std::unordered_map<std::string, SteadyTime> due_at;
  std::unordered_map<std::string, int> failures;
  std::mt19937_64 random{std::random_device{}()};
};

WorkQueue::WorkQueue(BackoffOptions backoff) : WorkQueue(backoff, system_clock()) {}
WorkQueue::WorkQueue(BackoffOptions backoff, const Clock& clock)
    : impl_(std::make_unique<Impl>(backoff, clock)) {}
WorkQueue::~WorkQueue() = default;

void WorkQueue::add(const std::string& key) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->shutting_down) return;
  if (impl_->insert(key)) impl_->changed.notify_one();
}

void WorkQueue::add_after(const std::string& key, std::chrono::milliseconds delay) {
  if (delay <= std::chrono::milliseconds::zero()) return add(key);
  const std::lock_guard lock(impl_->mutex);
  if (impl_->shutting_down) return;
  impl_->delay_until(key, impl_->clock.steady() + std::min(delay, kLongestDelay));
  impl_->changed.notify_one();  // it may be due before what a get() waits for
}

void WorkQueue::add_rate_limited(const std::string& key) {
  std::chrono::milliseconds delay{};
  {
    const std::lock_guard lock(impl_->mutex);
    const double share = std::uniform_real_distribution<>(0, 1)(impl_->random);
    delay = backoff_delay(impl_->backoff, impl_->failures[key]++, share);
  }
  add_after(key, delay);
}

void WorkQueue::forget(const std::string& key) {
  const std::lock_guard lock(impl_->mutex);
  impl_->failures.erase(key);
}

int WorkQueue::retries(const std::string& key) const {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->failures.find(key);
  return found == impl_->failures.end() ? 0 : found->second;
}

std::optional<std::string> WorkQueue::get() {
  std::unique_lock lock(impl_->mutex);
  while (true) {
    impl_->promote();
    if (!impl_->ready.empty()) break;
    // A key that was added again while a worker has it still comes: it is waited for.
    if (impl_->shutting_down && impl_->dirty.empty()) return std::nullopt;
    if (impl_->by_time.empty()) {
      impl_->changed.wait(lock);
    } else {
      const auto wait = impl_->by_time.begin()->first - impl_->clock.steady();
      impl_->changed.wait_for(lock, wait);
    }
  }
  auto key = std::move(impl_->ready.front());
  impl_->ready.pop_front();
  impl_->dirty.erase(key);
  impl_->processing.insert(key);
  if (impl_->shutting_down) {
    impl_->changed.notify_all();  // the other get()s may see the drain
  } else if (!impl_->ready.empty() || !impl_->by_time.empty()) {
    impl_->changed.notify_one();  // another get() takes the next key, or waits for the next delay
  }
  return key;
}

void WorkQueue::done(const std::string& key) {
  const std::lock_guard lock(impl_->mutex);
  impl_->processing.erase(key);
  if (!impl_->dirty.contains(key)) return;
  impl_->ready.push_back(key);
  impl_->changed.notify_one();
}

void WorkQueue::shut_down() {
  const std::lock_guard lock(impl_->mutex);
  impl_->promote();
  impl_->shutting_down = true;
  impl_->by_time.clear();
  impl_->due_at.clear();
  impl_->changed.notify_all();
}

std::size_t WorkQueue::depth() const {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->promote()) impl_->changed.notify_all();
  return impl_->ready.size();
}

}  // namespace portcullis::runtime
