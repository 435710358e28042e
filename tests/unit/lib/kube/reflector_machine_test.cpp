#include "lib/kube/reflector_machine.hpp"

#include <gmock/gmock.h>

#include "tests/unit/lib/kube/reflector_fixture.hpp"

namespace portcullis::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using testing::status_response;

const ReflectorState kListing = Listing{};
const ReflectorState kWatching = Watching{false};
const ReflectorState kWatchList = Watching{true};

/// A wait of at least `least`, before `then`.
::testing::Matcher<ReflectorState> waits(milliseconds least, const ReflectorState& then) {
  return ::testing::Truly([=](const ReflectorState& state) {
    const auto* waiting = std::get_if<Waiting>(&state);
    return waiting && waiting->delay >= least &&
           std::visit([&](const auto& next) { return ReflectorState(next) == then; },
                      waiting->then);
  });
}

class ListingTest : public ReflectorFixture {
 protected:
  ListingTest() : ReflectorFixture(paged_lists()) {}
};

TEST_F(ListingTest, ListsThenFollows) {
  put("a");
  EXPECT_EQ(state_, kListing);
  EXPECT_EQ(step(), kWatching);
  EXPECT_TRUE(in_step());
  const auto version = query(targets("GET")[0], "resourceVersion");
  EXPECT_EQ(version, "0") << "the first list may come from the server's cache";

  const auto listed_at = put("a", "1")["metadata"]["resourceVersion"].get<std::string>();
  put("b");
  put("a", "2");
  remove("b");
  step();
  EXPECT_TRUE(in_step());
  EXPECT_THAT(sink_.versions, SizeIs(3));
  const auto target = targets("WATCH")[0];
  EXPECT_EQ(query(target, "allowWatchBookmarks"), "true");
  EXPECT_EQ(query(target, "resourceVersion"), listed_at);
  EXPECT_EQ(machine_->counters().lists, 1U);
  EXPECT_EQ(machine_->counters().watches, 1U);
  EXPECT_EQ(machine_->counters().events, 3U);
}

TEST_F(ListingTest, EveryWatchHasItsOwnTimeoutAndABitMoreOfIdleTime) {
  std::set<std::string> different;
  step();
  for (int i = 0; i < 20; ++i) {
    state_ = Watching{};
    step();
    const auto timeout = query(targets("WATCH").back(), "timeoutSeconds");
    EXPECT_GE(std::stoi(timeout), 300);
    EXPECT_LE(std::stoi(timeout), 600);
    EXPECT_EQ(transport_.idles.back(), seconds(std::stoi(timeout) + 5));
    different.insert(timeout);
  }
  EXPECT_GT(different.size(), 10U);
}

TEST_F(ListingTest, PagesAreContinuedWithoutAVersion) {
  for (const char* name : {"a", "b", "c", "d", "e"}) put(name);
  server_.set_page_size(2);
  EXPECT_EQ(step(), kWatching);
  EXPECT_TRUE(in_step());
  EXPECT_THAT(targets("GET"), SizeIs(3));
  EXPECT_THAT(targets("GET")[1], Not(HasSubstr("resourceVersion")));
  EXPECT_EQ(machine_->counters().lists, 1U);
  EXPECT_EQ(sink_.replaces, 1) << "in one step, not page by page";
}

TEST_F(ListingTest, TheVersionOfAListIsThatOfItsFirstPage) {
  for (const char* name : {"a", "b", "c"}) put(name);
  server_.set_page_size(2);
  // What is written between two pages is not in the list, so the watch must bring it.
  server_.on(
      "GET",
      "continue=", [&, first = true](const http::Request& request) mutable -> testing::Outcome {
        (void)request;
        if (!std::exchange(first, false)) return Error(ErrorCode::kInternal, "asked twice");
        return testing::json_response(
            200,
            {{"metadata", {{"resourceVersion", "999999"}}},
             {"items",
              {{{"metadata", {{"namespace", "a"}, {"name", "c"}, {"resourceVersion", "1"}}}}}}});
      });
  step();
  step();
  EXPECT_NE(query(targets("WATCH")[0], "resourceVersion"), "999999");
}

TEST_F(ListingTest, GoneAtTheSecondPageListsOnceMoreInOnePiece) {
  for (const char* name : {"a", "b", "c", "d", "e"}) put(name);
  server_.set_page_size(2);
  server_.fail_next("GET", "continue=", status_response(410, "Expired", "too old"));
  EXPECT_EQ(step(), kWatching);
  EXPECT_TRUE(in_step());
  const auto lists = targets("GET");
  ASSERT_THAT(lists, SizeIs(3));
  EXPECT_EQ(query(lists[2], "limit"), "");
  EXPECT_EQ(query(lists[2], "resourceVersion"), "0") << "as first asked";
  EXPECT_EQ(machine_->counters().lists, 2U);
}

TEST_F(ListingTest, AFailureAtTheSecondPageLeavesTheStoreAsItWas) {
  put("old");
  step();
  for (const char* name : {"a", "b", "c"}) put(name);
  server_.set_page_size(2);
  server_.fail_next("GET", "continue=", Error(ErrorCode::kUnavailable, "reset"));
  state_ = Listing{};
  server_.fail_next("GET", "resourceVersion=", status_response(410, "Expired", "too old"));
  EXPECT_EQ(step(), kListing);
  EXPECT_THAT(step(), waits(milliseconds(800), kListing));
  EXPECT_EQ(sink_.replaces, 1);
  step();
  EXPECT_EQ(step(), kWatching);
  EXPECT_TRUE(in_step());
}

TEST_F(ListingTest, ThrottledListsWaitAsLongAsAsked) {
  server_.fail_next("GET", "",
                    status_response(429, "TooManyRequests", "busy", {{"Retry-After", "7"}}));
  EXPECT_THAT(step(), waits(seconds(7), kListing));
  step();
  EXPECT_GE(waiter_.waits()[0], seconds(7));
  EXPECT_EQ(step(), kWatching);
}

TEST_F(ListingTest, EachFailureOfAListIsWaitedOut) {
  const testing::Outcome outcomes[] = {
      Error(ErrorCode::kUnavailable, "connection refused"),
      Error(ErrorCode::kDeadlineExceeded, "60 s"),
      Error(ErrorCode::kPermissionDenied, "unknown CA"),
      status_response(401, "Unauthorized", "no"),
      status_response(403, "Forbidden", "no"),
      status_response(404, "NotFound", "no such kind"),
      status_response(500, "InternalError", "no"),
      status_response(504, "Timeout", "no"),
      http::Response{200, {}, "<html>"},
      http::Response{200, {}, R"({"metadata":{},"items":[]})"},
      http::Response{302, {{"Location", "https://elsewhere"}}, ""},
  };
  put("a");
  for (const auto& outcome : outcomes) {
    server_.fail_next("GET", "", outcome);
    state_ = Listing{};
    EXPECT_THAT(step(), waits(milliseconds(800), kListing));
    EXPECT_EQ(sink_.replaces, 0);
  }
  step();
  EXPECT_EQ(step(), kWatching);
  EXPECT_TRUE(in_step());
}

TEST_F(ListingTest, AVersionTheServerDoesNotHaveIsGivenUpForTheNewest) {
  put("a");
  step();
  put("b");
  const auto too_large = testing::json_response(
      504,
      {{"kind", "Status"}, {"details", {{"causes", {{{"reason", "ResourceVersionTooLarge"}}}}}}});
  for (const auto& refusal : {status_response(410, "Expired", "too old"), too_large}) {
    server_.forget_requests();
    server_.fail_next("GET", "", refusal);
    state_ = Listing{};
    EXPECT_EQ(step(), kListing) << "at once";
    EXPECT_EQ(step(), kWatching);
    ASSERT_THAT(targets("GET"), SizeIs(2));
    EXPECT_NE(query(targets("GET")[0], "resourceVersion"), "");
    EXPECT_EQ(query(targets("GET")[0], "limit"), "") << "a list at a version is not paged";
    EXPECT_EQ(query(targets("GET")[1], "resourceVersion"), "");
    EXPECT_EQ(query(targets("GET")[1], "limit"), "500");
  }
  EXPECT_TRUE(in_step());
}

TEST_F(ListingTest, GoneEvenForTheNewestIsWaitedOut) {
  server_.fail_next("GET", "", status_response(410, "Expired", "too old"), 2);
  EXPECT_EQ(step(), kListing);
  EXPECT_THAT(step(), waits(milliseconds(800), kListing));
}

TEST_F(ListingTest, OnlyMetadataIsAskedForWhereThatIsEnough) {
  auto options = paged_lists();
  options.metadata_only = true;
  options.name_space = "a";
  options.label_selector = "app=x";
  options.field_selector = "metadata.name=a";
  restart(options);
  server_.put(kConfigMaps,
              {{"metadata", {{"namespace", "a"}, {"name", "a"}, {"labels", {{"app", "x"}}}}},
               {"data", {{"key", "large"}}}});
  put("b");
  step();
  step();
  ASSERT_THAT(sink_.held, SizeIs(1));
  EXPECT_FALSE(sink_.objects()[0].contains("data"));
  const auto requests = server_.requests();
  EXPECT_EQ(requests[0].headers.at("Accept"),
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
  EXPECT_EQ(requests[1].headers.at("Accept"),
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
  for (const auto& request : requests) {
    EXPECT_THAT(request.target, HasSubstr("/namespaces/a/configmaps?labelSelector=app%3Dx&"
                                          "fieldSelector=metadata.name%3Da&"));
  }
}

class WatchListTest : public ReflectorFixture {};

TEST_F(WatchListTest, OneStreamBringsEverythingAndThenTheChanges) {
  put("a");
  put("b");
  EXPECT_EQ(state_, kWatchList);
  sink_.on_replace = [&] { put("c"); };
  step();
  EXPECT_TRUE(in_step());
  const auto target = targets("WATCH")[0];
  EXPECT_EQ(query(target, "sendInitialEvents"), "true");
  EXPECT_EQ(query(target, "resourceVersionMatch"), "NotOlderThan");
  EXPECT_EQ(query(target, "resourceVersion"), "");
  EXPECT_EQ(query(target, "allowWatchBookmarks"), "true");
  EXPECT_EQ(machine_->counters().lists, 0U);
  EXPECT_EQ(machine_->counters().watches, 1U);
  EXPECT_EQ(sink_.replaces, 1);

  EXPECT_THAT(sink_.versions, SizeIs(1)) << "c came as a change on the same stream";

  put("d");
  settle();
  EXPECT_TRUE(in_step());
  EXPECT_EQ(sink_.replaces, 1) << "the next watch goes on, it does not begin again";
  EXPECT_EQ(query(targets("WATCH")[1], "sendInitialEvents"), "");
}

TEST_F(WatchListTest, AnEmptyKindIsSyncedToo) {
  step();
  EXPECT_EQ(sink_.replaces, 1);
}

TEST_F(WatchListTest, RefusedItListsAndAsksNeverAgain) {
  put("a");
  server_.set_watch_list(false);
  EXPECT_EQ(step(), kListing) << "at once";
  EXPECT_EQ(step(), kWatching);
  EXPECT_TRUE(in_step());
  server_.compact();
  put("b");
  settle();
  EXPECT_TRUE(in_step());
  EXPECT_EQ(server_.count("WATCH", "sendInitialEvents"), 1U);
  EXPECT_EQ(machine_->counters().lists, 2U);
}

TEST_F(WatchListTest, ThrottledItWaitsAndDoesNotList) {
  server_.fail_next("WATCH", "",
                    status_response(429, "TooManyRequests", "busy", {{"Retry-After", "9"}}));
  EXPECT_THAT(step(), waits(seconds(9), kWatchList));
  EXPECT_EQ(machine_->counters().lists, 0U);
}

TEST_F(WatchListTest, WithoutAConnectionItWaitsAndDoesNotList) {
  server_.fail_next("WATCH", "", Error(ErrorCode::kUnavailable, "connection refused"));
  EXPECT_THAT(step(), waits(milliseconds(800), kWatchList));
}

TEST_F(WatchListTest, ForAKindThatIsNotThereYetItWaits) {
  server_.fail_next("WATCH", "", status_response(404, "NotFound", "no such kind"));
  EXPECT_THAT(step(), waits(milliseconds(800), kWatchList));
  put("a");
  step();
  step();
  EXPECT_TRUE(in_step());
}

TEST_F(WatchListTest, EveryOtherFailureFallsBackToAList) {
  const testing::Outcome outcomes[] = {
      status_response(500, "InternalError", "no"),
      status_response(403, "Forbidden", "no"),
      Error(ErrorCode::kDeadlineExceeded, "silent"),
      http::Response{200, {}, ""},
  };
  put("a");
  for (const auto& outcome : outcomes) {
    state_ = machine_->first_state();
    server_.fail_next("WATCH", "", outcome);
    EXPECT_EQ(step(), kListing);
    EXPECT_EQ(step(), kWatching);
    EXPECT_TRUE(in_step());
  }
}

TEST_F(WatchListTest, AVersionTheServerDoesNotHaveIsGivenUpForTheNewest) {
  put("a");
  settle();
  state_ = Watching{true};
  server_.fail_next("WATCH", "", status_response(410, "Expired", "too old"));
  EXPECT_THAT(step(), waits(milliseconds(800), kWatchList));
  step();
  step();
  const auto watches = targets("WATCH");
  EXPECT_NE(query(watches[watches.size() - 2], "resourceVersion"), "");
  EXPECT_EQ(query(watches.back(), "resourceVersion"), "");
  EXPECT_TRUE(in_step());
}

}  // namespace
}  // namespace portcullis::kube
