#include "lib/kube/reflector.hpp"

#include <gtest/gtest.h>

#include <condition_variable>

#include "tests/fakes/fake_api_server.hpp"

namespace portcullis::kube {
namespace {

codec::Json config_map(const std::string& name) {
  return {{"metadata", {{"namespace", "a"}, {"name", name}}}};
}

/// A store with a condition to wait for.
class WatchedStore {
 public:
  WatchedStore() {
    store.on_change([this](const auto&) {
      const std::lock_guard lock(mutex_);
      changed_.notify_all();
    });
  }
  bool wait_for(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), condition);
  }

  MutableStore<codec::Json> store;
  StoreSink<codec::Json> sink{
      store, [](const codec::Json& object) { return std::make_shared<const codec::Json>(object); }};

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

class ReflectorTest : public ::testing::TestWithParam<bool> {
 protected:
  std::unique_ptr<Reflector> create() {
    ReflectorOptions options;
    options.watch_list = GetParam();
    return Reflector::create(server_, kConfigMaps, options, watched_.sink, clock_);
  }

  SystemClock clock_;
  testing::FakeApiServer server_;
  WatchedStore watched_;
};

TEST_P(ReflectorTest, FollowsTheServerOnItsOwnThread) {
  server_.put(kConfigMaps, config_map("x"));
  const auto reflector = create();
  EXPECT_EQ(reflector->last_contact(), std::chrono::steady_clock::time_point{});
  reflector->start();
  ASSERT_TRUE(watched_.wait_for([&] { return watched_.store.get({"a", "x"}) != nullptr; }));
  ASSERT_TRUE(server_.wait_for_watches(1));
  EXPECT_TRUE(watched_.store.synced());
  server_.put(kConfigMaps, config_map("y"));
  server_.remove(kConfigMaps, {"a", "x"});
  ASSERT_TRUE(watched_.wait_for([&] { return watched_.store.get({"a", "x"}) == nullptr; }));
  EXPECT_NE(watched_.store.get({"a", "y"}), nullptr);
  EXPECT_GT(reflector->last_contact(), std::chrono::steady_clock::time_point{});
  EXPECT_EQ(reflector->counters().watches, 1U);
  EXPECT_EQ(reflector->counters().lists, GetParam() ? 0U : 1U);
}

TEST_P(ReflectorTest, EndsWhileItWatches) {
  const auto reflector = create();
  reflector->start();
  ASSERT_TRUE(server_.wait_for_watches(1));
}

TEST_P(ReflectorTest, EndsWhileItWaits) {
  server_.fail_next("", "", Error(ErrorCode::kUnavailable, "connection refused"), 1'000'000);
  const auto reflector = create();
  reflector->start();
}

TEST_P(ReflectorTest, EndsWithoutHavingStarted) { create(); }

INSTANTIATE_TEST_SUITE_P(WithAndWithoutWatchList, ReflectorTest, ::testing::Bool());

}  // namespace
}  // namespace portcullis::kube
