#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lib/kube/reflector_machine.hpp"
#include "tests/fakes/fake_api_server.hpp"
#include "tests/fakes/fake_clock.hpp"
#include "tests/fakes/fake_waiter.hpp"
#include "tests/fakes/recording_sink.hpp"

namespace portcullis::kube {

/// Passes everything on, and remembers the idle time-outs that streams asked for.
class SpyTransport final : public http::KubeTransport {
 public:
  explicit SpyTransport(http::KubeTransport& behind) : behind_(behind) {}

  Result<http::Response> send(const http::Request& request, Deadline deadline) override {
    return behind_.send(request, deadline);
  }
  Result<http::Response> stream(const http::Request& request, std::chrono::milliseconds idle,
                                std::stop_token stop, const LineSink& sink) override {
    idles.push_back(idle);
    return behind_.stream(request, idle, std::move(stop), sink);
  }

  std::vector<std::chrono::milliseconds> idles;

 private:
  http::KubeTransport& behind_;
};

/// A reflector's machine taken step by step on the test's thread, against a server in memory.
class ReflectorFixture : public ::testing::Test {
 protected:
  explicit ReflectorFixture(ReflectorOptions options = {}) { restart(std::move(options)); }

  void restart(ReflectorOptions options) {
    server_.set_end_idle_watches(true);
    machine_ = std::make_unique<ReflectorMachine>(
        ReflectorMachine::Parts{transport_, sink_, clock_, waiter_}, kConfigMaps,
        std::move(options));
    state_ = machine_->first_state();
  }

  codec::Json put(const std::string& name, const std::string& value = "1") {
    return server_.put(kConfigMaps, {{"metadata", {{"namespace", "a"}, {"name", name}}},
                                     {"data", {{"key", value}}}});
  }
  void remove(const std::string& name) { server_.remove(kConfigMaps, {"a", name}); }

  /// One state's work; gives what comes next.
  const ReflectorState& step() { return state_ = machine_->step(state_, {}); }
  /// Steps until a watch ended with nothing more to give.
  void settle(int most = 40) {
    for (int i = 0; i < most; ++i) {
      const auto heard = machine_->counters().events;
      const bool watched = std::holds_alternative<Watching>(state_);
      step();
      if (watched && !sink_.held.empty() && heard == machine_->counters().events && in_step())
        return;
    }
  }
  bool in_step() const { return sink_.objects() == server_.list(kConfigMaps); }
  std::vector<std::string> targets(const std::string& method) const {
    std::vector<std::string> out;
    for (const auto& request : server_.requests()) {
      if (request.method == method) out.push_back(request.target);
    }
    return out;
  }
  std::string query(const std::string& target, const std::string& name) const {
    return http::query_value(target, name);
  }

  testing::FakeClock clock_;
  testing::FakeApiServer server_{clock_};
  SpyTransport transport_{server_};
  testing::FakeWaiter waiter_{clock_};
  testing::RecordingSink sink_;
  std::unique_ptr<ReflectorMachine> machine_;
  ReflectorState state_;
};

inline ReflectorOptions paged_lists() {
  ReflectorOptions options;
  options.watch_list = false;
  return options;
}

}  // namespace portcullis::kube
