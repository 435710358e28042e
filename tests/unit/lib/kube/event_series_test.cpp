#include "lib/kube/event_series.hpp"

#include <gmock/gmock.h>

#include <regex>

#include "tests/fakes/fake_clock.hpp"

namespace portcullis::kube {
namespace {

using codec::Json;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class EventSeriesTest : public ::testing::Test {
 protected:
  Occurrence occurrence(const std::string& reason = "Repaired") const {
    return {{kAIWorkloads, {"clinic", "triage"}, "uid-1", "7"},
            EventType::kNormal,
            reason,
            "Apply",
            "a NetworkPolicy was put back",
            now_};
  }

  EventSeries series_{"portcullis.dev/operator", "operator-0"};
  Time now_ = testing::FakeClock::start();
};

TEST_F(EventSeriesTest, TheFirstOccurrenceIsANewEvent) {
  const auto write = series_.add(occurrence());
  ASSERT_TRUE(write);
  EXPECT_TRUE(write->is_new);
  EXPECT_EQ(write->key.name_space, "clinic");
  const auto& event = write->event;
  EXPECT_EQ(event["apiVersion"], "events.k8s.io/v1");
  EXPECT_EQ(event["kind"], "Event");
  EXPECT_EQ(event["type"], "Normal");
  EXPECT_EQ(event["reason"], "Repaired");
  EXPECT_EQ(event["action"], "Apply");
  EXPECT_EQ(event["reportingController"], "portcullis.dev/operator");
  EXPECT_EQ(event["reportingInstance"], "operator-0");
  EXPECT_EQ(event["regarding"], (Json{{"apiVersion", "portcullis.dev/v1alpha1"},
                                      {"kind", "AIWorkload"},
                                      {"namespace", "clinic"},
                                      {"name", "triage"},
                                      {"uid", "uid-1"},
                                      {"resourceVersion", "7"}}));
  EXPECT_EQ(event["eventTime"], "2026-01-02T03:04:05.000000Z")
      << "six digits, or the server says 400";
  EXPECT_FALSE(event.contains("series"));
}

TEST_F(EventSeriesTest, TheSecondMakesASeriesOfTheSameEvent) {
  const auto first = series_.add(occurrence());
  now_ += seconds(1);
  const auto second = series_.add(occurrence());
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->is_new);
  EXPECT_EQ(second->key, first->key);
  EXPECT_EQ(second->event["series"],
            (Json{{"count", 2}, {"lastObservedTime", "2026-01-02T03:04:06.000000Z"}}));
}

TEST_F(EventSeriesTest, LaterOnesAreCountedAndWrittenEveryHalfHour) {
  series_.add(occurrence());
  series_.add(occurrence());
  for (int i = 0; i < 29; ++i) {
    now_ += minutes(1);
    EXPECT_FALSE(series_.add(occurrence()));
    EXPECT_THAT(series_.sweep(now_), IsEmpty());
  }
  now_ += minutes(1);
  const auto writes = series_.sweep(now_);
  ASSERT_THAT(writes, SizeIs(1));
  EXPECT_EQ(writes[0].event["series"]["count"], 31);
  EXPECT_THAT(series_.sweep(now_), IsEmpty()) << "it is up to date";
}

TEST_F(EventSeriesTest, SixQuietMinutesEndTheSeriesWithItsLastCount) {
  series_.add(occurrence());
  series_.add(occurrence());
  series_.add(occurrence());
  now_ += minutes(6);
  const auto writes = series_.sweep(now_);
  ASSERT_THAT(writes, SizeIs(1));
  EXPECT_EQ(writes[0].event["series"]["count"], 3);
  EXPECT_TRUE(series_.add(occurrence())->is_new);
}

TEST_F(EventSeriesTest, AnEventThatStayedAloneEndsWithoutAWrite) {
  series_.add(occurrence());
  now_ += minutes(6);
  EXPECT_THAT(series_.sweep(now_), IsEmpty());
  EXPECT_TRUE(series_.add(occurrence())->is_new);
}

TEST_F(EventSeriesTest, WhatDiffersIsAnotherEventWithAnotherName) {
  const auto first = series_.add(occurrence());
  auto other = occurrence("Tampered");
  const auto second = series_.add(other);
  other.regarding.uid = "uid-2";
  const auto third = series_.add(other);
  other.type = EventType::kWarning;
  const auto fourth = series_.add(other);
  for (const auto& write : {second, third, fourth}) {
    ASSERT_TRUE(write && write->is_new);
    EXPECT_NE(write->key, first->key) << "though all are of the same moment";
  }
  EXPECT_NE(second->key, third->key);
  EXPECT_EQ(fourth->event["type"], "Warning");
}

TEST_F(EventSeriesTest, AnotherNoteIsTheSameEvent) {
  series_.add(occurrence());
  auto again = occurrence();
  again.note = "a Secret was put back";
  EXPECT_FALSE(series_.add(again)->is_new);
}

TEST_F(EventSeriesTest, ClusterScopedObjectsHaveTheirEventsInDefault) {
  auto about = occurrence();
  about.regarding = {kTrustPolicies, {"", "ours"}, "", ""};
  const auto write = series_.add(about);
  EXPECT_EQ(write->key.name_space, "default");
  EXPECT_FALSE(write->event["regarding"].contains("namespace"));
  EXPECT_FALSE(write->event["regarding"].contains("uid"));
}

TEST_F(EventSeriesTest, EveryNameIsOneThatTheServerTakes) {
  const std::regex valid("[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");
  for (const auto& name : {std::string("triage"), std::string("system:reader"), std::string("A_b"),
                           std::string(253, 'x'), std::string("x."), std::string(":")}) {
    auto about = occurrence();
    about.regarding.key.name = name;
    const auto write = series_.add(about);
    EXPECT_LE(write->key.name.size(), 253U);
    EXPECT_TRUE(std::regex_match(write->key.name, valid)) << write->key.name;
  }
}

TEST_F(EventSeriesTest, LongTextIsCutBetweenCharacters) {
  auto about = occurrence(std::string(200, 'r'));
  about.action = std::string(200, 'a');
  about.note = std::string(1023, 'n') + "é and more";
  const auto write = series_.add(about);
  EXPECT_EQ(write->event["reason"].get<std::string>().size(), 128U);
  EXPECT_EQ(write->event["action"].get<std::string>().size(), 128U);
  EXPECT_EQ(write->event["note"], std::string(1023, 'n'));
}

TEST_F(EventSeriesTest, MemoryIsBounded) {
  for (int i = 0; i < 5000; ++i) {
    auto about = occurrence();
    about.regarding.key.name = "w" + std::to_string(i);
    EXPECT_TRUE(series_.add(about)->is_new);
  }
  EXPECT_FALSE(series_
                   .add([&] {
                     auto about = occurrence();
                     about.regarding.key.name = "w0";
                     return about;
                   }())
                   ->is_new);
  auto beyond = occurrence();
  beyond.regarding.key.name = "w4999";
  EXPECT_TRUE(series_.add(beyond)->is_new) << "not remembered, so not a series";
}

}  // namespace
}  // namespace portcullis::kube
