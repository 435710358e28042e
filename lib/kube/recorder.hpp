#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "lib/api/meta.hpp"
#include "lib/base/clock.hpp"
#include "lib/kube/client.hpp"
#include "lib/kube/waiter.hpp"

namespace portcullis::kube {

enum class EventType { kNormal, kWarning };

/// What an event is about.
struct Regarding {
  Resource resource;
  api::ObjectKey key;
  std::string uid;
  std::string resource_version;
};

/// Records events.k8s.io/v1 Events, in the background: record() never blocks and never fails; a
/// full queue (1000) drops and counts. A repeated event becomes a series. Notes are cut at 1024
/// bytes. Any thread. Never name another namespace's objects or secrets in a note.
class Recorder {
 public:
  virtual ~Recorder() = default;
  virtual void record(const Regarding& regarding, EventType type, const std::string& reason,
                      const std::string& action, const std::string& note) = 0;
  /// How many events a full queue has cost so far.
  virtual std::uint64_t dropped() const { return 0; }
};

/// The real one; owns its thread. `client` must outlive it. `component` is the
/// reportingController ("portcullis.dev/operator"). The destructor gives waiting events at most 2
/// s.
std::unique_ptr<Recorder> make_recorder(Client& client, std::string component,
                                        std::string instance);

/// The same with other clocks, for tests; both must outlive it.
std::unique_ptr<Recorder> make_recorder(Client& client, std::string component, std::string instance,
                                        const Clock& clock, Waiter& waiter);

}  // namespace portcullis::kube
