#include "lib/kube/controller.hpp"

#include <algorithm>
#include <exception>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "lib/base/guarded.hpp"
#include "lib/base/log.hpp"
#include "lib/kube/controller_metrics.hpp"
#include "lib/runtime/periodic_task.hpp"
#include "lib/runtime/work_queue.hpp"

namespace portcullis::kube {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

/// How often the gauges of unfinished work are renewed.
constexpr std::chrono::seconds kGaugeInterval{5};

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

/// The queue holds text; a name cannot contain a slash, so the first one divides.
api::ObjectKey parse_key(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return {"", text};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

class QueueController final : public Controller {
 public:
  QueueController(ControllerOptions options, Reconciler& reconciler, metrics::Registry& registry)
      : options_(std::move(options)), reconciler_(reconciler), metrics_(registry, options_.name) {
    metrics_.max_concurrent_reconciles.set(static_cast<double>(options_.workers));
  }

  ~QueueController() override { stop(); }

  void start() override {
    gauges_ =
        std::make_unique<runtime::PeriodicTask>(kGaugeInterval, [this] { show_unfinished(); });
    for (std::size_t i = 0; i < options_.workers; ++i) {
      workers_.emplace_back([this] { work(); });
    }
  }

  void enqueue(const api::ObjectKey& key) override {
    const auto text = api::to_string(key);
    added_.with([&](auto& added) { added.try_emplace(text, SteadyClock::now()); });
    metrics_.adds.add();
    queue_.add(text);
    show_depth();
  }

  void stop() override {
    queue_.shut_down();
    for (auto& worker : workers_) {
      if (worker.joinable()) worker.join();
    }
    gauges_.reset();
  }

 private:
  void work() {
    while (const auto text = queue_.get()) {
      show_depth();
      const auto waiting_since = added_.with([&](auto& added) {
        const auto entry = added.extract(*text);
        return entry.empty() ? SteadyClock::now() : entry.mapped();
      });
      metrics_.queue_duration.observe(seconds_since(waiting_since));

      const auto start = SteadyClock::now();
      running_.with([&](auto& running) { running.emplace(*text, start); });
      metrics_.active_workers.add(1);
      settle(*text, attempt(parse_key(*text)));
      metrics_.active_workers.add(-1);
      running_.with([&](auto& running) { running.erase(*text); });
      metrics_.reconcile_time.observe(seconds_since(start));
      metrics_.work_duration.observe(seconds_since(start));
      queue_.done(*text);
    }
  }

  /// The guard: nothing that a reconciler throws ends the process or loses the key.
  Result<Action> attempt(const api::ObjectKey& key) {
    try {
      const auto deadline = Deadline::after(options_.reconcile_timeout);
      auto result = reconciler_.reconcile(key, deadline);
      if (!result && deadline.expired()) metrics_.timeouts.add();
      return result;
    } catch (const std::exception& bug) {
      metrics_.panics.add();
      return Error(ErrorCode::kInternal, std::string("the reconciler threw: ") + bug.what());
    } catch (...) {
      metrics_.panics.add();
      return Error(ErrorCode::kInternal, "the reconciler threw something unknown");
    }
  }

  void settle(const std::string& text, const Result<Action>& result) {
    if (!result) return settle_error(text, result.error());
    queue_.forget(text);
    if (!result->requeue_after) return metrics_.success.add();
    metrics_.requeue_after.add();
    queue_.add_after(text, *result->requeue_after);
  }

  void settle_error(const std::string& text, const Error& error) {
    metrics_.error.add();
    metrics_.errors.add();
    log::warning("reconcile failed",
                 {{"controller", options_.name}, {"object", text}, {"error", error}});
    if (error.code() == ErrorCode::kInvalidArgument) {
      // Trying again changes nothing; the next event on the object does.
      metrics_.terminal_errors.add();
      queue_.forget(text);
      return;
    }
    metrics_.retries.add();
    if (const auto delay = error.retry_after()) {
      queue_.add_after(text, *delay);
    } else {
      queue_.add_rate_limited(text);
    }
  }

  void show_depth() { metrics_.depth.set(static_cast<double>(queue_.depth())); }

  void show_unfinished() {
    double total = 0;
    double longest = 0;
    running_.with([&](const auto& running) {
      for (const auto& [text, start] : running) {
        const double age = seconds_since(start);
        total += age;
        longest = std::max(longest, age);
      }
    });
    metrics_.unfinished_work.set(total);
    metrics_.longest_running.set(longest);
  }

  using Times = std::map<std::string, SteadyClock::time_point>;

  const ControllerOptions options_;
  Reconciler& reconciler_;
  const ControllerMetrics metrics_;
  runtime::WorkQueue queue_;
  Guarded<Times> added_;    ///< When each waiting key was first added.
  Guarded<Times> running_;  ///< When a worker took each key.
  std::unique_ptr<runtime::PeriodicTask> gauges_;
  std::vector<std::jthread> workers_;  ///< Last: they use all the others.
};

}  // namespace

std::unique_ptr<Controller> Controller::create(ControllerOptions options, Reconciler& reconciler,
                                               metrics::Registry& registry) {
  return std::make_unique<QueueController>(std::move(options), reconciler, registry);
}

}  // namespace portcullis::kube
