#include "lib/kube/kubeconfig.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"
#include "lib/codec/yaml.hpp"

namespace portcullis::kube {
namespace {

using codec::Json;

Error malformed(const std::string& path, const std::string& why) {
  return {ErrorCode::kInvalidArgument, "kubeconfig " + path + ": " + why};
}

std::string beside(const std::string& kubeconfig, const std::string& path) {
  const std::filesystem::path given(path);
  if (path.empty() || given.is_absolute()) return path;
  return (std::filesystem::path(kubeconfig).parent_path() / given).lexically_normal().string();
}

/// A member that is present and says something; `false` and "" do not.
bool says(const Json& body, const char* member) {
  const auto* value = codec::find(body, member);
  return value && !value->empty() && *value != "" && *value != false;
}

Result<void> refuse(const Json& body, const std::vector<const char*>& members,
                    const std::string& where, const std::string& path, const char* instead) {
  for (const char* member : members) {
    if (says(body, member)) {
      return malformed(path, where + "." + member + " is not supported; " + instead);
    }
  }
  return {};
}

/// `NAME-data` (base64) before the file `NAME`, as client-go does; "" when there is neither.
Result<std::string> data_or_file(const Json& body, const std::string& member,
                                 const std::string& where, const std::string& path) {
  const auto data = codec::string_or_empty(body, member + "-data");
  if (!data.empty()) {
    auto decoded = codec::decode_base64(data);
    if (!decoded) return malformed(path, where + "." + member + "-data is not base64");
    return decoded;
  }
  const auto file = codec::string_or_empty(body, member);
  if (file.empty()) return std::string();
  auto content = read_file(beside(path, file));
  if (!content) return malformed(path, where + "." + member + ": " + content.error().message());
  return content;
}

Result<void> take_cluster(http::KubeEndpoint& endpoint, const Json& body, const std::string& name,
                          const std::string& path) {
  const auto where = "cluster " + name;
  TRY_VOID(refuse(body, {"proxy-url"}, where, path, "reach the API server directly"));
  endpoint.url = codec::string_or_empty(body, "server");
  if (endpoint.url.empty()) return malformed(path, where + " has no server");
  endpoint.tls_server_name = codec::string_or_empty(body, "tls-server-name");
  endpoint.insecure_skip_tls_verify =
      codec::find_bool(body, "insecure-skip-tls-verify").value_or(false);
  if (says(body, "certificate-authority-data")) {
    endpoint.ca_pem = TRY(data_or_file(body, "certificate-authority", where, path));
  } else {
    endpoint.ca_file = beside(path, codec::string_or_empty(body, "certificate-authority"));
  }
  return {};
}

Result<void> take_user(http::KubeEndpoint& endpoint, const Json& body, const std::string& name,
                       const std::string& path) {
  const auto where = "user " + name;
  TRY_VOID(refuse(body,
                  {"exec", "auth-provider", "username", "password", "as", "as-uid", "as-groups",
                   "as-user-extra"},
                  where, path, "use a client certificate, token or tokenFile"));
  endpoint.client_certificate_pem = TRY(data_or_file(body, "client-certificate", where, path));
  endpoint.client_key_pem = TRY(data_or_file(body, "client-key", where, path));
  if (endpoint.client_certificate_pem.empty() != endpoint.client_key_pem.empty()) {
    return malformed(path, where + " has only one of client-certificate and client-key");
  }
  // A token file wins over a token, for it is the one that is renewed (client-go does the same).
  endpoint.token_file = beside(path, codec::string_or_empty(body, "tokenFile"));
  if (endpoint.token_file.empty()) endpoint.token = codec::string_or_empty(body, "token");
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    return Error(ErrorCode::kNotFound, "the file " + path + " does not exist");
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  // Reading through iterators would throw for a folder.
  content << file.rdbuf();
  if (!file.is_open() || file.bad() || std::filesystem::is_directory(path, ignored)) {
    return Error(ErrorCode::kInvalidArgument, "the file " + path + " cannot be read");
  }
  return content.str();
}

Result<void> Kubeconfig::merge(const std::string& path, const std::string& text) {
  auto documents = codec::parse_yaml(text);
  if (!documents) return malformed(path, documents.error().message());
  paths_.push_back(path);
  if (documents->empty()) return {};
  if (documents->size() > 1) return malformed(path, "it holds several YAML documents");
  const auto& file = documents->front();
  if (!file.is_object()) return malformed(path, "it is no mapping");
  const auto kind = codec::string_or_empty(file, "kind");
  if (!kind.empty() && kind != "Config") {
    return malformed(path, "it is a " + kind + ", not a Config");
  }
  TRY_VOID(merge_list(clusters_, file, "clusters", "cluster", path));
  TRY_VOID(merge_list(users_, file, "users", "user", path));
  TRY_VOID(merge_list(contexts_, file, "contexts", "context", path));
  if (current_context_.empty()) {
    current_context_ = codec::string_or_empty(file, "current-context");
  }
  return {};
}

Result<void> Kubeconfig::merge_list(Entries& into, const Json& file, const char* list,
                                    const char* member, const std::string& path) {
  const auto* entries = codec::find(file, list);
  if (!entries || entries->is_null()) return {};
  if (!entries->is_array()) return malformed(path, std::string(list) + " is no list");
  for (const auto& entry : *entries) {
    auto name = codec::string_or_empty(entry, "name");
    const auto* body = codec::find(entry, member);
    if (name.empty()) return malformed(path, std::string("an entry of ") + list + " has no name");
    if (body && !body->is_object() && !body->is_null()) {
      return malformed(path, std::string(list) + " " + name + " is no mapping");
    }
    const bool taken = std::any_of(into.begin(), into.end(),
                                   [&](const Entry& earlier) { return earlier.name == name; });
    const bool filled = body && body->is_object();
    if (!taken) into.push_back({std::move(name), path, filled ? *body : Json::object()});
  }
  return {};
}

Result<const Kubeconfig::Entry*> Kubeconfig::find(const Entries& entries, const std::string& name,
                                                  const std::string& what) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return entry.name == name; });
  if (found == entries.end()) {
    return Error(ErrorCode::kInvalidArgument,
                 "kubeconfig: no " + what + " is named \"" + name + "\"; see kubectl config view");
  }
  return &*found;
}

Result<Config> Kubeconfig::resolve(const std::string& context) const {
  const auto& wanted = context.empty() ? current_context_ : context;
  if (wanted.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 "kubeconfig: no current-context is set; use kubectl config use-context, or give "
                 "--context");
  }
  const auto* chosen = TRY(find(contexts_, wanted, "context"));
  const auto* cluster =
      TRY(find(clusters_, codec::string_or_empty(chosen->body, "cluster"), "cluster"));
  Config out;
  TRY_VOID(take_cluster(out.endpoint, cluster->body, cluster->name, cluster->path));
  // A context without a user is anonymous, as for kubectl.
  if (const auto user_name = codec::string_or_empty(chosen->body, "user"); !user_name.empty()) {
    const auto* user = TRY(find(users_, user_name, "user"));
    TRY_VOID(take_user(out.endpoint, user->body, user->name, user->path));
  }
  out.name_space = codec::string_or_empty(chosen->body, "namespace");
  if (out.name_space.empty()) out.name_space = "default";
  for (const auto& path : paths_) out.origin += (out.origin.empty() ? "" : ":") + path;
  return out;
}

}  // namespace portcullis::kube
