#include "lib/kube/backoff.hpp"

#include <gtest/gtest.h>

namespace portcullis::kube {
namespace {

using std::chrono::milliseconds;

class ReflectorBackoffTest : public ::testing::Test {
 protected:
  std::mt19937_64 random_{1};
  ReflectorBackoff backoff_{random_};
  ReflectorBackoff::TimePoint now_{std::chrono::hours(1)};
};

TEST_F(ReflectorBackoffTest, DoublesUpToThirtySecondsWithAsMuchAgainAtRandom) {
  for (const int base : {800, 1600, 3200, 6400, 12'800, 25'600, 30'000, 30'000}) {
    const auto delay = backoff_.next(now_);
    EXPECT_GE(delay, milliseconds(base));
    EXPECT_LE(delay, milliseconds(2 * base));
    now_ += delay;
  }
}

TEST_F(ReflectorBackoffTest, TwoQuietMinutesStartItAnew) {
  for (int i = 0; i < 6; ++i) backoff_.next(now_);
  now_ += std::chrono::seconds(121);
  EXPECT_LE(backoff_.next(now_), milliseconds(1600));
}

TEST_F(ReflectorBackoffTest, ResetStartsItAnew) {
  for (int i = 0; i < 6; ++i) backoff_.next(now_);
  backoff_.reset();
  EXPECT_LE(backoff_.next(now_), milliseconds(1600));
}

TEST_F(ReflectorBackoffTest, TheRandomPartDiffers) {
  const auto first = backoff_.next(now_);
  backoff_.reset();
  EXPECT_NE(backoff_.next(now_), first);
}

}  // namespace
}  // namespace portcullis::kube
