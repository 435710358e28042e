#include "lib/base/deadline.hpp"

#include <gtest/gtest.h>

namespace portcullis {
namespace {

using namespace std::chrono_literals;

TEST(DeadlineTest, IsExpiredWhenNoTimeIsLeft) {
  for (const auto budget : {0ms, -1ms, -1'000'000ms}) {
    const auto deadline = Deadline::after(budget);
    EXPECT_TRUE(deadline.expired());
    EXPECT_EQ(deadline.remaining(), 0ms) << "never negative";
  }
}

TEST(DeadlineTest, TimeLeftIsAtMostTheBudget) {
  const auto deadline = Deadline::after(1h);

  EXPECT_FALSE(deadline.expired());
  EXPECT_GT(deadline.remaining(), 0ms);
  EXPECT_LE(deadline.remaining(), 1h);
}

TEST(DeadlineTest, ItsMomentIsTheBudgetFromNow) {
  const auto before = Deadline::Clock::now();
  const auto deadline = Deadline::after(1h);
  const auto after = Deadline::Clock::now();

  EXPECT_GE(deadline.at(), before + 1h);
  EXPECT_LE(deadline.at(), after + 1h);
}

TEST(DeadlineTest, AtMostOnlyShortens) {
  const auto deadline = Deadline::after(1h);

  EXPECT_EQ(deadline.at_most(2h).at(), deadline.at());
  EXPECT_LT(deadline.at_most(1min).at(), deadline.at());
  EXPECT_LE(deadline.at_most(1min).remaining(), 1min);
  EXPECT_TRUE(deadline.at_most(0ms).expired());
  EXPECT_TRUE(Deadline::after(0ms).at_most(1h).expired()) << "a spent deadline stays spent";
}

}  // namespace
}  // namespace portcullis
