#include "lib/api/pod.hpp"

#include <gmock/gmock.h>

#include "lib/codec/json.hpp"

namespace portcullis::api {
namespace {

using codec::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

Json pod(const char* spec) {
  return {{"metadata", {{"labels", {{"app", "triage"}}}}}, {"spec", Json::parse(spec)}};
}

constexpr const char* kOneContainer = R"({"containers": [{"name": "c", "image": "a"}]})";

TEST(PodTemplateTest, EveryImageBearingFieldIsFoundInFieldOrder) {
  const auto parsed = parse_pod_template("Pod", pod(R"({
    "initContainers": [{"image": "init"}, {"image": "sidecar", "restartPolicy": "Always"}],
    "containers": [{"image": "main"}, {"image": "main"}],
    "ephemeralContainers": [{"image": "debug", "targetContainerName": "main"}],
    "volumes": [{"name": "cache", "emptyDir": {}}, {"name": "m", "image": {"reference": "model"}}]})"));
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_THAT(
      parsed->images,
      ElementsAre(
          ImageField{"spec.initContainers[0].image", "init", ImageUse::kInitContainer},
          ImageField{"spec.initContainers[1].image", "sidecar", ImageUse::kInitContainer},
          ImageField{"spec.containers[0].image", "main", ImageUse::kContainer},
          ImageField{"spec.containers[1].image", "main", ImageUse::kContainer},
          ImageField{"spec.ephemeralContainers[0].image", "debug", ImageUse::kEphemeralContainer},
          ImageField{"spec.volumes[1].image.reference", "model", ImageUse::kVolume}));
}

TEST(PodTemplateTest, EveryKindHasItsTemplateAtItsPath) {
  struct Row {
    const char* kind;
    std::vector<std::string> steps;
    const char* path;
  };
  const Row rows[] = {
      {"Pod", {}, ""},
      {"ReplicationController", {"spec", "template"}, "spec.template"},
      {"ReplicaSet", {"spec", "template"}, "spec.template"},
      {"Deployment", {"spec", "template"}, "spec.template"},
      {"StatefulSet", {"spec", "template"}, "spec.template"},
      {"DaemonSet", {"spec", "template"}, "spec.template"},
      {"Job", {"spec", "template"}, "spec.template"},
      {"CronJob", {"spec", "jobTemplate", "spec", "template"}, "spec.jobTemplate.spec.template"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.kind);
    Json object;
    auto* place = &object;
    for (const auto& step : row.steps) place = &(*place)[step];
    *place = pod(kOneContainer);

    const auto parsed = parse_pod_template(row.kind, object);
    ASSERT_TRUE(parsed) << parsed.error().message();
    const std::string prefix = row.path;
    EXPECT_EQ(parsed->path, prefix);
    EXPECT_EQ(parsed->labels, (Labels{{"app", "triage"}}));
    ASSERT_EQ(parsed->images.size(), 1U);
    EXPECT_EQ(parsed->images[0].path,
              prefix + (prefix.empty() ? "" : ".") + "spec.containers[0].image");
  }
}

TEST(PodTemplateTest, EveryUseOfASecretIsFound) {
  struct Row {
    const char* name;
    const char* spec;
  };
  const Row rows[] = {
      {"secret volume", R"({"volumes": [{"secret": {"secretName": "s"}}]})"},
      {"projected volume", R"({"volumes": [{"projected": {"sources": [{"configMap": {"name": "c"}},
                            {"secret": {"name": "s"}}]}}]})"},
      {"csi", R"({"volumes": [{"csi": {"nodePublishSecretRef": {"name": "s"}}}]})"},
      {"azureFile", R"({"volumes": [{"azureFile": {"secretName": "s"}}]})"},
      {"cephfs", R"({"volumes": [{"cephfs": {"secretRef": {"name": "s"}}}]})"},
      {"cinder", R"({"volumes": [{"cinder": {"secretRef": {"name": "s"}}}]})"},
      {"flexVolume", R"({"volumes": [{"flexVolume": {"secretRef": {"name": "s"}}}]})"},
      {"iscsi", R"({"volumes": [{"iscsi": {"secretRef": {"name": "s"}}}]})"},
      {"rbd", R"({"volumes": [{"rbd": {"image": "disk", "secretRef": {"name": "s"}}}]})"},
      {"scaleIO", R"({"volumes": [{"scaleIO": {"secretRef": {"name": "s"}}}]})"},
      {"storageos", R"({"volumes": [{"storageos": {"secretRef": {"name": "s"}}}]})"},
      {"env", R"({"containers": [{"image": "a",
                  "env": [{"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}]})"},
      {"envFrom", R"({"containers": [{"image": "a", "envFrom": [{"secretRef": {"name": "s"}}]}]})"},
      {"env of an init container", R"({"initContainers": [{"image": "a",
                  "env": [{"valueFrom": {"secretKeyRef": {"name": "s"}}}]}]})"},
      {"envFrom of an init container",
       R"({"initContainers": [{"image": "a", "envFrom": [{"secretRef": {"name": "s"}}]}]})"},
      {"env of an ephemeral container", R"({"ephemeralContainers": [{"image": "a",
                  "env": [{"valueFrom": {"secretKeyRef": {"name": "s"}}}]}]})"},
      {"twice",
       R"({"volumes": [{"secret": {"secretName": "s"}}, {"secret": {"secretName": "s"}}]})"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const auto parsed = parse_pod_template("Pod", pod(row.spec));
    ASSERT_TRUE(parsed) << parsed.error().message();
    EXPECT_THAT(parsed->secret_names, ElementsAre("s"));
    EXPECT_THAT(parsed->image_pull_secrets, IsEmpty());
  }
}

TEST(PodTemplateTest, WhatElseIsJudgedIsRead) {
  auto object = pod(R"({
    "containers": [{"image": "a"}], "serviceAccountName": "triage", "nodeName": "n1",
    "imagePullSecrets": [{"name": "regcred"}], "nodeSelector": {"gpu": "a100"},
    "runtimeClassName": "kata"})");
  object["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "x";
  const auto parsed = parse_pod_template("Pod", object);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->service_account_name, "triage");
  EXPECT_EQ(parsed->node_name, "n1");
  EXPECT_THAT(parsed->image_pull_secrets, UnorderedElementsAre("regcred"));
  EXPECT_EQ(parsed->node_selector, (Labels{{"gpu", "a100"}}));
  EXPECT_EQ(parsed->runtime_class_name, "kata");
  EXPECT_TRUE(parsed->is_mirror);
  EXPECT_THAT(parsed->secret_names, IsEmpty());
}

TEST(PodTemplateTest, TheOldNameOfTheServiceAccountCounts) {
  const auto parsed = parse_pod_template("Pod", pod(R"({"serviceAccount": "triage"})"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->service_account_name, "triage");
}

TEST(PodTemplateTest, AnImageVolumeWithoutReferenceIsForALaterHandInATemplateOnly) {
  const auto spec = R"({"volumes": [{"name": "m", "image": {"pullPolicy": "Always"}}]})";
  EXPECT_FALSE(parse_pod_template("Pod", pod(spec)));
  const auto parsed = parse_pod_template("Job", {{"spec", {{"template", pod(spec)}}}});
  ASSERT_TRUE(parsed);
  EXPECT_THAT(parsed->images, IsEmpty());
}

// One row for each shape that must not pass unseen.
TEST(PodTemplateTest, WhatCannotBeReadIsRefused) {
  struct Row {
    const char* name;
    const char* kind;
    Json object;
    const char* expected;
  };
  const Row rows[] = {
      {"another kind", "PodTemplate", pod(kOneContainer),
       "kind \"PodTemplate\" has no pod template"},
      {"no template", "Deployment", {{"spec", Json::object()}}, "spec.template: is required"},
      {"template of a wrong type",
       "CronJob",
       {{"spec", {{"jobTemplate", 3}}}},
       "spec.jobTemplate.spec.template: is required"},
      {"no spec", "Pod", Json::object(), "spec: is required"},
      {"spec of a wrong type", "Pod", {{"spec", "x"}}, "spec: must be an object"},
      {"containers of a wrong type", "Pod", pod(R"({"containers": {"image": "a"}})"),
       "spec.containers: must be a list"},
      {"container of a wrong type", "Pod", pod(R"({"containers": ["a"]})"),
       "spec.containers[0]: must be an object"},
      {"container without image", "Pod", pod(R"({"containers": [{"name": "c"}]})"),
       "spec.containers[0].image: is required"},
      {"image of a wrong type", "Pod", pod(R"({"initContainers": [{"image": ["a"]}]})"),
       "spec.initContainers[0].image: must be a text"},
      {"image volume of a wrong type", "Pod", pod(R"({"volumes": [{"image": "a"}]})"),
       "spec.volumes[0].image: must be an object"},
      {"image reference of a wrong type", "Pod",
       pod(R"({"volumes": [{"image": {"reference": 1}}]})"),
       "spec.volumes[0].image.reference: must be a text"},
      {"environment of a wrong type", "Pod", pod(R"({"containers": [{"image": "a", "env": 3}]})"),
       "spec.containers[0].env: must be a list"},
      {"a list of containers from the future", "Pod",
       pod(R"({"containers": [{"image": "a"}], "lateContainers": [{"image": "evil"}]})"),
       "spec.lateContainers: holds images, but this version"},
  };
  for (const auto& row : rows) {
    const auto parsed = parse_pod_template(row.kind, row.object);
    ASSERT_FALSE(parsed) << row.name;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument) << row.name;
    EXPECT_THAT(parsed.error().message(), HasSubstr(row.expected)) << row.name;
  }
}

TEST(PodTemplateTest, FieldsThatHoldNoImagesMayBeUnknown) {
  EXPECT_TRUE(parse_pod_template("Pod", pod(R"({"containers": [{"image": "a"}],
    "nodeSelector": {"image": "x"}, "tolerations": [{"key": "image"}], "resourceClaims": []})")));
}

TEST(PodInfoTest, NeedsAName) {
  const auto parsed = parse_pod_info(Json::parse(
      R"({"metadata": {"namespace": "a", "name": "b"}, "status": {"phase": "Running"}})"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->meta.key, (ObjectKey{"a", "b"}));
  EXPECT_EQ(parsed->phase, "Running");
  EXPECT_FALSE(parse_pod_info(Json::object()));
}

}  // namespace
}  // namespace portcullis::api
