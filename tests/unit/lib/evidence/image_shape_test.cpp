#include "lib/evidence/image_shape.hpp"

#include <gtest/gtest.h>

namespace portcullis::evidence {
namespace {

oci::Descriptor child(char digit, const std::string& os, const std::string& architecture,
                      const std::string& variant = "") {
  oci::Descriptor descriptor;
  descriptor.media_type = "application/vnd.oci.image.manifest.v1+json";
  descriptor.digest = "sha256:" + std::string(64, digit);
  if (!os.empty()) descriptor.platform = oci::Platform{os, architecture, variant};
  return descriptor;
}

oci::Manifest index_of(std::vector<oci::Descriptor> children) {
  oci::Manifest manifest;
  manifest.digest = "sha256:" + std::string(64, 'f');
  manifest.is_index = true;
  manifest.manifests = std::move(children);
  return manifest;
}

std::string chosen(const oci::Manifest& manifest, const std::vector<std::string>& wanted) {
  std::string digits;
  for (const auto& platform : select_platforms(*shape_of(manifest), wanted)) {
    digits += platform.digest.back();
  }
  return digits;
}

TEST(ImageShapeTest, ChildrenThatCannotRunAreLeftOut) {
  const auto shape = shape_of(index_of(
      {child('1', "linux", "amd64"), child('2', "unknown", "unknown"), child('3', "", "")}));
  ASSERT_TRUE(shape);
  ASSERT_EQ(shape->platforms.size(), 2U);
  EXPECT_EQ(shape->platforms[1].digest.back(), '3');  // without a platform it may run anywhere
}

TEST(ImageShapeTest, WhatCannotBeJudgedIsRefused) {
  auto nested = child('1', "linux", "amd64");
  nested.media_type = "application/vnd.oci.image.index.v1+json";
  auto sha512 = child('1', "linux", "amd64");
  sha512.digest = "sha512:" + std::string(128, '1');
  const std::vector<oci::Descriptor> many(65, child('1', "linux", "amd64"));
  for (const auto& children :
       {std::vector<oci::Descriptor>{nested}, {sha512}, {}, {child('1', "unknown", "")}, many}) {
    const auto shape = shape_of(index_of(children));
    ASSERT_FALSE(shape);
    EXPECT_EQ(shape.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(shape_of(oci::Manifest{}));  // an image has no children
}

TEST(ImageShapeTest, PlatformsAreChosenAsTheNodesWould) {
  const auto both = index_of({child('1', "linux", "amd64"), child('2', "linux", "arm64", "v8"),
                              child('3', "windows", "amd64")});
  EXPECT_EQ(chosen(both, {}), "123");
  EXPECT_EQ(chosen(both, {"linux/amd64"}), "1");
  EXPECT_EQ(chosen(both, {"linux/arm64"}), "2");
  EXPECT_EQ(chosen(both, {"linux/arm64/v8"}), "2");
  EXPECT_EQ(chosen(both, {"linux/amd64", "windows/amd64"}), "13");
  // Nothing fits: better too many than none, which would leave the image without a platform.
  EXPECT_EQ(chosen(both, {"linux/s390x"}), "123");

  const auto old = index_of({child('1', "linux", "386"), child('2', "linux", "arm", "v7")});
  EXPECT_EQ(chosen(old, {"linux/amd64"}), "1");
  EXPECT_EQ(chosen(old, {"linux/arm64"}), "2");

  const auto anywhere = index_of({child('1', "linux", "amd64"), child('2', "", "")});
  EXPECT_EQ(chosen(anywhere, {"linux/amd64"}), "12");
}

}  // namespace
}  // namespace portcullis::evidence
