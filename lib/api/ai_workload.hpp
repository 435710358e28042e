#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "lib/api/meta.hpp"
#include "lib/api/requirements.hpp"
#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"

namespace portcullis::api {

enum class DataClassification { kPublic, kInternal, kConfidential, kRestricted };
enum class RiskClass { kMinimal, kLimited, kHigh };
enum class WithinWorkload { kAllow, kDeny };
enum class DnsAccess { kCluster, kNone };

struct Governance {
  std::string team;
  std::string contact;
  std::string purpose;
};

/// A model that the workload mounts: exactly one of the three is set.
struct ModelSource {
  std::string name;
  std::optional<std::string> image_reference;
  std::optional<std::string> uri;
  std::optional<std::string> persistent_volume_claim;
};

/// Who is at the other end of a declared connection: at most one of name_space,
/// namespace_selector, cidr, internet; pod_selector alone or with one of the first two.
struct NetworkPeer {
  std::optional<std::string> name_space;
  std::optional<Labels> namespace_selector;
  std::optional<std::string> cidr;
  std::vector<std::string> except;
  bool internet = false;  ///< entity: Internet
  std::optional<Labels> pod_selector;
};
struct NetworkPort {
  std::variant<std::int32_t, std::string> port;  ///< Number or the container port's name.
  std::string protocol = "TCP";                  ///< TCP, UDP or SCTP.
  std::optional<std::int32_t> end_port;
};
struct NetworkRule {
  std::vector<NetworkPeer> peers;  ///< At least one.
  std::vector<NetworkPort> ports;  ///< At least one.
};
struct WorkloadNetwork {
  WithinWorkload within_workload = WithinWorkload::kAllow;
  DnsAccess dns = DnsAccess::kCluster;
  AllowDeny api_server = AllowDeny::kDeny;
  std::vector<NetworkRule> ingress;
  std::vector<NetworkRule> egress;
};

/// portcullis.dev/v1alpha1 AIWorkload, as far as this version acts on it. `spec.secrets` and
/// `spec.access` are kept as their names: what uses them is judged, what they ask for comes later.
struct AIWorkload {
  ObjectMeta meta;
  Labels selector;
  DataClassification data_classification = DataClassification::kPublic;
  std::optional<RiskClass> risk_class;
  Governance governance;
  Requirements requirements;
  std::vector<std::string> image_pull_secrets;
  std::vector<ModelSource> models;
  WorkloadNetwork network;
  std::vector<std::string> secret_names;            ///< spec.secrets[].name
  std::optional<std::string> service_account_name;  ///< spec.access.serviceAccount.name
  bool has_access_grants = false;
  std::vector<Condition> conditions;  ///< status.conditions as last written
};

std::string_view to_string(DataClassification value);
std::string_view to_string(RiskClass value);
Result<DataClassification> parse_data_classification(std::string_view word);
Result<RiskClass> parse_risk_class(std::string_view word);

/// kInvalidArgument with the field's path ("spec.network.egress[0].ports: …").
Result<AIWorkload> parse_ai_workload(const codec::Json& object);

}  // namespace portcullis::api
