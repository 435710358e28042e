#include "tests/fakes/fake_registry.hpp"

#include <algorithm>

#include "lib/codec/encoding.hpp"
#include "lib/crypto/digest.hpp"

namespace portcullis::testing {
namespace {

using codec::Json;

constexpr const char* kEmptyConfigDigest =
    "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

Json descriptor(const std::string& media_type, const std::string& digest, std::size_t size) {
  return {{"mediaType", media_type}, {"digest", digest}, {"size", size}};
}

Json empty_config() {
  return descriptor("application/vnd.oci.empty.v1+json", kEmptyConfigDigest, 2);
}

Json image_manifest(Json layers) {
  return {{"schemaVersion", 2},
          {"mediaType", kManifestType},
          {"config", empty_config()},
          {"layers", std::move(layers)}};
}

std::string fallback_tag(const std::string& digest, const std::string& suffix = "") {
  auto tag = digest + suffix;
  std::ranges::replace(tag, ':', '-');
  return tag;
}

Json platform_json(const std::string& text) {
  const auto first = text.find('/');
  const auto second = text.find('/', first + 1);
  Json platform{{"os", text.substr(0, first)},
                {"architecture", text.substr(first + 1, second - first - 1)}};
  if (second != std::string::npos) platform["variant"] = text.substr(second + 1);
  return platform;
}

http::Response json_error(int status, const std::string& code) {
  return web_answer(status, Json{{"errors", {{{"code", code}}}}}.dump(),
                    {{"Content-Type", "application/json"}});
}

}  // namespace

http::Response web_answer(int status, std::string body, http::Headers headers) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  response.headers = std::move(headers);
  return response;
}

std::string FakeRegistry::put_blob(const std::string& repository, std::string bytes) {
  const std::lock_guard lock(mutex_);
  auto digest = crypto::sha256_digest(bytes);
  blobs_[repository + "@" + digest] = std::move(bytes);
  return digest;
}

std::string FakeRegistry::put_manifest(const std::string& repository, const std::string& bytes,
                                       const std::string& media_type, const std::string& tag) {
  const std::lock_guard lock(mutex_);
  auto digest = crypto::sha256_digest(bytes);
  manifests_[repository + "@" + digest] = {bytes, media_type};
  if (!tag.empty()) tags_[repository + ":" + tag] = digest;
  return digest;
}

std::string FakeRegistry::add_image(const std::string& repository, const std::string& seed,
                                    const std::string& tag) {
  const auto layer = put_blob(repository, "layer " + seed);
  const auto manifest = image_manifest({descriptor("application/vnd.oci.image.layer.v1.tar", layer,
                                                   std::string("layer " + seed).size())});
  return put_manifest(repository, manifest.dump(), kManifestType, tag);
}

std::string FakeRegistry::add_index(
    const std::string& repository, const std::vector<std::pair<std::string, std::string>>& children,
    const std::string& tag) {
  Json manifests = Json::array();
  for (const auto& [platform, digest] : children) {
    manifests.push_back(descriptor(kManifestType, digest, 100));
    manifests.back()["platform"] = platform_json(platform);
  }
  const Json index{{"schemaVersion", 2}, {"mediaType", kIndexType}, {"manifests", manifests}};
  return put_manifest(repository, index.dump(), kIndexType, tag);
}

std::string FakeRegistry::attach_bundle(const std::string& repository, const std::string& subject,
                                        const std::string& bundle,
                                        const std::string& predicate_type,
                                        const std::string& created) {
  const auto blob = put_blob(repository, bundle);
  auto manifest = image_manifest({descriptor(kBundleType, blob, bundle.size())});
  manifest["artifactType"] = kBundleType;
  manifest["subject"] = descriptor(kManifestType, subject, 100);
  manifest["annotations"] = {{"org.opencontainers.image.created", created},
                             {"dev.sigstore.bundle.content", "dsse-envelope"},
                             {"dev.sigstore.bundle.predicateType", predicate_type}};
  return attach_manifest(repository, subject, manifest);
}

std::string FakeRegistry::attach_legacy(const std::string& repository, const std::string& subject,
                                        const std::string& suffix,
                                        const std::vector<FakeLayer>& layers) {
  Json list = Json::array();
  for (const auto& layer : layers) {
    list.push_back(
        descriptor(layer.media_type, put_blob(repository, layer.bytes), layer.bytes.size()));
    list.back()["annotations"] = layer.annotations;
  }
  return put_manifest(repository, image_manifest(list).dump(), kManifestType,
                      fallback_tag(subject, suffix));
}

std::string FakeRegistry::attach_manifest(const std::string& repository, const std::string& subject,
                                          const Json& manifest) {
  const auto digest = put_manifest(repository, manifest.dump(), kManifestType);
  {
    const std::lock_guard lock(mutex_);
    referrers_[repository + "@" + subject].push_back(digest);
  }
  if (!behaviour.referrers_api) list_under_tag(repository, subject);
  return digest;
}

void FakeRegistry::list_under_tag(const std::string& repository, const std::string& subject) {
  Json manifests = Json::array();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& digest : referrers_[repository + "@" + subject]) {
      manifests.push_back(referrer_descriptor(repository + "@" + digest, digest));
    }
  }
  const Json index{{"schemaVersion", 2}, {"mediaType", kIndexType}, {"manifests", manifests}};
  put_manifest(repository, index.dump(), kIndexType, fallback_tag(subject));
}

Json FakeRegistry::referrer_descriptor(const std::string& key, const std::string& digest) const {
  const auto& bytes = manifests_.at(key).bytes;
  const auto manifest = Json::parse(bytes);
  auto result = descriptor(kManifestType, digest, bytes.size());
  if (manifest.contains("artifactType")) result["artifactType"] = manifest["artifactType"];
  if (behaviour.annotate_referrers && manifest.contains("annotations")) {
    result["annotations"] = manifest["annotations"];
  }
  return result;
}

void FakeRegistry::set_tag(const std::string& repository, const std::string& tag,
                           const std::string& digest) {
  const std::lock_guard lock(mutex_);
  tags_[repository + ":" + tag] = digest;
}

void FakeRegistry::remove(const std::string& repository, const std::string& digest) {
  const std::lock_guard lock(mutex_);
  manifests_.erase(repository + "@" + digest);
  blobs_.erase(repository + "@" + digest);
}

void FakeRegistry::fail(const std::string& part, Result<http::Response> answer, int times) {
  const std::lock_guard lock(mutex_);
  failures_.push_back({part, std::move(answer), times});
}

void FakeRegistry::heal() {
  const std::lock_guard lock(mutex_);
  failures_.clear();
}

void FakeRegistry::corrupt(const std::string& digest, std::string bytes) {
  const std::lock_guard lock(mutex_);
  corrupted_[digest] = std::move(bytes);
}

void FakeRegistry::expire_tokens() {
  const std::lock_guard lock(mutex_);
  tokens_.clear();
}

std::vector<http::WebRequest> FakeRegistry::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<std::string> FakeRegistry::log() const {
  std::vector<std::string> lines;
  for (const auto& request : requests()) lines.push_back(request.method + " " + request.url);
  return lines;
}

std::size_t FakeRegistry::count(std::string_view part) const {
  const auto lines = log();
  return static_cast<std::size_t>(std::ranges::count_if(
      lines, [&](const std::string& line) { return line.find(part) != std::string::npos; }));
}

void FakeRegistry::clear_log() {
  const std::lock_guard lock(mutex_);
  requests_.clear();
}

Result<http::Response> FakeRegistry::fetch(const http::WebRequest& request, Deadline deadline) {
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  if (on_request) on_request(request);
  if (deadline.expired()) return Error(ErrorCode::kDeadlineExceeded, "timed out");
  auto response = answer(request);
  if (response && response->body.size() > request.max_body_bytes) {
    return Error(ErrorCode::kInvalidArgument, "the answer is longer than the limit");
  }
  return response;
}

Result<http::Response> FakeRegistry::answer(const http::WebRequest& request) {
  const std::lock_guard lock(mutex_);
  const auto line = request.method + " " + request.url;
  for (auto& failure : failures_) {
    if (failure.left > 0 && line.find(failure.part) != std::string::npos) {
      --failure.left;
      return failure.answer;
    }
  }
  const auto authority = request.url.find("://") + 3;
  const auto slash = request.url.find('/', authority);
  const auto host = request.url.substr(authority, slash - authority);
  const auto target = slash == std::string::npos ? "/" : request.url.substr(slash);
  if (host == host_) return serve(request, target);
  if (host == "auth." + host_) return serve_token(request, target);
  if (host == "storage." + host_) {
    const auto found = blobs_.find(target.substr(1));
    return found == blobs_.end() ? web_answer(404) : web_answer(200, found->second);
  }
  return Error(ErrorCode::kUnavailable, "dns: " + host + " has no address");
}

http::Response FakeRegistry::serve(const http::WebRequest& request, const std::string& target) {
  const auto path = target.substr(0, target.find('?'));
  Target parsed;
  if (path.size() < target.size()) parsed.query = target.substr(path.size() + 1);
  for (const std::string kind : {"manifests", "blobs", "referrers"}) {
    const auto at = path.rfind("/" + kind + "/");
    if (path.starts_with("/v2/") && at != std::string::npos) {
      parsed.repository = path.substr(4, at - 4);
      parsed.kind = kind;
      parsed.reference = path.substr(at + kind.size() + 2);
    }
  }
  if (auto refusal = refuse(request, parsed.repository)) return *std::move(refusal);
  if (parsed.kind == "manifests") return serve_manifest(request, parsed);
  if (parsed.kind == "blobs") return serve_blob(parsed);
  if (parsed.kind == "referrers" && behaviour.referrers_api) return serve_referrers(parsed);
  return web_answer(404, "404 page not found");
}

bool FakeRegistry::knows(const http::WebRequest& request, std::string& user) const {
  const auto found = request.headers.find("Authorization");
  if (found == request.headers.end()) return true;  // anonymous: user stays ""
  if (!found->second.starts_with("Basic ")) return false;
  const auto plain = codec::decode_base64(found->second.substr(6)).value_or(":");
  const auto colon = plain.find(':');
  user = plain.substr(0, colon);
  const auto known = users.find(user);
  return known != users.end() && known->second == plain.substr(colon + 1);
}

std::optional<http::Response> FakeRegistry::refuse(const http::WebRequest& request,
                                                   const std::string& repository) {
  if (behaviour.auth == Auth::kNone) return std::nullopt;
  if (behaviour.auth == Auth::kBasic) {
    std::string user;
    if (!knows(request, user) || user.empty()) {
      return web_answer(401, "", {{"WWW-Authenticate", "Basic realm=\"fake\""}});
    }
    if (behaviour.may_pull && !behaviour.may_pull(user, repository)) {
      return json_error(403, "DENIED");
    }
    return std::nullopt;
  }
  const auto found = request.headers.find("Authorization");
  if (found != request.headers.end() && tokens_.contains(found->second + " for " + repository)) {
    return std::nullopt;
  }
  const auto realm = behaviour.realm.empty() ? "https://auth." + host_ + "/token" : behaviour.realm;
  return web_answer(401, "",
                    {{"WWW-Authenticate", "Bearer realm=\"" + realm + "\",service=\"" + host_ +
                                              "\",scope=\"repository:" + repository + ":pull\""}});
}

http::Response FakeRegistry::serve_token(const http::WebRequest& request,
                                         const std::string& target) {
  std::string user;
  std::string scope = http::query_value(target, "scope");
  if (request.method == "POST") {
    scope = http::query_value("/?" + request.body, "scope");
    user = http::query_value("/?" + request.body, "refresh_token");
    if (!users.contains(user)) return web_answer(401);
  } else if (!knows(request, user)) {
    return web_answer(401);
  }
  const std::string prefix = "repository:";
  const auto repository = scope.substr(prefix.size(), scope.rfind(':') - prefix.size());
  if (behaviour.may_pull ? !behaviour.may_pull(user, repository) : user.empty()) {
    return web_answer(401);
  }
  const auto token = "token-" + std::to_string(tokens_.size()) + "-" + user;
  tokens_.insert("Bearer " + token + " for " + repository);
  return web_answer(200, Json{{"token", token}, {"expires_in", 300}}.dump());
}

http::Response FakeRegistry::serve_manifest(const http::WebRequest& request, const Target& target) {
  auto digest = target.reference;
  if (!digest.starts_with("sha256:")) {
    const auto tag = tags_.find(target.repository + ":" + target.reference);
    if (tag == tags_.end()) return json_error(404, "MANIFEST_UNKNOWN");
    digest = tag->second;
  }
  const auto found = manifests_.find(target.repository + "@" + digest);
  if (found == manifests_.end()) return json_error(404, "MANIFEST_UNKNOWN");
  const auto bad = corrupted_.find(digest);
  auto response = web_answer(200, bad == corrupted_.end() ? found->second.bytes : bad->second,
                             {{"Content-Type", found->second.media_type}});
  if (request.method == "HEAD") {
    response.body.clear();
    if (behaviour.head_has_digest) response.headers["Docker-Content-Digest"] = digest;
  }
  return response;
}

http::Response FakeRegistry::serve_blob(const Target& target) {
  const auto key = target.repository + "@" + target.reference;
  const auto found = blobs_.find(key);
  if (found == blobs_.end()) return json_error(404, "BLOB_UNKNOWN");
  if (behaviour.blobs_redirect) {
    return web_answer(307, "", {{"Location", "https://storage." + host_ + "/" + key}});
  }
  const auto bad = corrupted_.find(target.reference);
  return web_answer(200, bad == corrupted_.end() ? found->second : bad->second);
}

http::Response FakeRegistry::serve_referrers(const Target& target) {
  const auto& all = referrers_[target.repository + "@" + target.reference];
  std::size_t begin = 0;
  if (target.query.starts_with("from=")) begin = std::stoul(target.query.substr(5));
  const auto end = std::min(all.size(), begin + behaviour.page_size);
  Json manifests = Json::array();
  for (std::size_t i = begin; i < end; ++i) {
    if (!manifests_.contains(target.repository + "@" + all[i])) continue;
    manifests.push_back(referrer_descriptor(target.repository + "@" + all[i], all[i]));
  }
  const Json index{{"schemaVersion", 2}, {"mediaType", kIndexType}, {"manifests", manifests}};
  auto response = web_answer(200, index.dump(), {{"Content-Type", kIndexType}});
  if (end < all.size()) {
    response.headers["Link"] = "</v2/" + target.repository + "/referrers/" + target.reference +
                               "?from=" + std::to_string(end) + ">; rel=\"next\"";
  }
  return response;
}

}  // namespace portcullis::testing
