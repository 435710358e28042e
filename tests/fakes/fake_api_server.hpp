#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/api/meta.hpp"
#include "lib/base/clock.hpp"
#include "lib/codec/json.hpp"
#include "lib/http/kube_transport.hpp"
#include "lib/kube/resource.hpp"
#include "tests/fakes/fake_clock.hpp"
#include "tests/fakes/field_ownership.hpp"

namespace portcullis::testing {

/// What a script answers instead of the server: a response, or a failure of the transport.
using Outcome = std::variant<http::Response, Error>;
/// Answers a request that the fake does not know by itself (SubjectAccessReview, TokenRequest…).
using Answer = std::function<Outcome(const http::Request&)>;

/// A metav1.Status answer, as the API server gives one.
http::Response status_response(int code, const std::string& reason, const std::string& message,
                               http::Headers headers = {});
http::Response json_response(int code, const codec::Json& body);

/// An API server in memory, behind the transport that kube::Client and kube::Reflector use:
///
///   FakeApiServer server;
///   server.put(kube::kNamespaces, {{"metadata", {{"name", "clinic"}}}});
///   kube::Client client(server, "test");
///   …
///   EXPECT_TRUE(server.get(kube::kNetworkPolicies, {"clinic", "triage-portcullis"}));
///
/// It knows: get; list (labelSelector with = == != and existence, fieldSelector by path, limit and
/// continue, 410 after compact()); watch (resourceVersion, selectors, bookmarks, sendInitialEvents,
/// ERROR 410); create; server-side apply with field owners (fields no longer sent are removed,
/// another manager's fields conflict unless forced; lists are atomic but finalizers, conditions and
/// ownerReferences); merge patch; `/status`; delete with preconditions and finalizers; dryRun;
/// PartialObjectMetadata. uid, resourceVersion, generation and timestamps are kept as the real one
/// does. It does not know: schemas, defaults, admission, RBAC, garbage collection by owner.
/// Any kind may be used without being declared. Any thread.
class FakeApiServer final : public http::KubeTransport {
 public:
  FakeApiServer() : clock_(own_clock_) {}
  /// `clock` gives creationTimestamp and deletionTimestamp; it must outlive the server.
  explicit FakeApiServer(const Clock& clock) : clock_(clock) {}

  // The cluster, as somebody else sees and changes it.

  /// Creates or replaces the object, status included; its fields belong to the manager "other".
  /// Gives it as stored.
  codec::Json put(const kube::Resource& resource, codec::Json object);
  std::optional<codec::Json> get(const kube::Resource& resource, const api::ObjectKey& key) const;
  std::vector<codec::Json> list(const kube::Resource& resource) const;
  /// Takes the object away at once, whatever its finalizers.
  void remove(const kube::Resource& resource, const api::ObjectKey& key);
  /// Who owns fields of the object: "portcullis-operator", "portcullis-operator/status", "other".
  std::vector<std::string> field_managers(const kube::Resource& resource,
                                          const api::ObjectKey& key) const;

  // Misbehaviour. Scripts count for send() and stream() alike, and the first that matches counts.

  /// The next `times` requests whose method is `method` ("" any; a watch is "WATCH") and whose
  /// target contains `target_part` get this outcome instead.
  void fail_next(const std::string& method, const std::string& target_part, Outcome outcome,
                 int times = 1);
  /// From now on, every such request is answered by `answer`.
  void on(const std::string& method, const std::string& target_part, Answer answer);
  /// Forgets the history: continue tokens and watches from before now get 410.
  void compact();
  /// Lists are cut into pages of at most this many items whatever the request says; 0: as asked.
  void set_page_size(std::size_t items);
  /// Whether sendInitialEvents is served (true at first); otherwise it is answered 422.
  void set_watch_list(bool served);

  // Watches.

  /// Ends every open watch cleanly, as the server does after timeoutSeconds.
  void close_watches();
  /// Sends a bookmark to every open watch that allows them.
  void send_bookmarks();
  /// A watch ends cleanly as soon as it has nothing to give: for tests on one thread.
  void set_end_idle_watches(bool end);
  /// Waits until this many watches are open and have given all there is; false after 20 s.
  bool wait_for_watches(std::size_t count);

  // What was asked, in order. A watch's method is written "WATCH" here.
  std::vector<http::Request> requests() const;
  std::size_t count(const std::string& method, const std::string& target_part) const;
  void forget_requests();
  /// Waits until so many requests were answered; false after 20 s.
  bool wait_for_requests(const std::string& method, const std::string& target_part,
                         std::size_t count);

  Result<http::Response> send(const http::Request& request, Deadline deadline) override;
  Result<http::Response> stream(const http::Request& request, std::chrono::milliseconds idle,
                                std::stop_token stop, const LineSink& sink) override;

 private:
  struct Collection {
    std::string group;
    std::string plural;
    auto operator<=>(const Collection&) const = default;
  };
  struct Target {
    Collection collection;
    std::string api_version;
    api::ObjectKey key;
    std::string subresource;
  };
  struct Record {
    codec::Json object;
    FieldOwners owners;
  };
  struct Event {
    std::uint64_t revision = 0;
    Collection collection;
    codec::Json before;  ///< Null for a new object.
    codec::Json after;   ///< Null for one that is gone.
    codec::Json last;    ///< What a watcher is shown.
  };
  struct Script {
    std::string method;
    std::string target_part;
    Answer answer;
    int left = -1;  ///< -1: for ever.
  };
  struct Watch;

  static std::optional<Target> parse_target(std::string_view target);
  static Collection collection_of(const kube::Resource& resource);
  std::optional<Outcome> scripted(const std::string& method, const http::Request& request);
  http::Response dispatch(const http::Request& request);
  http::Response get_one(const http::Request& request, const Target& target);
  http::Response get_list(const http::Request& request, const Target& target);
  http::Response create(const http::Request& request, Target target);
  http::Response patch(const http::Request& request, const Target& target);
  http::Response apply(const http::Request& request, const Target& target, codec::Json intent);
  http::Response merge(const http::Request& request, const Target& target,
                       const codec::Json& change);
  http::Response remove_one(const http::Request& request, const Target& target);

  /// Stores `next` in place of what is there, with the metadata that the server keeps; nothing
  /// happens when nothing changes.
  codec::Json commit(const Target& target, codec::Json next, FieldOwners owners);
  codec::Json stamped(const Target& target, codec::Json next, const codec::Json& before) const;
  void erase_record(const Collection& collection, const api::ObjectKey& key);
  Record* find(const Target& target);

  std::optional<http::Response> refuse_watch(const http::Request& request) const;
  std::vector<std::string> begin_watch(Watch& watch, const http::Request& request);
  std::vector<std::string> next_lines(Watch& watch);

  FakeClock own_clock_;
  const Clock& clock_;

  mutable std::mutex mutex_;  ///< Guards all below.
  std::condition_variable_any changed_;
  std::map<Collection, std::map<api::ObjectKey, Record>> records_;
  std::vector<Event> history_;
  std::uint64_t revision_ = 1000;
  std::uint64_t compacted_ = 0;
  std::uint64_t next_uid_ = 1;
  std::map<std::string, std::pair<std::uint64_t, std::vector<codec::Json>>> pages_;  ///< By token.
  std::size_t page_size_ = 0;
  bool watch_list_ = true;
  bool end_idle_watches_ = false;
  std::uint64_t close_orders_ = 0;
  std::uint64_t bookmark_orders_ = 0;
  std::size_t quiet_watches_ = 0;
  std::deque<Script> scripts_;
  std::vector<http::Request> requests_;
};

}  // namespace portcullis::testing
