#include "lib/api/meta.hpp"

#include <algorithm>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"

namespace portcullis::api {
namespace {

std::optional<Time> find_time(const codec::Json& value, std::string_view key) {
  const auto text = codec::find_string(value, key);
  if (!text) return std::nullopt;
  const auto time = codec::parse_rfc3339(*text);
  return time ? std::optional(*time) : std::nullopt;
}

Labels find_labels(const codec::Json& value, std::string_view key) {
  Labels out;
  const auto* map = codec::find(value, key);
  if (map == nullptr || !map->is_object()) return out;
  for (const auto& [name, text] : map->items()) {
    if (text.is_string()) out.emplace(name, text.get<std::string>());
  }
  return out;
}

const codec::Json& find_list(const codec::Json& value, std::string_view key) {
  static const codec::Json kNone = codec::Json::array();
  const auto* list = codec::find(value, key);
  return list != nullptr && list->is_array() ? *list : kNone;
}

}  // namespace

std::string to_string(const ObjectKey& key) {
  return key.name_space.empty() ? key.name : key.name_space + "/" + key.name;
}

ObjectMeta parse_meta(const codec::Json& object) {
  ObjectMeta meta;
  const auto* found = codec::find(object, "metadata");
  if (found == nullptr) return meta;
  const auto& value = *found;
  meta.key = {codec::string_or_empty(value, "namespace"), codec::string_or_empty(value, "name")};
  meta.uid = codec::string_or_empty(value, "uid");
  meta.resource_version = codec::string_or_empty(value, "resourceVersion");
  meta.generation = codec::find_integer(value, "generation").value_or(0);
  meta.labels = find_labels(value, "labels");
  meta.annotations = find_labels(value, "annotations");
  for (const auto& finalizer : find_list(value, "finalizers")) {
    if (finalizer.is_string()) meta.finalizers.push_back(finalizer.get<std::string>());
  }
  for (const auto& owner : find_list(value, "ownerReferences")) {
    meta.owner_references.push_back(
        {codec::string_or_empty(owner, "apiVersion"), codec::string_or_empty(owner, "kind"),
         codec::string_or_empty(owner, "name"), codec::string_or_empty(owner, "uid"),
         codec::find_bool(owner, "controller").value_or(false)});
  }
  meta.creation_time = find_time(value, "creationTimestamp");
  meta.deletion_time = find_time(value, "deletionTimestamp");
  return meta;
}

Condition parse_condition(const codec::Json& condition) {
  return {codec::string_or_empty(condition, "type"),
          codec::string_or_empty(condition, "status"),
          codec::string_or_empty(condition, "reason"),
          codec::string_or_empty(condition, "message"),
          codec::find_integer(condition, "observedGeneration").value_or(0),
          find_time(condition, "lastTransitionTime")};
}

codec::Json to_json(const Condition& condition) {
  codec::Json out = {{"type", condition.type},
                     {"status", condition.status},
                     {"reason", condition.reason},
                     {"message", condition.message},
                     {"observedGeneration", condition.observed_generation}};
  if (condition.last_transition_time) {
    out["lastTransitionTime"] = codec::format_time(*condition.last_transition_time);
  }
  return out;
}

bool matches(const Labels& selector, const Labels& labels) {
  return !selector.empty() && std::ranges::all_of(selector, [&](const auto& wanted) {
    const auto found = labels.find(wanted.first);
    return found != labels.end() && found->second == wanted.second;
  });
}

}  // namespace portcullis::api
