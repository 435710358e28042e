#include <cstdio>
#include <utility>

#include "lib/codec/encoding.hpp"
#include "tests/fakes/fake_api_server.hpp"
#include "tests/fakes/selectors.hpp"

// Single objects: read, create, patch, delete; and what the server keeps in their metadata.
namespace portcullis::testing {
namespace {

using codec::Json;

http::Response not_found(const std::string& plural, const api::ObjectKey& key) {
  return status_response(404, "NotFound", plural + " \"" + api::to_string(key) + "\" not found");
}

http::Response conflict(const std::string& why) { return status_response(409, "Conflict", why); }

std::string member(const Json& object, std::string_view name) {
  const auto* metadata = codec::find(object, "metadata");
  return metadata ? codec::string_or_empty(*metadata, name) : "";
}

/// What makes a new generation: everything but metadata and status.
Json spec_part(Json object) {
  object.erase("metadata");
  object.erase("status");
  return object;
}

Json without_version(Json object) {
  if (object.is_object() && object.contains("metadata")) {
    object["metadata"].erase("resourceVersion");
  }
  return object;
}

}  // namespace

http::Response FakeApiServer::get_one(const http::Request& request, const Target& target) {
  const auto* record = find(target);
  if (!record) return not_found(target.collection.plural, target.key);
  return json_response(200, shown(request, record->object));
}

http::Response FakeApiServer::create(const http::Request& request, Target target) {
  auto object = Json::parse(request.body, nullptr, false);
  target.key = {target.key.name_space, member(object, "name")};
  if (target.key.name.empty()) {
    return status_response(422, "Invalid", "metadata.name: name or generateName is required");
  }
  if (const auto given = member(object, "namespace");
      !given.empty() && given != target.key.name_space) {
    return status_response(400, "BadRequest", "the namespace of the object does not match the URL");
  }
  if (find(target)) {
    return status_response(409, "AlreadyExists", api::to_string(target.key) + " already exists");
  }
  object.erase("status");
  FieldOwners owners;
  owners["create"] = fields_of(object);
  if (!http::query_value(request.target, "dryRun").empty()) {
    return json_response(201, stamped(target, std::move(object), Json()));
  }
  return json_response(201, commit(target, std::move(object), std::move(owners)));
}

http::Response FakeApiServer::patch(const http::Request& request, const Target& target) {
  const auto type = request.headers.find("Content-Type");
  const std::string content = type == request.headers.end() ? "" : type->second;
  auto body = Json::parse(request.body, nullptr, false);
  if (!body.is_object()) return status_response(400, "BadRequest", "the patch is no JSON object");
  if (const auto* record = find(target)) {
    const auto uid = member(body, "uid");
    const auto version = member(body, "resourceVersion");
    if ((!uid.empty() && uid != member(record->object, "uid")) ||
        (!version.empty() && version != member(record->object, "resourceVersion"))) {
      return conflict("the object has been modified; please apply your changes to the latest");
    }
  }
  if (content == "application/apply-patch+yaml") return apply(request, target, std::move(body));
  if (content == "application/merge-patch+json") return merge(request, target, body);
  return status_response(415, "UnsupportedMediaType", "patch type " + content);
}

http::Response FakeApiServer::apply(const http::Request& request, const Target& target,
                                    Json intent) {
  auto manager = http::query_value(request.target, "fieldManager");
  if (manager.empty()) return status_response(400, "BadRequest", "fieldManager is required");
  if (codec::string_or_empty(intent, "apiVersion") != target.api_version ||
      codec::string_or_empty(intent, "kind").empty()) {
    return status_response(400, "BadRequest", "apiVersion and kind must be those of the URL");
  }
  if (codec::find_path(intent, {"metadata", "managedFields"})) {
    return status_response(400, "BadRequest", "metadata.managedFields must be nil");
  }
  const bool on_status = target.subresource == "status";
  auto* record = find(target);
  if (!record && on_status) return not_found(target.collection.plural, target.key);
  Json object = record ? record->object
                       : Json{{"apiVersion", target.api_version},
                              {"kind", intent["kind"]},
                              {"metadata", Json::object()}};
  FieldOwners owners = record ? record->owners : FieldOwners{};
  auto wanted = fields_of(intent);
  std::erase_if(
      wanted, [&](const auto& entry) { return (entry.first.starts_with("/status")) != on_status; });
  if (on_status) manager += "/status";
  const auto against = conflicts(object, owners, manager, wanted);
  if (!against.empty() && http::query_value(request.target, "force") != "true") {
    Json causes = Json::array();
    for (const auto& each : against) {
      causes.push_back({{"reason", "FieldManagerConflict"}, {"message", "conflict with " + each}});
    }
    return json_response(409, {{"kind", "Status"},
                               {"status", "Failure"},
                               {"reason", "Conflict"},
                               {"message", "Apply failed with conflict: " + against.front()},
                               {"details", {{"causes", causes}}},
                               {"code", 409}});
  }
  const int code = record ? 200 : 201;
  apply_fields(object, owners, manager, std::move(wanted));
  if (!http::query_value(request.target, "dryRun").empty()) {
    return json_response(code, stamped(target, object, record ? record->object : Json()));
  }
  return json_response(code, commit(target, std::move(object), std::move(owners)));
}

http::Response FakeApiServer::merge(const http::Request& request, const Target& target,
                                    const Json& change) {
  auto* record = find(target);
  if (!record) return not_found(target.collection.plural, target.key);
  Json object = record->object;
  object.merge_patch(change);
  if (target.subresource == "status") {
    Json only = record->object;
    only["status"] = object.value("status", Json::object());
    object = std::move(only);
  } else if (record->object.contains("status")) {
    object["status"] = record->object["status"];
  } else {
    object.erase("status");
  }
  auto owners = record->owners;
  drop_changed(object, owners);
  if (!http::query_value(request.target, "dryRun").empty()) {
    return json_response(200, stamped(target, std::move(object), record->object));
  }
  return json_response(200, commit(target, std::move(object), std::move(owners)));
}

http::Response FakeApiServer::remove_one(const http::Request& request, const Target& target) {
  auto* record = find(target);
  if (!record) return not_found(target.collection.plural, target.key);
  const auto body = Json::parse(request.body.empty() ? "{}" : request.body, nullptr, false);
  if (const auto* wanted = codec::find(body, "preconditions")) {
    for (const char* name : {"uid", "resourceVersion"}) {
      const auto value = codec::string_or_empty(*wanted, name);
      if (!value.empty() && value != member(record->object, name)) {
        return conflict(std::string("Precondition failed: ") + name);
      }
    }
  }
  const auto* finalizers = codec::find_path(record->object, {"metadata", "finalizers"});
  if (!finalizers || finalizers->empty()) {
    erase_record(target.collection, target.key);
    return status_response(200, "", "");
  }
  Json object = record->object;
  auto& metadata = object["metadata"];
  if (!metadata.contains("deletionTimestamp")) {
    metadata["deletionTimestamp"] = codec::format_time(clock_.now());
  }
  return json_response(200, commit(target, std::move(object), record->owners));
}

Json FakeApiServer::stamped(const Target& target, Json next, const Json& before) const {
  next["apiVersion"] = target.api_version;
  auto& metadata = next["metadata"];
  metadata["name"] = target.key.name;
  if (!target.key.name_space.empty()) metadata["namespace"] = target.key.name_space;
  metadata.erase("managedFields");
  if (before.is_null()) {
    char uid[48];
    std::snprintf(uid, sizeof uid, "00000000-0000-4000-8000-%012llu",
                  static_cast<unsigned long long>(next_uid_));
    metadata["uid"] = uid;
    metadata["creationTimestamp"] = codec::format_time(clock_.now());
    if (next.contains("spec")) metadata["generation"] = 1;
    return next;
  }
  for (const char* kept : {"uid", "creationTimestamp", "resourceVersion", "generation"}) {
    if (before["metadata"].contains(kept)) metadata[kept] = before["metadata"][kept];
  }
  // The beginning of a deletion counts as a change of what is wanted.
  const bool dying = next["metadata"].contains("deletionTimestamp") &&
                     !before["metadata"].contains("deletionTimestamp");
  const bool changed = dying || spec_part(next) != spec_part(before);
  if (changed && before["metadata"].contains("generation")) {
    metadata["generation"] = before["metadata"]["generation"].get<std::int64_t>() + 1;
  }
  return next;
}

Json FakeApiServer::commit(const Target& target, Json next, FieldOwners owners) {
  auto& collection = records_[target.collection];
  const auto found = collection.find(target.key);
  const Json before = found == collection.end() ? Json() : found->second.object;
  next = stamped(target, std::move(next), before);
  if (!before.is_null() && without_version(next) == without_version(before)) {
    found->second.owners = std::move(owners);
    return before;
  }
  if (before.is_null()) ++next_uid_;
  next["metadata"]["resourceVersion"] = std::to_string(++revision_);
  const auto& metadata = next["metadata"];
  const auto* finalizers = codec::find(metadata, "finalizers");
  collection[target.key] = {next, std::move(owners)};
  if (metadata.contains("deletionTimestamp") && (!finalizers || finalizers->empty())) {
    erase_record(target.collection, target.key);
    return next;
  }
  history_.push_back({revision_, target.collection, before, next, next});
  changed_.notify_all();
  return next;
}

void FakeApiServer::erase_record(const Collection& collection, const api::ObjectKey& key) {
  const auto objects = records_.find(collection);
  if (objects == records_.end()) return;
  const auto found = objects->second.find(key);
  if (found == objects->second.end()) return;
  const Json before = std::move(found->second.object);
  objects->second.erase(found);
  Json last = before;
  last["metadata"]["resourceVersion"] = std::to_string(++revision_);
  history_.push_back({revision_, collection, before, Json(), std::move(last)});
  changed_.notify_all();
}

}  // namespace portcullis::testing
