#include "lib/kube/controller_metrics.hpp"

#include <gmock/gmock.h>

namespace portcullis::kube {
namespace {

// Dashboards and alerts made for controller-runtime find these names (specs/kubernetes.md 1.10).
TEST(ControllerMetricsTest, CarriesTheNamesOfControllerRuntime) {
  metrics::Registry registry;
  const ControllerMetrics metrics(registry, "workload");
  const auto text = registry.expose();
  for (
      const char* series : {
          R"(controller_runtime_reconcile_total{controller="workload",result="success"} 0)",
          R"(controller_runtime_reconcile_total{controller="workload",result="error"} 0)",
          R"(controller_runtime_reconcile_total{controller="workload",result="requeue"} 0)",
          R"(controller_runtime_reconcile_total{controller="workload",result="requeue_after"} 0)",
          R"(controller_runtime_reconcile_errors_total{controller="workload"} 0)",
          R"(controller_runtime_terminal_reconcile_errors_total{controller="workload"} 0)",
          R"(controller_runtime_reconcile_panics_total{controller="workload"} 0)",
          R"(controller_runtime_reconcile_timeouts_total{controller="workload"} 0)",
          R"(controller_runtime_reconcile_time_seconds_count{controller="workload"} 0)",
          R"(controller_runtime_max_concurrent_reconciles{controller="workload"} 0)",
          R"(controller_runtime_active_workers{controller="workload"} 0)",
          R"(workqueue_depth{controller="workload",name="workload"} 0)",
          R"(workqueue_adds_total{controller="workload",name="workload"} 0)",
          R"(workqueue_retries_total{controller="workload",name="workload"} 0)",
          R"(workqueue_queue_duration_seconds_count{controller="workload",name="workload"} 0)",
          R"(workqueue_work_duration_seconds_count{controller="workload",name="workload"} 0)",
          R"(workqueue_unfinished_work_seconds{controller="workload",name="workload"} 0)",
          R"(workqueue_longest_running_processor_seconds{controller="workload",name="workload"} 0)",
      }) {
    EXPECT_THAT(text, ::testing::HasSubstr(series));
  }
}

TEST(ControllerMetricsTest, TwoControllersAreToldApart) {
  metrics::Registry registry;
  const ControllerMetrics one(registry, "one");
  const ControllerMetrics two(registry, "two");
  one.success.add();
  EXPECT_EQ(one.success.value(), 1);
  EXPECT_EQ(two.success.value(), 0);
}

}  // namespace
}  // namespace portcullis::kube
