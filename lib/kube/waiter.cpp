#include "lib/kube/waiter.hpp"

#include <condition_variable>
#include <mutex>

namespace portcullis::kube {
namespace {

class RealWaiter final : public Waiter {
 public:
  void wait(std::chrono::milliseconds delay, const std::stop_token& stop) override {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, delay, [] { return false; });
  }
};

}  // namespace

Waiter& real_waiter() {
  static RealWaiter waiter;
  return waiter;
}

}  // namespace portcullis::kube
