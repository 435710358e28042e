#pragma once

#include <string>
#include <vector>

#include "lib/api/ai_workload.hpp"
#include "lib/api/requirements.hpp"
#include "lib/api/security_profile.hpp"

namespace portcullis::policy {

/// The stricter of each field. Commutative, associative, idempotent; Requirements{} is its
/// identity; what satisfies join(a, b) satisfies a and satisfies b. Pure.
api::Requirements join(const api::Requirements& a, const api::Requirements& b);

/// Where a field of `effective` comes from: ("images.evidence[Scan].maxAge", "profile default,
/// classification Confidential").
struct Source {
  std::string field;
  std::string from;
};

/// What counts for one workload, and why.
struct Effective {
  api::Requirements requirements;
  std::vector<Source> sources;             ///< One a field that is set, in field order.
  std::vector<std::string> unsatisfiable;  ///< Fields that nothing can satisfy; they deny.
};

/// join(compiled-in floor: Signature, Pin, Baseline; profile baseline; rows up to the
/// classification (at least the profile's minimum) and the risk class; the workload's own). `mode`
/// is always set: where the profile is silent it is Enforce, whatever the workload says.
Effective effective(const api::AISecurityProfile& profile, const api::AIWorkload& workload);

/// What counts for a pod that no workload selects in a namespace whose profile denies those.
Effective effective_unselected(const api::AISecurityProfile& profile);

/// The floor alone.
api::Requirements floor();

/// Fields of `lower` that are weaker than `upper`: what an edit of a workload lowers.
std::vector<std::string> lowered(const api::Requirements& before, const api::Requirements& after);

}  // namespace portcullis::policy
