#include "lib/kube/resource.hpp"

#include <algorithm>

#include "lib/codec/encoding.hpp"

namespace portcullis::kube {
namespace {

/// What the API machinery refuses in a name (path.IsValidPathSegmentName), and control characters,
/// so that no name, whoever wrote it, can leave its place in the path.
Result<std::string> segment(std::string_view what, std::string_view text) {
  const bool hostile = text.empty() || text == "." || text == ".." || text.size() > 253 ||
                       std::any_of(text.begin(), text.end(), [](unsigned char c) {
                         return c == '/' || c == '%' || c < 0x20 || c == 0x7f;
                       });
  if (hostile) {
    return Error(ErrorCode::kInvalidArgument, std::string(what) + " \"" +
                                                  codec::encode_path_segment(text.substr(0, 253)) +
                                                  "\" cannot be part of a URL");
  }
  return codec::encode_path_segment(text);
}

}  // namespace

std::string Resource::api_version() const {
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

Result<std::string> path_of(const Resource& resource, const api::ObjectKey& key,
                            std::string_view subresource) {
  std::string path = resource.group.empty() ? "/api/" : "/apis/";
  path += resource.api_version();
  if (!resource.namespaced && !key.name_space.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 std::string(resource.kind) + " is cluster-scoped and takes no namespace");
  }
  if (resource.namespaced && key.name_space.empty() && !key.name.empty()) {
    return Error(ErrorCode::kInvalidArgument, std::string(resource.kind) + " \"" +
                                                  codec::encode_path_segment(key.name) +
                                                  "\" needs a namespace");
  }
  if (!key.name_space.empty()) {
    path += "/namespaces/" + TRY(segment("namespace", key.name_space));
  }
  path += "/" + std::string(resource.plural);
  if (!key.name.empty()) path += "/" + TRY(segment("name", key.name));
  if (!subresource.empty()) path += "/" + TRY(segment("subresource", subresource));
  return path;
}

}  // namespace portcullis::kube
