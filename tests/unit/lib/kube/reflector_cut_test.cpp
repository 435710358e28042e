#include <gmock/gmock.h>

#include "tests/unit/lib/kube/reflector_fixture.hpp"

// A watch that dies at every byte it has (issue: "kill the stream at every byte of a recorded
// watch").
namespace portcullis::kube {
namespace {

/// How a transport may end a stream whose connection dies within a line.
enum class Death { kRestDeliveredCleanEnd, kRestDroppedCleanEnd, kRestDroppedError };

/// Lets the first stream die after so many bytes; counts what an uncut one has.
class CuttingTransport final : public http::KubeTransport {
 public:
  explicit CuttingTransport(http::KubeTransport& behind) : behind_(behind) {}

  Result<http::Response> send(const http::Request& request, Deadline deadline) override {
    return behind_.send(request, deadline);
  }
  Result<http::Response> stream(const http::Request& request, std::chrono::milliseconds idle,
                                std::stop_token stop, const LineSink& sink) override {
    if (std::exchange(cut_done, true)) return behind_.stream(request, idle, stop, sink);
    bool dead = false;
    auto answer = behind_.stream(request, idle, stop, [&](std::string_view line) {
      if (bytes + line.size() + 1 > cut_at) {
        dead = true;
        const auto rest = line.substr(0, cut_at - bytes);
        if (death == Death::kRestDeliveredCleanEnd && !rest.empty()) sink(rest);
        return false;
      }
      bytes += line.size() + 1;
      return sink(line);
    });
    if (dead && death == Death::kRestDroppedError) return Error(ErrorCode::kUnavailable, "reset");
    return answer;
  }

  std::size_t cut_at = std::string::npos;
  Death death = Death::kRestDeliveredCleanEnd;
  std::size_t bytes = 0;
  bool cut_done = false;

 private:
  http::KubeTransport& behind_;
};

class CutTest : public ::testing::TestWithParam<Death> {
 protected:
  /// One server, one reflector, one cut.
  struct Run {
    explicit Run(bool watch_list) {
      server.set_end_idle_watches(true);
      ReflectorOptions options;
      options.watch_list = watch_list;
      machine = std::make_unique<ReflectorMachine>(
          ReflectorMachine::Parts{transport, sink, clock, waiter}, kConfigMaps, options);
      state = machine->first_state();
    }
    void put(const std::string& name, const std::string& value) {
      const auto object = server.put(
          kConfigMaps,
          {{"metadata", {{"name", name}, {"namespace", "a"}}}, {"data", {{"k", value}}}});
      versions.push_back(object["metadata"]["resourceVersion"]);
    }
    void remove(const std::string& name) {
      server.remove(kConfigMaps, {"a", name});
      versions.push_back(std::to_string(std::stoi(versions.back()) + 1));
    }
    void step() { state = machine->step(state, {}); }
    bool in_step() const { return sink.objects() == server.list(kConfigMaps); }

    testing::FakeClock clock;
    testing::FakeApiServer server{clock};
    CuttingTransport transport{server};
    testing::FakeWaiter waiter{clock};
    testing::RecordingSink sink;
    std::unique_ptr<ReflectorMachine> machine;
    ReflectorState state;
    std::vector<std::string> versions;  ///< Of every change, in order.
  };

  static void begin(Run& run) {
    for (const char* name : {"p", "q", "r"}) run.put(name, "1");
  }
  static void change(Run& run) {
    run.versions.resize(run.versions.empty() ? 0 : 1);
    const auto before = run.versions;
    run.put("s", "1");
    run.put("p", "2");
    run.remove("q");
    run.put("s", "2");
    run.put("q", "reborn");
    run.remove("r");
    run.versions.erase(run.versions.begin(),
                       run.versions.begin() + static_cast<std::ptrdiff_t>(before.size()));
  }
};

TEST_P(CutTest, NoEventOfAWatchIsLostNorToldTwice) {
  const auto attempt = [&](std::size_t cut_at) {
    Run run(false);
    run.transport.cut_at = cut_at;
    run.transport.death = GetParam();
    begin(run);
    run.step();  // The list.
    change(run);
    for (int i = 0; i < 5; ++i) run.step();  // Watch, wait, watch, wait, watch.
    EXPECT_TRUE(run.in_step()) << "cut at " << cut_at;
    EXPECT_EQ(run.sink.versions, run.versions) << "cut at " << cut_at;
    EXPECT_EQ(run.machine->counters().lists, 1U) << "cut at " << cut_at;
    EXPECT_LE(run.machine->counters().watches, 3U) << "cut at " << cut_at;
    EXPECT_EQ(run.sink.replaces, 1);
    return run.transport.bytes;
  };
  const auto total = attempt(std::string::npos);
  ASSERT_GT(total, 800U);
  for (std::size_t cut_at = 0; cut_at <= total; ++cut_at) {
    attempt(cut_at);
    if (HasFailure()) return;
  }
}

TEST_P(CutTest, AWatchListThatDiesLeavesNoHalfState) {
  const auto attempt = [&](std::size_t cut_at) {
    Run run(true);
    run.transport.cut_at = cut_at;
    run.transport.death = GetParam();
    begin(run);
    run.step();
    EXPECT_TRUE(run.sink.replaces == 0 || run.in_step()) << "half a state, cut at " << cut_at;
    change(run);
    for (int i = 0; i < 5; ++i) run.step();
    EXPECT_TRUE(run.in_step()) << "cut at " << cut_at;
    EXPECT_LE(run.machine->counters().lists, 1U) << "cut at " << cut_at;
    EXPECT_LE(run.machine->counters().watches, 4U) << "cut at " << cut_at;
    EXPECT_EQ(run.sink.replaces, 1) << "cut at " << cut_at;
    return run.transport.bytes;
  };
  const auto total = attempt(std::string::npos);
  ASSERT_GT(total, 500U);
  for (std::size_t cut_at = 0; cut_at <= total; ++cut_at) {
    attempt(cut_at);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Deaths, CutTest,
                         ::testing::Values(Death::kRestDeliveredCleanEnd,
                                           Death::kRestDroppedCleanEnd, Death::kRestDroppedError));

}  // namespace
}  // namespace portcullis::kube
