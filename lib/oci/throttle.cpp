#include "lib/oci/throttle.hpp"

#include <algorithm>
#include <thread>

namespace portcullis::oci {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{1000};
constexpr milliseconds kLongestPause{5000};
constexpr int kFailuresToOpen = 2;
// Hosts come from tenants' references: what is kept about them is bounded.
constexpr std::size_t kMaxHosts = 4096;

}  // namespace

Result<void> Throttle::admit(const std::string& host, double per_second, Deadline deadline) {
  const auto wait = TRY(take_turn(host, per_second, deadline));
  if (wait > std::chrono::nanoseconds::zero()) std::this_thread::sleep_for(wait);
  return {};
}

Result<std::chrono::nanoseconds> Throttle::take_turn(const std::string& host, double per_second,
                                                     Deadline deadline) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.steady();
  if (hosts_.size() >= kMaxHosts && !hosts_.contains(host)) {
    std::erase_if(hosts_, [&](const auto& entry) {
      return entry.second.closed_from <= now && entry.second.next_turn <= now;
    });
    if (hosts_.size() >= kMaxHosts) hosts_.clear();
  }
  auto& state = hosts_[host];
  if (state.reason && now < state.closed_from) {
    return Error(state.reason->code(),
                 state.reason->message() + " (not asked again for a few seconds)");
  }
  if (per_second <= 0) return std::chrono::nanoseconds::zero();

  const auto turn = std::max(now, state.next_turn);
  const auto wait = turn - now;
  if (wait > deadline.remaining()) {
    return Error(ErrorCode::kResourceExhausted,
                 "registry " + host +
                     ": the limit requestsPerSecond of the registries file leaves no room in time");
  }
  state.next_turn = turn + std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / per_second));
  return wait;
}

void Throttle::succeeded(const std::string& host) {
  const std::lock_guard lock(mutex_);
  const auto found = hosts_.find(host);
  if (found == hosts_.end()) return;
  found->second.failures = 0;
  found->second.reason.reset();
}

void Throttle::failed(const std::string& host, const Error& error) {
  if (!is_transient(error.code())) return;
  const std::lock_guard lock(mutex_);
  auto& state = hosts_[host];
  ++state.failures;
  if (error.code() != ErrorCode::kResourceExhausted && state.failures < kFailuresToOpen) return;
  const int doublings = std::min(state.failures - 1, 3);
  const auto pause = std::min(kFirstPause * (1 << doublings), kLongestPause);
  std::uniform_int_distribution<std::int64_t> less(0, pause.count() / 4);
  state.closed_from = clock_.steady() + std::max(kFirstPause, pause - milliseconds(less(random_)));
  state.reason = error;
}

}  // namespace portcullis::oci
