#include <gtest/gtest.h>

#include "lib/crypto/digest.hpp"
#include "lib/oci/registry_client.hpp"

namespace portcullis::oci {
namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');
const std::string kIndex = "application/vnd.oci.image.index.v1+json";
const std::string kImage = "application/vnd.oci.image.manifest.v1+json";
const std::string kDockerList = "application/vnd.docker.distribution.manifest.list.v2+json";
const std::string kDockerImage = "application/vnd.docker.distribution.manifest.v2+json";

std::string descriptor(const std::string& more = "") {
  return R"({"mediaType":"m","digest":")" + kDigest + R"(","size":5)" + more + "}";
}
std::string image(const std::string& more = "") {
  return R"({"schemaVersion":2,"config":)" + descriptor() + R"(,"layers":[)" + descriptor() + "]" +
         more + "}";
}
std::string index_of(const std::string& entries, const std::string& more = "") {
  return R"({"schemaVersion":2,"manifests":[)" + entries + "]" + more + "}";
}

TEST(ManifestTest, AnImageIsReadWhole) {
  const auto text = image(R"(,"mediaType":")" + kImage + R"(","artifactType":"a/b","subject":)" +
                          descriptor() + R"(,"annotations":{"k":"v"})");
  const auto manifest = parse_manifest(text, kImage + "; charset=utf-8");
  ASSERT_TRUE(manifest) << manifest.error().message();
  EXPECT_FALSE(manifest->is_index);
  EXPECT_EQ(manifest->digest, crypto::sha256_digest(text));
  EXPECT_EQ(manifest->media_type, kImage);
  EXPECT_EQ(manifest->artifact_type, "a/b");
  ASSERT_EQ(manifest->layers.size(), 1U);
  EXPECT_EQ(manifest->layers[0].digest, kDigest);
  EXPECT_EQ(manifest->layers[0].size, 5U);
  ASSERT_TRUE(manifest->subject);
  EXPECT_EQ(manifest->subject->digest, kDigest);
  ASSERT_TRUE(manifest->config);
  EXPECT_EQ(manifest->annotations.at("k"), "v");
}

TEST(ManifestTest, AnIndexKeepsItsPlatforms) {
  const auto manifest = parse_manifest(
      index_of(descriptor(R"(,"platform":{"os":"linux","architecture":"arm","variant":"v7"})") +
               "," + descriptor(R"(,"artifactType":"x","annotations":{"a":"b"})")),
      kIndex);
  ASSERT_TRUE(manifest) << manifest.error().message();
  EXPECT_TRUE(manifest->is_index);
  ASSERT_EQ(manifest->manifests.size(), 2U);
  EXPECT_EQ(manifest->manifests[0].platform, (Platform{"linux", "arm", "v7"}));
  EXPECT_FALSE(manifest->manifests[1].platform);
  EXPECT_EQ(manifest->manifests[1].artifact_type, "x");
  EXPECT_EQ(manifest->manifests[1].annotations.at("a"), "b");
}

TEST(ManifestTest, TheKindComesFromTheTypeThatIsStated) {
  struct Case {
    std::string bytes, header;
    bool is_index;
  };
  const Case cases[] = {
      {image(), kImage, false},
      {image(), kDockerImage, false},
      {image(), "", false},
      {image(), "application/json", false},
      {image(R"(,"mediaType":")" + kDockerImage + R"(")"), "text/plain; charset=utf-8", false},
      {index_of(""), kIndex, true},
      {index_of(""), kDockerList, true},
      {index_of(""), "", true},
      {R"({"schemaVersion":2,"manifests":null})", kIndex, true},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.header + " " + test.bytes);
    const auto manifest = parse_manifest(test.bytes, test.header);
    ASSERT_TRUE(manifest) << manifest.error().message();
    EXPECT_EQ(manifest->is_index, test.is_index);
  }
}

TEST(ManifestTest, WhatCouldBeReadInTwoWaysIsRefused) {
  struct Case {
    std::string name, bytes, header;
  };
  const Case cases[] = {
      {"empty", "", kImage},
      {"no JSON", "<html></html>", "text/html"},
      {"HTML type", image(), "text/html"},
      {"list", "[]", kImage},
      {"trailing bytes", image() + "x", kImage},
      {"schema 1", R"({"schemaVersion":1,"layers":[]})", kImage},
      {"no schemaVersion", R"({"layers":[]})", kImage},
      {"schema 1 type", image(), "application/vnd.docker.distribution.manifest.v1+prettyjws"},
      {"header against body", image(R"(,"mediaType":")" + kImage + R"(")"), kDockerImage},
      {"index type, image body", image(), kIndex},
      {"image type, index body", index_of(""), kImage},
      {"both", R"({"schemaVersion":2,"manifests":[],"layers":[]})", kIndex},
      {"index with config", index_of("", R"(,"config":null)"), kIndex},
      {"duplicate member", R"({"schemaVersion":2,"layers":[],"layers":[]})", kImage},
      {"other case", index_of("", R"(,"Manifests":[])"), kIndex},
      {"other case of digest", index_of(descriptor(R"(,"Digest":"x")")), kIndex},
      {"other case of os", index_of(descriptor(R"(,"platform":{"os":"linux","OS":"windows"})")),
       kIndex},
      {"layers no list", R"({"schemaVersion":2,"layers":{}})", kImage},
      {"layer no object", R"({"schemaVersion":2,"layers":[1]})", kImage},
      {"no digest", R"({"schemaVersion":2,"layers":[{"size":1}]})", kImage},
      {"no size", R"({"schemaVersion":2,"layers":[{"digest":"sha256:x"}]})", kImage},
      {"negative size", R"({"schemaVersion":2,"layers":[{"digest":"sha256:x","size":-1}]})",
       kImage},
      {"fractional size", R"({"schemaVersion":2,"layers":[{"digest":"sha256:x","size":1.5}]})",
       kImage},
      {"number as digest", R"({"schemaVersion":2,"layers":[{"digest":1,"size":1}]})", kImage},
      {"annotation no text", index_of(descriptor(R"(,"annotations":{"a":1})")), kIndex},
      {"platform no object", index_of(descriptor(R"(,"platform":"linux")")), kIndex},
      {"subject no object", image(R"(,"subject":[])"), kImage},
      {"mediaType no text", image(R"(,"mediaType":2)"), ""},
      {"too deep", image(R"(,"x":)" + std::string(40, '[') + std::string(40, ']')), kImage},
      {"too large", image(R"(,"x":")" + std::string(4U << 20, 'x') + R"(")"), kImage},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const auto manifest = parse_manifest(test.bytes, test.header);
    ASSERT_FALSE(manifest);
    EXPECT_EQ(manifest.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(ManifestTest, TheNumberOfDescriptorsIsBounded) {
  std::string entries = descriptor();
  for (int i = 1; i < 1024; ++i) entries += "," + descriptor();
  EXPECT_TRUE(parse_manifest(index_of(entries), kIndex));
  EXPECT_FALSE(parse_manifest(index_of(entries + "," + descriptor()), kIndex));
}

}  // namespace
}  // namespace portcullis::oci
