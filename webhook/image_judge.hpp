#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/api/pod.hpp"
#include "lib/base/clock.hpp"
#include "lib/base/deadline.hpp"
#include "lib/evidence/gatherer.hpp"
#include "lib/policy/policy_set.hpp"
#include "webhook/binding.hpp"
#include "webhook/pull_secrets.hpp"

namespace portcullis::webhook {

/// Must a reference carry its digest here? A pod that starts must; a controller's template is
/// judged by the digest its tag has now, and its pods are pinned later.
enum class DigestRule { kMustBePinned, kTagIsJudged };

/// What was found out about the images of one request.
struct ImageFindings {
  std::vector<policy::Evidence> evidence;
  std::vector<policy::Violation> violations;
  std::vector<policy::Violation> audited;
};

/// Judges the images of one pod or template: policies first (pure), then facts (the gatherer), then
/// the rules (pure). Any thread.
class ImageJudge {
 public:
  /// All must outlive the judge.
  ImageJudge(const MetaStore& nodes, evidence::Gatherer& gatherer, PullSecrets& pull_secrets,
             const Clock& clock)
      : nodes_(nodes), gatherer_(gatherer), pull_secrets_(pull_secrets), clock_(clock) {}

  ImageFindings judge(const std::vector<api::ImageField>& images, const api::PodTemplate& pod,
                      const Binding& binding, std::shared_ptr<const policy::PolicySet> policies,
                      DigestRule digests, Deadline deadline);

 private:
  struct Subject;
  /// One round of asking; `fresh`: what was found some time ago is looked for again.
  struct Round {
    std::shared_ptr<const policy::PolicySet> policies;
    DigestRule digests;
    Deadline deadline;
    bool fresh;
  };
  static std::vector<Subject> choose(const std::vector<api::ImageField>& images,
                                     const Binding& binding, const policy::PolicySet& policies,
                                     ImageFindings& findings);
  void ask(const std::vector<Subject*>& subjects, const api::PodTemplate& pod,
           const Binding& binding, const Round& round);
  policy::ImageVerdict conclude(const Subject& subject, DigestRule digests) const;

  const MetaStore& nodes_;
  evidence::Gatherer& gatherer_;
  PullSecrets& pull_secrets_;
  const Clock& clock_;
};

/// The platforms ("linux/amd64") of the nodes that `node_selector` lets the pod run on; of all
/// nodes when it names none that exists. Pure.
std::vector<std::string> platforms_of(
    const std::vector<std::shared_ptr<const api::ObjectMeta>>& nodes,
    const api::Labels& node_selector);

/// True when one of `workloads` declares this model image in spec.models. Pure.
bool is_declared_model(const oci::Reference& reference, const std::vector<Workload>& workloads);

}  // namespace portcullis::webhook
