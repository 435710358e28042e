#include "lib/api/admission.hpp"

#include <gmock/gmock.h>

#include "lib/codec/json.hpp"

namespace portcullis::api {
namespace {

using codec::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Json review() {
  return Json::parse(R"({
    "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
    "request": {
      "uid": "u1", "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
      "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
      "subResource": "scale", "namespace": "clinic", "name": "triage", "operation": "UPDATE",
      "userInfo": {"username": "alice", "uid": "7", "groups": ["clinicians"],
                   "extra": {"scopes": ["a", "b"]}},
      "dryRun": true, "object": {"spec": {"replicas": 1}}, "oldObject": {"spec": {"replicas": 2}}}})");
}

TEST(AdmissionReviewTest, EveryFieldIsRead) {
  const auto request = parse_admission_review(review());
  ASSERT_TRUE(request) << request.error().message();
  EXPECT_EQ(request->uid, "u1");
  EXPECT_EQ(request->group + "/" + request->version + "/" + request->kind, "apps/v1/Deployment");
  EXPECT_EQ(request->resource + "/" + request->subresource, "deployments/scale");
  EXPECT_EQ(request->key, (ObjectKey{"clinic", "triage"}));
  EXPECT_EQ(request->operation, Operation::kUpdate);
  EXPECT_EQ(request->user.username, "alice");
  EXPECT_THAT(request->user.groups, ElementsAre("clinicians"));
  EXPECT_THAT(request->user.extra.at("scopes"), ElementsAre("a", "b"));
  EXPECT_TRUE(request->dry_run);
  EXPECT_EQ((*request->object)["spec"]["replicas"], 1);
  EXPECT_EQ((*request->old_object)["spec"]["replicas"], 2);
}

TEST(AdmissionReviewTest, ObjectsAreNullWhereTheOperationHasNone) {
  auto value = review();
  value["request"]["operation"] = "DELETE";
  value["request"]["object"] = nullptr;
  auto request = parse_admission_review(value);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->object, nullptr);
  EXPECT_NE(request->old_object, nullptr);

  value["request"]["operation"] = "CREATE";
  value["request"]["object"] = Json::object();
  value["request"].erase("oldObject");
  value["request"].erase("name");
  request = parse_admission_review(value);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->old_object, nullptr);
  EXPECT_EQ(request->key.name, "");
}

TEST(AdmissionReviewTest, WhatIsNoReviewIsRefused) {
  struct Row {
    const char* pointer;
    Json value;
    const char* expected;
  };
  const Row rows[] = {
      {"/apiVersion", "admission.k8s.io/v1beta1", "must be admission.k8s.io/v1"},
      {"/kind", "AdmissionRequest", "must be admission.k8s.io/v1, AdmissionReview"},
      {"/request", 3, "request: must be an object"},
      {"/request", nullptr, "request.uid: is required"},
      {"/request/uid", "", "request.uid: is required"},
      {"/request/uid", 7, "request.uid: must be a text"},
      {"/request/kind", "Pod", "request.kind: must be an object"},
      {"/request/kind/kind", "", "request.kind.kind: is required"},
      {"/request/resource", nullptr, "request.resource.resource: is required"},
      {"/request/subResource", 1, "request.subResource: must be a text"},
      {"/request/namespace", Json::array(), "request.namespace: must be a text"},
      {"/request/operation", "PATCH", "\"PATCH\" is not one of CREATE, UPDATE, DELETE, CONNECT"},
      {"/request/operation", nullptr, "request.operation: is required"},
      {"/request/dryRun", "true", "request.dryRun: must be true or false"},
      {"/request/userInfo", "alice", "request.userInfo: must be an object"},
      {"/request/userInfo/groups", "x", "request.userInfo.groups: must be a list"},
      {"/request/userInfo/extra", Json::array(), "request.userInfo.extra: must be an object"},
      {"/request/userInfo/extra/scopes", "a", "request.userInfo.extra.scopes: must be a list"},
      {"/request/object", "x", "request.object: must be an object"},
      {"/request/object", nullptr, "request.object: is required"},
      {"/request/oldObject", nullptr, "request.oldObject: is required for UPDATE"},
      {"/request/oldObject", 1, "request.oldObject: must be an object"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(std::string(row.pointer) + " = " + row.value.dump());
    auto value = review();
    value[Json::json_pointer(row.pointer)] = row.value;
    const auto request = parse_admission_review(value);
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(request.error().message(), HasSubstr(row.expected));
  }
  for (const auto* text : {"[]", "null", "\"x\"", "{}"}) {
    EXPECT_FALSE(parse_admission_review(Json::parse(text))) << text;
  }
}

TEST(AdmissionReviewTest, TheUidOfWhatCouldBeReadIsNotLost) {
  EXPECT_EQ(review_uid(review()), "u1");
  EXPECT_EQ(review_uid(Json::parse(R"({"request": {"uid": "u2", "operation": 3}})")), "u2");
  for (const auto* text : {"[]", "{}", R"({"request": []})", R"({"request": {"uid": 1}})"}) {
    EXPECT_EQ(review_uid(Json::parse(text)), "") << text;
  }
}

TEST(AdmissionReviewTest, OperationsHaveTheirWords) {
  EXPECT_EQ(to_string(Operation::kConnect), "CONNECT");
  EXPECT_EQ(to_string(Operation::kCreate), "CREATE");
}

}  // namespace
}  // namespace portcullis::api
