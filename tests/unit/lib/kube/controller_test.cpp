#include "lib/kube/controller.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <vector>

namespace portcullis::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

/// Does what the test says, and remembers the keys.
class ScriptedReconciler final : public Reconciler {
 public:
  using Script = std::function<Result<Action>(const api::ObjectKey&, int attempt, Deadline)>;
  explicit ScriptedReconciler(Script script) : script_(std::move(script)) {}

  Result<Action> reconcile(const api::ObjectKey& key, Deadline deadline) override {
    int attempt = 0;
    {
      const std::lock_guard lock(mutex_);
      attempt = ++attempts_[key];
      if (!running_.insert(key).second) overlapped_ = true;
    }
    // Told even when the script throws.
    const std::shared_ptr<void> told(nullptr, [&](void*) {
      const std::lock_guard lock(mutex_);
      running_.erase(key);
      keys_.push_back(key);
      changed_.notify_all();
    });
    return script_(key, attempt, deadline);
  }

  bool wait_for(std::size_t reconciles) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20),
                             [&] { return keys_.size() >= reconciles; });
  }
  std::vector<api::ObjectKey> keys() {
    const std::lock_guard lock(mutex_);
    return keys_;
  }
  bool overlapped() {
    const std::lock_guard lock(mutex_);
    return overlapped_;
  }

 private:
  Script script_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<api::ObjectKey, int> attempts_;
  std::set<api::ObjectKey> running_;
  std::vector<api::ObjectKey> keys_;
  bool overlapped_ = false;
};

class ControllerTest : public ::testing::Test {
 protected:
  void run(ScriptedReconciler::Script script, ControllerOptions options = {"workload"}) {
    reconciler_ = std::make_unique<ScriptedReconciler>(std::move(script));
    controller_ = Controller::create(std::move(options), *reconciler_, registry_);
    controller_->start();
  }
  /// The value of a series as exposed; -1 when it is not there.
  double value(const std::string& series) {
    const auto text = registry_.expose();
    const auto at = text.find("\n" + series + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + series.size() + 2));
  }
  double results(const std::string& result) {
    return value("controller_runtime_reconcile_total{controller=\"workload\",result=\"" + result +
                 "\"}");
  }
  double count(const std::string& name) { return value(name + "{controller=\"workload\"}"); }

  metrics::Registry registry_;
  std::unique_ptr<ScriptedReconciler> reconciler_;
  std::unique_ptr<Controller> controller_;
};

TEST_F(ControllerTest, AKeyReachesTheReconcilerWithItsNamespace) {
  run([](const auto&, int, Deadline) { return Action::await_change(); });
  controller_->enqueue({"clinic", "triage"});
  controller_->enqueue({"", "ours"});
  ASSERT_TRUE(reconciler_->wait_for(2));
  controller_->stop();
  EXPECT_THAT(reconciler_->keys(),
              ::testing::UnorderedElementsAre(api::ObjectKey{"clinic", "triage"},
                                              api::ObjectKey{"", "ours"}));
  EXPECT_EQ(results("success"), 2);
}

TEST_F(ControllerTest, SeriesExistAtZeroFromTheStart) {
  run([](const auto&, int, Deadline) { return Action::await_change(); });
  for (const char* result : {"success", "error", "requeue", "requeue_after"}) {
    EXPECT_EQ(results(result), 0) << result;
  }
  EXPECT_EQ(count("controller_runtime_reconcile_panics_total"), 0);
  EXPECT_EQ(count("controller_runtime_max_concurrent_reconciles"), 2);
}

TEST_F(ControllerTest, AFailureIsTriedAgain) {
  run([](const auto&, int attempt, Deadline) -> Result<Action> {
    if (attempt < 3) return Error(ErrorCode::kUnavailable, "connection reset");
    return Action::await_change();
  });
  controller_->enqueue({"clinic", "triage"});
  ASSERT_TRUE(reconciler_->wait_for(3));
  controller_->stop();
  EXPECT_EQ(results("error"), 2);
  EXPECT_EQ(results("success"), 1);
  EXPECT_EQ(count("controller_runtime_reconcile_errors_total"), 2);
  EXPECT_EQ(count("controller_runtime_terminal_reconcile_errors_total"), 0);
  EXPECT_EQ(value("workqueue_retries_total{controller=\"workload\",name=\"workload\"}"), 2);
}

TEST_F(ControllerTest, AnInvalidObjectIsNotTriedAgain) {
  run(
      [](const auto& key, int, Deadline) -> Result<Action> {
        if (key.name == "bad") return Error(ErrorCode::kInvalidArgument, "spec.selector is empty");
        return Action::await_change();
      },
      {"workload", 1});
  controller_->enqueue({"clinic", "bad"});
  controller_->enqueue({"clinic", "good"});
  ASSERT_TRUE(reconciler_->wait_for(2));
  controller_->stop();
  EXPECT_THAT(reconciler_->keys(), SizeIs(2));
  EXPECT_EQ(count("controller_runtime_terminal_reconcile_errors_total"), 1);
}

// Whatever a reconciler throws is caught, counted and tried again; the workers live on.
TEST_F(ControllerTest, AnExceptionIsCaughtCountedAndTriedAgain) {
  run([](const auto&, int attempt, Deadline) -> Result<Action> {
    if (attempt == 1) throw std::runtime_error("a bug");
    if (attempt == 2) throw 7;
    return Action::await_change();
  });
  controller_->enqueue({"clinic", "triage"});
  ASSERT_TRUE(reconciler_->wait_for(3));
  controller_->stop();
  EXPECT_EQ(count("controller_runtime_reconcile_panics_total"), 2);
  EXPECT_EQ(results("error"), 2);
  EXPECT_EQ(results("success"), 1);
}

TEST_F(ControllerTest, AnActionMayAskToComeAgain) {
  run([](const auto&, int attempt, Deadline) {
    return attempt == 1 ? Action::requeue(std::chrono::milliseconds(1)) : Action::await_change();
  });
  controller_->enqueue({"clinic", "triage"});
  ASSERT_TRUE(reconciler_->wait_for(2));
  controller_->stop();
  EXPECT_EQ(results("requeue_after"), 1);
}

TEST_F(ControllerTest, OneKeyIsNeverAtTwoWorkers) {
  run([](const auto&, int, Deadline) { return Action::await_change(); }, {"workload", 4});
  for (int i = 0; i < 200; ++i) controller_->enqueue({"clinic", std::to_string(i % 3)});
  ASSERT_TRUE(reconciler_->wait_for(3));
  controller_->stop();
  EXPECT_FALSE(reconciler_->overlapped());
}

TEST_F(ControllerTest, AReconcileThatOutlivesItsDeadlineIsCounted) {
  run(
      [](const auto&, int attempt, Deadline deadline) -> Result<Action> {
        if (attempt > 1) return Action::await_change();
        EXPECT_TRUE(deadline.expired());
        return Error(ErrorCode::kDeadlineExceeded, "too late");
      },
      {"workload", 1, std::chrono::milliseconds(0)});
  controller_->enqueue({"clinic", "triage"});
  ASSERT_TRUE(reconciler_->wait_for(2));
  controller_->stop();
  EXPECT_EQ(count("controller_runtime_reconcile_timeouts_total"), 1);
}

TEST_F(ControllerTest, StopWorksOffWhatWaitsAndTakesNothingMore) {
  std::mutex gate;
  std::unique_lock closed(gate);
  run(
      [&](const auto&, int, Deadline) {
        const std::lock_guard pass(gate);
        return Action::await_change();
      },
      {"workload", 1});
  for (const char* name : {"a", "b", "c"}) controller_->enqueue({"clinic", name});
  closed.unlock();
  controller_->stop();
  EXPECT_THAT(reconciler_->keys(), SizeIs(3));
  controller_->enqueue({"clinic", "late"});
  controller_.reset();
  EXPECT_THAT(reconciler_->keys(), SizeIs(3));
  EXPECT_EQ(count("controller_runtime_active_workers"), 0);
}

TEST_F(ControllerTest, AServerThatAsksForTimeGetsIt) {
  run([](const auto&, int attempt, Deadline) -> Result<Action> {
    if (attempt > 1) return Action::await_change();
    return Error(ErrorCode::kResourceExhausted, "busy").with_retry_after(std::chrono::seconds(0));
  });
  controller_->enqueue({"clinic", "triage"});
  ASSERT_TRUE(reconciler_->wait_for(2));
}

}  // namespace
}  // namespace portcullis::kube
