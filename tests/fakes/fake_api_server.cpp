#include "tests/fakes/fake_api_server.hpp"

#include <algorithm>
#include <utility>

namespace portcullis::testing {
namespace {

using codec::Json;

constexpr const char* kOther = "other";

std::string text_part(const std::string& text, std::size_t& from) {
  const auto end = std::min(text.find('/', from), text.size());
  auto part = text.substr(from, end - from);
  from = std::min(end + 1, text.size());
  return part;
}

std::string decoded(std::string_view segment) {
  return http::query_value("/?x=" + std::string(segment), "x");
}

std::size_t count_of(const std::vector<http::Request>& requests, const std::string& method,
                     const std::string& target_part) {
  const auto matches = [&](const http::Request& request) {
    return (method.empty() || request.method == method) &&
           request.target.find(target_part) != std::string::npos;
  };
  return static_cast<std::size_t>(std::count_if(requests.begin(), requests.end(), matches));
}

}  // namespace

http::Response status_response(int code, const std::string& reason, const std::string& message,
                               http::Headers headers) {
  auto response = json_response(code, {{"kind", "Status"},
                                       {"apiVersion", "v1"},
                                       {"status", code < 400 ? "Success" : "Failure"},
                                       {"message", message},
                                       {"reason", reason},
                                       {"code", code}});
  response.headers.merge(headers);
  return response;
}

http::Response json_response(int code, const Json& body) {
  http::Response response;
  response.status = code;
  response.headers["Content-Type"] = "application/json";
  response.body = codec::dump_json(body);
  return response;
}

FakeApiServer::Collection FakeApiServer::collection_of(const kube::Resource& resource) {
  return {std::string(resource.group), std::string(resource.plural)};
}

std::optional<FakeApiServer::Target> FakeApiServer::parse_target(std::string_view target) {
  const std::string path(http::path_of(target));
  Target out;
  std::size_t at = 1;
  const auto root = text_part(path, at);
  if (root != "api" && root != "apis") return std::nullopt;
  if (root == "apis") out.collection.group = text_part(path, at);
  const auto version = text_part(path, at);
  out.api_version = root == "api" ? version : out.collection.group + "/" + version;

  std::vector<std::string> rest;
  while (at < path.size()) rest.push_back(decoded(text_part(path, at)));
  // "namespaces/NAME" and its subresources are the Namespace itself, anything longer is within it.
  const bool within =
      rest.size() >= 3 && rest[0] == "namespaces" && rest[2] != "status" && rest[2] != "finalize";
  if (within) {
    out.key.name_space = rest[1];
    rest.erase(rest.begin(), rest.begin() + 2);
  }
  if (rest.empty() || rest.size() > 3) return std::nullopt;
  out.collection.plural = rest[0];
  if (rest.size() > 1) out.key.name = rest[1];
  if (rest.size() > 2) out.subresource = rest[2];
  return out;
}

Json FakeApiServer::put(const kube::Resource& resource, Json object) {
  const std::lock_guard lock(mutex_);
  object["apiVersion"] = resource.api_version();
  object["kind"] = resource.kind;
  const auto key = api::parse_meta(object).key;
  const Target target{collection_of(resource), resource.api_version(), key, ""};
  FieldOwners owners;
  if (const auto* record = find(target)) owners = record->owners;
  owners[kOther] = fields_of(object);
  drop_changed(object, owners);
  return commit(target, std::move(object), std::move(owners));
}

std::optional<Json> FakeApiServer::get(const kube::Resource& resource,
                                       const api::ObjectKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto collection = records_.find(collection_of(resource));
  if (collection == records_.end()) return std::nullopt;
  const auto found = collection->second.find(key);
  if (found == collection->second.end()) return std::nullopt;
  return found->second.object;
}

std::vector<Json> FakeApiServer::list(const kube::Resource& resource) const {
  const std::lock_guard lock(mutex_);
  std::vector<Json> out;
  const auto collection = records_.find(collection_of(resource));
  if (collection == records_.end()) return out;
  for (const auto& [key, record] : collection->second) out.push_back(record.object);
  return out;
}

void FakeApiServer::remove(const kube::Resource& resource, const api::ObjectKey& key) {
  const std::lock_guard lock(mutex_);
  erase_record(collection_of(resource), key);
}

std::vector<std::string> FakeApiServer::field_managers(const kube::Resource& resource,
                                                       const api::ObjectKey& key) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  const auto collection = records_.find(collection_of(resource));
  if (collection == records_.end() || !collection->second.contains(key)) return out;
  for (const auto& [manager, fields] : collection->second.at(key).owners) out.push_back(manager);
  return out;
}

void FakeApiServer::fail_next(const std::string& method, const std::string& target_part,
                              Outcome outcome, int times) {
  const std::lock_guard lock(mutex_);
  scripts_.push_back({method, target_part, [outcome](const auto&) { return outcome; }, times});
}

void FakeApiServer::on(const std::string& method, const std::string& target_part, Answer answer) {
  const std::lock_guard lock(mutex_);
  scripts_.push_back({method, target_part, std::move(answer), -1});
}

std::optional<Outcome> FakeApiServer::scripted(const std::string& method,
                                               const http::Request& request) {
  for (auto script = scripts_.begin(); script != scripts_.end(); ++script) {
    const bool matches = (script->method.empty() || script->method == method) &&
                         request.target.find(script->target_part) != std::string::npos;
    if (!matches) continue;
    auto outcome = script->answer(request);
    if (script->left > 0 && --script->left == 0) scripts_.erase(script);
    return outcome;
  }
  return std::nullopt;
}

void FakeApiServer::compact() {
  const std::lock_guard lock(mutex_);
  compacted_ = ++revision_;
  pages_.clear();
}

void FakeApiServer::set_page_size(std::size_t items) {
  const std::lock_guard lock(mutex_);
  page_size_ = items;
}

std::vector<http::Request> FakeApiServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t FakeApiServer::count(const std::string& method, const std::string& target_part) const {
  return count_of(requests(), method, target_part);
}

bool FakeApiServer::wait_for_requests(const std::string& method, const std::string& target_part,
                                      std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(20),
                           [&] { return count_of(requests_, method, target_part) >= count; });
}

void FakeApiServer::forget_requests() {
  const std::lock_guard lock(mutex_);
  requests_.clear();
}

Result<http::Response> FakeApiServer::send(const http::Request& request, Deadline) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(request);
  changed_.notify_all();
  if (auto outcome = scripted(request.method, request)) {
    if (auto* error = std::get_if<Error>(&*outcome)) return *error;
    return std::get<http::Response>(*outcome);
  }
  return dispatch(request);
}

http::Response FakeApiServer::dispatch(const http::Request& request) {
  const auto target = parse_target(request.target);
  if (!target) return status_response(404, "NotFound", "the server could not find the resource");
  if (request.method == "GET") {
    return target->key.name.empty() ? get_list(request, *target) : get_one(request, *target);
  }
  if (request.method == "POST" && target->key.name.empty()) return create(request, *target);
  if (request.method == "PATCH" && !target->key.name.empty()) return patch(request, *target);
  if (request.method == "DELETE" && !target->key.name.empty()) return remove_one(request, *target);
  return status_response(405, "MethodNotAllowed", request.method + " is not supported here");
}

FakeApiServer::Record* FakeApiServer::find(const Target& target) {
  auto& collection = records_[target.collection];
  const auto found = collection.find(target.key);
  return found == collection.end() ? nullptr : &found->second;
}

}  // namespace portcullis::testing
