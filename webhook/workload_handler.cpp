#include "webhook/workload_handler.hpp"

#include <algorithm>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"

namespace portcullis::webhook {
namespace {

policy::Evidence builtin(std::string rule, std::string reason) {
  return {.policy = "builtin/" + std::move(rule), .authority = std::move(reason)};
}

admission::Answer allow(std::string rule, std::string reason) {
  return {policy::Verdict::allow(builtin(std::move(rule), std::move(reason))), {}, {}, {}};
}

bool runs(api::ImageUse use) { return use != api::ImageUse::kVolume; }

std::string warning_of(const policy::Violation& violation) {
  return "portcullis: " + violation.field + ": " + violation.cause;
}

/// What auditors ask for later: who vouched for which digest, and until when.
std::map<std::string, std::string> audit_annotations(const ImageFindings& findings,
                                                     const Binding& binding) {
  auto images = codec::Json::array();
  for (const auto& evidence : findings.evidence) {
    codec::Json entry = {{"field", evidence.field},
                         {"digest", evidence.digest},
                         {"policy", evidence.policy},
                         {"authority", evidence.authority},
                         {"check", evidence.check}};
    if (evidence.expiry_time) entry["expires"] = codec::format_time(*evidence.expiry_time);
    images.push_back(std::move(entry));
  }
  auto workloads = codec::Json::array();
  for (const auto& workload : binding.workloads) workloads.push_back(workload->meta.key.name);
  return {{"images", codec::dump_json(images)},
          {"workloads", codec::dump_json(workloads)},
          {"profile", binding.profile_name}};
}

void refuse_unsatisfiable(ImageFindings& findings, const Binding& binding) {
  for (const auto& field : binding.unsatisfiable) {
    findings.violations.push_back({.field = "spec",
                                   .policy = "profile " + binding.profile_name,
                                   .check = "Requirements",
                                   .cause = field + ": profile and workload together allow nothing",
                                   .remedy = "widen spec.requirements of the AIWorkload"});
  }
}

/// Labels may not leave a binding: the new pod spec would be judged by nobody.
std::optional<policy::Violation> left_binding(const std::vector<Workload>& before,
                                              const Binding& binding) {
  for (const auto& workload : before) {
    const auto same = [&](const Workload& other) { return other->meta.uid == workload->meta.uid; };
    if (std::ranges::none_of(binding.workloads, same)) {
      return policy::Violation{.field = "metadata.labels",
                               .policy = "builtin/binding",
                               .check = "Binding",
                               .cause = "the pod would leave AIWorkload " + workload->meta.key.name,
                               .remedy = "keep the labels of its spec.selector, or delete the pod"};
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<api::ImageField> changed_images(const api::PodTemplate& before,
                                            const api::PodTemplate& now) {
  std::vector<api::ImageField> changed;
  for (const auto& image : now.images) {
    const bool known = std::ranges::any_of(before.images, [&](const api::ImageField& old) {
      return old.reference == image.reference && runs(old.use) == runs(image.use);
    });
    if (!known) changed.push_back(image);
  }
  return changed;
}

admission::Answer answer_unselected(const api::PodTemplate& pod, const Binding& binding) {
  auto violations = borrowed(pod, binding.in_namespace);
  const auto rule = binding.profile->value->unselected_pods;
  if (rule == api::UnselectedPods::kDeny) {
    violations.push_back(
        {.field = pod.path.empty() ? "metadata.labels" : pod.path + ".metadata.labels",
         .policy = "profile " + binding.profile_name,
         .check = "Binding",
         .cause = "no AIWorkload of this namespace selects this pod",
         .remedy = "label it as an AIWorkload's spec.selector says, or declare one"});
  }
  auto answer = admission::Answer{
      policy::Verdict::of({builtin("unselected", "no AIWorkload selects this pod")},
                          std::move(violations)),
      {},
      {},
      {}};
  if (rule == api::UnselectedPods::kReport) {
    answer.warnings.push_back("portcullis: no AIWorkload selects this pod; it was not judged");
  }
  return answer;
}

Result<admission::Answer> WorkloadHandler::handle(const api::AdmissionRequest& request,
                                                  Deadline deadline) {
  if (request.operation == api::Operation::kDelete) {
    return allow("delete", "nothing starts to run");
  }
  if (request.operation == api::Operation::kConnect || !request.object) {
    return Error(ErrorCode::kInternal, "a workload is judged on CREATE and UPDATE only");
  }
  const auto pod = TRY(api::parse_pod_template(request.kind, *request.object));
  const auto binding = TRY(binder_.bind(request.key.name_space, pod.labels, deadline));
  auto images = pod.images;
  if (request.operation == api::Operation::kUpdate && request.old_object) {
    const auto before = TRY(api::parse_pod_template(request.kind, *request.old_object));
    const auto bound_before = TRY(select_workloads(binding.in_namespace, before.labels));
    if (pod.path.empty()) {
      if (auto violation = left_binding(bound_before, binding)) {
        return admission::Answer{policy::Verdict::deny(std::move(*violation)), {}, {}, {}};
      }
    }
    // Bound now and not before: all of it counts as new.
    if (!bound_before.empty() || !binding.bound()) images = changed_images(before, pod);
    if (binding.bound() && images.empty()) return allow("unchanged", "no image changed");
  }
  if (!binding.bound()) return answer_unselected(pod, binding);
  return judge(request, pod, images, binding, deadline);
}

Result<admission::Answer> WorkloadHandler::judge(const api::AdmissionRequest& request,
                                                 const api::PodTemplate& pod,
                                                 const std::vector<api::ImageField>& images,
                                                 const Binding& binding, Deadline deadline) {
  const auto policies = policies_.get();
  if (!policies) return Error(ErrorCode::kUnavailable, "the TrustPolicies are not loaded yet");
  const auto digests = request.kind == "Pod" ? DigestRule::kMustBePinned : DigestRule::kTagIsJudged;
  auto findings = judge_.judge(images, pod, binding, policies, digests, deadline);
  refuse_unsatisfiable(findings, binding);

  auto annotations = audit_annotations(findings, binding);
  std::vector<std::string> warnings;
  for (const auto& violation : findings.audited) warnings.push_back(warning_of(violation));
  auto verdict = policy::Verdict::of(std::move(findings.evidence), std::move(findings.violations));
  if (binding.requirements.mode == api::Mode::kAudit) {
    for (const auto& violation : verdict.violations()) warnings.push_back(warning_of(violation));
    verdict = std::move(verdict).audited();
  }
  return admission::Answer{std::move(verdict), {}, std::move(warnings), std::move(annotations)};
}

}  // namespace portcullis::webhook
