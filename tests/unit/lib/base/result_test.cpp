#include "lib/base/result.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace portcullis {
namespace {

using namespace std::chrono_literals;

constexpr ErrorCode kAllCodes[] = {
    ErrorCode::kInvalidArgument,  ErrorCode::kNotFound,
    ErrorCode::kConflict,         ErrorCode::kGone,
    ErrorCode::kPermissionDenied, ErrorCode::kResourceExhausted,
    ErrorCode::kUnavailable,      ErrorCode::kDeadlineExceeded,
    ErrorCode::kInternal,
};

Result<int> half(int number) {
  if (number % 2 != 0) return Error(ErrorCode::kInvalidArgument, "an odd number");
  return number / 2;
}

Result<int> quarter(int number) {
  const int once = TRY(half(number));
  return TRY(half(once));
}

Result<void> check_even(int number) {
  TRY_VOID(half(number));
  return {};
}

TEST(ErrorCodeTest, EveryCodeHasItsOwnName) {
  std::vector<std::string_view> names;
  for (const auto code : kAllCodes) {
    EXPECT_FALSE(to_string(code).empty());
    for (const auto name : names) EXPECT_NE(name, to_string(code));
    names.push_back(to_string(code));
  }
  EXPECT_EQ(to_string(ErrorCode::kDeadlineExceeded), "DeadlineExceeded");
}

TEST(ErrorCodeTest, OnlyWhatMayPassByItselfIsTransient) {
  std::string transient;
  for (const auto code : kAllCodes) {
    if (is_transient(code)) transient += std::string(to_string(code)) + " ";
  }
  EXPECT_EQ(transient, "Conflict Gone ResourceExhausted Unavailable DeadlineExceeded ");
}

TEST(ErrorTest, ContextGoesInFrontOfTheMessageAndKeepsTheRest) {
  const auto error = Error(ErrorCode::kResourceExhausted, "429")
                         .with_retry_after(7s)
                         .with_context("manifest of a:b")
                         .with_context("pod x");

  EXPECT_EQ(error.message(), "pod x: manifest of a:b: 429");
  EXPECT_EQ(error.code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(error.retry_after(), 7s);
}

TEST(ErrorTest, HasNoRetryAfterUnlessTheServerSaidOne) {
  EXPECT_EQ(Error(ErrorCode::kUnavailable, "x").retry_after(), std::nullopt);
}

TEST(ResultTest, HoldsAValueOrAnError) {
  const auto value = half(4);
  const auto error = half(3);

  ASSERT_TRUE(value);
  EXPECT_EQ(*value, 2);
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().message(), "an odd number");
}

TEST(ResultTest, ReadingTheValueOfAFailedResultThrows) {
  EXPECT_THROW((void)half(3).value(), tl::bad_expected_access<Error>);
}

TEST(ResultTest, CarriesValuesThatCanOnlyBeMoved) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(5); };
  const auto use = [&make]() -> Result<int> {
    const auto pointer = TRY(make());
    return *pointer;
  };

  EXPECT_EQ(*use(), 5);
}

TEST(TryTest, GivesTheValueOrReturnsTheFirstError) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(7).error().message(), "an odd number");
  EXPECT_EQ(quarter(6).error().message(), "an odd number");
}

TEST(TryTest, VoidReturnsTheErrorOrGoesOn) {
  EXPECT_TRUE(check_even(2));
  ASSERT_FALSE(check_even(1));
  EXPECT_EQ(check_even(1).error().code(), ErrorCode::kInvalidArgument);
}

TEST(TryTest, EvaluatesItsExpressionOnce) {
  int calls = 0;
  const auto count = [&calls]() -> Result<int> { return ++calls; };
  const auto use = [&count]() -> Result<int> {
    TRY_VOID(count());
    return TRY(count());
  };

  EXPECT_EQ(*use(), 2);
  EXPECT_EQ(calls, 2);
}

TEST(WithContextTest, ChangesErrorsAndLeavesValues) {
  EXPECT_EQ(*with_context(half(2), "halving"), 1);
  EXPECT_EQ(with_context(half(1), "halving").error().message(), "halving: an odd number");
}

}  // namespace
}  // namespace portcullis
