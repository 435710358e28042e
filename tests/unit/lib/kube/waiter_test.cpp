#include "lib/kube/waiter.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace portcullis::kube {
namespace {

TEST(RealWaiterTest, ComesBackWhenTheTimeIsOver) {
  const auto start = std::chrono::steady_clock::now();
  real_waiter().wait(std::chrono::milliseconds(5), {});
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(5));
}

TEST(RealWaiterTest, AStopEndsTheWait) {
  std::stop_source source;
  // Would hang for a day without the stop.
  std::jthread waiter(
      [token = source.get_token()] { real_waiter().wait(std::chrono::hours(24), token); });
  source.request_stop();
  waiter.join();
  real_waiter().wait(std::chrono::hours(24), source.get_token());
}

}  // namespace
}  // namespace portcullis::kube
