#include "operator/workload_reconciler.hpp"

#include <algorithm>
#include <charconv>

#include "lib/base/log.hpp"
#include "lib/codec/json.hpp"

namespace portcullis::controller {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Events can be missed; a full pass this often repairs what drifted meanwhile.
constexpr std::chrono::minutes kResyncInterval{10};
/// How soon to look again while the store catches up with our own write.
constexpr milliseconds kBarrierWait{50};
constexpr seconds kReleaseInterval{5};
constexpr seconds kBarrierLimit{5};

/// KEP-5504: resourceVersions are decimal integers that can be compared. 0 when it is none.
std::uint64_t number_of(const std::string& resource_version) {
  std::uint64_t number = 0;
  std::from_chars(resource_version.data(), resource_version.data() + resource_version.size(),
                  number);
  return number;
}

/// True when what the store has is what we would apply: our labels and the whole spec.
bool matches_intent(const OwnedObject& existing, const codec::Json& intent) {
  if (!existing.spec || *existing.spec != intent["spec"]) return false;
  for (const auto& [key, value] : intent["metadata"]["labels"].items()) {
    const auto label = existing.meta.labels.find(key);
    if (label == existing.meta.labels.end() || label->second != value.get<std::string>())
      return false;
  }
  return std::ranges::any_of(existing.meta.owner_references, [&](const auto& owner) {
    return owner.uid == intent["metadata"]["ownerReferences"][0]["uid"].template get<std::string>();
  });
}

bool has_finalizer(const api::ObjectMeta& meta) {
  return std::ranges::find(meta.finalizers, api::kFinalizer) != meta.finalizers.end();
}

}  // namespace

void WriteBarrier::wrote(const api::ObjectKey& key, const std::string& resource_version) {
  const Write write{number_of(resource_version), clock_.steady() + kBarrierLimit};
  writes_.with([&](auto& writes) { writes[key] = write; });
}

void WriteBarrier::seen(const api::ObjectKey& key, const std::string& resource_version) {
  const auto number = number_of(resource_version);
  writes_.with([&](auto& writes) {
    const auto write = writes.find(key);
    if (write != writes.end() && number >= write->second.resource_version) writes.erase(write);
  });
}

bool WriteBarrier::pending(const api::ObjectKey& key) {
  const auto now = clock_.steady();
  return writes_.with([&](auto& writes) {
    const auto write = writes.find(key);
    if (write == writes.end()) return false;
    if (now < write->second.give_up) return true;
    writes.erase(write);
    return false;
  });
}

std::size_t count_selected(const api::AIWorkload& workload,
                           const std::vector<std::shared_ptr<const api::PodInfo>>& pods) {
  return static_cast<std::size_t>(std::ranges::count_if(
      pods, [&](const auto& pod) { return api::matches(workload.selector, pod->meta.labels); }));
}

std::vector<std::string> overlapping(const api::AIWorkload& workload,
                                     const std::vector<Workload>& others) {
  std::vector<std::string> names;
  for (const auto& other : others) {
    if (!other->value || other->meta.key == workload.meta.key) continue;
    const bool older = std::pair(other->meta.creation_time, other->meta.key.name) <
                       std::pair(workload.meta.creation_time, workload.meta.key.name);
    const bool differs = std::ranges::any_of(workload.selector, [&](const auto& pair) {
      const auto theirs = other->value->selector.find(pair.first);
      return theirs != other->value->selector.end() && theirs->second != pair.second;
    });
    if (older && !differs) names.push_back(other->meta.key.name);
  }
  return names;
}

void WorkloadReconciler::record(const api::AIWorkload& workload, kube::EventType type,
                                const char* reason, const char* action, const std::string& note) {
  recorder_.record(
      {kube::kAIWorkloads, workload.meta.key, workload.meta.uid, workload.meta.resource_version},
      type, reason, action, note);
}

Result<void> WorkloadReconciler::set_finalizers(const api::ObjectMeta& meta,
                                                std::vector<std::string> finalizers,
                                                Deadline deadline) {
  const codec::Json patch = {
      {"metadata", {{"finalizers", finalizers}, {"resourceVersion", meta.resource_version}}}};
  TRY_VOID(client_.merge_patch(kube::kAIWorkloads, meta.key, patch, deadline));
  return {};
}

/// The workload is being deleted: isolation and binding stay until its pods are gone. The objects
/// themselves go with it (owner references).
Result<kube::Action> WorkloadReconciler::release(const api::AIWorkload& workload,
                                                 Deadline deadline) {
  if (!has_finalizer(workload.meta)) return kube::Action::await_change();
  const auto pods = count_selected(workload, stores_.pods.list(workload.meta.key.name_space));
  const auto give_up = *workload.meta.deletion_time + options_.finalizer_timeout;
  if (pods > 0 && clock_.now() < give_up) {
    record(workload, kube::EventType::kNormal, "WaitingForPods", "Delete",
           "isolation stays until " + std::to_string(pods) + " bound pod(s) are gone");
    return kube::Action::requeue(kReleaseInterval);
  }
  auto finalizers = workload.meta.finalizers;
  std::erase(finalizers, api::kFinalizer);
  TRY_VOID(set_finalizers(workload.meta, std::move(finalizers), deadline));
  return kube::Action::await_change();
}

WorkloadOutcome WorkloadReconciler::outcome_of(const api::AIWorkload& workload) const {
  WorkloadOutcome outcome;
  const auto& name_space = workload.meta.key.name_space;
  outcome.pods_selected = count_selected(workload, stores_.pods.list(name_space));
  outcome.overlapping = overlapping(workload, stores_.workloads.list(name_space));

  const auto protection = stores_.namespaces.get({"", name_space});
  if (!protection) {
    outcome.undecided_reason = "NamespaceNotProtected";
    outcome.undecided_message = "run: kubectl label namespace " + name_space + " " +
                                api::kProfileLabel + "=default (or =audit: only reported)";
    return outcome;
  }
  const auto name = protection->labels.find(api::kProfileLabel)->second;
  const auto profile = stores_.profiles.get({"", name});
  if (!profile || !profile->value) {
    outcome.undecided_reason = profile ? "ProfileInvalid" : "ProfileNotFound";
    outcome.undecided_message = "AISecurityProfile " + name + ": " +
                                (profile ? profile->value.error().message() : "there is none");
    return outcome;
  }
  outcome.effective = policy::effective(*profile->value, workload);
  return outcome;
}

/// An object of our name that somebody else made is never taken over.
Result<void> WorkloadReconciler::refuse_foreign(const api::ObjectKey& key, const std::string& uid,
                                                Deadline deadline) {
  const auto live = client_.get(kube::kNetworkPolicies, key, deadline);
  if (!live && live.error().code() == ErrorCode::kNotFound) return {};
  if (!live) return Error(live.error());
  const auto owners = api::parse_meta(*live).owner_references;
  if (std::ranges::find(owners, uid, &api::OwnerReference::uid) != owners.end()) return {};
  return Error(ErrorCode::kConflict,
               "NetworkPolicy " + key.name + " exists and is not ours: rename or delete it");
}

Result<void> WorkloadReconciler::apply_network(const api::AIWorkload& workload,
                                               const codec::Json& policy, bool exists,
                                               Deadline deadline) {
  const api::ObjectKey key{workload.meta.key.name_space,
                           network_policy_name(workload.meta.key.name)};
  if (!exists) TRY_VOID(refuse_foreign(key, workload.meta.uid, deadline));
  const auto applied = TRY(client_.apply(kube::kNetworkPolicies, policy, deadline));
  barrier_.wrote(key, api::parse_meta(applied).resource_version);

  const auto intent = codec::dump_json(policy);
  const bool drifted = last_policy_.with([&](auto& last) {
    auto& before = last[workload.meta.uid];
    const bool same_intent = before == intent;
    before = intent;
    return same_intent;
  });
  if (drifted) {
    log::warning("repaired a NetworkPolicy", {{"namespace", key.name_space}, {"name", key.name}});
    record(workload, kube::EventType::kWarning, "DriftRepaired", "ApplyNetworkPolicy",
           "NetworkPolicy " + key.name + (exists ? " had been changed" : " had been deleted") +
               " and was applied again");
  } else {
    record(workload, kube::EventType::kNormal, "Isolated", "ApplyNetworkPolicy",
           "NetworkPolicy " + key.name + (exists ? " was updated" : " was created"));
  }
  return {};
}

Result<void> WorkloadReconciler::keep_network(const api::AIWorkload& workload, NetworkPlan plan,
                                              WorkloadOutcome& outcome, Deadline deadline) {
  const api::ObjectKey key{workload.meta.key.name_space,
                           network_policy_name(workload.meta.key.name)};
  const auto existing = stores_.network_policies.get(key);
  outcome.isolates = plan.policy.has_value();
  outcome.network_problems = std::move(plan.problems);
  const bool audit = outcome.effective.requirements.mode == api::Mode::kAudit;

  if (!plan.policy || audit) {
    // Pruned with its uid as precondition: an object of that name that is not ours stays.
    if (existing) {
      last_policy_.with([&](auto& last) { last.erase(workload.meta.uid); });
      return client_.remove(kube::kNetworkPolicies, key, {existing->meta.uid, ""}, deadline);
    }
    return {};
  }
  outcome.network_state = ObjectState::kApplied;
  if (existing && matches_intent(*existing, *plan.policy)) {
    last_policy_.with(
        [&](auto& last) { last[workload.meta.uid] = codec::dump_json(*plan.policy); });
    return {};
  }
  auto applied = apply_network(workload, *plan.policy, existing != nullptr, deadline);
  if (!applied) {
    outcome.network_state = ObjectState::kFailed;
    outcome.network_error = applied.error().message();
  }
  return applied;
}

Result<void> WorkloadReconciler::write_status(const api::AIWorkload& workload,
                                              const WorkloadOutcome& outcome, Deadline deadline) {
  const auto conditions = conditions_of(workload, outcome, clock_.now());
  const auto object = status_object(workload, outcome, conditions);
  const auto text = codec::dump_json(object);
  const bool known = last_status_.with([&](auto& last) { return last[workload.meta.uid] == text; });
  // Ours are all there, whatever others added and in whatever order the server keeps them.
  const bool stands = std::ranges::all_of(conditions, [&](const api::Condition& condition) {
    return std::ranges::find(workload.conditions, condition) != workload.conditions.end();
  });
  if (known && stands) return {};

  TRY_VOID(client_.apply_status(kube::kAIWorkloads, object, deadline,
                                {.field_manager = "portcullis-operator-status"}));
  last_status_.with([&](auto& last) { last[workload.meta.uid] = text; });
  const auto& ready = conditions.front();
  const auto before = std::ranges::find(workload.conditions, "Ready", &api::Condition::type);
  if (before == workload.conditions.end() || before->status != ready.status ||
      before->reason != ready.reason) {
    record(workload, ready.status == "True" ? kube::EventType::kNormal : kube::EventType::kWarning,
           ready.reason.c_str(), "Reconcile", ready.message);
  }
  return {};
}

Result<kube::Action> WorkloadReconciler::reconcile(const api::ObjectKey& key, Deadline deadline) {
  const auto object = stores_.workloads.get(key);
  if (!object) return kube::Action::await_change();  // Deleted: its owner references clean up.
  if (!object->value) {
    return Error(object->value.error()).with_context("AIWorkload " + to_string(key));
  }
  const auto& workload = *object->value;
  if (workload.meta.deletion_time) return release(workload, deadline);
  if (!has_finalizer(workload.meta)) {
    // First the finalizer, then effects; its own event brings us back.
    auto finalizers = workload.meta.finalizers;
    finalizers.emplace_back(api::kFinalizer);
    TRY_VOID(set_finalizers(workload.meta, std::move(finalizers), deadline));
    return kube::Action::await_change();
  }
  if (barrier_.pending({key.name_space, network_policy_name(key.name)})) {
    return kube::Action::requeue(kBarrierWait);
  }
  auto outcome = outcome_of(workload);
  Result<void> kept;
  if (outcome.undecided_reason.empty()) {
    auto plan = plan_network(workload, outcome.effective.requirements, network_());
    kept = keep_network(workload, std::move(plan), outcome, deadline);
  }
  // What could not be done is told before it is tried again.
  TRY_VOID(write_status(workload, outcome, deadline));
  TRY_VOID(kept);
  return kube::Action::requeue(kResyncInterval);
}

}  // namespace portcullis::controller
