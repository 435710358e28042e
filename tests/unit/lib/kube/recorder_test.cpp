#include "lib/kube/recorder.hpp"

#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>

#include "tests/fakes/fake_api_server.hpp"
#include "tests/fakes/fake_waiter.hpp"

namespace portcullis::kube {
namespace {

using ::testing::SizeIs;
using testing::status_response;

class RecorderTest : public ::testing::Test {
 protected:
  std::unique_ptr<Recorder> create() {
    return make_recorder(client_, "portcullis.dev/operator", "operator-0", clock_, waiter_);
  }
  static Regarding workload(const std::string& name = "triage") {
    return {kAIWorkloads, {"clinic", name}, "uid-1", ""};
  }
  static void repaired(Recorder& recorder, const std::string& name = "triage") {
    recorder.record(workload(name), EventType::kNormal, "Repaired", "Apply", "put back");
  }
  /// Holds every request back until open().
  void close_gate() {
    server_.on("", "", [this](const http::Request&) -> testing::Outcome {
      std::unique_lock lock(mutex_);
      arrived_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return open_; });
      return status_response(201, "", "");
    });
  }
  void wait_until_arrived() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return arrived_; });
  }
  void open_gate() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

  testing::FakeClock clock_;
  testing::FakeApiServer server_{clock_};
  testing::FakeWaiter waiter_{clock_};
  Client client_{server_, "test", waiter_};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool arrived_ = false;
  bool open_ = false;
};

TEST_F(RecorderTest, WritesAnEvent) {
  repaired(*create());  // The destructor sees to what waits.
  const auto events = server_.list(kEvents);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0]["regarding"]["name"], "triage");
  EXPECT_EQ(events[0]["note"], "put back");
}

TEST_F(RecorderTest, ARepeatedEventBecomesASeries) {
  {
    const auto recorder = create();
    for (int i = 0; i < 5; ++i) repaired(*recorder);
  }
  const auto events = server_.list(kEvents);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0]["series"]["count"], 2) << "written once; the rest is only counted for now";
  EXPECT_THAT(server_.requests(), SizeIs(2));
}

TEST_F(RecorderTest, ASeriesWhoseEventIsForgottenBeginsANewEvent) {
  {
    const auto recorder = create();
    repaired(*recorder);
    ASSERT_TRUE(server_.wait_for_requests("POST", "/events", 1));
    server_.remove(kEvents, api::parse_meta(server_.list(kEvents)[0]).key);
    repaired(*recorder);
  }
  const auto events = server_.list(kEvents);
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0]["series"]["count"], 2);
}

TEST_F(RecorderTest, AServerThatIsAwayIsTriedAgain) {
  server_.fail_next("POST", "", Error(ErrorCode::kUnavailable, "connection refused"), 3);
  const auto recorder = create();
  repaired(*recorder);
  ASSERT_TRUE(server_.wait_for_requests("POST", "/events", 4));
  EXPECT_THAT(server_.list(kEvents), SizeIs(1));
  EXPECT_THAT(waiter_.waits(), ::testing::Each(std::chrono::milliseconds(10'000)));
  EXPECT_THAT(waiter_.waits(), SizeIs(3));
}

TEST_F(RecorderTest, AfterTwelveTriesAnEventIsGivenUp) {
  server_.fail_next("POST", "", Error(ErrorCode::kUnavailable, "connection refused"), 12);
  const auto recorder = create();
  repaired(*recorder, "lost");
  repaired(*recorder, "kept");
  ASSERT_TRUE(server_.wait_for_requests("POST", "/events", 13));
  ASSERT_THAT(server_.list(kEvents), SizeIs(1));
  EXPECT_EQ(server_.list(kEvents)[0]["regarding"]["name"], "kept");
}

TEST_F(RecorderTest, ARefusedEventIsNotTriedAgain) {
  server_.fail_next("POST", "", status_response(403, "Forbidden", "no"));
  const auto recorder = create();
  repaired(*recorder, "refused");
  repaired(*recorder, "kept");
  ASSERT_TRUE(server_.wait_for_requests("POST", "/events", 2));
  ASSERT_THAT(server_.list(kEvents), SizeIs(1));
  EXPECT_EQ(server_.list(kEvents)[0]["regarding"]["name"], "kept");
}

TEST_F(RecorderTest, AFullQueueDropsAndCountsAndNeverBlocks) {
  close_gate();
  const auto recorder = create();
  repaired(*recorder, "first");
  wait_until_arrived();
  for (int i = 0; i < 1010; ++i) repaired(*recorder, "w" + std::to_string(i));
  EXPECT_EQ(recorder->dropped(), 10U);
  open_gate();
}

}  // namespace
}  // namespace portcullis::kube
