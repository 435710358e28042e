#include "operator/cluster_kinds.hpp"

#include <algorithm>

#include "lib/api/security_profile.hpp"
#include "lib/api/trust_policy.hpp"
#include "lib/policy/policy_set.hpp"

namespace portcullis::controller {
namespace {

/// Reads what every kind has; `status`, `reason` and `message` are the verdict on it.
ClusterObject object_of(const codec::Json& object, const char* status, const char* reason,
                        std::string message) {
  ClusterObject out;
  out.meta = api::parse_meta(object);
  if (const auto* conditions = codec::find_path(object, {"status", "conditions"});
      conditions != nullptr && conditions->is_array()) {
    for (const auto& condition : *conditions)
      out.conditions.push_back(api::parse_condition(condition));
  }
  out.ready = {.type = "Ready",
               .status = status,
               .reason = reason,
               .message = std::move(message),
               .observed_generation = out.meta.generation};
  return out;
}

ClusterObject invalid(const codec::Json& object, const Error& error, const std::string& meanwhile) {
  return object_of(object, "False", "Invalid", error.message() + "; " + meanwhile);
}

/// "key:HEX" → "sha256:HEX"
std::string digest_of(const std::string& fingerprint) {
  return "sha256:" + fingerprint.substr(fingerprint.find(':') + 1);
}

}  // namespace

ClusterObject judge_trust_policy(const codec::Json& object) {
  constexpr const char* kMeanwhile = "until it is mended it refuses the images of its profiles";
  const auto parsed = api::parse_trust_policy(object);
  if (!parsed) return invalid(object, parsed.error(), kMeanwhile);
  const auto compiled = policy::compile({parsed->meta.key.name, *parsed});
  if (compiled.broken) return invalid(object, *compiled.broken, kMeanwhile);
  const bool audits = compiled.mode == api::Mode::kAudit;
  auto out =
      object_of(object, "True", audits ? "Auditing" : "Enforcing",
                audits ? "it compiles; mode Audit: as if absent, plus a report" : "it compiles");
  auto authorities = codec::Json::array();
  for (const auto& authority : compiled.authorities) {
    authorities.push_back(
        {{"name", authority.name()}, {"fingerprint", digest_of(authority.fingerprint())}});
  }
  out.details["authorities"] = std::move(authorities);
  return out;
}

ClusterObject judge_security_profile(const codec::Json& object) {
  const auto parsed = api::parse_security_profile(object);
  if (!parsed) {
    return invalid(object, parsed.error(), "until it is mended pods of its namespaces are refused");
  }
  std::string missing;
  if (parsed->pod_security_labels != api::PodSecurityLabels::kNone) missing = "podSecurityLabels";
  if (parsed->running_pods != api::RunningPods::kReport) {
    missing += (missing.empty() ? "" : ", ") + std::string("runningPods");
  }
  if (missing.empty()) return object_of(object, "True", "Valid", "it can be used");
  return object_of(object, "True", "NotYetEnforced", "not enforced by this version: " + missing);
}

ClusterObject judge_trusted_root(const codec::Json& object) {
  const auto parsed = api::parse_trusted_root(object);
  if (!parsed) return invalid(object, parsed.error(), "it cannot be used");
  return object_of(object, "False", "NotYetEnforced",
                   "this version verifies by public keys alone and does not use trusted roots");
}

ClusterObject judge_security_exception(const codec::Json& object) {
  const auto parsed = api::parse_security_exception(object);
  if (!parsed) return invalid(object, parsed.error(), "nothing is waived");
  return object_of(object, "False", "NotYetEnforced",
                   "this version waives nothing: the images are judged in full");
}

Result<kube::Action> ClusterKindReconciler::reconcile(const api::ObjectKey& key,
                                                      Deadline deadline) {
  const auto object = store_.get(key);
  if (!object || object->meta.deletion_time) return kube::Action::await_change();
  auto ready = object->ready;
  const auto before = std::ranges::find(object->conditions, ready.type, &api::Condition::type);
  if (before != object->conditions.end()) {
    ready.last_transition_time = before->last_transition_time;
    if (*before == ready) return kube::Action::await_change();
  }
  const bool stays = before != object->conditions.end() && before->status == ready.status &&
                     before->last_transition_time;
  if (!stays) ready.last_transition_time = clock_.now();

  auto status = object->details;
  status["conditions"] = codec::Json::array({api::to_json(ready)});
  status["observedGeneration"] = object->meta.generation;
  const codec::Json intent = {{"apiVersion", resource_.api_version()},
                              {"kind", resource_.kind},
                              {"metadata", {{"name", key.name}}},
                              {"status", std::move(status)}};
  TRY_VOID(client_.apply_status(resource_, intent, deadline,
                                {.field_manager = "portcullis-operator-status"}));
  return kube::Action::await_change();
}

}  // namespace portcullis::controller
