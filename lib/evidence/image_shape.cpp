#include "lib/evidence/image_shape.hpp"

#include <algorithm>

#include "lib/crypto/digest.hpp"

namespace portcullis::evidence {
namespace {

using policy::PlatformManifest;

constexpr std::size_t kMaxPlatforms = 64;

Error invalid(const oci::Manifest& manifest, const std::string& why) {
  return {ErrorCode::kInvalidArgument, "the index " + manifest.digest + " " + why};
}

bool is_index_type(std::string_view media_type) {
  return media_type == "application/vnd.oci.image.index.v1+json" ||
         media_type == "application/vnd.docker.distribution.manifest.list.v2+json";
}

std::string os_and_architecture(const PlatformManifest& child) {
  return child.os + "/" + child.architecture;
}

bool runs_anywhere(const PlatformManifest& child) {
  return child.os.empty() && child.architecture.empty();
}

bool fits(const PlatformManifest& child, const std::string& wanted) {
  const auto name = os_and_architecture(child);
  return name == wanted || name + "/" + child.variant == wanted || runs_anywhere(child);
}

// What nodes of the platform run when there is nothing of their own.
std::string also_runs(const std::string& wanted) {
  if (wanted == "linux/amd64") return "linux/386";
  if (wanted == "linux/arm64") return "linux/arm";
  return "";
}

}  // namespace

Result<ImageShape> shape_of(const oci::Manifest& manifest) {
  ImageShape shape{manifest.digest, manifest.is_index, {}};
  for (const auto& child : manifest.manifests) {
    const auto platform = child.platform.value_or(oci::Platform{});
    if (platform.os == "unknown") continue;
    if (is_index_type(child.media_type)) {
      return invalid(manifest, "holds another index, which is not supported");
    }
    if (!crypto::is_sha256_digest(child.digest)) {
      return invalid(manifest, "names an image by a digest other than sha256");
    }
    shape.platforms.push_back({child.digest, platform.os, platform.architecture, platform.variant});
  }
  if (shape.is_index && shape.platforms.empty()) return invalid(manifest, "holds no image");
  if (shape.platforms.size() > kMaxPlatforms) {
    return invalid(manifest, "holds more than 64 images");
  }
  return shape;
}

std::vector<PlatformManifest> select_platforms(const ImageShape& image,
                                               const std::vector<std::string>& wanted) {
  std::vector<PlatformManifest> selected;
  const auto any_fits = [&](const std::string& platform) {
    return std::ranges::any_of(image.platforms,
                               [&](const auto& child) { return fits(child, platform); });
  };
  std::vector<std::string> names;
  for (const auto& platform : wanted)
    names.push_back(any_fits(platform) ? platform : also_runs(platform));
  for (const auto& child : image.platforms) {
    if (std::ranges::any_of(names, [&](const auto& name) { return fits(child, name); })) {
      selected.push_back(child);
    }
  }
  return selected.empty() ? image.platforms : selected;
}

}  // namespace portcullis::evidence
