#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/codec/encoding.hpp"

namespace portcullis::codec {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using ::testing::HasSubstr;

constexpr Time kSecondOfJanuary = sys_days(std::chrono::year(2026) / 1 / 2) + 3h + 4min + 5s;

TEST(ParseRfc3339Test, ReadsDateTimesWithAnyOffset) {
  struct Case {
    const char* text;
    Time time;
  };
  const Case cases[] = {
      {"2026-01-02T03:04:05Z", kSecondOfJanuary},
      {"2026-01-02t03:04:05z", kSecondOfJanuary},
      {"2026-01-02T03:04:05+00:00", kSecondOfJanuary},
      {"2026-01-02T03:04:05-00:00", kSecondOfJanuary},
      {"2026-01-02T05:34:05+02:30", kSecondOfJanuary},
      {"2026-01-01T22:04:05-05:00", kSecondOfJanuary},
      {"2026-01-02T03:04:05.5Z", kSecondOfJanuary + 500ms},
      {"2026-01-02T03:04:05.123456789Z", kSecondOfJanuary + 123456789ns},
      {"2026-01-02T03:04:05.000000001+00:00", kSecondOfJanuary + 1ns},
      {"1970-01-01T00:00:00Z", Time()},
      {"1969-12-31T23:59:59.25Z", Time() - 750ms},
      {"2024-02-29T00:00:00Z", sys_days(std::chrono::year(2024) / 2 / 29)},
      {"2016-12-31T23:59:60Z", sys_days(std::chrono::year(2017) / 1 / 1) - 1s},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.text);
    const auto time = parse_rfc3339(test.text);
    ASSERT_TRUE(time) << time.error().message();
    EXPECT_EQ(*time, test.time);
  }
}

TEST(ParseRfc3339Test, TimesOutsideTheRangeBecomeItsEndsAndKeepTheirOrder) {
  const auto go_zero = parse_rfc3339("0001-01-01T00:00:00Z");
  const auto never = parse_rfc3339("9999-12-31T23:59:59.999999999Z");

  ASSERT_TRUE(go_zero);
  ASSERT_TRUE(never);
  EXPECT_LT(*go_zero, sys_days(std::chrono::year(1678) / 1 / 1));
  EXPECT_GT(*never, sys_days(std::chrono::year(2262) / 1 / 1));
  EXPECT_LT(*parse_rfc3339("0000-01-01T00:00:00+23:59"), kSecondOfJanuary);
  EXPECT_GT(*parse_rfc3339("2262-04-11T23:47:16.999999999Z"), kSecondOfJanuary);
}

TEST(ParseRfc3339Test, RefusesOtherNotations) {
  for (const char* text : {"",
                           "2026-01-02",
                           "2026-01-02T03:04:05",
                           "2026-01-02 03:04:05Z",
                           "2026-01-02T03:04Z",
                           "2026-1-2T03:04:05Z",
                           "26-01-02T03:04:05Z",
                           "2026-13-02T03:04:05Z",
                           "2026-00-02T03:04:05Z",
                           "2026-01-32T03:04:05Z",
                           "2026-01-00T03:04:05Z",
                           "2025-02-29T03:04:05Z",
                           "2026-04-31T03:04:05Z",
                           "2026-01-02T24:00:00Z",
                           "2026-01-02T03:60:05Z",
                           "2026-01-02T03:04:61Z",
                           "2026-01-02T03:04:05.Z",
                           "2026-01-02T03:04:05.1234567890Z",
                           "2026-01-02T03:04:05,5Z",
                           "2026-01-02T03:04:05+0200",
                           "2026-01-02T03:04:05+24:00",
                           "2026-01-02T03:04:05+02:60",
                           "2026-01-02T03:04:05+2:00",
                           "2026-01-02T03:04:05Zx",
                           "2026-01-02T03:04:05Z ",
                           " 2026-01-02T03:04:05Z",
                           "2026-01-02T+3:04:05Z",
                           "-026-01-02T03:04:05Z",
                           "1767323045"}) {
    SCOPED_TRACE(text);
    const auto time = parse_rfc3339(text);
    ASSERT_FALSE(time);
    EXPECT_EQ(time.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(time.error().message(), HasSubstr("RFC 3339"));
  }
}

TEST(FormatTimeTest, WritesWholeSecondsInUtc) {
  EXPECT_EQ(format_time(kSecondOfJanuary), "2026-01-02T03:04:05Z");
  EXPECT_EQ(format_time(kSecondOfJanuary + 999ms), "2026-01-02T03:04:05Z");
  EXPECT_EQ(format_time(Time()), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time(Time() - 1ns), "1969-12-31T23:59:59Z");
}

TEST(FormatTimeTest, MicroTimeAlwaysHasSixDigits) {
  EXPECT_EQ(format_micro_time(kSecondOfJanuary), "2026-01-02T03:04:05.000000Z");
  EXPECT_EQ(format_micro_time(kSecondOfJanuary + 42us), "2026-01-02T03:04:05.000042Z");
  EXPECT_EQ(format_micro_time(kSecondOfJanuary + 999999999ns), "2026-01-02T03:04:05.999999Z");
  EXPECT_EQ(format_micro_time(Time() - 1us), "1969-12-31T23:59:59.999999Z");
}

TEST(FormatTimeTest, WhatIsWrittenIsReadAgain) {
  const auto time = kSecondOfJanuary + 123456us;

  EXPECT_EQ(*parse_rfc3339(format_micro_time(time)), time);
  EXPECT_EQ(*parse_rfc3339(format_time(time)), kSecondOfJanuary);
}

TEST(DurationTest, ReadsHoursMinutesAndSeconds) {
  const std::pair<const char*, std::chrono::seconds> cases[] = {
      {"168h", 168h},    {"1h30m", 90min},   {"0s", 0s},     {"90m", 90min},
      {"1h2m3s", 3723s}, {"99999h", 99999h}, {"1s1s1s", 3s}, {"00005m", 5min},
  };
  for (const auto& [text, duration] : cases) {
    SCOPED_TRACE(text);
    const auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed) << parsed.error().message();
    EXPECT_EQ(*parsed, duration);
  }
}

TEST(DurationTest, RefusesOtherNotations) {
  for (const char* text : {"", "1", "h", "1d", "1ms", "1.5h", "-1h", "+1h", "1h ", " 1h", "1 h",
                           "100000h", "1h1m1s1s", "1H", "1h30", "1hh"}) {
    SCOPED_TRACE(text);
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(parsed.error().message(), HasSubstr("1h30m"));
  }
}

TEST(DurationTest, WritesWithoutZeroParts) {
  const std::pair<std::chrono::seconds, const char*> cases[] = {
      {0s, "0s"},     {59s, "59s"},      {60s, "1m"},     {90min, "1h30m"},
      {336h, "336h"}, {3723s, "1h2m3s"}, {3601s, "1h1s"}, {-5s, "0s"},
  };
  for (const auto& [duration, text] : cases) {
    EXPECT_EQ(format_duration(duration), text);
  }
}

}  // namespace
}  // namespace portcullis::codec
