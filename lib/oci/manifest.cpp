#include <algorithm>
#include <array>

#include "lib/codec/json.hpp"
#include "lib/crypto/digest.hpp"
#include "lib/oci/registry_client.hpp"

namespace portcullis::oci {
namespace {

constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";
constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kDockerList =
    "application/vnd.docker.distribution.manifest.list.v2+json";
constexpr std::string_view kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";

constexpr std::size_t kMaxBytes = 4U << 20;
constexpr std::size_t kMaxDescriptors = 1024;
constexpr std::size_t kMaxDigestLength = 256;

Error invalid(const std::string& why) { return {ErrorCode::kInvalidArgument, "manifest: " + why}; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_but_for_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

// Go's JSON reader matches names without regard to case, so "Manifests" would be read by a runtime
// and not by us: two readers, two documents.
Result<void> refuse_other_spellings(const codec::Json& object,
                                    std::initializer_list<std::string_view> names) {
  for (const auto& [key, value] : object.items()) {
    for (const auto name : names) {
      if (key != name && equal_but_for_case(key, name)) {
        return invalid("the member \"" + key + "\" must be spelled \"" + std::string(name) + "\"");
      }
    }
  }
  return {};
}

// Absent, or text: a number or a list in its place is refused rather than read as absent.
Result<std::string> text_member(const codec::Json& object, const char* name) {
  const auto* value = codec::find(object, name);
  if (value == nullptr || value->is_null()) return std::string();
  if (!value->is_string()) return invalid(std::string(name) + " must be text");
  return value->get<std::string>();
}

Result<std::map<std::string, std::string>> parse_annotations(const codec::Json& object) {
  std::map<std::string, std::string> annotations;
  const auto* value = codec::find(object, "annotations");
  if (value == nullptr || value->is_null()) return annotations;
  if (!value->is_object()) return invalid("annotations must be an object");
  for (const auto& [key, text] : value->items()) {
    if (!text.is_string()) return invalid("an annotation must be text");
    annotations.emplace(key, text.get<std::string>());
  }
  return annotations;
}

Result<Platform> parse_platform(const codec::Json& value) {
  if (!value.is_object()) return invalid("platform must be an object");
  TRY_VOID(refuse_other_spellings(value, {"os", "architecture", "variant"}));
  Platform platform;
  platform.os = TRY(text_member(value, "os"));
  platform.architecture = TRY(text_member(value, "architecture"));
  platform.variant = TRY(text_member(value, "variant"));
  return platform;
}

Result<Descriptor> parse_descriptor(const codec::Json& value) {
  if (!value.is_object()) return invalid("a descriptor must be an object");
  TRY_VOID(refuse_other_spellings(value, {"mediaType", "digest", "size", "platform"}));
  Descriptor descriptor;
  descriptor.media_type = TRY(text_member(value, "mediaType"));
  descriptor.digest = TRY(text_member(value, "digest"));
  descriptor.artifact_type = TRY(text_member(value, "artifactType"));
  // Other algorithms are legal here; whoever fetches by a digest asks for sha256.
  if (descriptor.digest.empty() || descriptor.digest.size() > kMaxDigestLength ||
      descriptor.digest.find(':') == std::string::npos) {
    return invalid("a descriptor has no valid digest");
  }
  const auto* size = codec::find(value, "size");
  if (size == nullptr || !size->is_number_integer() ||
      (!size->is_number_unsigned() && size->get<std::int64_t>() < 0)) {
    return invalid("a descriptor has no valid size");
  }
  descriptor.size = size->get<std::uint64_t>();
  descriptor.annotations = TRY(parse_annotations(value));
  if (const auto* platform = codec::find(value, "platform");
      platform != nullptr && !platform->is_null()) {
    descriptor.platform = TRY(parse_platform(*platform));
  }
  return descriptor;
}

Result<std::vector<Descriptor>> parse_descriptors(const codec::Json& object, const char* name) {
  std::vector<Descriptor> descriptors;
  const auto* value = codec::find(object, name);
  if (value == nullptr || value->is_null()) return descriptors;
  if (!value->is_array()) return invalid(std::string(name) + " must be a list");
  if (value->size() > kMaxDescriptors) {
    return invalid(std::string(name) + " has more than 1024 entries");
  }
  for (const auto& item : *value) descriptors.push_back(TRY(parse_descriptor(item)));
  return descriptors;
}

Result<std::optional<Descriptor>> parse_optional_descriptor(const codec::Json& object,
                                                            const char* name) {
  const auto* value = codec::find(object, name);
  if (value == nullptr || value->is_null()) return std::optional<Descriptor>();
  return std::optional<Descriptor>(TRY(parse_descriptor(*value)));
}

std::string_view without_parameters(std::string_view media_type) {
  media_type = media_type.substr(0, media_type.find(';'));
  const auto last = media_type.find_last_not_of(" \t");
  return media_type.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

// Some registries answer with these for everything; then the body says what it is.
bool says_nothing(std::string_view media_type) {
  return media_type.empty() || media_type == "application/json" ||
         media_type == "application/octet-stream" || media_type == "text/plain";
}

// The type that header and body agree on. One document must not be an index to one reader and an
// image to another (CVE-2021-41190).
Result<std::string> agreed_media_type(std::string_view header, const std::string& body,
                                      const codec::Json& root) {
  if (!says_nothing(header) && !body.empty() && header != body) {
    return invalid("Content-Type is " + std::string(header.substr(0, 100)) +
                   " but the document says " + body.substr(0, 100));
  }
  if (!body.empty()) return body;
  if (!says_nothing(header)) return std::string(header);
  return std::string(root.contains("manifests") ? kOciIndex : kOciManifest);
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view bytes, std::string_view media_type) {
  const auto header = without_parameters(media_type);
  const std::array known{kOciIndex, kOciManifest, kDockerList, kDockerManifest};
  if (!says_nothing(header) && std::ranges::find(known, header) == known.end()) {
    return invalid("unsupported Content-Type " + std::string(header.substr(0, 100)));
  }
  const auto root =
      TRY(with_context(codec::parse_json(bytes, {.max_bytes = kMaxBytes,
                                                 .max_depth = 32,
                                                 .duplicates = codec::Duplicates::kRefuse}),
                       "manifest"));
  if (!root.is_object()) return invalid("it must be a JSON object");
  TRY_VOID(refuse_other_spellings(root, {"schemaVersion", "mediaType", "manifests", "layers",
                                         "config", "subject", "artifactType"}));
  if (codec::find_integer(root, "schemaVersion") != 2) return invalid("schemaVersion must be 2");

  Manifest manifest;
  const auto stated = TRY(text_member(root, "mediaType"));
  manifest.media_type = TRY(agreed_media_type(header, stated, root));
  if (std::ranges::find(known, manifest.media_type) == known.end()) {
    return invalid("unsupported media type " + manifest.media_type.substr(0, 100));
  }
  manifest.is_index = manifest.media_type == kOciIndex || manifest.media_type == kDockerList;
  if (manifest.is_index ? root.contains("layers") || root.contains("config")
                        : root.contains("manifests")) {
    return invalid("it is both an index and an image");
  }
  if (manifest.is_index ? !root.contains("manifests") : !root.contains("layers")) {
    return invalid(manifest.is_index ? "an index needs manifests" : "an image needs layers");
  }

  manifest.digest = crypto::sha256_digest(bytes);
  manifest.artifact_type = TRY(text_member(root, "artifactType"));
  manifest.manifests = TRY(parse_descriptors(root, "manifests"));
  manifest.layers = TRY(parse_descriptors(root, "layers"));
  manifest.config = TRY(parse_optional_descriptor(root, "config"));
  manifest.subject = TRY(parse_optional_descriptor(root, "subject"));
  manifest.annotations = TRY(parse_annotations(root));
  return manifest;
}

}  // namespace portcullis::oci
