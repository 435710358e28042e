#include <gmock/gmock.h>

#include "tests/unit/lib/kube/reflector_fixture.hpp"

// What a watch may meet once everything is known: nothing is lost, and nothing is listed
// needlessly.
namespace portcullis::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::SizeIs;
using testing::status_response;

class WatchTest : public ReflectorFixture {
 protected:
  WatchTest() : ReflectorFixture(paged_lists()) {
    put("a");
    step();
  }
  ReflectorState next_after_wait() {
    EXPECT_TRUE(std::holds_alternative<Waiting>(state_));
    return step();
  }
};

/// Gives fixed lines instead of what the server would stream, once.
class ScriptedStream final : public http::KubeTransport {
 public:
  explicit ScriptedStream(http::KubeTransport& behind) : behind_(behind) {}

  Result<http::Response> send(const http::Request& request, Deadline deadline) override {
    return behind_.send(request, deadline);
  }
  Result<http::Response> stream(const http::Request& request, std::chrono::milliseconds idle,
                                std::stop_token stop, const LineSink& sink) override {
    requests.push_back(request);
    if (lines.empty()) return behind_.stream(request, idle, std::move(stop), sink);
    for (const auto& line : std::exchange(lines, {})) {
      if (!sink(line)) break;
    }
    return http::Response{200, {}, ""};
  }

  std::vector<std::string> lines;
  std::vector<http::Request> requests;

 private:
  http::KubeTransport& behind_;
};

class ScriptedWatchTest : public WatchTest {
 protected:
  ScriptedWatchTest() {
    machine_ = std::make_unique<ReflectorMachine>(
        ReflectorMachine::Parts{stream_, sink_, clock_, waiter_}, kConfigMaps, paged_lists());
    state_ = Listing{};
    step();
  }
  std::string last_version() const {
    return http::query_value(stream_.requests.back().target, "resourceVersion");
  }

  ScriptedStream stream_{server_};
};

TEST_F(WatchTest, AWatchThatTheServerEndsInTimeGoesOnAtOnceWithoutAList) {
  server_.on("WATCH", "", [&](const auto&) {
    clock_.advance(seconds(400));
    return http::Response{200, {}, ""};
  });
  EXPECT_EQ(step(), ReflectorState(Watching{}));
  EXPECT_EQ(step(), ReflectorState(Watching{}));
  EXPECT_EQ(machine_->counters().lists, 1U);
  EXPECT_TRUE(waiter_.waits().empty());
}

TEST_F(WatchTest, AWatchThatEndsAtOnceIsNotAskedForAgainAtOnce) {
  server_.fail_next("WATCH", "", http::Response{200, {}, ""});
  step();
  EXPECT_EQ(next_after_wait(), ReflectorState(Watching{}));
  EXPECT_GE(waiter_.waits()[0], milliseconds(800));
}

TEST_F(WatchTest, ThrottledItWaitsAndWatchesAgain) {
  server_.fail_next("WATCH", "",
                    status_response(429, "TooManyRequests", "busy", {{"Retry-After", "11"}}));
  put("b");
  step();
  EXPECT_GE(std::get<Waiting>(state_).delay, seconds(11));
  EXPECT_EQ(next_after_wait(), ReflectorState(Watching{}));
  step();
  EXPECT_TRUE(in_step());
  EXPECT_EQ(machine_->counters().lists, 1U);
  EXPECT_EQ(machine_->counters().watches, 2U);
}

TEST_F(WatchTest, ARefusedConnectionNeverLeadsToAList) {
  server_.fail_next("WATCH", "", Error(ErrorCode::kUnavailable, "connection refused"), 10);
  put("b");
  for (int i = 0; i < 21; ++i) step();
  EXPECT_TRUE(in_step());
  EXPECT_EQ(machine_->counters().lists, 1U);
  EXPECT_EQ(machine_->counters().watches, 11U);
  ASSERT_THAT(waiter_.waits(), SizeIs(10));
  EXPECT_GE(waiter_.waits()[9], seconds(30)) << "and the pauses grow";
  EXPECT_LE(waiter_.waits()[9], seconds(60));
}

TEST_F(WatchTest, AHalfOpenConnectionIsLeftAndTheWatchGoesOnFromWhereItWas) {
  server_.on("WATCH", "", [&, silent = true](const auto&) mutable -> testing::Outcome {
    if (!std::exchange(silent, false)) return Error(ErrorCode::kUnavailable, "over");
    clock_.advance(transport_.idles.back());
    return Error(ErrorCode::kDeadlineExceeded, "no byte in all the time");
  });
  EXPECT_EQ(step(), ReflectorState(Watching{})) << "at once: the server has ended it long ago";
  EXPECT_EQ(machine_->counters().lists, 1U);
  step();
  const auto watches = targets("WATCH");
  EXPECT_EQ(query(watches[0], "resourceVersion"), query(watches[1], "resourceVersion"));
}

TEST_F(WatchTest, ExpiredItListsAtTheVersionItHasAfterAPause) {
  put("b");
  remove("a");
  server_.compact();
  step();
  EXPECT_EQ(next_after_wait(), ReflectorState(Listing{}));
  EXPECT_EQ(step(), ReflectorState(Watching{}));
  EXPECT_TRUE(in_step()) << "the deletion that no watch told is seen";
  EXPECT_EQ(machine_->counters().lists, 2U);
  EXPECT_NE(query(targets("GET")[1], "resourceVersion"), "") << "not a quorum read";
}

TEST_F(WatchTest, AWatchAnsweredWith410ListsToo) {
  server_.fail_next("WATCH", "", status_response(410, "Expired", "too old"));
  step();
  EXPECT_EQ(next_after_wait(), ReflectorState(Listing{}));
}

TEST_F(WatchTest, AVersionTooNewForTheServerListsTheNewest) {
  server_.fail_next(
      "WATCH", "",
      testing::json_response(
          504, {{"kind", "Status"},
                {"details", {{"causes", {{{"reason", "ResourceVersionTooLarge"}}}}}}}));
  step();
  EXPECT_EQ(next_after_wait(), ReflectorState(Listing{}));
  step();
  EXPECT_EQ(query(targets("GET")[1], "resourceVersion"), "");
}

TEST_F(WatchTest, NoRelistStormWhenEveryWatchExpiresAtOnce) {
  server_.fail_next("WATCH", "", status_response(410, "Expired", "too old"), 1'000'000);
  const auto start = clock_.steady();
  while (clock_.steady() - start < std::chrono::minutes(10)) step();
  EXPECT_LE(machine_->counters().lists, 30U) << "in ten minutes";
}

TEST_F(WatchTest, NoWatchStormWhenTheServerClosesEveryWatchAtOnce) {
  server_.fail_next("WATCH", "", http::Response{200, {}, ""}, 1'000'000);
  const auto start = clock_.steady();
  while (clock_.steady() - start < std::chrono::minutes(10)) step();
  EXPECT_LE(machine_->counters().watches, 30U) << "in ten minutes";
  EXPECT_EQ(machine_->counters().lists, 1U);
}

TEST_F(WatchTest, AfterFiveServerErrorsInARowItLists) {
  server_.fail_next("WATCH", "", status_response(500, "InternalError", "etcd"), 5);
  for (int i = 0; i < 4; ++i) {
    step();
    EXPECT_EQ(next_after_wait(), ReflectorState(Watching{}));
  }
  step();
  EXPECT_EQ(next_after_wait(), ReflectorState(Listing{}));
}

TEST_F(WatchTest, ForbiddenItWaitsAndDoesNotList) {
  server_.fail_next("WATCH", "", status_response(403, "Forbidden", "no"));
  step();
  EXPECT_EQ(next_after_wait(), ReflectorState(Watching{}));
}

TEST_F(WatchTest, AKindThatWentAwayIsListedAgain) {
  server_.fail_next("WATCH", "", status_response(404, "NotFound", "no such kind"));
  step();
  EXPECT_EQ(next_after_wait(), ReflectorState(Listing{}));
}

TEST_F(WatchTest, ASinkThatThrowsIsGivenEverythingAnewLater) {
  class Throwing final : public ReflectorSink {
   public:
    void replace(std::vector<codec::Json>) override { ++replaces; }
    void put(codec::Json) override { throw std::runtime_error("a bug"); }
    void erase(const codec::Json&) override {}
    int replaces = 0;
  } sink;
  ReflectorMachine machine({server_, sink, clock_, waiter_}, kConfigMaps, paged_lists());
  state_ = machine.step(Listing{}, {});
  put("b");
  state_ = machine.step(state_, {});
  state_ = machine.step(state_, {});
  EXPECT_EQ(state_, ReflectorState(Listing{}));
  machine.step(state_, {});
  EXPECT_EQ(sink.replaces, 2);
}

TEST_F(ScriptedWatchTest, BookmarksMoveTheVersionAndNothingElse) {
  stream_.lines = {R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"4711"}}})"};
  step();
  EXPECT_EQ(machine_->counters().events, 0U);
  state_ = Watching{};
  step();
  EXPECT_EQ(last_version(), "4711");
}

TEST_F(ScriptedWatchTest, ALineThatIsNoEventEndsTheWatchAndTheNextGoesOnFromTheLastGoodOne) {
  const std::string good =
      R"({"type":"ADDED","object":{"metadata":{"namespace":"a","name":"z","resourceVersion":"5000"}}})";
  for (const char* bad :
       {"<html>", R"({"type":"ADDED","obj)", R"({"type":"ADDED","object":{"metadata":{}}})", "7"}) {
    SCOPED_TRACE(bad);
    stream_.lines = {good, bad,
                     R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9999"}}})"};
    state_ = Watching{};
    step();
    EXPECT_TRUE(sink_.held.contains({"a", "z"}));
    EXPECT_EQ(next_after_wait(), ReflectorState(Watching{}));
    step();
    EXPECT_EQ(last_version(), "5000");
  }
  EXPECT_EQ(machine_->counters().lists, 1U);
}

TEST_F(ScriptedWatchTest, EmptyLinesAndNewTypesArePassedOver) {
  stream_.lines = {"", R"({"type":"RENAMED","object":{"metadata":{"resourceVersion":"4712"}}})",
                   R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"4713"}}})"};
  step();
  state_ = Watching{};
  step();
  EXPECT_EQ(last_version(), "4713");
}

TEST_F(ScriptedWatchTest, AnErrorEventIsJudgedByItsCode) {
  struct Case {
    int code;
    ReflectorState next;
  };
  const Case cases[] = {
      {410, Listing{}}, {429, Watching{}}, {500, Watching{}}, {403, Watching{}}, {400, Listing{}},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.code);
    stream_.lines = {
        R"({"type":"ERROR","object":{"kind":"Status","code":)" + std::to_string(test.code) + "}}",
        R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9999"}}})"};
    state_ = Watching{};
    step();
    EXPECT_EQ(next_after_wait(), test.next);
  }
  state_ = Watching{};
  step();
  EXPECT_NE(last_version(), "9999") << "nothing after an error counts";
}

TEST_F(ScriptedWatchTest, ContactIsKnownByTheClock) {
  const auto before = machine_->last_contact();
  clock_.advance(seconds(30));
  stream_.lines = {R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"4711"}}})"};
  step();
  EXPECT_EQ(machine_->last_contact() - before, seconds(30));
}

}  // namespace
}  // namespace portcullis::kube
