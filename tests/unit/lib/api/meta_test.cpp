#include "lib/api/meta.hpp"

#include <gmock/gmock.h>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"

namespace portcullis::api {
namespace {

using codec::Json;
using ::testing::ElementsAre;

TEST(MetaTest, EveryFieldIsRead) {
  const auto meta = parse_meta(Json::parse(R"({"metadata": {
    "namespace": "clinic", "name": "triage", "uid": "u1", "resourceVersion": "42",
    "generation": 7, "labels": {"app": "triage"}, "annotations": {"note": "x"},
    "finalizers": ["portcullis.dev/isolation"],
    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "rs", "uid": "u2",
                         "controller": true}],
    "creationTimestamp": "2026-01-02T03:04:05Z", "deletionTimestamp": "2026-01-02T03:05:05Z"}})"));

  EXPECT_EQ(meta.key, (ObjectKey{"clinic", "triage"}));
  EXPECT_EQ(meta.uid, "u1");
  EXPECT_EQ(meta.resource_version, "42");
  EXPECT_EQ(meta.generation, 7);
  EXPECT_EQ(meta.labels.at("app"), "triage");
  EXPECT_EQ(meta.annotations.at("note"), "x");
  EXPECT_THAT(meta.finalizers, ElementsAre("portcullis.dev/isolation"));
  ASSERT_EQ(meta.owner_references.size(), 1U);
  EXPECT_EQ(meta.owner_references[0].kind, "ReplicaSet");
  EXPECT_TRUE(meta.owner_references[0].controller);
  ASSERT_TRUE(meta.creation_time);
  EXPECT_EQ(codec::format_time(*meta.creation_time), "2026-01-02T03:04:05Z");
  EXPECT_TRUE(meta.deletion_time);
}

TEST(MetaTest, WhatIsOfAWrongTypeIsAsAbsent) {
  const auto meta = parse_meta(Json::parse(R"({"metadata": {
    "namespace": 1, "name": ["x"], "generation": "7", "labels": {"app": 3, "tier": "gpu"},
    "annotations": "none", "finalizers": {"a": "b"}, "ownerReferences": [3],
    "creationTimestamp": "yesterday"}})"));

  EXPECT_EQ(meta.key, ObjectKey{});
  EXPECT_EQ(meta.generation, 0);
  EXPECT_EQ(meta.labels, (Labels{{"tier", "gpu"}}));
  EXPECT_TRUE(meta.annotations.empty());
  EXPECT_TRUE(meta.finalizers.empty());
  EXPECT_FALSE(meta.creation_time);
}

TEST(MetaTest, AnObjectWithoutMetadataHasNone) {
  for (const auto* text : {"{}", "[]", "3", "null", R"({"metadata": null})"}) {
    EXPECT_EQ(parse_meta(Json::parse(text)).key, ObjectKey{}) << text;
  }
}

TEST(MetaTest, AKeyIsWrittenWithItsNamespaceWhenItHasOne) {
  EXPECT_EQ(to_string(ObjectKey{"clinic", "triage"}), "clinic/triage");
  EXPECT_EQ(to_string(ObjectKey{"", "default"}), "default");
}

TEST(ConditionTest, GoesThroughJsonUnchanged) {
  const Condition condition{"Ready",  "False", "UnjudgedPods",
                            "3 pods", 4,       *codec::parse_rfc3339("2026-01-02T03:04:05Z")};
  EXPECT_EQ(parse_condition(to_json(condition)), condition);
  EXPECT_FALSE(to_json(Condition{}).contains("lastTransitionTime"));
}

TEST(SelectorTest, MatchesWhenEveryPairIsThere) {
  const Labels labels = {{"app", "triage"}, {"tier", "gpu"}};
  EXPECT_TRUE(matches({{"app", "triage"}}, labels));
  EXPECT_TRUE(matches(labels, labels));
  EXPECT_FALSE(matches({{"app", "other"}}, labels));
  EXPECT_FALSE(matches({{"app", "triage"}, {"zone", "a"}}, labels));
  EXPECT_FALSE(matches({}, labels)) << "an empty selector must not select everything";
}

}  // namespace
}  // namespace portcullis::api
