#include <algorithm>
#include <charconv>
#include <utility>

#include "tests/fakes/fake_api_server.hpp"
#include "tests/fakes/selectors.hpp"

// Lists and watches: the part of the fake that a reflector talks to.
namespace portcullis::testing {
namespace {

using codec::Json;

std::string event_line(const std::string& type, const Json& object) {
  return codec::dump_json({{"type", type}, {"object", object}});
}

std::uint64_t parse_revision(const std::string& text) {
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

Json bookmark(const http::Request& request, const Json& like, std::uint64_t revision,
              bool initial_end) {
  Json metadata = {{"resourceVersion", std::to_string(revision)}};
  if (initial_end) metadata["annotations"] = {{"k8s.io/initial-events-end", "true"}};
  Json object = like;
  object["metadata"] = std::move(metadata);
  return shown(request, object);
}

http::Response expired() {
  return status_response(410, "Expired", "The provided continue parameter is too old");
}

}  // namespace

/// One open watch: what was asked and how far it has got.
struct FakeApiServer::Watch {
  http::Request request;
  Target target;
  std::uint64_t at = 0;  ///< The last revision given.
  std::uint64_t close_orders = 0;
  std::uint64_t bookmark_orders = 0;
};

http::Response FakeApiServer::get_list(const http::Request& request, const Target& target) {
  const auto token = http::query_value(request.target, "continue");
  const auto version = http::query_value(request.target, "resourceVersion");
  const auto match = http::query_value(request.target, "resourceVersionMatch");
  if (!token.empty() && !version.empty()) {
    return status_response(400, "BadRequest",
                           "resourceVersion is not allowed together with continue");
  }
  if (!match.empty() && version.empty()) {
    return status_response(422, "Invalid", "resourceVersionMatch needs a resourceVersion");
  }
  if (parse_revision(version) > revision_) {
    return json_response(504, {{"kind", "Status"},
                               {"status", "Failure"},
                               {"reason", "Timeout"},
                               {"message", "Too large resource version: " + version},
                               {"details", {{"causes", {{{"reason", "ResourceVersionTooLarge"}}}}}},
                               {"code", 504}});
  }
  std::vector<Json> items;
  std::uint64_t at = revision_;
  if (token.empty()) {
    for (const auto& [key, record] : records_[target.collection]) {
      if (selects(request, target.key.name_space, record.object)) items.push_back(record.object);
    }
  } else {
    const auto page = pages_.find(token);
    if (page == pages_.end()) return expired();
    std::tie(at, items) = std::move(page->second);
    pages_.erase(page);
  }
  // Lists at a resourceVersion come from the watch cache, which does not know pages.
  std::size_t limit = page_size_;
  if (limit == 0 && version.empty()) {
    limit = parse_revision(http::query_value(request.target, "limit"));
  }
  Json metadata = {{"resourceVersion", std::to_string(at)}};
  if (limit > 0 && items.size() > limit && !http::query_value(request.target, "limit").empty()) {
    const auto next = "page-" + std::to_string(++revision_);
    const auto cut = items.begin() + static_cast<std::ptrdiff_t>(limit);
    pages_[next] = {at, {cut, items.end()}};
    metadata["continue"] = next;
    metadata["remainingItemCount"] = items.end() - cut;
    items.erase(cut, items.end());
  }
  Json out = Json::array();
  // Items of built-in kinds carry neither apiVersion nor kind; those of custom kinds do.
  const bool custom = target.collection.group.find('.') != std::string::npos &&
                      !target.collection.group.ends_with(".k8s.io");
  for (const auto& item : items) {
    Json view = shown(request, item);
    if (!custom) {
      view.erase("apiVersion");
      view.erase("kind");
    }
    out.push_back(std::move(view));
  }
  return json_response(200, {{"apiVersion", target.api_version},
                             {"kind", "List"},
                             {"metadata", std::move(metadata)},
                             {"items", std::move(out)}});
}

void FakeApiServer::set_watch_list(bool served) {
  const std::lock_guard lock(mutex_);
  watch_list_ = served;
}

void FakeApiServer::close_watches() {
  const std::lock_guard lock(mutex_);
  ++close_orders_;
  changed_.notify_all();
}

void FakeApiServer::send_bookmarks() {
  const std::lock_guard lock(mutex_);
  ++bookmark_orders_;
  changed_.notify_all();
}

void FakeApiServer::set_end_idle_watches(bool end) {
  const std::lock_guard lock(mutex_);
  end_idle_watches_ = end;
}

bool FakeApiServer::wait_for_watches(std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return quiet_watches_ >= count; });
}

std::optional<http::Response> FakeApiServer::refuse_watch(const http::Request& request) const {
  const bool initial = http::query_value(request.target, "sendInitialEvents") == "true";
  if (initial && !watch_list_) {
    return status_response(422, "Invalid",
                           "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch "
                           "unless the WatchList feature gate is enabled");
  }
  const auto match = http::query_value(request.target, "resourceVersionMatch");
  if (initial != (match == "NotOlderThan") || (!initial && !match.empty())) {
    return status_response(422, "Invalid",
                           "sendInitialEvents and resourceVersionMatch=NotOlderThan go together");
  }
  return std::nullopt;
}

std::vector<std::string> FakeApiServer::begin_watch(Watch& watch, const http::Request& request) {
  watch.request = request;
  watch.close_orders = close_orders_;
  watch.bookmark_orders = bookmark_orders_;
  const auto version = http::query_value(request.target, "resourceVersion");
  const bool initial = http::query_value(request.target, "sendInitialEvents") == "true";
  std::vector<std::string> lines;
  if (!initial && !version.empty() && version != "0") {
    watch.at = parse_revision(version);
    if (watch.at >= compacted_) return lines;
    watch.close_orders = close_orders_ - 1;  // Ends after this line.
    const auto status = status_response(410, "Expired", "too old resource version");
    lines.push_back(event_line("ERROR", Json::parse(status.body)));
    return lines;
  }
  watch.at = revision_;
  for (const auto& [key, record] : records_[watch.target.collection]) {
    if (!selects(request, watch.target.key.name_space, record.object)) continue;
    lines.push_back(event_line("ADDED", shown(request, record.object)));
  }
  if (initial) {
    const Json like = {{"apiVersion", watch.target.api_version}, {"kind", "Any"}};
    lines.push_back(event_line("BOOKMARK", bookmark(request, like, revision_, true)));
  }
  return lines;
}

std::vector<std::string> FakeApiServer::next_lines(Watch& watch) {
  std::vector<std::string> lines;
  const auto& name_space = watch.target.key.name_space;
  for (const auto& event : history_) {
    if (event.revision <= watch.at || event.collection != watch.target.collection) continue;
    const bool was = selects(watch.request, name_space, event.before);
    const bool is = selects(watch.request, name_space, event.after);
    if (!was && !is) continue;
    Json object = is ? event.after : event.before;
    object["metadata"]["resourceVersion"] = std::to_string(event.revision);
    lines.push_back(
        event_line(is ? (was ? "MODIFIED" : "ADDED") : "DELETED", shown(watch.request, object)));
  }
  watch.at = std::max(watch.at, revision_);
  const bool wanted = http::query_value(watch.request.target, "allowWatchBookmarks") == "true";
  if (watch.bookmark_orders != bookmark_orders_ && wanted) {
    const Json like = {{"apiVersion", watch.target.api_version}, {"kind", "Any"}};
    lines.push_back(event_line("BOOKMARK", bookmark(watch.request, like, watch.at, false)));
  }
  watch.bookmark_orders = bookmark_orders_;
  return lines;
}

Result<http::Response> FakeApiServer::stream(const http::Request& request,
                                             std::chrono::milliseconds, std::stop_token stop,
                                             const LineSink& sink) {
  std::unique_lock lock(mutex_);
  auto logged = request;
  logged.method = "WATCH";
  requests_.push_back(logged);
  if (auto outcome = scripted("WATCH", request)) {
    if (auto* error = std::get_if<Error>(&*outcome)) return *error;
    return std::get<http::Response>(*outcome);
  }
  if (auto refusal = refuse_watch(request)) return *refusal;
  Watch watch;
  const auto target = parse_target(request.target);
  if (!target) return status_response(404, "NotFound", "the server could not find the resource");
  watch.target = *target;
  auto lines = begin_watch(watch, request);
  while (true) {
    if (lines.empty()) lines = next_lines(watch);
    // The sink may call back into the server, and takes its time.
    lock.unlock();
    for (const auto& line : lines) {
      if (stop.stop_requested() || !sink(line)) return http::Response{200, {}, ""};
    }
    lock.lock();
    if (watch.close_orders != close_orders_) return http::Response{200, {}, ""};
    if (!std::exchange(lines, {}).empty()) continue;
    if (end_idle_watches_) return http::Response{200, {}, ""};

    ++quiet_watches_;
    changed_.notify_all();
    changed_.wait(lock, stop, [&] {
      return watch.close_orders != close_orders_ || watch.bookmark_orders != bookmark_orders_ ||
             watch.at < revision_;
    });
    --quiet_watches_;
    if (stop.stop_requested()) return http::Response{200, {}, ""};
  }
}

}  // namespace portcullis::testing
