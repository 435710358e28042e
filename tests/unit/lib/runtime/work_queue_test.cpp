#include "lib/runtime/work_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <latch>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/fakes/fake_clock.hpp"

namespace portcullis::runtime {
namespace {

using namespace std::chrono_literals;

using portcullis::testing::FakeClock;

class WorkQueueTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  WorkQueue queue_{{.first = 5ms, .most = 300s, .jitter = 0}, clock_};
};

TEST_F(WorkQueueTest, GivesKeysInTheOrderTheyCame) {
  queue_.add("a");
  queue_.add("b");
  queue_.add("c");

  EXPECT_EQ(queue_.get(), "a");
  EXPECT_EQ(queue_.get(), "b");
  EXPECT_EQ(queue_.get(), "c");
}

TEST_F(WorkQueueTest, HoldsEachKeyOnce) {
  queue_.add("a");
  queue_.add("b");
  queue_.add("a");

  EXPECT_EQ(queue_.depth(), 2U);
  EXPECT_EQ(queue_.get(), "a");
  EXPECT_EQ(queue_.get(), "b");
  EXPECT_EQ(queue_.depth(), 0U);
}

TEST_F(WorkQueueTest, AKeyAddedWhileAWorkerHasItComesAgainOnceAfterDone) {
  queue_.add("a");
  ASSERT_EQ(queue_.get(), "a");
  queue_.add("a");
  queue_.add("a");
  EXPECT_EQ(queue_.depth(), 0U) << "no two workers may have one key";

  queue_.done("a");

  EXPECT_EQ(queue_.depth(), 1U);
  EXPECT_EQ(queue_.get(), "a");
  queue_.done("a");
  EXPECT_EQ(queue_.depth(), 0U);
}

TEST_F(WorkQueueTest, AKeyThatIsDoneCanBeAddedAgain) {
  queue_.add("a");
  ASSERT_EQ(queue_.get(), "a");
  queue_.done("a");
  queue_.add("a");

  EXPECT_EQ(queue_.get(), "a");
}

TEST_F(WorkQueueTest, ADelayedKeyComesWhenItsTimeHasPassed) {
  queue_.add_after("a", 1h);
  EXPECT_EQ(queue_.depth(), 0U);
  clock_.advance(1h - 1ms);
  EXPECT_EQ(queue_.depth(), 0U);

  clock_.advance(1ms);

  EXPECT_EQ(queue_.depth(), 1U);
  EXPECT_EQ(queue_.get(), "a");
}

TEST_F(WorkQueueTest, DelayedKeysComeInTheOrderOfTheirTimes) {
  queue_.add_after("late", 3s);
  queue_.add_after("early", 1s);
  queue_.add_after("middle", 2s);
  clock_.advance(3s);

  EXPECT_EQ(queue_.get(), "early");
  EXPECT_EQ(queue_.get(), "middle");
  EXPECT_EQ(queue_.get(), "late");
}

TEST_F(WorkQueueTest, OfTwoDelaysForOneKeyTheShorterCountsAndItComesOnce) {
  queue_.add_after("a", 2s);
  queue_.add_after("a", 1s);
  queue_.add_after("a", 3s);

  clock_.advance(1s);
  EXPECT_EQ(queue_.get(), "a");
  queue_.done("a");
  clock_.advance(10s);
  EXPECT_EQ(queue_.depth(), 0U);
}

TEST_F(WorkQueueTest, NoDelayOrANegativeOneIsAtOnce) {
  queue_.add_after("a", 0ms);
  queue_.add_after("b", -5ms);

  EXPECT_EQ(queue_.depth(), 2U);
}

TEST_F(WorkQueueTest, TheLongestDelayThatCanBeWrittenIsNotAtOnce) {
  queue_.add_after("a", std::chrono::milliseconds::max());
  clock_.advance(24h * 300);

  EXPECT_EQ(queue_.depth(), 0U);
}

TEST_F(WorkQueueTest, ADelayedKeyThatIsDueWhileAWorkerHasItComesAfterDone) {
  queue_.add("a");
  ASSERT_EQ(queue_.get(), "a");
  queue_.add_after("a", 1s);
  clock_.advance(1s);
  EXPECT_EQ(queue_.depth(), 0U);

  queue_.done("a");

  EXPECT_EQ(queue_.depth(), 1U);
}

TEST_F(WorkQueueTest, BackoffDoublesFromTheFirstDelayToTheLongest) {
  for (const auto delay : {5ms, 10ms, 20ms, 40ms, 80ms, 160ms, 320ms, 640ms, 1280ms, 2560ms, 5120ms,
                           10240ms, 20480ms, 40960ms, 81920ms, 163840ms, 300'000ms, 300'000ms}) {
    SCOPED_TRACE(delay.count());
    queue_.add_rate_limited("a");
    clock_.advance(delay - 1ms);
    EXPECT_EQ(queue_.depth(), 0U);
    clock_.advance(1ms);
    ASSERT_EQ(queue_.depth(), 1U);
    EXPECT_EQ(queue_.get(), "a");
    queue_.done("a");
  }
  EXPECT_EQ(queue_.retries("a"), 18);
}

TEST_F(WorkQueueTest, BackoffNeverOverflows) {
  for (int i = 0; i < 5000; ++i) queue_.add_rate_limited("a");
  clock_.advance(5ms);
  ASSERT_EQ(queue_.get(), "a") << "the shortest of the delays counts";
  queue_.done("a");

  queue_.add_rate_limited("a");

  clock_.advance(300s - 1ms);
  EXPECT_EQ(queue_.depth(), 0U);
  clock_.advance(1ms);
  EXPECT_EQ(queue_.depth(), 1U);
}

TEST_F(WorkQueueTest, ForgettingStartsTheBackoffAgainForThatKeyOnly) {
  queue_.add_rate_limited("a");
  queue_.add_rate_limited("a");
  queue_.add_rate_limited("b");
  EXPECT_EQ(queue_.retries("a"), 2);

  queue_.forget("a");
  queue_.forget("never added");

  EXPECT_EQ(queue_.retries("a"), 0);
  EXPECT_EQ(queue_.retries("b"), 1);
}

TEST(WorkQueueJitterTest, AddsAtMostItsShareAndNotAlwaysTheSame) {
  FakeClock clock;
  WorkQueue queue({.first = 1000ms, .most = 1000ms, .jitter = 0.2}, clock);
  constexpr std::size_t kKeys = 100;
  for (std::size_t i = 0; i < kKeys; ++i) queue.add_rate_limited(std::to_string(i));

  clock.advance(999ms);
  EXPECT_EQ(queue.depth(), 0U);
  clock.advance(101ms);
  const auto half_way = queue.depth();
  clock.advance(100ms);
  EXPECT_EQ(queue.depth(), kKeys);
  // All 100 on one side of the middle has a chance of 2^-99.
  EXPECT_GT(half_way, 0U);
  EXPECT_LT(half_way, kKeys);
}

TEST_F(WorkQueueTest, ShutDownGivesOutWhatWaitsThenNothing) {
  queue_.add("a");
  queue_.add("b");
  queue_.add_after("delayed", 1s);
  queue_.shut_down();
  queue_.add("late");
  queue_.add_after("late", 1ms);
  queue_.add_rate_limited("late");
  clock_.advance(1h);

  EXPECT_EQ(queue_.get(), "a");
  EXPECT_EQ(queue_.get(), "b");
  EXPECT_EQ(queue_.get(), std::nullopt);
  EXPECT_EQ(queue_.get(), std::nullopt);
}

TEST(WorkQueueShutDownTest, WaitsForAKeyThatWasAddedWhileAWorkerHadIt) {
  // Many rounds, so that in some of them the other worker asks before the first one is done.
  for (int round = 0; round < 200; ++round) {
    WorkQueue queue;
    queue.add("a");
    ASSERT_EQ(queue.get(), "a");
    queue.add("a");
    queue.shut_down();
    std::latch asking(2);
    auto other_worker = std::async(std::launch::async, [&queue, &asking] {
      asking.arrive_and_wait();
      return queue.get();
    });

    asking.arrive_and_wait();
    std::this_thread::yield();
    queue.done("a");

    ASSERT_EQ(other_worker.get(), "a");
    queue.done("a");
    ASSERT_EQ(queue.get(), std::nullopt);
  }
}

TEST_F(WorkQueueTest, ShutDownWakesEveryWaitingWorker) {
  std::vector<std::future<std::optional<std::string>>> workers;
  for (int i = 0; i < 3; ++i) {
    workers.push_back(std::async(std::launch::async, [this] { return queue_.get(); }));
  }

  queue_.shut_down();

  for (auto& worker : workers) EXPECT_EQ(worker.get(), std::nullopt);
}

TEST_F(WorkQueueTest, AWaitingWorkerIsWokenByAnAdd) {
  auto worker = std::async(std::launch::async, [this] { return queue_.get(); });

  queue_.add("a");

  EXPECT_EQ(worker.get(), "a");
}

TEST(WorkQueueRealTimeTest, AWaitingWorkerIsWokenByADelayThatEnds) {
  WorkQueue queue;
  auto worker = std::async(std::launch::async, [&queue] { return queue.get(); });
  queue.add_after("late", 1h);

  queue.add_after("a", 1ms);

  EXPECT_EQ(worker.get(), "a");
}

// The clock is moved by hand, so a sleeping worker does not see that "late" is due: the one that
// the add wakes must pass it on. A lost wake-up hangs here (ctest's time-out ends it).
TEST_F(WorkQueueTest, AWorkerThatFindsMoreThanItsOwnKeyWakesAnother) {
  constexpr int kRounds = 300;
  std::mutex mutex;
  std::condition_variable changed;
  int worked = 0;
  std::vector<std::thread> workers;
  for (int i = 0; i < 2; ++i) {
    workers.emplace_back([&] {
      while (const auto key = queue_.get()) {
        std::unique_lock lock(mutex);
        const int round = worked++ / 2;
        changed.notify_all();
        // Busy until the other one has worked too: it alone can take the second key.
        changed.wait(lock, [&] { return worked >= 2 * (round + 1); });
        queue_.done(*key);
      }
    });
  }
  for (int round = 0; round < kRounds; ++round) {
    queue_.add_after("late", 1h);
    clock_.advance(1h);
    queue_.add("now");
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return worked == 2 * (round + 1); });
  }
  queue_.shut_down();
  for (auto& worker : workers) worker.join();

  EXPECT_EQ(worked, 2 * kRounds);
}

TEST(WorkQueueRealTimeTest, NoTwoWorkersEverHaveTheSameKeyAndNoAddIsLost) {
  WorkQueue queue({.first = 0ms, .most = 1ms});
  std::mutex mutex;
  std::map<std::string, int> holders;
  std::map<std::string, int> worked;
  std::atomic<bool> shared{false};
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      while (const auto key = queue.get()) {
        {
          const std::lock_guard lock(mutex);
          if (++holders[*key] > 1) shared = true;
          ++worked[*key];
        }
        std::this_thread::yield();
        {
          const std::lock_guard lock(mutex);
          --holders[*key];
        }
        queue.done(*key);
      }
    });
  }
  for (int round = 0; round < 500; ++round) {
    for (const char* key : {"a", "b", "c"}) {
      round % 3 == 0 ? queue.add_rate_limited(key) : queue.add(key);
    }
  }
  for (const char* key : {"a", "b", "c", "last"}) queue.add(key);
  queue.shut_down();
  for (auto& worker : workers) worker.join();

  EXPECT_FALSE(shared);
  for (const char* key : {"a", "b", "c"}) EXPECT_GE(worked[key], 1);
  EXPECT_EQ(worked["last"], 1);
}

}  // namespace
}  // namespace portcullis::runtime
