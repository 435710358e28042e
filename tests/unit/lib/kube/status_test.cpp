#include "lib/kube/status.hpp"

#include <gmock/gmock.h>

#include "lib/codec/json.hpp"
#include "lib/kube/client.hpp"
#include "tests/fakes/fake_api_server.hpp"

namespace portcullis::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::status_response;

// Each way for the API server to say no is one row: the code is what callers act on.
TEST(DecodeStatusTest, EveryAnswerHasItsCode) {
  struct Case {
    int status;
    ErrorCode code;
  };
  const Case cases[] = {
      {400, ErrorCode::kInvalidArgument},
      {401, ErrorCode::kPermissionDenied},
      {403, ErrorCode::kPermissionDenied},
      {404, ErrorCode::kNotFound},
      {405, ErrorCode::kInvalidArgument},
      {409, ErrorCode::kConflict},
      {410, ErrorCode::kGone},
      {413, ErrorCode::kInvalidArgument},
      {415, ErrorCode::kInvalidArgument},
      {422, ErrorCode::kInvalidArgument},
      {429, ErrorCode::kResourceExhausted},
      {500, ErrorCode::kUnavailable},
      {502, ErrorCode::kUnavailable},
      {503, ErrorCode::kUnavailable},
      {504, ErrorCode::kDeadlineExceeded},
      {302, ErrorCode::kInvalidArgument},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.status);
    const auto error = decode_status(status_response(test.status, "Some", "it says why"));
    EXPECT_EQ(error.code(), test.code);
    EXPECT_EQ(error.message(), "it says why");
  }
}

TEST(DecodeStatusTest, BodiesThatAreNoStatusStillGiveAMessage) {
  for (const char* body :
       {"", "<html>bad gateway</html>", "[]", "{\"kind\":\"Pod\"}", "{\"kind\":"}) {
    SCOPED_TRACE(body);
    const auto error = decode_status({502, {}, body});
    EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
    EXPECT_THAT(error.message(), HasSubstr("502"));
  }
}

TEST(DecodeStatusTest, MembersOfAWrongTypeAreAsAbsent) {
  const auto error = decode_status(
      {503,
       {},
       R"({"kind":"Status","message":7,"details":{"causes":[1,{"reason":2}],"retryAfterSeconds":"x"}})"});
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(error.retry_after());
}

TEST(DecodeStatusTest, RetryAfterComesFromTheHeaderOrTheDetails) {
  struct Case {
    const char* header;
    const char* details;
    std::optional<std::chrono::seconds> expected;
  };
  const Case cases[] = {
      {"7", "{}", std::chrono::seconds(7)},
      {"", R"({"retryAfterSeconds":9})", std::chrono::seconds(9)},
      {"7", R"({"retryAfterSeconds":9})", std::chrono::seconds(7)},
      {"0", "{}", std::chrono::seconds(0)},
      {"", "{}", std::nullopt},
      {"soon", "{}", std::nullopt},
      {"-1", "{}", std::nullopt},
      {"99999", "{}", std::nullopt},
      {"Wed, 21 Oct 2026 07:28:00 GMT", "{}", std::nullopt},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(std::string(test.header) + " " + test.details);
    http::Response response{
        429, {}, std::string(R"({"kind":"Status","details":)") + test.details + "}"};
    if (*test.header) response.headers["Retry-After"] = test.header;
    EXPECT_EQ(decode_status(response).retry_after(), test.expected);
  }
}

TEST(DecodeRefusalTest, TooLargeAVersionIsToldApart) {
  const auto too_large = decode_refusal(http::Response{
      504,
      {},
      R"({"kind":"Status","reason":"Timeout","details":{"causes":[{"reason":"ResourceVersionTooLarge"}]}})"});
  EXPECT_TRUE(too_large.version_too_large);
  EXPECT_FALSE(decode_refusal(status_response(504, "Timeout", "slow")).version_too_large);
}

TEST(DecodeRefusalTest, AnErrorEventWithoutASensibleCodeIsTheServersFault) {
  for (const auto& status :
       {codec::Json{{"code", 200}}, codec::Json{{"code", "x"}}, codec::Json(7)}) {
    EXPECT_EQ(decode_refusal(status).error.code(), ErrorCode::kUnavailable) << status;
  }
  EXPECT_EQ(decode_refusal(codec::Json{{"code", 410}}).error.code(), ErrorCode::kGone);
}

TEST(DecodeStatusTest, LongMessagesAreCut) {
  const auto error = decode_status(status_response(422, "Invalid", std::string(100'000, 'x')));
  EXPECT_EQ(error.message().size(), 1024U);
}

TEST(ParseWarningsTest, TakesEveryWarning299) {
  EXPECT_THAT(parse_warnings(R"(299 - "unknown field \"x\", dropped")"),
              ElementsAre("unknown field \"x\", dropped"));
  EXPECT_THAT(parse_warnings(R"(299 - "one", 299 - "two")"), ElementsAre("one", "two"));
  EXPECT_THAT(parse_warnings(R"(110 - "stale", 299 - "two")"), ElementsAre("two"));
  EXPECT_THAT(parse_warnings("299 - nothing quoted"), IsEmpty());
  EXPECT_THAT(parse_warnings(R"(299 - "never closed)"), ElementsAre("never closed"));
  EXPECT_THAT(parse_warnings(""), IsEmpty());
}

TEST(ParseListTest, ItemsGetTheKindThatListsLeaveOut) {
  const auto page = parse_list(
      R"({"metadata":{"resourceVersion":"5","continue":"next"},
          "items":[{"metadata":{"name":"a","managedFields":[{}]}},{"kind":"Own","apiVersion":"x/v1","metadata":{}}]})",
      kPods);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->resource_version, "5");
  EXPECT_EQ(page->next, "next");
  EXPECT_EQ(page->items[0],
            (codec::Json{{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", {{"name", "a"}}}}));
  EXPECT_EQ(page->items[1]["kind"], "Own");
}

TEST(ParseListTest, NoItemsMayBeNull) {
  const auto page = parse_list(R"({"metadata":{"resourceVersion":"5"},"items":null})", kPods);
  ASSERT_TRUE(page);
  EXPECT_THAT(page->items, IsEmpty());
}

TEST(ParseListTest, WhatIsNoListIsRefused) {
  for (const char* body :
       {"", "{}", "[]", "{\"items\":[]}", R"({"metadata":{},"items":{}})",
        R"({"metadata":{},"items":[1]})", R"({"metadata":{"resourceVersion":"5"},"items":[)"}) {
    EXPECT_FALSE(parse_list(body, kPods)) << body;
  }
}

}  // namespace
}  // namespace portcullis::kube
