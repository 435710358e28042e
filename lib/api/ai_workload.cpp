#include "lib/api/ai_workload.hpp"

#include "lib/api/field.hpp"
#include "lib/api/words.hpp"

namespace portcullis::api {
namespace {

constexpr std::int64_t kHighestPort = 65535;

/// A selector by expressions would select more than its labels say, so it is refused, not dropped.
Result<Labels> parse_match_labels(const Field& selector) {
  TRY_VOID(selector.expect_object());
  if (selector.at("matchExpressions").present()) {
    return selector.at("matchExpressions").error("is not supported; use matchLabels");
  }
  return selector.at("matchLabels").labels();
}

Result<std::optional<Labels>> parse_optional_selector(const Field& selector) {
  if (!selector.present()) return std::optional<Labels>();
  return std::optional(TRY(parse_match_labels(selector)));
}

Result<NetworkPeer> parse_peer(const Field& field) {
  TRY_VOID(field.expect_object());
  NetworkPeer peer;
  peer.name_space = TRY(field.at("namespace").text());
  peer.namespace_selector = TRY(parse_optional_selector(field.at("namespaceSelector")));
  peer.cidr = TRY(field.at("cidr").text());
  for (const auto& range : TRY(field.at("except").elements())) {
    peer.except.push_back(TRY(range.required_text()));
  }
  static constexpr Word<bool> kEntities[] = {{true, "Internet"}};
  peer.internet = TRY(field.at("entity").word_or(kEntities, false));
  peer.pod_selector = TRY(parse_optional_selector(field.at("podSelector")));

  const int addresses = (peer.cidr ? 1 : 0) + (peer.internet ? 1 : 0);
  const int places = (peer.name_space ? 1 : 0) + (peer.namespace_selector ? 1 : 0) + addresses;
  if (places > 1) {
    return field.error("has more than one of namespace, namespaceSelector, cidr, entity");
  }
  if (addresses > 0 && peer.pod_selector) {
    return field.at("podSelector").error("goes with namespace or namespaceSelector, or alone");
  }
  if (places == 0 && !peer.pod_selector) {
    return field.error(
        "names nobody: set namespace, namespaceSelector, cidr, entity or podSelector");
  }
  if (!peer.except.empty() && !peer.cidr) return field.at("except").error("goes with cidr");
  return peer;
}

Result<NetworkPort> parse_port(const Field& field) {
  static constexpr Word<std::string_view> kProtocols[] = {
      {"TCP", "TCP"}, {"UDP", "UDP"}, {"SCTP", "SCTP"}};
  TRY_VOID(field.expect_object());
  NetworkPort out;
  const auto port = field.at("port");
  if (!port.present()) return port.error("is required");
  if (const auto name = port.text()) {
    out.port = TRY(port.required_text());
  } else {
    const auto number = port.integer(1, kHighestPort);
    if (!number) return port.error("must be a number from 1 to 65535 or a container port's name");
    out.port = static_cast<std::int32_t>(number->value_or(0));
  }
  out.protocol =
      std::string(TRY(field.at("protocol").word_or(kProtocols, std::string_view("TCP"))));
  const auto end = field.at("endPort");
  if (const auto last = TRY(end.integer(1, kHighestPort))) {
    const auto* first = std::get_if<std::int32_t>(&out.port);
    if (first == nullptr) return end.error("goes with a port given as a number");
    if (*last < *first) return end.error("is below port");
    out.end_port = static_cast<std::int32_t>(*last);
  }
  return out;
}

Result<NetworkRule> parse_rule(const Field& field, std::string_view peers) {
  NetworkRule rule;
  for (const auto& peer : TRY(field.at(peers).elements())) {
    rule.peers.push_back(TRY(parse_peer(peer)));
  }
  for (const auto& port : TRY(field.at("ports").elements())) {
    rule.ports.push_back(TRY(parse_port(port)));
  }
  // In a NetworkPolicy an absent list means everybody and everything; here it is never meant.
  if (rule.peers.empty()) return field.at(peers).error("is required");
  if (rule.ports.empty()) return field.at("ports").error("is required");
  return rule;
}

Result<std::vector<NetworkRule>> parse_rules(const Field& field, std::string_view peers) {
  std::vector<NetworkRule> out;
  for (const auto& item : TRY(field.elements())) out.push_back(TRY(parse_rule(item, peers)));
  return out;
}

Result<WorkloadNetwork> parse_network(const Field& field) {
  WorkloadNetwork out;
  out.within_workload =
      TRY(field.at("withinWorkload").word_or(kWithinWorkloads, WithinWorkload::kAllow));
  out.dns = TRY(field.at("dns").word_or(kDnsAccesses, DnsAccess::kCluster));
  out.api_server = TRY(field.at("apiServer").word_or(kAllowDenies, AllowDeny::kDeny));
  out.ingress = TRY(parse_rules(field.at("ingress"), "from"));
  out.egress = TRY(parse_rules(field.at("egress"), "to"));
  return out;
}

Result<std::vector<ModelSource>> parse_models(const Field& field) {
  TRY_VOID(field.names("name"));
  std::vector<ModelSource> out;
  for (const auto& item : TRY(field.elements())) {
    ModelSource model;
    model.name = TRY(item.at("name").required_text());
    const auto image = item.at("image");
    if (image.present()) model.image_reference = TRY(image.at("reference").required_text());
    model.uri = TRY(item.at("uri").text());
    const auto claim = item.at("persistentVolumeClaim");
    if (claim.present()) model.persistent_volume_claim = TRY(claim.at("claimName").required_text());
    const int sources = (model.image_reference ? 1 : 0) + (model.uri ? 1 : 0) +
                        (model.persistent_volume_claim ? 1 : 0);
    if (sources != 1) {
      return item.error("must have exactly one of image, uri, persistentVolumeClaim");
    }
    out.push_back(std::move(model));
  }
  return out;
}

Result<Governance> parse_governance(const Field& field) {
  Governance out;
  out.team = TRY(field.at("team").text_or_empty());
  out.contact = TRY(field.at("contact").text_or_empty());
  out.purpose = TRY(field.at("purpose").text_or_empty());
  return out;
}

std::vector<Condition> parse_conditions(const codec::Json& object) {
  std::vector<Condition> out;
  const auto* conditions = codec::find_path(object, {"status", "conditions"});
  if (conditions == nullptr || !conditions->is_array()) return out;
  for (const auto& condition : *conditions) out.push_back(parse_condition(condition));
  return out;
}

}  // namespace

std::string_view to_string(DataClassification value) {
  return word_of(kDataClassifications, value);
}
std::string_view to_string(RiskClass value) { return word_of(kRiskClasses, value); }

Result<DataClassification> parse_data_classification(std::string_view word) {
  return parse_word(kDataClassifications, word, "data classification");
}
Result<RiskClass> parse_risk_class(std::string_view word) {
  return parse_word(kRiskClasses, word, "risk class");
}

Result<AIWorkload> parse_ai_workload(const codec::Json& object) {
  const auto spec = Field(object, "").at("spec");
  if (!spec.present()) return spec.error("is required");
  AIWorkload out;
  out.meta = parse_meta(object);
  out.selector = TRY(parse_match_labels(spec.at("selector")));
  if (out.selector.empty()) {
    return spec.at("selector").at("matchLabels").error("needs at least one label");
  }
  out.data_classification = TRY(spec.at("dataClassification").required_word(kDataClassifications));
  out.risk_class = TRY(spec.at("riskClass").word(kRiskClasses));
  out.governance = TRY(parse_governance(spec.at("governance")));
  if (const auto* requirements = codec::find_path(object, {"spec", "requirements"});
      requirements != nullptr && !requirements->is_null()) {
    out.requirements = TRY(parse_requirements(*requirements, "spec.requirements"));
  }
  out.image_pull_secrets = TRY(spec.at("imagePullSecrets").names("name"));
  out.models = TRY(parse_models(spec.at("models")));
  out.network = TRY(parse_network(spec.at("network")));
  out.secret_names = TRY(spec.at("secrets").names("name"));
  const auto account = spec.at("access").at("serviceAccount");
  if (account.present()) out.service_account_name = TRY(account.at("name").required_text());
  out.has_access_grants = spec.at("access").at("grants").present();
  out.conditions = parse_conditions(object);
  return out;
}

}  // namespace portcullis::api
