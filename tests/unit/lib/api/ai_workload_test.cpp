#include "lib/api/ai_workload.hpp"

#include <gmock/gmock.h>

#include "lib/codec/json.hpp"

namespace portcullis::api {
namespace {

using codec::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Json least() {
  return Json::parse(R"({"metadata": {"namespace": "clinic", "name": "triage"},
    "spec": {"selector": {"matchLabels": {"app": "triage"}}, "dataClassification": "Internal"}})");
}

Json everything() {
  auto object = least();
  object["spec"].update(Json::parse(R"({
    "riskClass": "High", "governance": {"team": "ml", "contact": "c@example.com", "purpose": "p"},
    "requirements": {"sessions": "Deny"}, "imagePullSecrets": [{"name": "regcred"}],
    "models": [{"name": "base", "image": {"reference": "r/m@sha256:1"}},
               {"name": "lora", "uri": "s3://bucket/lora"},
               {"name": "cache", "persistentVolumeClaim": {"claimName": "models"}}],
    "network": {"withinWorkload": "Deny", "dns": "None", "apiServer": "Allow",
      "ingress": [{"from": [{"namespace": "gateway", "podSelector": {"matchLabels": {"app": "gw"}}}],
                   "ports": [{"port": "http"}]}],
      "egress": [{"to": [{"cidr": "10.20.0.0/16", "except": ["10.20.9.0/24"]},
                         {"entity": "Internet"}, {"podSelector": {}},
                         {"namespaceSelector": {"matchLabels": {"team": "ml"}}}],
                  "ports": [{"port": 9000, "endPort": 9010, "protocol": "UDP"}]}]},
    "secrets": [{"name": "api-token", "generate": {"keys": ["token"]}}],
    "access": {"serviceAccount": {"name": "triage"}, "grants": [{"clusterRoleName": "view"}]}})"));
  object["status"]["conditions"] = Json::parse(R"([{"type": "Ready", "status": "True"}])");
  return object;
}

TEST(AIWorkloadTest, TheLeastHasTheDefaultsOfTheSchema) {
  const auto workload = parse_ai_workload(least());
  ASSERT_TRUE(workload) << workload.error().message();
  EXPECT_EQ(workload->meta.key, (ObjectKey{"clinic", "triage"}));
  EXPECT_EQ(workload->selector, (Labels{{"app", "triage"}}));
  EXPECT_EQ(workload->data_classification, DataClassification::kInternal);
  EXPECT_EQ(workload->risk_class, std::nullopt);
  EXPECT_EQ(workload->requirements, Requirements{});
  EXPECT_EQ(workload->network.within_workload, WithinWorkload::kAllow);
  EXPECT_EQ(workload->network.dns, DnsAccess::kCluster);
  EXPECT_EQ(workload->network.api_server, AllowDeny::kDeny);
  EXPECT_FALSE(workload->service_account_name);
  EXPECT_FALSE(workload->has_access_grants);
}

TEST(AIWorkloadTest, EveryFieldIsRead) {
  const auto workload = parse_ai_workload(everything());
  ASSERT_TRUE(workload) << workload.error().message();
  EXPECT_EQ(workload->risk_class, RiskClass::kHigh);
  EXPECT_EQ(workload->governance.contact, "c@example.com");
  EXPECT_EQ(workload->requirements.sessions, AllowDeny::kDeny);
  EXPECT_THAT(workload->image_pull_secrets, ElementsAre("regcred"));
  ASSERT_EQ(workload->models.size(), 3U);
  EXPECT_EQ(workload->models[0].image_reference, "r/m@sha256:1");
  EXPECT_EQ(workload->models[1].uri, "s3://bucket/lora");
  EXPECT_EQ(workload->models[2].persistent_volume_claim, "models");
  EXPECT_THAT(workload->secret_names, ElementsAre("api-token"));
  EXPECT_EQ(workload->service_account_name, "triage");
  EXPECT_TRUE(workload->has_access_grants);
  ASSERT_EQ(workload->conditions.size(), 1U);
  EXPECT_EQ(workload->conditions[0].type, "Ready");
}

TEST(AIWorkloadTest, TheNetworkIsRead) {
  const auto workload = parse_ai_workload(everything());
  ASSERT_TRUE(workload);
  const auto& network = workload->network;
  EXPECT_EQ(network.within_workload, WithinWorkload::kDeny);
  EXPECT_EQ(network.dns, DnsAccess::kNone);
  EXPECT_EQ(network.api_server, AllowDeny::kAllow);
  ASSERT_EQ(network.ingress.size(), 1U);
  EXPECT_EQ(network.ingress[0].peers[0].name_space, "gateway");
  EXPECT_EQ(network.ingress[0].peers[0].pod_selector, (Labels{{"app", "gw"}}));
  EXPECT_EQ(std::get<std::string>(network.ingress[0].ports[0].port), "http");
  EXPECT_EQ(network.ingress[0].ports[0].protocol, "TCP");
  ASSERT_EQ(network.egress[0].peers.size(), 4U);
  EXPECT_EQ(network.egress[0].peers[0].cidr, "10.20.0.0/16");
  EXPECT_THAT(network.egress[0].peers[0].except, ElementsAre("10.20.9.0/24"));
  EXPECT_TRUE(network.egress[0].peers[1].internet);
  EXPECT_EQ(network.egress[0].peers[2].pod_selector, Labels{});
  EXPECT_EQ(network.egress[0].peers[3].namespace_selector, (Labels{{"team", "ml"}}));
  const auto& port = network.egress[0].ports[0];
  EXPECT_EQ(std::get<std::int32_t>(port.port), 9000);
  EXPECT_EQ(port.end_port, 9010);
  EXPECT_EQ(port.protocol, "UDP");
}

TEST(AIWorkloadTest, WhatIsWrongIsNamedByItsPath) {
  struct Row {
    const char* pointer;
    const char* value;
    const char* expected;
  };
  const Row rows[] = {
      {"/spec", "null", "spec: is required"},
      {"/spec", "[]", "spec: must be an object"},
      {"/spec/selector", "{}", "spec.selector.matchLabels: needs at least one label"},
      {"/spec/selector/matchExpressions", "[{}]",
       "spec.selector.matchExpressions: is not supported"},
      {"/spec/selector/matchLabels/app", "1", "spec.selector.matchLabels: \"app\" must be a text"},
      {"/spec/dataClassification", "null", "spec.dataClassification: is required"},
      {"/spec/dataClassification", "\"Secret\"", "spec.dataClassification: \"Secret\""},
      {"/spec/riskClass", "\"high\"", "spec.riskClass: \"high\" is not one of"},
      {"/spec/governance/team", "[]", "spec.governance.team: must be a text"},
      {"/spec/requirements/sessions", "\"No\"", "spec.requirements.sessions: \"No\""},
      {"/spec/imagePullSecrets/0/name", "\"\"", "spec.imagePullSecrets[0].name: is required"},
      {"/spec/models/0/uri", "\"x\"", "spec.models[0]: must have exactly one of"},
      {"/spec/models/1/uri", "null", "spec.models[1]: must have exactly one of"},
      {"/spec/models/1/name", "\"base\"", "spec.models[1].name: \"base\" stands twice"},
      {"/spec/models/0/image/reference", "\"\"", "spec.models[0].image.reference: is required"},
      {"/spec/network/dns", "\"Off\"", "spec.network.dns: \"Off\""},
      {"/spec/network/ingress/0/ports", "[]", "spec.network.ingress[0].ports: is required"},
      {"/spec/network/egress/0/to", "null", "spec.network.egress[0].to: is required"},
      {"/spec/network/egress/0/to/0", "{}", "spec.network.egress[0].to[0]: names nobody"},
      {"/spec/network/egress/0/to/0/namespace", "\"a\"", "to[0]: has more than one of"},
      {"/spec/network/egress/0/to/0/podSelector", "{}", "to[0].podSelector: goes with namespace"},
      {"/spec/network/egress/0/to/3/except", "[\"10.0.0.0/8\"]", "to[3].except: goes with cidr"},
      {"/spec/network/egress/0/to/1/entity", "\"World\"", "to[1].entity: \"World\" is not one of"},
      {"/spec/network/egress/0/to/2/podSelector/matchExpressions", "[{}]",
       "to[2].podSelector.matchExpressions: is not supported"},
      {"/spec/network/egress/0/ports/0/port", "0", "ports[0].port: must be a number from 1"},
      {"/spec/network/egress/0/ports/0/port", "65536", "ports[0].port: must be a number from 1"},
      {"/spec/network/egress/0/ports/0/port", "null", "ports[0].port: is required"},
      {"/spec/network/egress/0/ports/0/port", "\"http\"", "ports[0].endPort: goes with a port"},
      {"/spec/network/egress/0/ports/0/endPort", "8000", "ports[0].endPort: is below port"},
      {"/spec/network/egress/0/ports/0/protocol", "\"ICMP\"", "ports[0].protocol: \"ICMP\""},
      {"/spec/secrets/0/name", "null", "spec.secrets[0].name: is required"},
      {"/spec/access/serviceAccount/name", "null", "spec.access.serviceAccount.name: is required"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(std::string(row.pointer) + " = " + row.value);
    auto object = everything();
    object[Json::json_pointer(row.pointer)] = Json::parse(row.value);
    const auto workload = parse_ai_workload(object);
    ASSERT_FALSE(workload);
    EXPECT_EQ(workload.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(workload.error().message(), HasSubstr(row.expected));
  }
}

TEST(AIWorkloadTest, WordsAreThoseOfTheYaml) {
  for (const auto* word : {"Public", "Internal", "Confidential", "Restricted"}) {
    EXPECT_EQ(to_string(*parse_data_classification(word)), word);
  }
  for (const auto* word : {"Minimal", "Limited", "High"}) {
    EXPECT_EQ(to_string(*parse_risk_class(word)), word);
  }
  EXPECT_FALSE(parse_data_classification("public"));
  EXPECT_FALSE(parse_risk_class("Unacceptable"));
}

}  // namespace
}  // namespace portcullis::api
