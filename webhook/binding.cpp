#include "webhook/binding.hpp"

#include <algorithm>

#include "lib/codec/json.hpp"

namespace portcullis::webhook {
namespace {

Error undecidable_profile(const std::string& name_space, const std::string& name,
                          const std::string& why) {
  return Error(ErrorCode::kNotFound, "profile \"" + name + "\" of namespace " + name_space + " " +
                                         why +
                                         "; kubectl get aisecurityprofiles lists those there are");
}

/// Joins what every binding workload requires: two that match are a race, judged by the stricter.
void join_requirements(Binding& binding) {
  for (const auto& workload : binding.workloads) {
    const auto effective = policy::effective(*binding.profile->value, *workload->value);
    binding.requirements = policy::join(binding.requirements, effective.requirements);
    binding.unsatisfiable.insert(binding.unsatisfiable.end(), effective.unsatisfiable.begin(),
                                 effective.unsatisfiable.end());
  }
}

}  // namespace

Result<std::vector<Workload>> select_workloads(const std::vector<Workload>& all,
                                               const api::Labels& labels) {
  std::vector<Workload> selected;
  for (const auto& workload : all) {
    if (!workload->value) {
      return Error(ErrorCode::kInvalidArgument,
                   "AIWorkload " + to_string(workload->meta.key) + " cannot be read (" +
                       workload->value.error().message() + "), so nobody can say what it selects");
    }
    if (api::matches(workload->value->selector, labels)) selected.push_back(workload);
  }
  return selected;
}

std::vector<policy::Violation> borrowed(const api::PodTemplate& pod,
                                        const std::vector<Workload>& all) {
  std::vector<policy::Violation> violations;
  const auto refuse = [&](const Workload& workload, std::string field, const std::string& what) {
    violations.push_back({.field = std::move(field),
                          .policy = "builtin/borrowed",
                          .check = "Binding",
                          .cause = what + " belongs to AIWorkload " + workload->meta.key.name +
                                   ", which does not select this pod",
                          .remedy = "give the pod the labels of that workload's spec.selector"});
  };
  const auto prefix = pod.path.empty() ? std::string() : pod.path + ".";
  for (const auto& workload : all) {
    if (!workload->value) continue;  // select_workloads() has reported it.
    const auto& account = workload->value->service_account_name;
    if (account && *account == pod.service_account_name) {
      refuse(workload, prefix + "spec.serviceAccountName", "ServiceAccount " + *account);
    }
    for (const auto& secret : workload->value->secret_names) {
      if (std::ranges::find(pod.secret_names, secret) != pod.secret_names.end()) {
        refuse(workload, prefix + "spec", "Secret " + secret);
      }
    }
  }
  return violations;
}

Result<std::string> Binder::profile_of(const std::string& name_space, Deadline deadline) const {
  const auto label_of = [](const api::ObjectMeta& meta) {
    const auto label = meta.labels.find(api::kProfileLabel);
    return label == meta.labels.end() ? std::string() : label->second;
  };
  if (const auto known = stores_.namespaces.get({"", name_space})) return label_of(*known);
  // The API server calls us by the label, and its cache may be ahead of ours: ask.
  const auto live = client_.get(kube::kNamespaces, {"", name_space}, deadline);
  if (!live) return Error(live.error()).with_context("reading namespace " + name_space);
  return label_of(api::parse_meta(*live));
}

Result<std::vector<Workload>> Binder::live_workloads(const std::string& name_space,
                                                     Deadline deadline) const {
  const auto objects = client_.list(kube::kAIWorkloads, {.name_space = name_space}, deadline);
  if (!objects) {
    return Error(objects.error()).with_context("listing the AIWorkloads of " + name_space);
  }
  std::vector<Workload> workloads;
  for (const auto& object : *objects) {
    workloads.push_back(api::keep<api::AIWorkload>(object, api::parse_ai_workload));
  }
  return workloads;
}

Result<Binding> Binder::bind(const std::string& name_space, const api::Labels& labels,
                             Deadline deadline) const {
  const auto stale = stores_.why_stale ? stores_.why_stale() : std::string();
  if (!stale.empty()) return Error(ErrorCode::kUnavailable, "this replica " + stale);
  Binding binding;
  binding.name_space = name_space;
  binding.profile_name = TRY(profile_of(name_space, deadline));
  if (binding.profile_name.empty()) {
    return Error(ErrorCode::kInternal, "namespace " + name_space + " carries no label " +
                                           api::kProfileLabel + ", yet its pods were sent to us");
  }
  binding.profile = stores_.profiles.get({"", binding.profile_name});
  if (!binding.profile) {
    return undecidable_profile(name_space, binding.profile_name, "does not exist");
  }
  if (!binding.profile->value) {
    return undecidable_profile(name_space, binding.profile_name,
                               "is invalid (" + binding.profile->value.error().message() + ")");
  }
  binding.in_namespace = stores_.workloads.list(name_space);
  binding.workloads = TRY(select_workloads(binding.in_namespace, labels));
  if (binding.workloads.empty()) {
    binding.in_namespace = TRY(live_workloads(name_space, deadline));
    binding.workloads = TRY(select_workloads(binding.in_namespace, labels));
  }
  join_requirements(binding);
  return binding;
}

}  // namespace portcullis::webhook
