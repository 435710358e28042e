#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/codec/json.hpp"
#include "lib/kube/recorder.hpp"

/// How repeated events become series (client-go tools/events/event_broadcaster.go). Pure; internal
/// to lib/kube.
namespace portcullis::kube {

/// One record() call, with the time of the call.
struct Occurrence {
  Regarding regarding;
  EventType type = EventType::kNormal;
  std::string reason;
  std::string action;
  std::string note;
  Time at;
};

/// A write to do: the new Event to create, or the series to patch into the Event `key`. An Event
/// that is gone by then (404) is created anew with its series.
// NOLINTNEXTLINE(bugprone-exception-escape): moving a JSON value does not throw
struct EventWrite {
  bool is_new = false;
  api::ObjectKey key;
  codec::Json event;  ///< The whole Event.
};

/// Which events were recorded lately. The first occurrence is a new Event, the second makes it a
/// series, later ones are counted and written every 30 min; 6 min without one end the series.
class EventSeries {
 public:
  EventSeries(std::string component, std::string instance);

  std::optional<EventWrite> add(const Occurrence& occurrence);
  /// What time alone makes due: counts to bring up to date, series that ended.
  std::vector<EventWrite> sweep(Time now);

 private:
  /// What makes two occurrences the same event; the note is not part of it.
  using Key =
      std::tuple<int, std::string, std::string, std::string, std::string, std::string, std::string>;
  struct Entry {
    EventWrite event;
    std::int64_t count = 1;
    std::int64_t written = 1;  ///< The count that the API server has.
    Time last;
    Time last_written;
  };

  static Key key_of(const Occurrence& occurrence);
  codec::Json make_event(const Occurrence& occurrence, const api::ObjectKey& key) const;
  static EventWrite write_series(Entry& entry, Time now);

  const std::string component_;
  const std::string instance_;
  std::map<Key, Entry> entries_;
  Time stamp_;  ///< In the last Event's name; no two are the same.
};

}  // namespace portcullis::kube
