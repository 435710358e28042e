#pragma once

#include <string>

#include "lib/metrics/registry.hpp"

namespace portcullis::kube {

/// One controller's series, under controller-runtime's and client-go's names and labels, so that
/// their dashboards and alerts work. All exist at 0 from the start. Internal to lib/kube.
struct ControllerMetrics {
  ControllerMetrics(metrics::Registry& registry, const std::string& controller);

  metrics::Counter success, error, requeue, requeue_after;  ///< …_reconcile_total by result.
  metrics::Counter errors, terminal_errors, panics, timeouts;
  metrics::Histogram reconcile_time;
  metrics::Gauge max_concurrent_reconciles, active_workers;

  metrics::Gauge depth;
  metrics::Counter adds, retries;
  metrics::Histogram queue_duration, work_duration;
  metrics::Gauge unfinished_work, longest_running;
};

}  // namespace portcullis::kube
