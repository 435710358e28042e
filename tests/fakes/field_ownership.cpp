#include "tests/fakes/field_ownership.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace portcullis::testing {
namespace {

using codec::Json;
using Pointer = Json::json_pointer;

/// The member that names an element of this list, "" for a set of strings; empty: an atomic list.
std::optional<std::string> list_key(const Pointer& path) {
  const std::string text = path.to_string();
  if (text == "/metadata/finalizers") return "";
  if (text == "/metadata/ownerReferences") return "uid";
  if (text.ends_with("/conditions")) return "type";
  return std::nullopt;
}

std::string element_name(const Json& element, const std::string& key) {
  if (key.empty()) return element.is_string() ? element.get<std::string>() : element.dump();
  return element.is_object() ? element.value(key, "") : "";
}

bool kept_by_server(const Pointer& path) {
  static const std::set<std::string> kept = {"/apiVersion",
                                             "/kind",
                                             "/metadata/name",
                                             "/metadata/namespace",
                                             "/metadata/uid",
                                             "/metadata/generation",
                                             "/metadata/resourceVersion",
                                             "/metadata/managedFields",
                                             "/metadata/creationTimestamp",
                                             "/metadata/deletionTimestamp"};
  return kept.contains(path.to_string());
}

void collect(const Pointer& path, const Json& value, Fields& out) {
  if (kept_by_server(path)) return;
  if (value.is_object() && (!value.empty() || path.empty())) {
    for (const auto& [name, member] : value.items()) collect(path / name, member, out);
    return;
  }
  const auto key = list_key(path);
  if (value.is_array() && key) {
    for (const auto& element : value) {
      const auto name = element_name(element, *key);
      out[path.to_string() + "#" + name] = {path, name, element};
    }
    return;
  }
  out[path.to_string()] = {path, "", value};
}

Json::iterator find_element(Json& list, const OwnedField& field) {
  const auto key = list_key(field.path).value_or("");
  return std::find_if(list.begin(), list.end(), [&](const Json& element) {
    return element_name(element, key) == field.element;
  });
}

/// Removes parents that the field left empty; metadata and the top level stay.
void prune(Json& object, Pointer path) {
  while (!path.empty() && path.to_string() != "/metadata") {
    if (!object.contains(path) || !object[path].empty()) return;
    const auto name = path.back();
    path.pop_back();
    object[path].erase(name);
  }
}

bool owned_by_another(const FieldOwners& owners, const std::string& manager,
                      const std::string& field) {
  return std::any_of(owners.begin(), owners.end(), [&](const auto& owner) {
    return owner.first != manager && owner.second.contains(field);
  });
}

}  // namespace

Fields fields_of(const Json& intent) {
  Fields out;
  collect(Pointer(), intent, out);
  return out;
}

void erase_field(Json& object, const OwnedField& field) {
  if (!object.contains(field.path)) return;
  if (!field.element.empty()) {
    auto& list = object[field.path];
    const auto found = find_element(list, field);
    if (found != list.end()) list.erase(found);
    prune(object, field.path);
    return;
  }
  auto parent = field.path;
  const auto name = parent.back();
  parent.pop_back();
  object[parent].erase(name);
  prune(object, parent);
}

void set_field(Json& object, const OwnedField& field) {
  if (field.element.empty()) {
    object[field.path] = field.value;
    return;
  }
  auto& list = object[field.path];
  if (!list.is_array()) list = Json::array();
  const auto found = find_element(list, field);
  if (found == list.end()) {
    list.push_back(field.value);
  } else {
    *found = field.value;
  }
}

Json field_value(const Json& object, const OwnedField& field) {
  if (!object.contains(field.path)) return nullptr;
  if (field.element.empty()) return object[field.path];
  Json list = object[field.path];
  const auto found = find_element(list, field);
  return found == list.end() ? Json() : *found;
}

std::vector<std::string> conflicts(const Json& object, const FieldOwners& owners,
                                   const std::string& manager, const Fields& wanted) {
  std::vector<std::string> out;
  for (const auto& [owner, fields] : owners) {
    if (owner == manager) continue;
    for (const auto& [name, field] : wanted) {
      if (fields.contains(name) && field_value(object, field) != field.value) {
        out.push_back(owner + ": " + name);
      }
    }
  }
  return out;
}

void apply_fields(Json& object, FieldOwners& owners, const std::string& manager, Fields wanted) {
  for (const auto& [name, field] : owners[manager]) {
    if (!wanted.contains(name) && !owned_by_another(owners, manager, name)) {
      erase_field(object, field);
    }
  }
  for (const auto& [name, field] : wanted) set_field(object, field);
  owners[manager] = std::move(wanted);
  drop_changed(object, owners);
}

void drop_changed(const Json& object, FieldOwners& owners) {
  for (auto owner = owners.begin(); owner != owners.end();) {
    std::erase_if(owner->second, [&](const auto& entry) {
      return field_value(object, entry.second) != entry.second.value;
    });
    owner = owner->second.empty() ? owners.erase(owner) : std::next(owner);
  }
}

}  // namespace portcullis::testing
