#include "lib/base/guarded.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace portcullis {
namespace {

TEST(GuardedTest, IsBuiltFromTheArgumentsOfItsValue) {
  const Guarded<std::string> text(std::size_t{3}, 'x');
  const Guarded<int> number;

  EXPECT_EQ(text.copy(), "xxx");
  EXPECT_EQ(number.copy(), 0);
}

TEST(GuardedTest, WithReachesTheValueAndGivesBackWhatItsFunctionGives) {
  Guarded<std::vector<int>> numbers;

  numbers.with([](auto& value) { value.push_back(7); });

  EXPECT_EQ(numbers.with([](const auto& value) { return value.size(); }), 1U);
  const auto& constant = numbers;
  EXPECT_EQ(constant.with([](const std::vector<int>& value) { return value.front(); }), 7);
}

TEST(GuardedTest, SetReplacesASnapshotWhileReadersKeepTheirs) {
  Guarded<std::shared_ptr<const int>> snapshot(std::make_shared<const int>(1));
  const auto old = snapshot.copy();

  snapshot.set(std::make_shared<const int>(2));

  EXPECT_EQ(*old, 1);
  EXPECT_EQ(*snapshot.copy(), 2);
}

/// Reaches for the guard in its destructor: a deadlock if that ran under the lock.
struct Reentrant {
  Guarded<std::shared_ptr<Reentrant>>* owner = nullptr;
  ~Reentrant() {
    if (owner != nullptr) (void)owner->copy();
  }
};

TEST(GuardedTest, TheOldValueDiesAfterTheLockIsGone) {
  Guarded<std::shared_ptr<Reentrant>> guarded;
  auto value = std::make_shared<Reentrant>();
  value->owner = &guarded;
  guarded.set(std::move(value));

  guarded.set(nullptr);

  EXPECT_EQ(guarded.copy(), nullptr);
}

TEST(GuardedTest, ManyThreadsLoseNoChange) {
  Guarded<int> sum(0);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&sum] {
      for (int j = 0; j < 5000; ++j) sum.with([](int& value) { ++value; });
    });
  }
  for (auto& thread : threads) thread.join();

  EXPECT_EQ(sum.copy(), 20'000);
}

}  // namespace
}  // namespace portcullis
