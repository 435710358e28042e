#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lib/api/ai_workload.hpp"
#include "lib/base/clock.hpp"
#include "lib/codec/json_fwd.hpp"
#include "lib/policy/requirements.hpp"
#include "operator/network_plan.hpp"

namespace portcullis::controller {

/// How far an object that the operator keeps has come.
enum class ObjectState { kPlanned, kApplied, kFailed };

/// Everything that a workload's status says.
struct WorkloadOutcome {
  /// Why the workload's requirements are not known ("ProfileNotFound", …); "" when they are.
  std::string undecided_reason, undecided_message;
  policy::Effective effective;
  std::vector<NetworkProblem> network_problems;
  bool isolates = false;  ///< A NetworkPolicy is planned.
  ObjectState network_state = ObjectState::kPlanned;
  std::string network_error;             ///< With kFailed.
  std::vector<std::string> overlapping;  ///< Older workloads that select the same pods.
  std::size_t pods_selected = 0;
};

/// Fields that are set for this workload and that this version does not enforce; their paths.
std::vector<std::string> not_yet_enforced(const api::AIWorkload& workload,
                                          const api::Requirements& requirements);

/// The conditions, in a fixed order. A condition keeps its lastTransitionTime while its status
/// stays.
std::vector<api::Condition> conditions_of(const api::AIWorkload& workload,
                                          const WorkloadOutcome& outcome, Time now);

/// The whole object to apply to the status subresource.
codec::Json status_object(const api::AIWorkload& workload, const WorkloadOutcome& outcome,
                          const std::vector<api::Condition>& conditions);

}  // namespace portcullis::controller
