#include "lib/kube/reflector.hpp"

#include <utility>

#include "lib/kube/reflector_machine.hpp"

namespace portcullis::kube {
namespace {

class ThreadedReflector final : public Reflector {
 public:
  ThreadedReflector(const ReflectorMachine::Parts& parts, const Resource& resource,
                    ReflectorOptions options)
      : machine_(parts, resource, std::move(options)) {}

  void start() override {
    thread_ = std::jthread([this](const std::stop_token& stop) {
      auto state = machine_.first_state();
      while (!stop.stop_requested()) state = machine_.step(state, stop);
    });
  }
  ReflectorCounters counters() const override { return machine_.counters(); }
  std::chrono::steady_clock::time_point last_contact() const override {
    return machine_.last_contact();
  }

 private:
  ReflectorMachine machine_;
  std::jthread thread_;  ///< Last: it uses the machine.
};

}  // namespace

std::unique_ptr<Reflector> Reflector::create(http::KubeTransport& transport,
                                             const Resource& resource, ReflectorOptions options,
                                             ReflectorSink& sink, const Clock& clock) {
  return std::make_unique<ThreadedReflector>(
      ReflectorMachine::Parts{transport, sink, clock, real_waiter()}, resource, std::move(options));
}

}  // namespace portcullis::kube
