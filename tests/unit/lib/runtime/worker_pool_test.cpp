#include "lib/runtime/worker_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace portcullis::runtime {
namespace {

TEST(WorkerPoolTest, RunsEveryJobThatItTook) {
  std::atomic<int> ran{0};
  {
    WorkerPool pool(3, 1000);
    for (int i = 0; i < 500; ++i) ASSERT_TRUE(pool.submit([&ran] { ++ran; }));
  }
  EXPECT_EQ(ran, 500) << "the destructor runs what waits";
}

TEST(WorkerPoolTest, RunsAsManyJobsAtOnceAsItHasThreads) {
  constexpr int kThreads = 3;
  std::latch all_running(kThreads);
  WorkerPool pool(kThreads, 10);
  std::vector<std::future<void>> finished;
  for (int i = 0; i < kThreads; ++i) {
    auto promise = std::make_shared<std::promise<void>>();
    finished.push_back(promise->get_future());
    ASSERT_TRUE(pool.submit([&all_running, promise] {
      all_running.arrive_and_wait();  // ends only if the others run too
      promise->set_value();
    }));
  }
  for (auto& job : finished) job.get();
}

TEST(WorkerPoolTest, RefusesAJobWhenTheQueueIsFull) {
  std::promise<void> release;
  std::promise<void> started;
  const auto released = release.get_future().share();
  std::atomic<int> ran{0};
  std::optional<WorkerPool> pool(std::in_place, 1, 2);
  ASSERT_TRUE(pool->submit([&started, released] {
    started.set_value();
    released.wait();
  }));
  started.get_future().wait();

  EXPECT_TRUE(pool->submit([&ran] { ++ran; }));
  EXPECT_TRUE(pool->submit([&ran] { ++ran; }));
  EXPECT_EQ(pool->queued(), 2U);
  EXPECT_FALSE(pool->submit([&ran] { ran += 100; }));
  EXPECT_EQ(pool->queued(), 2U);

  release.set_value();
  pool.reset();
  EXPECT_EQ(ran, 2) << "the refused job must not run";
}

TEST(WorkerPoolTest, AJobThatThrowsDoesNotEndItsThread) {
  std::atomic<int> ran{0};
  {
    WorkerPool pool(1, 10);
    ASSERT_TRUE(pool.submit([] { throw std::runtime_error("a job's own failure"); }));
    ASSERT_TRUE(pool.submit([] { throw 42; }));
    ASSERT_TRUE(pool.submit([&ran] { ++ran; }));
  }
  EXPECT_EQ(ran, 1);
}

TEST(WorkerPoolTest, AJobMaySubmitAJob) {
  std::promise<void> inner_ran;
  WorkerPool pool(1, 10);
  ASSERT_TRUE(pool.submit(
      [&pool, &inner_ran] { ASSERT_TRUE(pool.submit([&inner_ran] { inner_ran.set_value(); })); }));
  inner_ran.get_future().wait();
}

TEST(WorkerPoolTest, AJobSubmittedWhileThePoolEndsIsRefused) {
  std::promise<bool> answer;
  std::promise<void> running;
  {
    WorkerPool pool(1, std::numeric_limits<std::size_t>::max());  // never full
    ASSERT_TRUE(pool.submit([&pool, &answer, &running] {
      running.set_value();
      // True until the destructor has begun, which it does as soon as this job runs.
      while (pool.submit([] {})) std::this_thread::yield();
      answer.set_value(true);
    }));
    running.get_future().wait();
  }
  EXPECT_TRUE(answer.get_future().get());
}

TEST(WorkerPoolTest, ZeroThreadsAreOne) {
  std::promise<void> ran;
  WorkerPool pool(0, 1);
  ASSERT_TRUE(pool.submit([&ran] { ran.set_value(); }));
  ran.get_future().wait();
}

TEST(WorkerPoolTest, WhatAJobHoldsIsReleasedWhenItHasRun) {
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  std::promise<void> next_ran;
  WorkerPool pool(1, 10);
  ASSERT_TRUE(pool.submit([held] {}));
  held.reset();
  ASSERT_TRUE(pool.submit([&next_ran] { next_ran.set_value(); }));
  next_ran.get_future().wait();

  EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace portcullis::runtime
