#include "lib/kube/event_series.hpp"

#include <algorithm>
#include <utility>

#include "lib/codec/encoding.hpp"

namespace portcullis::kube {
namespace {

using codec::Json;

constexpr std::chrono::minutes kRefresh{30};
constexpr std::chrono::minutes kEnd{6};
/// So many different events are remembered; beyond that repeats are events of their own.
constexpr std::size_t kMostEntries = 4096;
/// The API server's limits (events.k8s.io validation).
constexpr std::size_t kMostNote = 1024;
constexpr std::size_t kMostName = 128;

/// Cut at most at `bytes`, never within a UTF-8 sequence.
std::string cut(std::string text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  text.resize(bytes);
  return text;
}

std::string hex_nanos(Time time) {
  auto value = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
  std::string out;
  for (; value != 0; value >>= 4U) out.insert(out.begin(), "0123456789abcdef"[value & 0xFU]);
  return out;
}

/// An Event's name is a DNS subdomain; names of RBAC objects may hold what that cannot.
std::string event_name(const std::string& object, Time at) {
  std::string name = object.substr(0, 230);
  for (auto& c : name) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (!fits) c = 'x';
  }
  const auto last = name.find_last_not_of("-.");
  name.resize(last == std::string::npos ? 0 : last + 1);
  return (name.empty() ? "event" : name) + "." + hex_nanos(at);
}

}  // namespace

EventSeries::EventSeries(std::string component, std::string instance)
    : component_(std::move(component)), instance_(cut(std::move(instance), kMostName)) {}

std::optional<EventWrite> EventSeries::add(const Occurrence& occurrence) {
  const auto key = key_of(occurrence);
  const auto found = entries_.find(key);
  if (found != entries_.end()) {
    auto& entry = found->second;
    ++entry.count;
    entry.last = occurrence.at;
    if (entry.count > 2) return std::nullopt;
    return write_series(entry, occurrence.at);
  }
  const auto& name_space = occurrence.regarding.key.name_space;
  EventWrite write;
  write.is_new = true;
  stamp_ = std::max(stamp_ + Time::duration(1), occurrence.at);
  // Events about cluster-scoped objects live in "default", as the API server demands.
  write.key = {name_space.empty() ? "default" : name_space,
               event_name(occurrence.regarding.key.name, stamp_)};
  write.event = make_event(occurrence, write.key);
  if (entries_.size() < kMostEntries) entries_[key] = {write, 1, 1, occurrence.at, occurrence.at};
  return write;
}

std::vector<EventWrite> EventSeries::sweep(Time now) {
  std::vector<EventWrite> out;
  for (auto it = entries_.begin(); it != entries_.end();) {
    auto& entry = it->second;
    const bool ended = now - entry.last >= kEnd;
    const bool behind = entry.count > entry.written;
    if (behind && (ended || now - entry.last_written >= kRefresh)) {
      out.push_back(write_series(entry, now));
    }
    it = ended ? entries_.erase(it) : std::next(it);
  }
  return out;
}

EventSeries::Key EventSeries::key_of(const Occurrence& occurrence) {
  const auto& regarding = occurrence.regarding;
  return {static_cast<int>(occurrence.type),
          occurrence.action,
          occurrence.reason,
          regarding.resource.api_version() + "/" + std::string(regarding.resource.kind),
          regarding.key.name_space,
          regarding.key.name,
          regarding.uid};
}

Json EventSeries::make_event(const Occurrence& occurrence, const api::ObjectKey& key) const {
  const auto& regarding = occurrence.regarding;
  Json reference = {{"apiVersion", regarding.resource.api_version()},
                    {"kind", regarding.resource.kind},
                    {"name", regarding.key.name}};
  if (!regarding.key.name_space.empty()) reference["namespace"] = regarding.key.name_space;
  if (!regarding.uid.empty()) reference["uid"] = regarding.uid;
  if (!regarding.resource_version.empty()) {
    reference["resourceVersion"] = regarding.resource_version;
  }
  return {{"apiVersion", kEvents.api_version()},
          {"kind", kEvents.kind},
          {"metadata", {{"name", key.name}, {"namespace", key.name_space}}},
          {"eventTime", codec::format_micro_time(occurrence.at)},
          {"type", occurrence.type == EventType::kWarning ? "Warning" : "Normal"},
          {"reason", cut(occurrence.reason, kMostName)},
          {"action", cut(occurrence.action, kMostName)},
          {"note", cut(occurrence.note, kMostNote)},
          {"reportingController", component_},
          {"reportingInstance", instance_},
          {"regarding", std::move(reference)}};
}

EventWrite EventSeries::write_series(Entry& entry, Time now) {
  entry.written = entry.count;
  entry.last_written = now;
  entry.event.event["series"] = {{"count", entry.count},
                                 {"lastObservedTime", codec::format_micro_time(entry.last)}};
  auto out = entry.event;
  out.is_new = false;
  return out;
}

}  // namespace portcullis::kube
