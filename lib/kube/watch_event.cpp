#include "lib/kube/watch_event.hpp"

#include <utility>

#include "lib/kube/status.hpp"

namespace portcullis::kube {
namespace {

WatchEvent::Type parse_type(const std::string& name) {
  using enum WatchEvent::Type;
  if (name == "ADDED") return kAdded;
  if (name == "MODIFIED") return kModified;
  if (name == "DELETED") return kDeleted;
  if (name == "BOOKMARK") return kBookmark;
  if (name == "ERROR") return kError;
  return kUnknown;
}

}  // namespace

Result<WatchEvent> parse_watch_event(std::string_view line) {
  auto parsed = TRY(parse_answer(line));
  const auto type = codec::find_string(parsed, "type");
  const auto* object = codec::find(parsed, "object");
  if (!type || !object || !object->is_object()) {
    return Error(ErrorCode::kInvalidArgument, "a watch line without a type or an object");
  }
  WatchEvent event;
  event.type = parse_type(*type);
  event.object = std::move(parsed["object"]);
  if (event.type == WatchEvent::Type::kError || event.type == WatchEvent::Type::kUnknown) {
    return event;
  }
  strip(event.object);
  const auto* metadata = codec::find(event.object, "metadata");
  if (metadata) event.resource_version = codec::string_or_empty(*metadata, "resourceVersion");
  if (event.resource_version.empty()) {
    return Error(ErrorCode::kInvalidArgument, "a watch event without a resourceVersion");
  }
  if (event.type == WatchEvent::Type::kBookmark) {
    const auto* annotations = codec::find(*metadata, "annotations");
    event.initial_events_end =
        annotations && codec::string_or_empty(*annotations, "k8s.io/initial-events-end") == "true";
  }
  return event;
}

}  // namespace portcullis::kube
