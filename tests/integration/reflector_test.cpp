#include "lib/kube/reflector.hpp"

#include <gmock/gmock.h>

#include <atomic>

#include "lib/base/clock.hpp"
#include "tests/integration/control_plane.hpp"

namespace portcullis::kube {
namespace {

using codec::Json;
using ::testing::AnyOf;

/// Passes everything on; can end the stream that runs now, and can make the next request ask for a
/// version that the server will have in years.
class MeddlingTransport final : public http::KubeTransport {
 public:
  explicit MeddlingTransport(std::unique_ptr<http::KubeTransport> behind)
      : behind_(std::move(behind)) {}

  Result<http::Response> send(const http::Request& request, Deadline deadline) override {
    return behind_->send(meddled(request), deadline);
  }
  Result<http::Response> stream(const http::Request& request, std::chrono::milliseconds idle,
                                std::stop_token stop, const LineSink& sink) override {
    return behind_->stream(meddled(request), idle, std::move(stop), [&](std::string_view line) {
      const bool goes_on = sink(line);
      return goes_on && !cut_after_line.exchange(false);
    });
  }

  std::atomic<bool> cut_after_line = false;
  std::atomic<bool> ask_for_the_future = false;

 private:
  http::Request meddled(http::Request request) {
    if (!ask_for_the_future.exchange(false)) return request;
    const auto at = request.target.find("&resourceVersion=");
    request.target = request.target.substr(0, at) + "&resourceVersion=9000000000";
    return request;
  }

  std::unique_ptr<http::KubeTransport> behind_;
};

class ReflectorIntegrationTest : public testing::ControlPlaneTest,
                                 public ::testing::WithParamInterface<bool> {
 protected:
  void start(ReflectorOptions options = {}) {
    options.name_space = namespace_;
    options.watch_list = GetParam();
    reflector_ = Reflector::create(meddling_, kConfigMaps, options, sink_, clock_);
    reflector_->start();
  }
  void TearDown() override { reflector_.reset(); }

  /// Whether the store holds exactly what the server lists.
  bool in_step() {
    auto listed = client_.list(kConfigMaps, {namespace_, "", ""}, soon());
    if (!listed || !store_.synced()) return false;
    std::vector<Json> held;
    for (const auto& object : store_.list()) held.push_back(*object);
    std::sort(listed->begin(), listed->end());
    std::sort(held.begin(), held.end());
    return *listed == held;
  }
  void change_much(const std::string& prefix) {
    for (int i = 0; i < 5; ++i) must_create(kConfigMaps, config_map(prefix + std::to_string(i)));
    ASSERT_TRUE(client_.merge_patch(kConfigMaps, {namespace_, prefix + "1"},
                                    {{"data", {{"key", "2"}}}}, soon()));
    ASSERT_TRUE(client_.remove(kConfigMaps, {namespace_, prefix + "2"}, {}, soon()));
    must_create(kConfigMaps, config_map(prefix + "2", "reborn"));
    ASSERT_TRUE(client_.remove(kConfigMaps, {namespace_, prefix + "3"}, {}, soon()));
  }

  SystemClock clock_;
  MeddlingTransport meddling_{connect()};
  MutableStore<Json> store_;
  StoreSink<Json> sink_{store_,
                        [](const Json& object) { return std::make_shared<const Json>(object); }};
  std::unique_ptr<Reflector> reflector_;
};

TEST_P(ReflectorIntegrationTest, TheStoreFollowsTheServer) {
  change_much("early");
  start();
  ASSERT_TRUE(eventually([&] { return in_step(); }));
  change_much("late");
  EXPECT_TRUE(eventually([&] { return in_step(); }));
  EXPECT_EQ(reflector_->counters().watches, 1U);
  EXPECT_EQ(reflector_->counters().lists, GetParam() ? 0U : 1U) << "this server serves WatchList";
}

TEST_P(ReflectorIntegrationTest, AWatchThatIsCutGoesOnWhereItWasWithoutAList) {
  start();
  ASSERT_TRUE(eventually([&] { return in_step(); }));
  const auto lists = reflector_->counters().lists;
  for (const char* prefix : {"one", "two", "three"}) {
    meddling_.cut_after_line = true;
    change_much(prefix);
    ASSERT_TRUE(eventually([&] { return in_step(); })) << prefix;
  }
  EXPECT_EQ(reflector_->counters().lists, lists);
  EXPECT_THAT(reflector_->counters().watches, AnyOf(3U, 4U)) << "one more for each cut";
}

TEST_P(ReflectorIntegrationTest, AVersionThatTheServerDoesNotHaveIsGivenUpForTheNewest) {
  must_create(kConfigMaps, config_map("a"));
  meddling_.ask_for_the_future = true;
  start();
  ASSERT_TRUE(eventually([&] { return in_step(); }));
  const bool one_stream = GetParam();
  EXPECT_EQ(reflector_->counters().lists, one_stream ? 0U : 2U);
  change_much("x");
  ASSERT_TRUE(eventually([&] { return in_step(); }));
  EXPECT_EQ(reflector_->counters().watches, one_stream ? 2U : 1U);
}

TEST_P(ReflectorIntegrationTest, MetadataAloneHasNoData) {
  must_create(kConfigMaps, config_map("a"));
  ReflectorOptions options;
  options.metadata_only = true;
  start(options);
  ASSERT_TRUE(eventually([&] { return store_.get({namespace_, "a"}) != nullptr; }));
  must_create(kConfigMaps, config_map("b"));
  ASSERT_TRUE(eventually([&] { return store_.get({namespace_, "b"}) != nullptr; }));
  for (const char* name : {"a", "b"}) {
    const auto object = store_.get({namespace_, name});
    EXPECT_FALSE(object->contains("data")) << *object;
    EXPECT_TRUE((*object)["metadata"].contains("uid"));
  }
}

TEST_P(ReflectorIntegrationTest, ASelectorNarrowsWhatComes) {
  ReflectorOptions options;
  options.label_selector = "app=triage";
  start(options);
  ASSERT_TRUE(eventually([&] { return store_.synced(); }));
  auto labelled = config_map("a");
  labelled["metadata"]["labels"] = {{"app", "triage"}};
  must_create(kConfigMaps, config_map("other"));
  must_create(kConfigMaps, labelled);
  ASSERT_TRUE(eventually([&] { return store_.get({namespace_, "a"}) != nullptr; }));
  EXPECT_EQ(store_.list().size(), 1U);
  // Losing the label is a deletion for this watch.
  ASSERT_TRUE(client_.merge_patch(kConfigMaps, {namespace_, "a"},
                                  {{"metadata", {{"labels", nullptr}}}}, soon()));
  EXPECT_TRUE(eventually([&] { return store_.list().empty(); }));
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutWatchList, ReflectorIntegrationTest, ::testing::Bool());

}  // namespace
}  // namespace portcullis::kube
