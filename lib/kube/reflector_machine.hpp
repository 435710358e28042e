#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "lib/base/result.hpp"
#include "lib/codec/json.hpp"
#include "lib/kube/backoff.hpp"
#include "lib/kube/reflector.hpp"
#include "lib/kube/status.hpp"
#include "lib/kube/waiter.hpp"
#include "lib/kube/watch_event.hpp"

/// The reflector's state machine; internal to lib/kube and its tests, which take it step by step.
namespace portcullis::kube {

/// Asks for everything, replaces the sink's content, then watches.
struct Listing {
  bool operator==(const Listing&) const = default;
};
/// Follows changes from the last resourceVersion. `initial`: the stream itself brings everything
/// first (WatchList: sendInitialEvents), then the changes.
struct Watching {
  bool initial = false;
  bool operator==(const Watching&) const = default;
};
/// Lets time pass, then goes on.
struct Waiting {
  std::chrono::milliseconds delay{};
  std::variant<Listing, Watching> then;
  bool operator==(const Waiting&) const = default;
};
using ReflectorState = std::variant<Listing, Watching, Waiting>;

/// All but the counters belongs to one thread at a time.
class ReflectorMachine {
 public:
  /// What it works with; all must outlive it.
  struct Parts {
    http::KubeTransport& transport;
    ReflectorSink& sink;
    const Clock& clock;
    Waiter& waiter;
  };
  ReflectorMachine(const Parts& parts, const Resource& resource, ReflectorOptions options);

  ReflectorState first_state() const;
  /// Does what the state stands for and gives the next one. What the sink throws is logged.
  ReflectorState step(const ReflectorState& state, const std::stop_token& stop);

  ReflectorCounters counters() const;                          ///< Any thread.
  std::chrono::steady_clock::time_point last_contact() const;  ///< Any thread.

 private:
  struct Listed {
    std::vector<codec::Json> items;
    std::string resource_version;
  };
  /// How a watch ended.
  enum class End {
    kClosed,           ///< By the server's timeout, or by ours when the server fell silent.
    kBroken,           ///< The connection failed, or what came is not the protocol.
    kServerError,      ///< An ERROR event or answer of 5xx.
    kThrottled,        ///< 429.
    kExpired,          ///< 410: the resourceVersion is compacted away.
    kVersionTooLarge,  ///< The server does not know the resourceVersion yet.
    kForbidden,        ///< 401, 403.
    kNotFound,         ///< 404: the kind is not there (yet).
    kRejected,         ///< Another 4xx, or a sink that cannot take what came.
  };
  /// One watch under way.
  struct Run {
    bool initial = false;  ///< The initial events are still coming.
    std::map<api::ObjectKey, codec::Json> collected;
    std::uint64_t heard = 0;  ///< Events and bookmarks.
    End end = End::kClosed;
    std::optional<std::chrono::seconds> retry_after;
    std::chrono::steady_clock::time_point since;
  };

  ReflectorState run(const Listing&, const std::stop_token& stop);
  ReflectorState run(const Watching& state, const std::stop_token& stop);
  ReflectorState run(const Waiting& state, const std::stop_token& stop);

  tl::expected<Listed, Refusal> list_everything(const std::string& version,
                                                const std::stop_token& stop);
  tl::expected<ListPage, Refusal> list_page(const std::string& query);
  bool on_line(Run& watch, std::string_view line);
  bool on_event(Run& watch, WatchEvent event);
  bool on_bookmark(Run& watch, const WatchEvent& event);
  void on_refusal(Run& watch, const Refusal& refusal, std::string_view where);
  ReflectorState after_initial_watch(const Run& watch);
  ReflectorState after_watch(const Run& watch);

  std::variant<Listing, Watching> everything() const;
  Waiting pause(std::variant<Listing, Watching> then,
                std::optional<std::chrono::seconds> at_least = std::nullopt);
  http::Request make_request(const std::string& query, std::string_view metadata_kind) const;
  std::string collection_query() const;
  void touch();
  void advance(const std::string& version) { version_ = version; }

  // Constant after construction.
  const Parts parts_;
  const Resource resource_;
  const ReflectorOptions options_;

  // The machine's thread only.
  std::mt19937_64 random_;
  ReflectorBackoff backoff_{random_};
  std::string version_;              ///< The last resourceVersion seen; "" before the first list.
  bool version_lost_ = false;        ///< The server cannot serve version_: ask for the newest.
  bool watch_list_refused_ = false;  ///< The server does not know sendInitialEvents.
  int server_errors_ = 0;            ///< Watches in a row that ended so without an event.

  std::atomic<std::uint64_t> lists_{0};
  std::atomic<std::uint64_t> watches_{0};
  std::atomic<std::uint64_t> events_{0};
  std::atomic<std::chrono::steady_clock::rep> contact_{0};
};

}  // namespace portcullis::kube
