#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/codec/json_fwd.hpp"
#include "lib/http/kube_transport.hpp"
#include "lib/kube/resource.hpp"
#include "lib/kube/store.hpp"

namespace portcullis::kube {

/// What a reflector feeds: JSON objects of one kind, managedFields removed. Called on the
/// reflector's thread only.
class ReflectorSink {
 public:
  virtual ~ReflectorSink() = default;
  virtual void replace(std::vector<codec::Json> objects) = 0;
  virtual void put(codec::Json object) = 0;
  virtual void erase(const codec::Json& object) = 0;
};

struct ReflectorOptions {
  std::string name_space;  ///< Empty: all namespaces.
  std::string label_selector;
  std::string field_selector;
  bool metadata_only = false;  ///< PartialObjectMetadata: no spec, no data.
  bool watch_list = true;      ///< Try sendInitialEvents first, fall back to list.
};

/// What it did, for tests and metrics. Monotonic.
struct ReflectorCounters {
  std::uint64_t lists = 0;    ///< Lists begun; the pages of one count once.
  std::uint64_t watches = 0;  ///< Watches asked for, WatchLists included.
  std::uint64_t events = 0;   ///< Objects that watches brought (ADDED, MODIFIED, DELETED).
};

/// List + watch of one kind into one sink, forever: an explicit state machine (Listing, Watching,
/// Waiting) after client-go's tools/cache/reflector.go; reflector_machine.cpp names each rule.
/// It starts its own thread at start(); the destructor stops and joins it: at once while it watches
/// or waits, at most 60 s later while a list hangs.
class Reflector {
 public:
  /// `transport` is the reflector's own (a watch holds its connection); it, `sink` and `clock` must
  /// outlive the reflector.
  static std::unique_ptr<Reflector> create(http::KubeTransport& transport, const Resource& resource,
                                           ReflectorOptions options, ReflectorSink& sink,
                                           const Clock& clock);
  virtual ~Reflector() = default;
  virtual void start() = 0;
  virtual ReflectorCounters counters() const = 0;
  /// When the server was last heard (list answer, event or bookmark); epoch before the first time.
  virtual std::chrono::steady_clock::time_point last_contact() const = 0;
};

/// Parses what the reflector brings into a typed store. What to do with an object that does not
/// parse is the parser's decision: it logs, and gives a stand-in, or null to keep the object out.
template <typename T>
class StoreSink final : public ReflectorSink {
 public:
  using Parse = std::function<std::shared_ptr<const T>(const codec::Json&)>;
  /// `store` must outlive the sink. `parse` must not throw.
  StoreSink(MutableStore<T>& store, Parse parse) : store_(store), parse_(std::move(parse)) {}

  void replace(std::vector<codec::Json> objects) override;
  void put(codec::Json object) override;
  void erase(const codec::Json& object) override;

 private:
  MutableStore<T>& store_;
  Parse parse_;
};

}  // namespace portcullis::kube

#include "lib/kube/reflector.inl"
