#include "lib/runtime/periodic_task.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>

namespace portcullis::runtime {
namespace {

using namespace std::chrono_literals;

/// Counts runs and lets the test wait for them.
class RunCounter {
 public:
  void count() {
    {
      const std::lock_guard lock(mutex_);
      ++runs_;
    }
    changed_.notify_all();
  }
  void wait_for_runs(int runs) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, runs] { return runs_ >= runs; });
  }
  int runs() const {
    const std::lock_guard lock(mutex_);
    return runs_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int runs_ = 0;
};

TEST(PeriodicTaskTest, RunsAtOnceAndAgainAfterEachInterval) {
  RunCounter counter;
  const PeriodicTask task(1ms, [&counter] { counter.count(); });

  counter.wait_for_runs(4);
}

TEST(PeriodicTaskTest, DoesNotRunAgainBeforeTheInterval) {
  RunCounter counter;
  {
    const PeriodicTask task(1h, [&counter] { counter.count(); });
    counter.wait_for_runs(1);
  }
  EXPECT_EQ(counter.runs(), 1);
}

TEST(PeriodicTaskTest, APokeRunsItSoon) {
  RunCounter counter;
  PeriodicTask task(1h, [&counter] { counter.count(); });
  counter.wait_for_runs(1);

  task.poke();
  counter.wait_for_runs(2);
  task.poke();
  counter.wait_for_runs(3);
}

TEST(PeriodicTaskTest, APokeWhileItRunsMakesItRunOnceMore) {
  RunCounter counter;
  std::promise<void> release;
  std::promise<void> started;
  auto released = release.get_future().share();
  std::atomic<bool> first{true};
  PeriodicTask task(1h, [&] {
    if (first.exchange(false)) {
      started.set_value();
      released.wait();
    }
    counter.count();
  });
  started.get_future().wait();

  task.poke();
  task.poke();
  release.set_value();

  counter.wait_for_runs(2);
}

TEST(PeriodicTaskTest, GoesOnAfterAnException) {
  RunCounter counter;
  PeriodicTask task(1ms, [&counter] {
    counter.count();
    if (counter.runs() == 1) throw std::runtime_error("the first run's own failure");
    if (counter.runs() == 2) throw 42;
  });

  counter.wait_for_runs(3);
}

TEST(PeriodicTaskTest, TheDestructorWaitsForARunningTask) {
  std::atomic<bool> ended{false};
  std::promise<void> started;
  std::promise<void> release;
  auto released = release.get_future().share();
  std::optional<PeriodicTask> task(std::in_place, 1h, [&] {
    started.set_value();
    released.wait();
    ended = true;
  });
  started.get_future().wait();

  auto destroyed = std::async(std::launch::async, [&task] { task.reset(); });
  EXPECT_FALSE(ended);
  release.set_value();
  destroyed.get();

  EXPECT_TRUE(ended);
}

TEST(PeriodicTaskTest, TheLongestIntervalThatCanBeWrittenIsNotABusyLoop) {
  RunCounter counter;
  {
    const PeriodicTask task(std::chrono::milliseconds::max(), [&counter] { counter.count(); });
    counter.wait_for_runs(1);
  }
  EXPECT_EQ(counter.runs(), 1);
}

}  // namespace
}  // namespace portcullis::runtime
