#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/api/admission.hpp"
#include "lib/api/ai_workload.hpp"
#include "lib/api/parsed.hpp"
#include "lib/api/pod.hpp"
#include "lib/base/deadline.hpp"
#include "lib/base/result.hpp"
#include "lib/kube/client.hpp"
#include "lib/policy/requirements.hpp"
#include "lib/policy/verdict.hpp"
#include "webhook/stores.hpp"

namespace portcullis::webhook {

using Workload = std::shared_ptr<const api::Parsed<api::AIWorkload>>;

/// What counts for the pods of one namespace with these labels.
struct Binding {
  std::string name_space;
  std::string profile_name;
  std::shared_ptr<const api::Parsed<api::AISecurityProfile>> profile;
  std::vector<Workload> workloads;  ///< Whose selector matches; two in a race; none: unselected.
  std::vector<Workload> in_namespace;
  api::Requirements requirements;  ///< Joined over `workloads`; empty when there are none.
  std::vector<std::string> unsatisfiable;

  bool bound() const { return !workloads.empty(); }
};

/// Finds who binds a pod: from the stores, and where those know no workload, by one live list,
/// since an AIWorkload applied a moment ago counts. Any thread.
class Binder {
 public:
  /// All must outlive the binder.
  Binder(const Stores& stores, kube::Client& client) : stores_(stores), client_(client) {}

  /// Errors mean could-not-decide: the namespace's profile is missing or invalid, an AIWorkload
  /// there cannot be read, or the API server does not answer.
  Result<Binding> bind(const std::string& name_space, const api::Labels& labels,
                       Deadline deadline) const;

  /// The value of the profile label; "" when the namespace does not carry it.
  Result<std::string> profile_of(const std::string& name_space, Deadline deadline) const;

 private:
  Result<std::vector<Workload>> live_workloads(const std::string& name_space,
                                               Deadline deadline) const;

  const Stores& stores_;
  kube::Client& client_;
};

/// The workloads of `all` whose selector matches `labels`. An unreadable one is an error: nobody
/// can say what it binds. Pure.
Result<std::vector<Workload>> select_workloads(const std::vector<Workload>& all,
                                               const api::Labels& labels);

/// What a pod that no workload selects uses of a workload nevertheless (its ServiceAccount, one of
/// its secrets): always refused, or leaving a selector would be a way around it. Pure.
std::vector<policy::Violation> borrowed(const api::PodTemplate& pod,
                                        const std::vector<Workload>& all);

}  // namespace portcullis::webhook
