#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

#include "lib/evidence/flights.hpp"
#include "lib/evidence/lru_cache.hpp"
#include "lib/evidence/parallel.hpp"

namespace portcullis::evidence {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const int> value(int number) { return std::make_shared<const int>(number); }

TEST(LruCacheTest, TheLeastRecentlyUsedGoesFirst) {
  LruCache<int> cache(2 * (200 + 1 + 100));
  cache.put("a", value(1), 100);
  cache.put("b", value(2), 100);
  EXPECT_EQ(*cache.get("a"), 1);
  cache.put("c", value(3), 100);
  EXPECT_EQ(cache.get("b"), nullptr);
  EXPECT_EQ(*cache.get("a"), 1);
  EXPECT_EQ(*cache.get("c"), 3);
}

TEST(LruCacheTest, ReplacingCountsOnce) {
  LruCache<int> cache(10'000);
  cache.put("a", value(1), 100);
  const auto bytes = cache.bytes();
  cache.put("a", value(2), 100);
  EXPECT_EQ(cache.bytes(), bytes);
  EXPECT_EQ(*cache.get("a"), 2);
}

TEST(LruCacheTest, NeverHoldsMoreThanItMay) {
  LruCache<int> cache(5'000);
  const auto held = value(0);
  cache.put("held", held, 100);
  for (int i = 0; i < 1'000; ++i) {
    cache.put(std::to_string(i), value(i), static_cast<std::size_t>(i));
    ASSERT_LE(cache.bytes(), 5'000U);
  }
  cache.put("large", value(1), 5'000);
  EXPECT_EQ(cache.get("large"), nullptr);
  EXPECT_EQ(*held, 0);
}

TEST(FlightsTest, WhoComesSecondWaitsForTheFirst) {
  Flights<int> flights;
  const auto [first, is_mine] = flights.join("key");
  EXPECT_TRUE(is_mine);
  const auto [second, also_mine] = flights.join("key");
  EXPECT_FALSE(also_mine);
  EXPECT_TRUE(flights.join("other").second);

  EXPECT_FALSE(second->wait(Deadline::after(0ms)));
  flights.finish("key", 7);
  EXPECT_EQ(second->wait(Deadline::after(0ms)).value(), 7);
  EXPECT_TRUE(flights.join("key").second);  // over: a new one begins
}

TEST(FlightsTest, AnExceptionIsAnErrorForAll) {
  Flights<int> flights;
  const auto result = flights.run("key", Deadline::after(1s),
                                  []() -> Result<int> { throw std::runtime_error("bug"); });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kInternal);
  EXPECT_EQ(flights.run("key", Deadline::after(1s), []() -> Result<int> { return 1; }), 1);
}

TEST(FlightsTest, WaitingEndsAtTheDeadline) {
  Flights<int> flights;
  flights.join("key");
  const auto result = flights.run("key", Deadline::after(1ms), []() -> Result<int> { return 1; });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kDeadlineExceeded);
}

TEST(ParallelTest, EachIndexIsDoneOnce) {
  runtime::WorkerPool pool(4, 100);
  for (const std::size_t count : {0U, 1U, 2U, 50U}) {
    std::vector<std::atomic<int>> done(count);
    parallel(pool, count, [&](std::size_t i) { ++done[i]; });
    for (const auto& times : done) EXPECT_EQ(times, 1);
  }
}

TEST(ParallelTest, AJobMayCallItWhenNoThreadIsLeft) {
  std::atomic<int> done{0};
  {
    runtime::WorkerPool pool(1, 100);
    ASSERT_TRUE(pool.submit([&] { parallel(pool, 10, [&](std::size_t) { ++done; }); }));
  }
  EXPECT_EQ(done, 10);
}

TEST(ParallelTest, AnExceptionComesBackAfterAllAreDone) {
  runtime::WorkerPool pool(2, 100);
  std::atomic<int> done{0};
  EXPECT_THROW(parallel(pool, 10,
                        [&](std::size_t i) {
                          ++done;
                          if (i % 2 == 0) throw std::runtime_error("bug");
                        }),
               std::runtime_error);
  EXPECT_EQ(done, 10);
}

}  // namespace
}  // namespace portcullis::evidence
