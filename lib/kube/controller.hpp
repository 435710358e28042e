#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "lib/api/meta.hpp"
#include "lib/base/clock.hpp"
#include "lib/base/deadline.hpp"
#include "lib/base/result.hpp"
#include "lib/metrics/registry.hpp"

namespace portcullis::kube {

/// What the controller does with the key after a successful reconcile.
struct Action {
  std::optional<std::chrono::milliseconds> requeue_after;  ///< Empty: wait for the next event.

  static Action await_change() { return {}; }
  static Action requeue(std::chrono::milliseconds delay) { return {delay}; }
};

/// Makes the cluster match one object. Level-based: it gets a key, never an event.
class Reconciler {
 public:
  virtual ~Reconciler() = default;

  /// Idempotent. Never called for the same key by two threads at once.
  /// An error requeues the key with backoff; kInvalidArgument does not requeue.
  virtual Result<Action> reconcile(const api::ObjectKey& key, Deadline deadline) = 0;
};

struct ControllerOptions {
  std::string name;  ///< The `controller` label of the metrics.
  std::size_t workers = 2;
  std::chrono::milliseconds reconcile_timeout{60'000};
};

/// A work queue, its workers and one reconciler. Exceptions are caught, counted
/// (controller_runtime_reconcile_panics_total) and requeued. The destructor drains and joins.
class Controller {
 public:
  /// `reconciler` and `registry` must outlive the controller.
  static std::unique_ptr<Controller> create(ControllerOptions options, Reconciler& reconciler,
                                            metrics::Registry& registry);
  virtual ~Controller() = default;
  virtual void start() = 0;
  /// Any thread. A key that waits already is not added twice.
  virtual void enqueue(const api::ObjectKey& key) = 0;
  virtual void stop() = 0;
};

}  // namespace portcullis::kube
