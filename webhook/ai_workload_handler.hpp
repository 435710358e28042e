#pragma once

#include <vector>

#include "lib/admission/handler.hpp"
#include "lib/api/ai_workload.hpp"
#include "webhook/binding.hpp"

namespace portcullis::webhook {

/// Validates AIWorkloads beyond their schema (path /validate/aiworkloads). Any thread.
class AIWorkloadHandler final : public admission::Handler {
 public:
  /// Both must outlive the handler.
  AIWorkloadHandler(const Stores& stores, const Binder& binder)
      : stores_(stores), binder_(binder) {}

  Result<admission::Answer> handle(const api::AdmissionRequest& request,
                                   Deadline deadline) override;

 private:
  const Stores& stores_;
  const Binder& binder_;
};

/// What is wrong in the object by itself, with field paths: image references, pull secrets, ranges
/// inside metadata addresses. Pure.
std::vector<policy::Violation> check_workload(const api::AIWorkload& workload);

/// Public egress that `requirements` deny. Pure.
std::vector<policy::Violation> check_egress(const api::AIWorkload& workload,
                                            const api::Requirements& requirements);

/// Workloads of the namespace that could select the same pod: two selectors must differ in the
/// value of a common key. Pure.
std::vector<policy::Violation> check_overlap(const api::AIWorkload& workload,
                                             const std::vector<Workload>& others);

}  // namespace portcullis::webhook
