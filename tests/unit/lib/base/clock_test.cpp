#include "lib/base/clock.hpp"

#include <gtest/gtest.h>

namespace portcullis {
namespace {

TEST(SystemClockTest, TellsTheMachinesTimes) {
  const SystemClock clock;
  const Clock& through_interface = clock;

  const auto wall_before = std::chrono::system_clock::now();
  const auto wall = through_interface.now();
  const auto wall_after = std::chrono::system_clock::now();
  EXPECT_GE(wall, wall_before);
  EXPECT_LE(wall, wall_after);

  const auto steady_before = std::chrono::steady_clock::now();
  const auto steady = through_interface.steady();
  const auto steady_after = std::chrono::steady_clock::now();
  EXPECT_GE(steady, steady_before);
  EXPECT_LE(steady, steady_after);
}

}  // namespace
}  // namespace portcullis
