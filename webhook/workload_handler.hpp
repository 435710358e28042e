#pragma once

#include <vector>

#include "lib/admission/handler.hpp"
#include "lib/api/pod.hpp"
#include "webhook/binding.hpp"
#include "webhook/image_judge.hpp"

namespace portcullis::webhook {

/// Judges pods, their ephemeral containers, and the templates of pod controllers (path
/// /validate/workloads). Any thread.
class WorkloadHandler final : public admission::Handler {
 public:
  /// All must outlive the handler.
  WorkloadHandler(const Binder& binder, ImageJudge& judge, PolicySetCache& policies)
      : binder_(binder), judge_(judge), policies_(policies) {}

  Result<admission::Answer> handle(const api::AdmissionRequest& request,
                                   Deadline deadline) override;

 private:
  Result<admission::Answer> judge(const api::AdmissionRequest& request, const api::PodTemplate& pod,
                                  const std::vector<api::ImageField>& images,
                                  const Binding& binding, Deadline deadline);

  const Binder& binder_;
  ImageJudge& judge_;
  PolicySetCache& policies_;
};

/// Of `now`, the images that an update brings in: whose reference is not used in the same way
/// before. What ran before is not judged anew, so that scaling and edits elsewhere work when a
/// policy tightens (admission.md P14); what moves from a volume into a container is. Pure.
std::vector<api::ImageField> changed_images(const api::PodTemplate& before,
                                            const api::PodTemplate& now);

/// The answer for a pod that no workload selects. Pure.
admission::Answer answer_unselected(const api::PodTemplate& pod, const Binding& binding);

}  // namespace portcullis::webhook
