#include "operator/workload_status.hpp"

#include <algorithm>

#include "lib/codec/json.hpp"

namespace portcullis::controller {
namespace {

using codec::Json;

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (const auto& part : parts) {
    if (!out.empty()) out += separator;
    out += part;
  }
  return out;
}

std::string_view word(ObjectState state) {
  switch (state) {
    case ObjectState::kPlanned:
      return "Planned";
    case ObjectState::kApplied:
      return "Applied";
    case ObjectState::kFailed:
      return "Failed";
  }
  return "Failed";
}

struct Finding {
  std::string status, reason, message;
};

Finding network_finding(const WorkloadOutcome& outcome) {
  if (!outcome.isolates) return {"True", "NotRequired", "network isolation is None"};
  if (!outcome.network_problems.empty()) {
    std::vector<std::string> texts;
    for (const auto& problem : outcome.network_problems) {
      texts.push_back(problem.field + " " + problem.cause);
    }
    return {"False", "PeersLeftOut", join(texts, "; ")};
  }
  switch (outcome.network_state) {
    case ObjectState::kApplied:
      return {"True", "Isolated", "the NetworkPolicy is in place"};
    case ObjectState::kPlanned:
      return {"False", "AuditOnly", "mode Audit: the NetworkPolicy is planned and not applied"};
    case ObjectState::kFailed:
      break;
  }
  return {"False", "ApplyFailed", outcome.network_error};
}

Finding declared_finding(bool declared, std::string_view field) {
  if (!declared) return {"True", "NotRequired", std::string(field) + " declares none"};
  return {"False", "NotYetEnforced", "this version does not act on " + std::string(field)};
}

Finding bound_finding(const WorkloadOutcome& outcome) {
  if (!outcome.overlapping.empty()) {
    return {"False", "SelectorOverlaps",
            "AIWorkload " + join(outcome.overlapping, ", ") +
                " was first to select such pods; both are judged together: change spec.selector"};
  }
  return {"True", "Selecting", "pods that match spec.selector are bound"};
}

Finding enforced_finding(const std::vector<std::string>& fields) {
  if (fields.empty()) return {"True", "AllEnforced", "every requirement in effect is enforced"};
  return {"False", "NotYetEnforced", "not enforced by this version: " + join(fields, ", ")};
}

/// In mode Audit the controls are in place when they are planned.
Finding ready_finding(const WorkloadOutcome& outcome, const std::vector<api::Condition>& parts) {
  if (!outcome.undecided_reason.empty()) {
    return {"False", outcome.undecided_reason, outcome.undecided_message};
  }
  if (!outcome.effective.unsatisfiable.empty()) {
    return {"False", "Unsatisfiable",
            "nothing can satisfy " + join(outcome.effective.unsatisfiable, ", ") +
                "; pods are refused"};
  }
  for (const auto& part : parts) {
    const bool counts = part.type == "NetworkIsolated" || part.type == "SecretsReady" ||
                        part.type == "AccessReady" || part.type == "Bound";
    if (counts && part.status != "True" && part.reason != "AuditOnly") {
      return {"False", part.reason, part.type + ": " + part.message};
    }
  }
  const bool audit = outcome.effective.requirements.mode == api::Mode::kAudit;
  return {
      "True", audit ? "Auditing" : "InPlace",
      audit ? "mode Audit: controls are planned, nothing is refused" : "all controls are in place"};
}

void add(std::vector<api::Condition>& conditions, const api::AIWorkload& workload, std::string type,
         Finding finding, Time now) {
  constexpr std::size_t kMaxMessage = 32'768;  // metav1.Condition
  if (finding.message.size() > kMaxMessage) finding.message.resize(kMaxMessage);
  const auto before = std::ranges::find(workload.conditions, type, &api::Condition::type);
  const bool stays = before != workload.conditions.end() && before->status == finding.status &&
                     before->last_transition_time;
  conditions.push_back({.type = std::move(type),
                        .status = std::move(finding.status),
                        .reason = std::move(finding.reason),
                        .message = std::move(finding.message),
                        .observed_generation = workload.meta.generation,
                        .last_transition_time = stays ? before->last_transition_time : now});
}

}  // namespace

std::vector<std::string> not_yet_enforced(const api::AIWorkload& workload,
                                          const api::Requirements& requirements) {
  std::vector<std::string> fields;
  const auto note = [&](bool is_set, const char* field) {
    if (is_set) fields.emplace_back(field);
  };
  const auto& pods = requirements.pod_security;
  note(!workload.secret_names.empty(), "spec.secrets");
  note(workload.service_account_name || workload.has_access_grants, "spec.access");
  note(
      pods.level.value_or(api::PodSecurityLevel::kPrivileged) != api::PodSecurityLevel::kPrivileged,
      "podSecurity.level");
  note(pods.read_only_root_filesystem.has_value(), "podSecurity.readOnlyRootFilesystem");
  note(pods.api_token == api::AllowDeny::kDeny, "podSecurity.apiToken");
  note(pods.runtime_class_names.has_value(), "podSecurity.runtimeClassNames");
  note(requirements.sessions == api::AllowDeny::kDeny, "sessions");
  note(requirements.secrets_max_age.has_value(), "secrets.maxAge");
  note(!requirements.declare.empty(), "declare");
  note(requirements.models.unverifiable == api::AllowDeny::kDeny, "models.unverifiable");
  note(requirements.network.foreign_policies.has_value(), "network.foreignPolicies");
  for (const auto& evidence : requirements.images.evidence) {
    note(evidence.type == api::EvidenceType::kSBOM, "images.evidence[SBOM]");
    note(evidence.type == api::EvidenceType::kProvenance, "images.evidence[Provenance]");
  }
  return fields;
}

std::vector<api::Condition> conditions_of(const api::AIWorkload& workload,
                                          const WorkloadOutcome& outcome, Time now) {
  std::vector<api::Condition> parts;
  const bool decided = outcome.undecided_reason.empty();
  const Finding unknown{"Unknown", outcome.undecided_reason, outcome.undecided_message};
  const auto requirements = outcome.effective.requirements;
  const bool has_access = workload.service_account_name || workload.has_access_grants;

  add(parts, workload, "Trusted",
      {"Unknown", "NotYetEnforced",
       "running pods are judged at admission; this version does not judge them anew"},
      now);
  add(parts, workload, "Bound", decided ? bound_finding(outcome) : unknown, now);
  add(parts, workload, "NetworkIsolated", decided ? network_finding(outcome) : unknown, now);
  add(parts, workload, "SecretsReady",
      declared_finding(!workload.secret_names.empty(), "spec.secrets"), now);
  add(parts, workload, "AccessReady", declared_finding(has_access, "spec.access"), now);
  add(parts, workload, "Enforced",
      decided ? enforced_finding(not_yet_enforced(workload, requirements)) : unknown, now);

  std::vector<api::Condition> all;
  add(all, workload, "Ready", ready_finding(outcome, parts), now);
  all.insert(all.end(), parts.begin(), parts.end());
  return all;
}

Json status_object(const api::AIWorkload& workload, const WorkloadOutcome& outcome,
                   const std::vector<api::Condition>& conditions) {
  auto listed = Json::array();
  for (const auto& condition : conditions) listed.push_back(api::to_json(condition));
  Json status = {{"conditions", std::move(listed)},
                 {"observedGeneration", workload.meta.generation},
                 {"pods", {{"selected", outcome.pods_selected}}}};
  if (outcome.undecided_reason.empty()) {
    auto sources = Json::array();
    for (const auto& source : outcome.effective.sources) {
      sources.push_back({{"field", source.field}, {"from", source.from}});
    }
    status["effective"] = {{"requirements", api::to_json(outcome.effective.requirements)},
                           {"sources", std::move(sources)}};
    if (!outcome.effective.unsatisfiable.empty()) {
      status["effective"]["unsatisfiable"] = outcome.effective.unsatisfiable;
    }
    if (outcome.isolates) {
      status["objects"] = Json::array({{{"kind", "NetworkPolicy"},
                                        {"name", network_policy_name(workload.meta.key.name)},
                                        {"state", word(outcome.network_state)}}});
    }
  }
  auto models = Json::array();
  for (const auto& model : workload.models) {
    // An image is proved where it is mounted, at admission; of a uri or claim there is only the
    // word.
    models.push_back({{"name", model.name},
                      {"verification", model.image_reference ? "Unresolved" : "Declared"}});
  }
  if (!models.empty()) status["models"] = std::move(models);
  return {
      {"apiVersion", api::kGroupVersion},
      {"kind", "AIWorkload"},
      {"metadata", {{"namespace", workload.meta.key.name_space}, {"name", workload.meta.key.name}}},
      {"status", std::move(status)}};
}

}  // namespace portcullis::controller
