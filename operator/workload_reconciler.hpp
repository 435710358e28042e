#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/api/ai_workload.hpp"
#include "lib/api/meta.hpp"
#include "lib/api/parsed.hpp"
#include "lib/api/pod.hpp"
#include "lib/api/security_profile.hpp"
#include "lib/base/clock.hpp"
#include "lib/base/guarded.hpp"
#include "lib/kube/client.hpp"
#include "lib/kube/controller.hpp"
#include "lib/kube/recorder.hpp"
#include "lib/kube/store.hpp"
#include "operator/network_plan.hpp"
#include "operator/workload_status.hpp"

namespace portcullis::controller {

/// An object that the operator made, as its store keeps it.
struct OwnedObject {
  api::ObjectMeta meta;
  std::shared_ptr<const codec::Json> spec;
};

using Workload = std::shared_ptr<const api::Parsed<api::AIWorkload>>;

/// What the operator knows of the cluster. Views; app.cpp owns them.
struct Stores {
  const kube::Store<api::Parsed<api::AIWorkload>>& workloads;
  const kube::Store<api::Parsed<api::AISecurityProfile>>& profiles;
  const kube::Store<api::ObjectMeta>& namespaces;  ///< Those with the profile label.
  const kube::Store<api::PodInfo>& pods;           ///< Those that have not ended.
  const kube::Store<OwnedObject>& network_policies;
};

/// Remembers our own writes until the store has seen them (read-your-writes): without it, an object
/// just applied looks like one that somebody deleted. Any thread.
class WriteBarrier {
 public:
  explicit WriteBarrier(const Clock& clock) : clock_(clock) {}

  void wrote(const api::ObjectKey& key, const std::string& resource_version);
  /// A listener of the store: the object is at this resourceVersion, or was when it vanished.
  void seen(const api::ObjectKey& key, const std::string& resource_version);
  /// True while the store may still be older than our last write of the key (at most 5 s).
  bool pending(const api::ObjectKey& key);

 private:
  struct Write {
    std::uint64_t resource_version;
    std::chrono::steady_clock::time_point give_up;
  };
  const Clock& clock_;
  Guarded<std::map<api::ObjectKey, Write>> writes_;
};

/// Makes the cluster match one AIWorkload: finalizer, NetworkPolicy, status. Safe to stop after any
/// single write. Two workers may run it for different keys.
class WorkloadReconciler final : public kube::Reconciler {
 public:
  struct Options {
    /// How long a deleted workload waits for its pods before isolation goes all the same.
    std::chrono::seconds finalizer_timeout{600};
  };
  /// All must outlive the reconciler. `network` gives the facts as they are now.
  WorkloadReconciler(Options options, Stores stores, kube::Client& client, kube::Recorder& recorder,
                     WriteBarrier& barrier, std::function<NetworkFacts()> network,
                     const Clock& clock)
      : options_(options),
        stores_(stores),
        client_(client),
        recorder_(recorder),
        barrier_(barrier),
        network_(std::move(network)),
        clock_(clock) {}

  Result<kube::Action> reconcile(const api::ObjectKey& key, Deadline deadline) override;

 private:
  Result<kube::Action> release(const api::AIWorkload& workload, Deadline deadline);
  Result<void> set_finalizers(const api::ObjectMeta& meta, std::vector<std::string> finalizers,
                              Deadline deadline);
  WorkloadOutcome outcome_of(const api::AIWorkload& workload) const;
  Result<void> keep_network(const api::AIWorkload& workload, NetworkPlan plan,
                            WorkloadOutcome& outcome, Deadline deadline);
  Result<void> refuse_foreign(const api::ObjectKey& key, const std::string& uid, Deadline deadline);
  Result<void> apply_network(const api::AIWorkload& workload, const codec::Json& policy,
                             bool exists, Deadline deadline);
  Result<void> write_status(const api::AIWorkload& workload, const WorkloadOutcome& outcome,
                            Deadline deadline);
  void record(const api::AIWorkload& workload, kube::EventType type, const char* reason,
              const char* action, const std::string& note);

  const Options options_;
  const Stores stores_;
  kube::Client& client_;
  kube::Recorder& recorder_;
  WriteBarrier& barrier_;
  const std::function<NetworkFacts()> network_;
  const Clock& clock_;
  Guarded<std::map<std::string, std::string>> last_status_;  ///< By uid: what we wrote last.
  Guarded<std::map<std::string, std::string>> last_policy_;  ///< By uid: the intent applied last.
};

/// The pods of the workload's namespace that its selector matches. Pure.
std::size_t count_selected(const api::AIWorkload& workload,
                           const std::vector<std::shared_ptr<const api::PodInfo>>& pods);

/// Older workloads whose selector could match a pod of this one: no common key with different
/// values.
std::vector<std::string> overlapping(const api::AIWorkload& workload,
                                     const std::vector<Workload>& others);

}  // namespace portcullis::controller
