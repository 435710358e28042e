#include "lib/kube/recorder.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "lib/base/log.hpp"
#include "lib/kube/event_series.hpp"

namespace portcullis::kube {
namespace {

constexpr std::size_t kMostQueued = 1000;
constexpr int kTries = 12;
constexpr std::chrono::seconds kBetweenTries{10};
constexpr std::chrono::seconds kWriteTimeout{10};
constexpr std::chrono::minutes kSweepInterval{1};
/// What a process that ends still gives its last events, all together.
constexpr std::chrono::seconds kFarewell{2};

class QueueRecorder final : public Recorder {
 public:
  QueueRecorder(Client& client, std::string component, std::string instance, const Clock& clock,
                Waiter& waiter)
      : client_(client),
        clock_(clock),
        waiter_(waiter),
        series_(std::move(component), std::move(instance)),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  void record(const Regarding& regarding, EventType type, const std::string& reason,
              const std::string& action, const std::string& note) override {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= kMostQueued) {
      ++dropped_;
      return;
    }
    queue_.push_back({regarding, type, reason, action, note, clock_.now()});
    changed_.notify_one();
  }

  std::uint64_t dropped() const override { return dropped_.load(); }

 private:
  void run(const std::stop_token& stop) {
    auto swept = clock_.steady();
    while (!stop.stop_requested()) {
      if (const auto occurrence = next(stop)) {
        if (const auto write = series_.add(*occurrence)) write_patiently(*write, stop);
      }
      if (clock_.steady() - swept < kSweepInterval) continue;
      swept = clock_.steady();
      for (const auto& write : series_.sweep(clock_.now())) write_patiently(write, stop);
      report_dropped();
    }
    const auto deadline = Deadline::after(kFarewell);
    while (const auto occurrence = next(stop)) {
      const auto write = series_.add(*occurrence);
      if (write && !write_once(*write, deadline)) break;
    }
  }

  /// The first that waits; empty when the time to sweep has come or the end with nothing waiting.
  std::optional<Occurrence> next(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, kSweepInterval, [this] { return !queue_.empty(); });
    if (queue_.empty()) return std::nullopt;
    auto first = std::move(queue_.front());
    queue_.pop_front();
    return first;
  }

  void write_patiently(const EventWrite& write, const std::stop_token& stop) {
    for (int attempt = 1; attempt <= kTries; ++attempt) {
      const auto done = write_once(write, Deadline::after(kWriteTimeout));
      if (done) return;
      const bool again = is_transient(done.error().code()) && attempt < kTries;
      if (!again || stop.stop_requested()) {
        log::warning("an event could not be recorded",
                     {{"namespace", write.key.name_space}, {"error", done.error()}});
        return;
      }
      waiter_.wait(kBetweenTries, stop);
    }
  }

  Result<void> write_once(const EventWrite& write, Deadline deadline) {
    if (!write.is_new) {
      const codec::Json patch = {{"series", write.event["series"]}};
      const auto patched = client_.merge_patch(kEvents, write.key, patch, deadline);
      if (patched) return {};
      // The API server forgets events after an hour; the series goes on in a new one.
      if (patched.error().code() != ErrorCode::kNotFound) return patched.error();
    }
    const auto created = client_.create(kEvents, write.event, deadline);
    // A first try whose answer was lost may have made it.
    if (!created && created.error().code() != ErrorCode::kConflict) return created.error();
    return {};
  }

  void report_dropped() {
    const auto dropped = dropped_.load();
    if (dropped == reported_) return;
    log::warning("events were dropped, for too many were waiting",
                 {{"count", static_cast<std::int64_t>(dropped - reported_)}});
    reported_ = dropped;
  }

  Client& client_;
  const Clock& clock_;
  Waiter& waiter_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Occurrence> queue_;  ///< Guarded by mutex_.
  std::atomic<std::uint64_t> dropped_{0};

  EventSeries series_;          ///< The thread's only.
  std::uint64_t reported_ = 0;  ///< The thread's only.
  std::jthread thread_;         ///< Last: it uses all the others.
};

}  // namespace

std::unique_ptr<Recorder> make_recorder(Client& client, std::string component, std::string instance,
                                        const Clock& clock, Waiter& waiter) {
  return std::make_unique<QueueRecorder>(client, std::move(component), std::move(instance), clock,
                                         waiter);
}

std::unique_ptr<Recorder> make_recorder(Client& client, std::string component,
                                        std::string instance) {
  static const SystemClock kClock;
  return make_recorder(client, std::move(component), std::move(instance), kClock, real_waiter());
}

}  // namespace portcullis::kube
