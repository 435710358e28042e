#include "lib/kube/reflector_machine.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "lib/base/log.hpp"
#include "lib/base/version.hpp"
#include "lib/codec/encoding.hpp"

namespace portcullis::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kListTimeout{60};
constexpr seconds kMostWatch{600};
constexpr seconds kLeastWatch{300};
/// A half-open connection never ends by itself: this long after the server should have ended the
/// watch, it is dead (kube-rs next_with_idle_timeout).
constexpr seconds kIdleMargin{5};
/// A watch that ends sooner than this did not work, whatever it said.
constexpr seconds kShortWatch{1};
/// So many watches in a row that the server broke off without an event: list instead.
constexpr int kMostServerErrors = 5;
constexpr const char* kPageQuery = "limit=500";

ReflectorState as_state(const std::variant<Listing, Watching>& next) {
  return std::visit([](const auto& state) -> ReflectorState { return state; }, next);
}

}  // namespace

ReflectorMachine::ReflectorMachine(const Parts& parts, const Resource& resource,
                                   ReflectorOptions options)
    : parts_(parts),
      resource_(resource),
      options_(std::move(options)),
      random_(std::random_device{}()) {}

ReflectorState ReflectorMachine::first_state() const { return as_state(everything()); }

ReflectorState ReflectorMachine::step(const ReflectorState& state, const std::stop_token& stop) {
  try {
    return std::visit([&](const auto& current) { return run(current, stop); }, state);
  } catch (const std::exception& bug) {
    log::error("a reflector's step failed", {{"kind", resource_.kind}, {"cause", bug.what()}});
  }
  return pause(Listing{});
}

ReflectorCounters ReflectorMachine::counters() const {
  return {lists_.load(), watches_.load(), events_.load()};
}

std::chrono::steady_clock::time_point ReflectorMachine::last_contact() const {
  return std::chrono::steady_clock::time_point(
      std::chrono::steady_clock::duration(contact_.load()));
}

// --- Listing -------------------------------------------------------------------------------------

ReflectorState ReflectorMachine::run(const Listing&, const std::stop_token& stop) {
  // "0": whatever the server's cache has is good enough at first. Later never older than what was
  // seen; the newest only when that cannot be had, for it costs a quorum read.
  const std::string version = version_lost_ ? "" : version_.empty() ? "0" : version_;
  auto listed = list_everything(version, stop);
  if (listed) {
    parts_.sink.replace(std::move(listed->items));
    advance(listed->resource_version);
    version_lost_ = false;
    return Watching{};
  }
  const auto& [error, too_large] = listed.error();
  const bool lost = error.code() == ErrorCode::kGone || too_large;
  if (lost && !version.empty()) {
    version_lost_ = true;
    return Listing{};
  }
  log::warning("listing failed", {{"kind", resource_.kind}, {"error", error}});
  return pause(Listing{}, error.retry_after());
}

tl::expected<ReflectorMachine::Listed, Refusal> ReflectorMachine::list_everything(
    const std::string& version, const std::stop_token& stop) {
  // A list at a version comes from the server's watch cache, whole; with a limit the server would
  // read exactly that version, page by page, from etcd.
  const bool paged = version.empty() || version == "0";
  std::string at_version;
  if (!version.empty()) at_version = "resourceVersion=" + codec::encode_query(version);

  ++lists_;
  const std::string first = paged ? std::string(kPageQuery) + "&" + at_version : at_version;
  auto page = list_page(first);
  if (!page) return tl::unexpected(std::move(page.error()));
  // The version of the whole is that of its first page.
  Listed out{std::move(page->items), page->resource_version};
  while (!page->next.empty() && !stop.stop_requested()) {
    // Never with a resourceVersion: the server answers 400 to both.
    page = list_page(std::string(kPageQuery) + "&continue=" + codec::encode_query(page->next));
    if (!page && page.error().error.code() == ErrorCode::kGone) {
      // The snapshot went away between two pages: once more, in one piece.
      ++lists_;
      page = list_page(at_version);
      if (!page) return tl::unexpected(std::move(page.error()));
      return Listed{std::move(page->items), page->resource_version};
    }
    if (!page) return tl::unexpected(std::move(page.error()));
    std::move(page->items.begin(), page->items.end(), std::back_inserter(out.items));
  }
  if (!page->next.empty()) {
    return tl::unexpected(Refusal{Error(ErrorCode::kUnavailable, "stopped while listing"), false});
  }
  return out;
}

tl::expected<ListPage, Refusal> ReflectorMachine::list_page(const std::string& query) {
  const auto request = make_request(query, "PartialObjectMetadataList");
  auto response = parts_.transport.send(request, Deadline::after(kListTimeout));
  if (!response) return tl::unexpected(Refusal{std::move(response.error()), false});
  touch();
  if (response->status != 200) return tl::unexpected(decode_refusal(*response));
  auto page = parse_list(response->body, resource_);
  if (page && page->resource_version.empty()) {
    page = Error(ErrorCode::kUnavailable, "the list has no resourceVersion to watch from");
  }
  if (!page) return tl::unexpected(Refusal{std::move(page.error()), false});
  return std::move(*page);
}

// --- Watching ------------------------------------------------------------------------------------

ReflectorState ReflectorMachine::run(const Watching& state, const std::stop_token& stop) {
  const auto timeout = seconds(std::uniform_int_distribution<std::int64_t>(
      kLeastWatch.count(), kMostWatch.count())(random_));
  std::string query =
      "watch=true&allowWatchBookmarks=true&timeoutSeconds=" + std::to_string(timeout.count());
  if (state.initial) query += "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
  // Without a version a WatchList gives the newest state.
  const std::string version = state.initial && version_lost_ ? "" : version_;
  if (!version.empty()) query += "&resourceVersion=" + codec::encode_query(version);

  Run watch;
  watch.initial = state.initial;
  watch.since = parts_.clock.steady();
  ++watches_;
  auto response =
      parts_.transport.stream(make_request(query, "PartialObjectMetadata"), timeout + kIdleMargin,
                              stop, [&](std::string_view line) { return on_line(watch, line); });
  if (!response) {
    const bool silent = response.error().code() == ErrorCode::kDeadlineExceeded;
    watch.end = silent ? End::kClosed : End::kBroken;
    log::info("a watch broke off", {{"kind", resource_.kind}, {"error", response.error()}});
  } else if (response->status != 200) {
    touch();
    on_refusal(watch, decode_refusal(*response), "answer");
  }
  server_errors_ = watch.end == End::kServerError && watch.heard == 0 ? server_errors_ + 1 : 0;
  return watch.initial ? after_initial_watch(watch) : after_watch(watch);
}

bool ReflectorMachine::on_line(Run& watch, std::string_view line) {
  if (line.empty()) return true;
  auto event = parse_watch_event(line);
  if (!event) {
    // What follows cannot be trusted to be whole either; the last good version is known.
    log::warning("a watch brought something else than an event",
                 {{"kind", resource_.kind}, {"error", event.error()}});
    watch.end = End::kBroken;
    return false;
  }
  touch();
  try {
    return on_event(watch, std::move(*event));
  } catch (const std::exception& bug) {
    log::error("a reflector's sink failed", {{"kind", resource_.kind}, {"cause", bug.what()}});
  }
  watch.end = End::kRejected;
  return false;
}

bool ReflectorMachine::on_event(Run& watch, WatchEvent event) {
  using enum WatchEvent::Type;
  switch (event.type) {
    case kError:
      on_refusal(watch, decode_refusal(event.object), "event");
      return false;
    case kUnknown:
      log::warning("a watch brought an event of unknown type", {{"kind", resource_.kind}});
      return true;
    case kBookmark:
      return on_bookmark(watch, event);
    case kAdded:
    case kModified:
    case kDeleted:
      break;
  }
  ++watch.heard;
  ++events_;
  const auto key = api::parse_meta(event.object).key;
  // Initial events are not in the order of their versions: only the bookmark after them counts.
  if (watch.initial && event.type == kDeleted) {
    watch.collected.erase(key);
  } else if (watch.initial) {
    watch.collected.insert_or_assign(key, std::move(event.object));
  } else {
    if (event.type == kDeleted) {
      parts_.sink.erase(event.object);
    } else {
      parts_.sink.put(std::move(event.object));
    }
    advance(event.resource_version);
  }
  return true;
}

bool ReflectorMachine::on_bookmark(Run& watch, const WatchEvent& event) {
  ++watch.heard;
  if (!watch.initial) {
    advance(event.resource_version);
    return true;
  }
  if (!event.initial_events_end) return true;
  std::vector<codec::Json> objects;
  objects.reserve(watch.collected.size());
  for (auto& [key, object] : watch.collected) objects.push_back(std::move(object));
  watch.collected.clear();
  parts_.sink.replace(std::move(objects));
  advance(event.resource_version);
  version_lost_ = false;
  watch.initial = false;
  return true;
}

void ReflectorMachine::on_refusal(Run& watch, const Refusal& refusal, std::string_view where) {
  const auto& error = refusal.error;
  watch.retry_after = error.retry_after();
  if (refusal.version_too_large) {
    watch.end = End::kVersionTooLarge;
  } else if (error.code() == ErrorCode::kGone) {
    watch.end = End::kExpired;
  } else if (error.code() == ErrorCode::kResourceExhausted) {
    watch.end = End::kThrottled;
  } else if (error.code() == ErrorCode::kPermissionDenied) {
    watch.end = End::kForbidden;
  } else if (error.code() == ErrorCode::kNotFound) {
    watch.end = End::kNotFound;
  } else if (is_transient(error.code())) {
    watch.end = End::kServerError;
  } else {
    watch.end = End::kRejected;
  }
  const log::Fields fields = {{"kind", resource_.kind}, {"by", where}, {"error", error}};
  const bool needs_people = watch.end == End::kForbidden || watch.end == End::kNotFound;
  (needs_people ? log::warning : log::info)("the server ended a watch", fields);
}

ReflectorState ReflectorMachine::after_initial_watch(const Run& watch) {
  switch (watch.end) {
    case End::kThrottled:
    case End::kNotFound:
      return pause(Watching{true}, watch.retry_after);
    case End::kExpired:
    case End::kVersionTooLarge:
      version_lost_ = true;
      return pause(Watching{true});
    case End::kRejected:
      // Only a server that does not serve WatchList says so to a good request.
      watch_list_refused_ = true;
      return Listing{};
    case End::kBroken:
      // Not even a connection: a list would fail the same way.
      if (watch.heard == 0) return pause(Watching{true});
      return Listing{};
    case End::kClosed:
    case End::kServerError:
    case End::kForbidden:
      return Listing{};
  }
  return Listing{};
}

ReflectorState ReflectorMachine::after_watch(const Run& watch) {
  // What leads to a list does not count as working, or lists would follow each other quickly.
  const bool relists = watch.end == End::kExpired || watch.end == End::kRejected;
  if (watch.heard > 0 && !relists) backoff_.reset();
  switch (watch.end) {
    case End::kClosed:
      if (parts_.clock.steady() - watch.since >= kShortWatch) return Watching{};
      return pause(Watching{});
    case End::kServerError:
      if (server_errors_ >= kMostServerErrors) return pause(everything());
      return pause(Watching{}, watch.retry_after);
    case End::kBroken:
    case End::kForbidden:
    case End::kThrottled:
      return pause(Watching{}, watch.retry_after);
    case End::kVersionTooLarge:
      version_lost_ = true;
      return pause(everything());
    case End::kExpired:  // The version is kept: a list not older than it is cheap, mostly served.
    case End::kNotFound:
    case End::kRejected:
      return pause(everything());
  }
  return pause(everything());
}

// --- Waiting -------------------------------------------------------------------------------------

ReflectorState ReflectorMachine::run(const Waiting& state, const std::stop_token& stop) {
  parts_.waiter.wait(state.delay, stop);
  return as_state(state.then);
}

Waiting ReflectorMachine::pause(std::variant<Listing, Watching> then,
                                std::optional<seconds> at_least) {
  const auto delay = backoff_.next(parts_.clock.steady());
  return {std::max(delay, milliseconds(at_least.value_or(seconds(0)))), then};
}

std::variant<Listing, Watching> ReflectorMachine::everything() const {
  if (options_.watch_list && !watch_list_refused_) return Watching{true};
  return Listing{};
}

http::Request ReflectorMachine::make_request(const std::string& query,
                                             std::string_view metadata_kind) const {
  http::Request request;
  request.target = collection_query() + query;
  while (request.target.ends_with('&')) request.target.pop_back();
  request.headers["User-Agent"] = "portcullis/" + release();
  request.headers["Accept"] = "application/json";
  if (options_.metadata_only) {
    request.headers["Accept"] += ";as=" + std::string(metadata_kind) + ";g=meta.k8s.io;v=v1";
  }
  return request;
}

std::string ReflectorMachine::collection_query() const {
  const auto path = path_of(resource_, {options_.name_space, ""});
  // A namespace that cannot be in a path is the caller's bug; the server answers it with 404.
  std::string out = path.value_or("/") + "?";
  if (!options_.label_selector.empty()) {
    out += "labelSelector=" + codec::encode_query(options_.label_selector) + "&";
  }
  if (!options_.field_selector.empty()) {
    out += "fieldSelector=" + codec::encode_query(options_.field_selector) + "&";
  }
  return out;
}

void ReflectorMachine::touch() { contact_ = parts_.clock.steady().time_since_epoch().count(); }

}  // namespace portcullis::kube
