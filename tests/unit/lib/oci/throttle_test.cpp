#include "lib/oci/throttle.hpp"

#include <gtest/gtest.h>

#include "tests/fakes/fake_clock.hpp"

namespace portcullis::oci {
namespace {

using namespace std::chrono_literals;

class ThrottleTest : public ::testing::Test {
 protected:
  bool admitted(const std::string& host = "a.test", double rate = 0) {
    return throttle_.admit(host, rate, Deadline::after(0ms)).has_value();
  }
  void fail(ErrorCode code, const std::string& host = "a.test") {
    throttle_.failed(host, Error(code, "it answered 503"));
  }

  testing::FakeClock clock_;
  Throttle throttle_{clock_};
};

TEST_F(ThrottleTest, OneFailureIsForgiven) {
  fail(ErrorCode::kUnavailable);
  EXPECT_TRUE(admitted());
}

TEST_F(ThrottleTest, TheSecondFailureInARowHoldsRequestsBackForOneToTwoSeconds) {
  fail(ErrorCode::kUnavailable);
  fail(ErrorCode::kUnavailable);

  const auto held = throttle_.admit("a.test", 0, Deadline::after(0ms));
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code(), ErrorCode::kUnavailable);
  EXPECT_NE(held.error().message().find("it answered 503"), std::string::npos);
  clock_.advance(999ms);
  EXPECT_FALSE(admitted());
  clock_.advance(1001ms);
  EXPECT_TRUE(admitted());
}

TEST_F(ThrottleTest, TooManyRequestsHoldsBackAtOnce) {
  fail(ErrorCode::kResourceExhausted);
  EXPECT_FALSE(admitted());
  clock_.advance(1s);
  EXPECT_TRUE(admitted());
}

TEST_F(ThrottleTest, ThePauseGrowsToFiveSecondsAndNoFurther) {
  for (int i = 0; i < 20; ++i) fail(ErrorCode::kUnavailable);
  clock_.advance(3749ms);  // 5 s less a quarter at most
  EXPECT_FALSE(admitted());
  clock_.advance(1251ms);
  EXPECT_TRUE(admitted());
}

TEST_F(ThrottleTest, ASuccessForgetsFailures) {
  fail(ErrorCode::kUnavailable);
  throttle_.succeeded("a.test");
  fail(ErrorCode::kUnavailable);
  EXPECT_TRUE(admitted());
}

TEST_F(ThrottleTest, HostsDoNotSufferForEachOther) {
  fail(ErrorCode::kResourceExhausted);
  EXPECT_TRUE(admitted("b.test"));
}

TEST_F(ThrottleTest, WhatIsNotTransientIsNoFailureOfTheHost) {
  for (const auto code : {ErrorCode::kPermissionDenied, ErrorCode::kNotFound,
                          ErrorCode::kInvalidArgument, ErrorCode::kInternal}) {
    fail(code);
    fail(code);
    EXPECT_TRUE(admitted()) << to_string(code);
  }
}

TEST_F(ThrottleTest, TheRateLeavesNoRoomForMoreThanItSays) {
  EXPECT_TRUE(admitted("a.test", 2));
  const auto held = throttle_.admit("a.test", 2, Deadline::after(0ms));
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code(), ErrorCode::kResourceExhausted);
  clock_.advance(500ms);
  EXPECT_TRUE(admitted("a.test", 2));
}

TEST_F(ThrottleTest, ARequestWaitsForItsTurn) {
  EXPECT_TRUE(admitted("a.test", 1000));
  EXPECT_TRUE(throttle_.admit("a.test", 1000, Deadline::after(10s)));
}

TEST_F(ThrottleTest, WhatIsKeptAboutHostsIsBounded) {
  fail(ErrorCode::kResourceExhausted, "first.test");
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(admitted("h" + std::to_string(i)));
  // A host that is held back outlives those that are not.
  EXPECT_FALSE(admitted("first.test"));
}

}  // namespace
}  // namespace portcullis::oci
