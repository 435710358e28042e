#include "tests/fakes/selectors.hpp"

#include <vector>

namespace portcullis::testing {
namespace {

using codec::Json;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::size_t from = 0;
  while (from <= text.size() && !text.empty()) {
    const auto end = std::min(text.find(separator, from), text.size());
    out.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

/// "a.b.c" in the object; "" when it is not there.
std::string field_at(const Json& object, const std::string& path) {
  const Json* at = &object;
  for (const auto& step : split(path, '.')) {
    at = codec::find(*at, step);
    if (!at) return "";
  }
  return at->is_string() ? at->get<std::string>() : at->dump();
}

struct Term {
  std::string name;
  std::string value;
  bool equal = true;
  bool exists_only = false;
};

Term parse_term(const std::string& text) {
  if (const auto at = text.find("!="); at != std::string::npos) {
    return {text.substr(0, at), text.substr(at + 2), false, false};
  }
  if (const auto at = text.find('='); at != std::string::npos) {
    const auto value = text.find_first_not_of('=', at);
    return {text.substr(0, at), value == std::string::npos ? "" : text.substr(value), true, false};
  }
  return {text, "", true, true};
}

bool has_labels(const Json& object, const std::string& selector) {
  const auto* labels = codec::find_path(object, {"metadata", "labels"});
  for (const auto& text : split(selector, ',')) {
    const auto term = parse_term(text);
    const bool there = labels && labels->contains(term.name);
    if (term.exists_only ? !there : (there && (*labels)[term.name] == term.value) != term.equal) {
      return false;
    }
  }
  return true;
}

bool has_fields(const Json& object, const std::string& selector) {
  for (const auto& text : split(selector, ',')) {
    const auto term = parse_term(text);
    if ((field_at(object, term.name) == term.value) != term.equal) return false;
  }
  return true;
}

}  // namespace

bool selects(const http::Request& request, const std::string& name_space, const Json& object) {
  if (!object.is_object()) return false;
  if (!name_space.empty() && field_at(object, "metadata.namespace") != name_space) return false;
  return has_labels(object, http::query_value(request.target, "labelSelector")) &&
         has_fields(object, http::query_value(request.target, "fieldSelector"));
}

bool metadata_only(const http::Request& request) {
  const auto accept = request.headers.find("Accept");
  return accept != request.headers.end() &&
         accept->second.find("as=PartialObjectMetadata") != std::string::npos;
}

Json shown(const http::Request& request, const Json& object) {
  if (!metadata_only(request)) return object;
  return {{"apiVersion", "meta.k8s.io/v1"},
          {"kind", "PartialObjectMetadata"},
          {"metadata", object["metadata"]}};
}

}  // namespace portcullis::testing
