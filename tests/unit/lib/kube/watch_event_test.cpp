#include "lib/kube/watch_event.hpp"

#include <gtest/gtest.h>

namespace portcullis::kube {
namespace {

TEST(WatchEventTest, ReadsEachType) {
  struct Case {
    const char* name;
    WatchEvent::Type type;
  };
  using enum WatchEvent::Type;
  for (const auto& [name, type] : {Case{"ADDED", kAdded}, Case{"MODIFIED", kModified},
                                   Case{"DELETED", kDeleted}, Case{"BOOKMARK", kBookmark}}) {
    const auto event = parse_watch_event(
        std::string(R"({"type":")") + name +
        R"(","object":{"metadata":{"resourceVersion":"7","managedFields":[1]}}})");
    ASSERT_TRUE(event) << name;
    EXPECT_EQ(event->type, type);
    EXPECT_EQ(event->resource_version, "7");
    EXPECT_FALSE(event->initial_events_end);
    EXPECT_FALSE(event->object["metadata"].contains("managedFields"));
  }
}

TEST(WatchEventTest, OneBookmarkEndsTheInitialEvents) {
  const auto event = parse_watch_event(
      R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7",
          "annotations":{"k8s.io/initial-events-end":"true"}}}})");
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->initial_events_end);
}

TEST(WatchEventTest, AnErrorBringsItsStatus) {
  const auto event = parse_watch_event(R"({"type":"ERROR","object":{"kind":"Status","code":410}})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->type, WatchEvent::Type::kError);
  EXPECT_EQ(event->object["code"], 410);
}

TEST(WatchEventTest, ANewTypeIsUnknownNotWrong) {
  const auto event = parse_watch_event(R"({"type":"RENAMED","object":{}})");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->type, WatchEvent::Type::kUnknown);
}

TEST(WatchEventTest, WhatNoServerSendsIsRefused) {
  for (const char* line :
       {"", "x", "null", "[]", "{}", R"({"type":"ADDED"})", R"({"object":{}})",
        R"({"type":1,"object":{}})", R"({"type":"ADDED","object":[]})",
        R"({"type":"ADDED","object":{}})", R"({"type":"ADDED","object":{"metadata":7}})",
        R"({"type":"ADDED","object":{"metadata":{"resourceVersion":7}}})",
        R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"7"}}}{)",
        R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"7"})", "\xff"}) {
    const auto event = parse_watch_event(line);
    ASSERT_FALSE(event) << line;
    EXPECT_EQ(event.error().code(), ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace portcullis::kube
