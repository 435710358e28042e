#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/api/ai_workload.hpp"
#include "lib/api/requirements.hpp"
#include "lib/codec/json.hpp"

namespace portcullis::controller {

/// Where an isolated pod asks for names. Pods of the cluster's DNS by selector, and addresses that
/// no pod selector matches: node-local caches on the host network, the Service's ClusterIP.
struct DnsSettings {
  std::string name_space = "kube-system";
  api::Labels selector{{"k8s-app", "kube-dns"}};
  std::vector<std::string> cidrs;  ///< "169.254.20.10/32"
  bool operator==(const DnsSettings&) const = default;
};

/// One address under which the API server answers.
struct ApiServerAddress {
  std::string ip;
  std::int32_t port = 443;
  auto operator<=>(const ApiServerAddress&) const = default;
};

/// What the cluster looks like to a NetworkPolicy.
struct NetworkFacts {
  DnsSettings dns;
  std::vector<ApiServerAddress> api_server;  ///< Sorted.
};

/// A declared peer that was left out, and why: a field path for the user.
struct NetworkProblem {
  std::string field;
  std::string cause;
};

struct NetworkPlan {
  std::optional<codec::Json> policy;  ///< Empty: isolation None. The whole intent, for apply.
  std::vector<NetworkProblem> problems;
};

/// "<name>-portcullis"
std::string network_policy_name(const std::string& workload);

/// The NetworkPolicy for a workload under the effective requirements: isolation as effective, then
/// traffic within the workload, DNS, the API server, and the declared peers. Metadata addresses are
/// excepted from every range that contains them; a range within them, and public egress where it is
/// denied, are left out and reported. Every default is written out, so that what the API server
/// stores equals what was planned. Pure.
NetworkPlan plan_network(const api::AIWorkload& workload, const api::Requirements& requirements,
                         const NetworkFacts& facts);

}  // namespace portcullis::controller
