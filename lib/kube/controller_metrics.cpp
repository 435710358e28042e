#include "lib/kube/controller_metrics.hpp"

namespace portcullis::kube {
namespace {

metrics::Counter reconcile_total(metrics::Registry& registry, const std::string& controller,
                                 const std::string& result) {
  return registry.counter("controller_runtime_reconcile_total",
                          "Reconciles per controller and result",
                          {{"controller", controller}, {"result", result}});
}

metrics::LabelSet by_controller(const std::string& controller) {
  return {{"controller", controller}};
}

metrics::LabelSet by_queue(const std::string& controller) {
  return {{"controller", controller}, {"name", controller}};
}

}  // namespace

ControllerMetrics::ControllerMetrics(metrics::Registry& registry, const std::string& controller)
    : success(reconcile_total(registry, controller, "success")),
      error(reconcile_total(registry, controller, "error")),
      requeue(reconcile_total(registry, controller, "requeue")),
      requeue_after(reconcile_total(registry, controller, "requeue_after")),
      errors(registry.counter("controller_runtime_reconcile_errors_total", "Reconciles that failed",
                              by_controller(controller))),
      terminal_errors(registry.counter("controller_runtime_terminal_reconcile_errors_total",
                                       "Reconciles that failed and are not tried again",
                                       by_controller(controller))),
      panics(registry.counter("controller_runtime_reconcile_panics_total",
                              "Reconciles that threw an exception", by_controller(controller))),
      timeouts(registry.counter("controller_runtime_reconcile_timeouts_total",
                                "Reconciles that failed after their deadline",
                                by_controller(controller))),
      reconcile_time(registry.histogram("controller_runtime_reconcile_time_seconds",
                                        "How long reconciles take", by_controller(controller))),
      max_concurrent_reconciles(registry.gauge("controller_runtime_max_concurrent_reconciles",
                                               "Reconciles that may run at once",
                                               by_controller(controller))),
      active_workers(registry.gauge("controller_runtime_active_workers", "Reconciles that run now",
                                    by_controller(controller))),
      depth(registry.gauge("workqueue_depth", "Keys that wait", by_queue(controller))),
      adds(registry.counter("workqueue_adds_total", "Keys added", by_queue(controller))),
      retries(registry.counter("workqueue_retries_total", "Keys added again after a failure",
                               by_queue(controller))),
      queue_duration(registry.histogram("workqueue_queue_duration_seconds", "How long keys wait",
                                        by_queue(controller))),
      work_duration(registry.histogram("workqueue_work_duration_seconds",
                                       "How long keys are worked on", by_queue(controller))),
      unfinished_work(registry.gauge("workqueue_unfinished_work_seconds",
                                     "The age of all work under way, together",
                                     by_queue(controller))),
      longest_running(registry.gauge("workqueue_longest_running_processor_seconds",
                                     "The age of the oldest work under way",
                                     by_queue(controller))) {}

}  // namespace portcullis::kube
