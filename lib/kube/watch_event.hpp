#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.hpp"
#include "lib/codec/json.hpp"

namespace portcullis::kube {

/// One line of a watch (metav1.WatchEvent).
// NOLINTNEXTLINE(bugprone-exception-escape): moving a JSON value does not throw
struct WatchEvent {
  enum class Type { kAdded, kModified, kDeleted, kBookmark, kError, kUnknown };
  Type type = Type::kUnknown;
  codec::Json object;               ///< For kError a metav1.Status; managedFields removed.
  std::string resource_version;     ///< Of the object; "" for kError and kUnknown.
  bool initial_events_end = false;  ///< The bookmark that ends a WatchList's initial events.
};

/// kInvalidArgument for what no API server sends: no JSON (a line cut by a lost connection), no
/// type, no object, or an object without resourceVersion where one must be. Types that are new are
/// kUnknown. Pure.
Result<WatchEvent> parse_watch_event(std::string_view line);

}  // namespace portcullis::kube
