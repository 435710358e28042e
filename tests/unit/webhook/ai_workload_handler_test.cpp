#include "webhook/ai_workload_handler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/webhook_fixture.hpp"

namespace portcullis::webhook {
namespace {

using ::testing::HasSubstr;

class AIWorkloadHandlerTest : public WebhookFixture {
 protected:
  static codec::Json workload(const char* spec, const std::string& name = "fresh") {
    return {{"metadata", {{"namespace", "clinic"}, {"name", name}}},
            {"spec", codec::Json::parse(spec)}};
  }
  admission::Answer judge(const api::AdmissionRequest& request) {
    auto answer = handler_.handle(request, soon());
    EXPECT_TRUE(answer);
    return *answer;
  }
  AIWorkloadHandler handler_{stores_, binder_};
};

constexpr const char* kFine =
    R"({"selector": {"matchLabels": {"app": "fresh"}}, "dataClassification": "Public"})";

TEST_F(AIWorkloadHandlerTest, AValidWorkloadIsAccepted) {
  EXPECT_TRUE(judge(create(workload(kFine), "AIWorkload")).verdict.allowed());
}

TEST_F(AIWorkloadHandlerTest, ANamespaceWithoutTheLabelIsToldTheCommand) {
  namespaces_.erase({"", "clinic"});
  server_.put(kube::kNamespaces, {{"metadata", {{"name", "clinic"}}}});
  const auto answer = judge(create(workload(kFine), "AIWorkload"));
  ASSERT_FALSE(answer.verdict.allowed());
  EXPECT_THAT(answer.verdict.violations()[0].remedy,
              HasSubstr("kubectl label namespace clinic portcullis.dev/profile=default"));
}

TEST_F(AIWorkloadHandlerTest, WhatIsWrongIsNamedByItsField) {
  set_profile(R"({"baseline": {"network": {"publicEgress": "Deny"}}})");
  struct Row {
    const char* spec;
    const char* field;
  };
  for (const auto& row :
       {Row{R"({"selector": {"matchLabels": {"app": "triage"}}, "dataClassification": "Public"})",
            "spec.selector.matchLabels"},
        Row{R"({"selector": {"matchLabels": {"other": "x"}}, "dataClassification": "Public"})",
            "spec.selector.matchLabels"},
        Row{R"({"selector": {"matchLabels": {"app": "fresh"}}, "dataClassification": "Public",
                   "models": [{"name": "m", "image": {"reference": "registry.example.com/UPPER"}}]})",
            "spec.models[0].image.reference"},
        Row{R"({"selector": {"matchLabels": {"app": "fresh"}}, "dataClassification": "Public",
                   "network": {"egress": [{"to": [{"cidr": "169.254.169.254/32"}], "ports": [{"port": 80}]}]}})",
            "spec.network.egress[0].to[0].cidr"},
        Row{R"({"selector": {"matchLabels": {"app": "fresh"}}, "dataClassification": "Public",
                   "network": {"egress": [{"to": [{"entity": "Internet"}], "ports": [{"port": 443}]}]}})",
            "spec.network.egress[0].to[0]"}}) {
    const auto answer = judge(create(workload(row.spec), "AIWorkload"));
    ASSERT_FALSE(answer.verdict.allowed()) << row.spec;
    EXPECT_EQ(answer.verdict.violations()[0].field, row.field);
  }
}

TEST_F(AIWorkloadHandlerTest, WhatDoesNotParseIsRefusedNotDropped) {
  EXPECT_FALSE(judge(create(workload(R"({"selector": 5})"), "AIWorkload")).verdict.allowed());
}

TEST_F(AIWorkloadHandlerTest, EditsThatLeaveTheSpecAloneAlwaysPass) {
  namespaces_.erase({"", "clinic"});  // even where the namespace is unprotected: finalizers must go
  auto before = workload(kFine);
  auto now = before;
  now["metadata"]["finalizers"] = codec::Json::array();
  EXPECT_TRUE(judge(update(before, now, "AIWorkload")).verdict.allowed());
}

TEST_F(AIWorkloadHandlerTest, LoweringIsAllowedAndWarned) {
  const auto before =
      workload(R"({"selector": {"matchLabels": {"app": "fresh"}}, "dataClassification": "Public",
    "requirements": {"sessions": "Deny"}})");
  const auto answer = judge(update(before, workload(kFine), "AIWorkload"));
  EXPECT_TRUE(answer.verdict.allowed());
  ASSERT_FALSE(answer.warnings.empty());
  EXPECT_THAT(answer.warnings[0], HasSubstr("sessions"));
}

TEST_F(AIWorkloadHandlerTest, AMissingProfileIsWarnedSoThatItCanBeRepaired) {
  profiles_.erase({"", "default"});
  const auto answer = judge(create(workload(kFine), "AIWorkload"));
  EXPECT_TRUE(answer.verdict.allowed());
  EXPECT_FALSE(answer.warnings.empty());
}

}  // namespace
}  // namespace portcullis::webhook
