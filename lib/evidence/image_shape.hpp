#pragma once

#include <string>
#include <vector>

#include "lib/base/result.hpp"
#include "lib/oci/registry_client.hpp"
#include "lib/policy/policy_set.hpp"

namespace portcullis::evidence {

/// What a digest stands for: one image, or an index of images for platforms.
struct ImageShape {
  std::string digest;
  bool is_index = false;
  std::vector<policy::PlatformManifest> platforms;  ///< Of an index: every child that could run.
};

/// What could run of the manifest. Children for platform "unknown" (build attestations) cannot; a
/// child without a platform could run anywhere, as containerd sees it. kInvalidArgument: an index
/// within the index, a child without a sha256 digest, none or more than 64 that could run. Pure.
Result<ImageShape> shape_of(const oci::Manifest& manifest);

/// The children that a pod can get on nodes of the `wanted` platforms ("linux/amd64",
/// "linux/arm/v7"); all when nothing is wanted in particular, or when nothing fits. Where there is
/// no child for a platform itself, those that its nodes also run count: 386 on amd64, arm on arm64
/// (containerd platforms.Only). Pure.
std::vector<policy::PlatformManifest> select_platforms(const ImageShape& image,
                                                       const std::vector<std::string>& wanted);

}  // namespace portcullis::evidence
