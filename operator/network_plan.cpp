#include "operator/network_plan.hpp"

#include <algorithm>

#include "lib/policy/cidr.hpp"

namespace portcullis::controller {
namespace {

using codec::Json;

Json selector(const api::Labels& labels) {
  auto match = Json::object();
  for (const auto& [key, value] : labels) match[key] = value;
  return {{"matchLabels", std::move(match)}};
}

Json port(const std::string& protocol, Json number) {
  return {{"protocol", protocol}, {"port", std::move(number)}};
}

Json ports_of(const std::vector<api::NetworkPort>& declared) {
  auto ports = Json::array();
  for (const auto& declared_port : declared) {
    auto one = std::visit([&](const auto& value) { return port(declared_port.protocol, value); },
                          declared_port.port);
    if (declared_port.end_port) one["endPort"] = *declared_port.end_port;
    ports.push_back(std::move(one));
  }
  return ports;
}

/// `range` and, of `carved` and the metadata addresses, what lies inside it.
Json ip_block(const policy::Cidr& range, const std::vector<std::string>& carved) {
  Json block = {{"cidr", range.text()}};
  std::vector<std::string> except;
  for (const auto& text : carved) {
    const auto inner = policy::Cidr::parse(text);
    if (inner && range.contains(*inner) && inner->text() != range.text()) except.push_back(text);
  }
  for (const auto& metadata : policy::metadata_ranges()) {
    if (range.contains(metadata)) except.push_back(metadata.text());
  }
  if (!except.empty()) {
    std::ranges::sort(except);
    except.erase(std::unique(except.begin(), except.end()), except.end());
    block["except"] = except;
  }
  return {{"ipBlock", std::move(block)}};
}

/// The public internet: everything but what private_ranges() names.
std::vector<Json> internet() {
  std::vector<std::string> not_public;
  for (const auto& range : policy::private_ranges()) not_public.push_back(range.text());
  return {ip_block(*policy::Cidr::parse("0.0.0.0/0"), not_public),
          ip_block(*policy::Cidr::parse("::/0"), not_public)};
}

Json host_block(const std::string& cidr) { return {{"ipBlock", {{"cidr", cidr}}}}; }

Json pods(const api::NetworkPeer& peer) {
  Json out = Json::object();
  if (peer.pod_selector) out["podSelector"] = selector(*peer.pod_selector);
  if (peer.name_space) {
    // The one label of a namespace that nobody can set.
    out["namespaceSelector"] = selector({{"kubernetes.io/metadata.name", *peer.name_space}});
  } else if (peer.namespace_selector) {
    out["namespaceSelector"] = selector(*peer.namespace_selector);
  }
  return out;
}

/// Builds one direction's rules. A rule whose every peer was left out is left out too: an empty
/// peer list would mean everybody.
class Rules {
 public:
  Rules(std::string direction_path, std::string peers_key, api::AllowDeny public_peers,
        std::vector<NetworkProblem>& problems)
      : path_(std::move(direction_path)),
        key_(std::move(peers_key)),
        public_peers_(public_peers),
        problems_(problems) {}

  void add(std::vector<Json> peers, Json ports) {
    if (peers.empty()) return;
    Json rule = {{key_, std::move(peers)}};
    if (!ports.empty()) rule["ports"] = std::move(ports);
    rules_.push_back(std::move(rule));
  }

  void add_declared(const std::vector<api::NetworkRule>& declared) {
    for (std::size_t index = 0; index < declared.size(); ++index) {
      std::vector<Json> peers;
      for (std::size_t peer = 0; peer < declared[index].peers.size(); ++peer) {
        const auto field =
            path_ + "[" + std::to_string(index) + "]." + key_ + "[" + std::to_string(peer) + "]";
        for (auto& one : peers_of(declared[index].peers[peer], field))
          peers.push_back(std::move(one));
      }
      add(std::move(peers), ports_of(declared[index].ports));
    }
  }

  Json take() { return std::move(rules_); }

 private:
  std::vector<Json> leave_out(const std::string& field, std::string cause) {
    problems_.push_back({field, std::move(cause)});
    return {};
  }

  std::vector<Json> peers_of(const api::NetworkPeer& peer, const std::string& field) {
    constexpr const char* kPublic =
        "leads to the public internet, which is denied (publicEgress: Deny)";
    if (peer.internet) {
      return public_peers_ == api::AllowDeny::kDeny ? leave_out(field, kPublic) : internet();
    }
    if (!peer.cidr) {
      auto selected = pods(peer);
      if (selected.empty()) return leave_out(field, "names nobody");
      return std::vector<Json>(1, std::move(selected));
    }
    const auto range = policy::Cidr::parse(*peer.cidr);
    if (!range) return leave_out(field + ".cidr", range.error().message());
    if (policy::is_metadata(*range)) {
      return leave_out(field + ".cidr", "holds cloud metadata addresses, which serve credentials");
    }
    if (public_peers_ == api::AllowDeny::kDeny && !policy::is_private(*range)) {
      return leave_out(field + ".cidr", kPublic);
    }
    return std::vector<Json>(1, ip_block(*range, peer.except));
  }

  const std::string path_, key_;
  const api::AllowDeny public_peers_;
  std::vector<NetworkProblem>& problems_;
  Json rules_ = Json::array();
};

void add_dns(Rules& egress, const DnsSettings& dns) {
  api::NetworkPeer pods_of_dns;
  pods_of_dns.name_space = dns.name_space;
  pods_of_dns.pod_selector = dns.selector;
  std::vector<Json> peers;
  peers.push_back(pods(pods_of_dns));
  for (const auto& cidr : dns.cidrs) peers.push_back(host_block(cidr));
  egress.add(std::move(peers), Json::array({port("UDP", 53), port("TCP", 53)}));
}

void add_api_server(Rules& egress, const std::vector<ApiServerAddress>& addresses) {
  for (const auto& address : addresses) {
    const auto cidr = address.ip + (address.ip.find(':') == std::string::npos ? "/32" : "/128");
    egress.add(std::vector<Json>(1, host_block(cidr)), Json::array({port("TCP", address.port)}));
  }
}

Json metadata(const api::AIWorkload& workload) {
  return {{"namespace", workload.meta.key.name_space},
          {"name", network_policy_name(workload.meta.key.name)},
          {"labels",
           {{api::kWorkloadLabel, workload.meta.key.name},
            {"app.kubernetes.io/managed-by", "portcullis"}}},
          {"ownerReferences", Json::array({{{"apiVersion", api::kGroupVersion},
                                            {"kind", "AIWorkload"},
                                            {"name", workload.meta.key.name},
                                            {"uid", workload.meta.uid},
                                            {"controller", true},
                                            {"blockOwnerDeletion", true}}})}};
}

}  // namespace

std::string network_policy_name(const std::string& workload) { return workload + "-portcullis"; }

NetworkPlan plan_network(const api::AIWorkload& workload, const api::Requirements& requirements,
                         const NetworkFacts& facts) {
  NetworkPlan plan;
  const auto isolation = requirements.network.isolation.value_or(api::Isolation::kNone);
  if (isolation == api::Isolation::kNone) return plan;
  const auto& network = workload.network;
  const bool within = network.within_workload == api::WithinWorkload::kAllow;
  api::NetworkPeer itself;
  itself.pod_selector = workload.selector;
  const std::vector<Json> same_workload(1, pods(itself));

  Rules ingress("spec.network.ingress", "from", api::AllowDeny::kAllow, plan.problems);
  if (within) ingress.add(same_workload, Json::array());
  ingress.add_declared(network.ingress);
  Json spec = {{"podSelector", selector(workload.selector)},
               {"policyTypes", Json::array({"Ingress"})}};
  // An absent list denies as an empty one does; the API server stores no empty list.
  if (auto rules = ingress.take(); !rules.empty()) spec["ingress"] = std::move(rules);

  if (isolation == api::Isolation::kFull) {
    spec["policyTypes"].push_back("Egress");
    Rules egress("spec.network.egress", "to",
                 requirements.network.public_egress.value_or(api::AllowDeny::kAllow),
                 plan.problems);
    if (within) egress.add(same_workload, Json::array());
    if (network.dns == api::DnsAccess::kCluster) add_dns(egress, facts.dns);
    if (network.api_server == api::AllowDeny::kAllow) add_api_server(egress, facts.api_server);
    egress.add_declared(network.egress);
    if (auto rules = egress.take(); !rules.empty()) spec["egress"] = std::move(rules);
  }
  plan.policy = Json{{"apiVersion", "networking.k8s.io/v1"},
                     {"kind", "NetworkPolicy"},
                     {"metadata", metadata(workload)},
                     {"spec", std::move(spec)}};
  return plan;
}

}  // namespace portcullis::controller
