#include "operator/network_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace portcullis::controller {
namespace {

using codec::Json;
using ::testing::HasSubstr;
using ::testing::SizeIs;

api::AIWorkload triage() {
  api::AIWorkload workload;
  workload.meta.key = {"clinic", "triage"};
  workload.meta.uid = "uid-1";
  workload.selector = {{"app", "triage"}};
  return workload;
}

api::Requirements isolated(api::Isolation isolation) {
  api::Requirements requirements;
  requirements.network.isolation = isolation;
  return requirements;
}

NetworkFacts facts() {
  return {{"kube-system", {{"k8s-app", "kube-dns"}}, {"10.96.0.10/32", "169.254.20.10/32"}},
          {{"10.96.0.1", 443}, {"192.0.2.7", 6443}}};
}

api::NetworkRule rule_to(api::NetworkPeer peer, std::int32_t port = 443) {
  api::NetworkPort declared;
  declared.port = port;
  return {{std::move(peer)}, {declared}};
}

api::NetworkPeer range(std::string cidr, std::vector<std::string> except = {}) {
  api::NetworkPeer peer;
  peer.cidr = std::move(cidr);
  peer.except = std::move(except);
  return peer;
}

Json plan_spec(const api::AIWorkload& workload, const api::Requirements& requirements) {
  const auto plan = plan_network(workload, requirements, facts());
  EXPECT_TRUE(plan.policy.has_value());
  return plan.policy ? (*plan.policy)["spec"] : Json();
}

TEST(NetworkPlanTest, NoIsolationMeansNoPolicy) {
  EXPECT_FALSE(plan_network(triage(), isolated(api::Isolation::kNone), facts()).policy);
  EXPECT_FALSE(plan_network(triage(), {}, facts()).policy);
}

TEST(NetworkPlanTest, ThePolicyIsOwnedAndLabelled) {
  const auto policy = *plan_network(triage(), isolated(api::Isolation::kIngress), facts()).policy;
  EXPECT_EQ(policy["metadata"]["name"], "triage-portcullis");
  EXPECT_EQ(policy["metadata"]["labels"]["portcullis.dev/workload"], "triage");
  EXPECT_EQ(policy["metadata"]["ownerReferences"][0]["uid"], "uid-1");
  EXPECT_EQ(policy["metadata"]["ownerReferences"][0]["controller"], true);
}

TEST(NetworkPlanTest, IngressIsolationLeavesEgressAlone) {
  const auto spec = plan_spec(triage(), isolated(api::Isolation::kIngress));
  EXPECT_EQ(spec["policyTypes"], Json::array({"Ingress"}));
  EXPECT_FALSE(spec.contains("egress"));
}

TEST(NetworkPlanTest, FullIsolationAllowsTheWorkloadItselfAndDns) {
  const auto spec = plan_spec(triage(), isolated(api::Isolation::kFull));
  EXPECT_EQ(spec, Json::parse(R"({
    "podSelector": {"matchLabels": {"app": "triage"}},
    "policyTypes": ["Ingress", "Egress"],
    "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "triage"}}}]}],
    "egress": [
      {"to": [{"podSelector": {"matchLabels": {"app": "triage"}}}]},
      {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
               "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}},
              {"ipBlock": {"cidr": "10.96.0.10/32"}}, {"ipBlock": {"cidr": "169.254.20.10/32"}}],
       "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}]})"));
}

TEST(NetworkPlanTest, NothingDeclaredAndNothingAllowedHasNoRuleAtAll) {
  auto workload = triage();
  workload.network.within_workload = api::WithinWorkload::kDeny;
  workload.network.dns = api::DnsAccess::kNone;
  const auto spec = plan_spec(workload, isolated(api::Isolation::kFull));
  // A rule with an empty peer list would mean everybody.
  EXPECT_FALSE(spec.contains("ingress"));
  EXPECT_FALSE(spec.contains("egress"));
  EXPECT_THAT(spec["policyTypes"], SizeIs(2));
}

TEST(NetworkPlanTest, TheApiServerIsOpenedByAddressAndPort) {
  auto workload = triage();
  workload.network.api_server = api::AllowDeny::kAllow;
  const auto egress = plan_spec(workload, isolated(api::Isolation::kFull))["egress"];
  ASSERT_THAT(egress, SizeIs(4));
  EXPECT_EQ(egress[2]["to"][0]["ipBlock"]["cidr"], "10.96.0.1/32");
  EXPECT_EQ(egress[3]["to"][0]["ipBlock"]["cidr"], "192.0.2.7/32");
  EXPECT_EQ(egress[3]["ports"], Json::parse(R"([{"protocol":"TCP","port":6443}])"));
}

TEST(NetworkPlanTest, MetadataAddressesAreExceptedFromEveryRangeThatContainsThem) {
  auto workload = triage();
  workload.network.egress = {rule_to(range("0.0.0.0/0", {"10.0.0.0/8"}))};
  const auto egress = plan_spec(workload, isolated(api::Isolation::kFull))["egress"];
  EXPECT_EQ(
      egress.back()["to"][0]["ipBlock"]["except"],
      Json::array({"10.0.0.0/8", "100.100.100.200/32", "168.63.129.16/32",
                                           "169.254.0.0/16", "192.0.0.192/32"}));
}

TEST(NetworkPlanTest, TheInternetIsEverythingButPrivateRanges) {
  auto workload = triage();
  api::NetworkPeer internet;
  internet.internet = true;
  workload.network.egress = {rule_to(internet)};
  const auto peers = plan_spec(workload, isolated(api::Isolation::kFull))["egress"].back()["to"];
  ASSERT_THAT(peers, SizeIs(2));
  const auto except = peers[0]["ipBlock"]["except"].get<std::vector<std::string>>();
  EXPECT_THAT(except, ::testing::IsSupersetOf(
                          {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"}));
  EXPECT_EQ(peers[1]["ipBlock"]["cidr"], "::/0");
}

// A peer that may not be opened is left out and told; its rule does not become "everybody".
TEST(NetworkPlanTest, RefusedPeersAreLeftOutWithTheirRule) {
  struct Row {
    const char* name;
    api::NetworkPeer peer;
    const char* cause;
  };
  api::NetworkPeer internet;
  internet.internet = true;
  auto requirements = isolated(api::Isolation::kFull);
  requirements.network.public_egress = api::AllowDeny::kDeny;
  for (const auto& row :
       {Row{"metadata", range("169.254.169.254/32"), "metadata"},
        Row{"azure wire", range("168.63.129.16/32"), "metadata"},
        Row{"internet", internet, "publicEgress"},
        Row{"public range", range("0.0.0.0/0"), "publicEgress"},
        Row{"half public range", range("10.0.0.0/7"), "publicEgress"},
        Row{"no range", range("nonsense"), "CIDR"}, Row{"nobody", {}, "nobody"}}) {
    SCOPED_TRACE(row.name);
    auto workload = triage();
    workload.network.dns = api::DnsAccess::kNone;
    workload.network.within_workload = api::WithinWorkload::kDeny;
    workload.network.egress = {rule_to(row.peer)};
    const auto plan = plan_network(workload, requirements, facts());
    EXPECT_FALSE((*plan.policy)["spec"].contains("egress"));
    ASSERT_THAT(plan.problems, SizeIs(1));
    EXPECT_THAT(plan.problems[0].field, HasSubstr("spec.network.egress[0].to[0]"));
    EXPECT_THAT(plan.problems[0].cause, HasSubstr(row.cause));
  }
}

TEST(NetworkPlanTest, DeclaredPeersKeepTheirSelectorsAndPorts) {
  auto workload = triage();
  api::NetworkPeer gateway;
  gateway.name_space = "gateway";
  gateway.pod_selector = api::Labels{{"app", "gw"}};
  api::NetworkPort named;
  named.port = std::string("http");
  api::NetworkPort udp_range;
  udp_range.port = 5000;
  udp_range.protocol = "UDP";
  udp_range.end_port = 5010;
  workload.network.ingress = {{{gateway}, {named, udp_range}}};
  const auto ingress = plan_spec(workload, isolated(api::Isolation::kIngress))["ingress"];
  EXPECT_EQ(ingress[1], Json::parse(R"({
    "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateway"}},
              "podSelector": {"matchLabels": {"app": "gw"}}}],
    "ports": [{"protocol": "TCP", "port": "http"}, {"protocol": "UDP", "port": 5000, "endPort": 5010}]})"));
}

}  // namespace
}  // namespace portcullis::controller
