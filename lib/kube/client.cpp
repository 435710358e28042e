#include "lib/kube/client.hpp"

#include <set>
#include <utility>

#include "lib/base/guarded.hpp"
#include "lib/base/log.hpp"
#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"
#include "lib/kube/status.hpp"

namespace portcullis::kube {
namespace {

using codec::Json;

/// client-go's own bounds: rest/request.go (maxRetries) and a unary call's total time.
constexpr int kMaxRetries = 10;
constexpr std::chrono::seconds kAttemptTimeout{32};
constexpr std::size_t kPageSize = 500;
constexpr std::size_t kMaxWarningsKept = 1000;

/// The query of a write: unknown fields are an error, not dropped.
std::string write_query(const std::string& field_manager, bool dry_run) {
  std::string out =
      "?fieldManager=" + codec::encode_query(field_manager) + "&fieldValidation=Strict";
  if (dry_run) out += "&dryRun=All";
  return out;
}

http::Request make_request(std::string method, std::string target) {
  http::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  return request;
}

http::Request make_write(std::string method, std::string target, const char* content_type,
                         const Json& body) {
  auto request = make_request(std::move(method), std::move(target));
  request.headers["Content-Type"] = content_type;
  request.body = codec::dump_json(body);
  return request;
}

Result<std::string> object_path(const Resource& resource, const api::ObjectKey& key,
                                std::string_view subresource = "") {
  // Without a name the path is the collection's: a delete would take all of it.
  if (key.name.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 "a " + std::string(resource.kind) + " needs a name here");
  }
  return path_of(resource, key, subresource);
}

/// The object's key, with metadata of a wrong shape refused instead of read as absent.
Result<api::ObjectKey> key_of(const Resource& resource, const Json& object) {
  const auto* metadata = codec::find(object, "metadata");
  if (!metadata || !metadata->is_object()) {
    return Error(ErrorCode::kInvalidArgument,
                 "a " + std::string(resource.kind) + " needs metadata to be sent");
  }
  return api::ObjectKey{codec::string_or_empty(*metadata, "namespace"),
                        codec::string_or_empty(*metadata, "name")};
}

bool is_success(int status) { return status >= 200 && status < 300; }

}  // namespace

/// Warnings that were logged already. Shared by copies of a client.
struct Client::WarningLog {
  Guarded<std::set<std::string>> seen;

  void note(const http::Response& response) {
    const auto header = response.header("Warning");
    if (header.empty()) return;
    for (const auto& text : parse_warnings(header)) {
      const bool is_new = seen.with([&](auto& texts) {
        return texts.size() < kMaxWarningsKept && texts.insert(text).second;
      });
      if (is_new) log::warning("the API server warns", {{"warning", text}});
    }
  }
};

Client::Client(http::KubeTransport& transport, std::string user_agent, Waiter& waiter)
    : transport_(transport),
      user_agent_(std::move(user_agent)),
      waiter_(waiter),
      warnings_(std::make_shared<WarningLog>()) {}

Result<http::Response> Client::send(http::Request request, Deadline deadline) {
  request.headers["User-Agent"] = user_agent_;
  request.headers["Accept"] = "application/json";
  const auto context = request.method + " " + std::string(http::path_of(request.target));
  bool failed_once = false;
  for (int retries = 0;;) {
    if (deadline.expired()) {
      return Error(ErrorCode::kDeadlineExceeded, context + ": no time is left to ask");
    }
    auto response = transport_.send(request, deadline.at_most(kAttemptTimeout));
    if (!response) {
      const bool again = request.method == "GET" && !std::exchange(failed_once, true) &&
                         is_transient(response.error().code()) && !deadline.expired();
      if (again) continue;
      return std::move(response.error()).with_context(context);
    }
    warnings_->note(*response);
    // Only where the server names a time: it has not done the work, whatever the method.
    const auto delay = retry_after(*response);
    const bool asked_to_wait = response->status == 429 || response->status >= 500;
    if (!asked_to_wait || !delay || retries == kMaxRetries || *delay >= deadline.remaining()) {
      return response;
    }
    ++retries;
    waiter_.wait(*delay, {});
  }
}

Result<Json> Client::call(http::Request request, Deadline deadline) {
  const auto response = TRY(send(std::move(request), deadline));
  if (!is_success(response.status)) return decode_status(response);
  auto object = parse_answer(response.body);
  if (!object) return Error(ErrorCode::kUnavailable, "the API server's answer is no JSON");
  strip(*object);
  return object;
}

Result<Json> Client::get(const Resource& resource, const api::ObjectKey& key, Deadline deadline) {
  return call(make_request("GET", TRY(object_path(resource, key))), deadline);
}

Result<std::vector<Json>> Client::list(const Resource& resource, const ListOptions& options,
                                       Deadline deadline) {
  std::string query = TRY(path_of(resource, {options.name_space, ""})) + "?";
  if (!options.label_selector.empty()) {
    query += "labelSelector=" + codec::encode_query(options.label_selector) + "&";
  }
  if (!options.field_selector.empty()) {
    query += "fieldSelector=" + codec::encode_query(options.field_selector) + "&";
  }
  std::vector<Json> items;
  std::string page_query = "limit=" + std::to_string(kPageSize);
  bool paged = true;
  while (true) {
    const auto response = TRY(send(make_request("GET", query + page_query), deadline));
    if (!is_success(response.status)) {
      auto error = decode_status(response);
      // The snapshot behind the continue token is gone: once more, in one piece.
      if (error.code() != ErrorCode::kGone || items.empty() || !paged) return error;
      paged = false;
      page_query.clear();
      items.clear();
      continue;
    }
    auto page = TRY(parse_list(response.body, resource));
    std::move(page.items.begin(), page.items.end(), std::back_inserter(items));
    if (page.next.empty()) return items;
    page_query =
        "limit=" + std::to_string(kPageSize) + "&continue=" + codec::encode_query(page.next);
  }
}

Result<Json> Client::create(const Resource& resource, const Json& object, Deadline deadline) {
  const auto key = TRY(key_of(resource, object));
  // With generateName a repeated request would make a second object.
  TRY(object_path(resource, key));
  Json body = object;
  body["apiVersion"] = resource.api_version();
  body["kind"] = resource.kind;
  const auto target =
      TRY(path_of(resource, {key.name_space, ""})) + write_query(api::kFieldManager, false);
  return call(make_write("POST", target, "application/json", body), deadline);
}

Result<Json> Client::post(std::string_view path, const Json& object, Deadline deadline) {
  return call(make_write("POST", std::string(path), "application/json", object), deadline);
}

Result<Json> Client::apply_to(const Resource& resource, const Json& intent,
                              std::string_view subresource, Deadline deadline,
                              const ApplyOptions& options) {
  const auto key = TRY(key_of(resource, intent));
  const auto path = TRY(object_path(resource, key, subresource));
  const auto query = write_query(options.field_manager, options.dry_run) +
                     (options.conflicts == Conflicts::kForce ? "&force=true" : "");
  return call(make_write("PATCH", path + query, "application/apply-patch+yaml", intent), deadline);
}

Result<Json> Client::apply(const Resource& resource, const Json& object, Deadline deadline,
                           const ApplyOptions& options) {
  Json intent = object;
  if (!intent.is_object()) intent = Json::object();
  intent["apiVersion"] = resource.api_version();
  intent["kind"] = resource.kind;
  intent.erase("status");
  if (intent.contains("metadata") && intent["metadata"].is_object()) {
    for (const char* kept_by_server :
         {"managedFields", "resourceVersion", "creationTimestamp", "generation", "selfLink"}) {
      intent["metadata"].erase(kept_by_server);
    }
  }
  return apply_to(resource, intent, "", deadline, options);
}

Result<Json> Client::apply_status(const Resource& resource, const Json& object, Deadline deadline,
                                  const ApplyOptions& options) {
  const auto key = TRY(key_of(resource, object));
  const auto* status = codec::find(object, "status");
  if (!status) {
    return Error(ErrorCode::kInvalidArgument,
                 "the " + std::string(resource.kind) + " to apply carries no status");
  }
  Json metadata = {{"name", key.name}};
  if (!key.name_space.empty()) metadata["namespace"] = key.name_space;
  const Json intent = {{"apiVersion", resource.api_version()},
                       {"kind", resource.kind},
                       {"metadata", std::move(metadata)},
                       {"status", *status}};
  return apply_to(resource, intent, "status", deadline, options);
}

Result<Json> Client::merge_patch(const Resource& resource, const api::ObjectKey& key,
                                 const Json& patch, Deadline deadline) {
  const auto target = TRY(object_path(resource, key)) + write_query(api::kFieldManager, false);
  return call(make_write("PATCH", target, "application/merge-patch+json", patch), deadline);
}

Result<void> Client::remove(const Resource& resource, const api::ObjectKey& key,
                            const Preconditions& preconditions, Deadline deadline) {
  Json options = {
      {"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", "Background"}};
  if (!preconditions.uid.empty()) options["preconditions"]["uid"] = preconditions.uid;
  if (!preconditions.resource_version.empty()) {
    options["preconditions"]["resourceVersion"] = preconditions.resource_version;
  }
  const auto target = TRY(object_path(resource, key));
  auto gone = call(make_write("DELETE", target, "application/json", options), deadline);
  if (!gone && gone.error().code() != ErrorCode::kNotFound) return std::move(gone.error());
  return {};
}

}  // namespace portcullis::kube
