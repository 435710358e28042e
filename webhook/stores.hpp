#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/api/ai_workload.hpp"
#include "lib/api/meta.hpp"
#include "lib/api/parsed.hpp"
#include "lib/api/security_profile.hpp"
#include "lib/base/guarded.hpp"
#include "lib/kube/store.hpp"
#include "lib/policy/policy_set.hpp"

namespace portcullis::webhook {

using WorkloadStore = kube::Store<api::Parsed<api::AIWorkload>>;
using ProfileStore = kube::Store<api::Parsed<api::AISecurityProfile>>;
using PolicyStore = kube::Store<policy::PolicySource>;
using MetaStore = kube::Store<api::ObjectMeta>;

/// What the webhook knows of the cluster: caches that reflectors keep. Views only; app.cpp owns
/// them.
struct Stores {
  const MetaStore& namespaces;  ///< Those that carry the profile label.
  const MetaStore& nodes;
  const WorkloadStore& workloads;
  const ProfileStore& profiles;
  /// Why the caches are too old to decide by; "" while they are fresh. Empty function: always
  /// fresh.
  std::function<std::string()> why_stale;
};

/// The compiled TrustPolicies: compiled anew when the store has changed, shared until then.
/// Any thread.
class PolicySetCache {
 public:
  /// `store` must outlive the cache.
  explicit PolicySetCache(const PolicyStore& store) : store_(store) {}

  /// Null until the store has synced: then nothing can be decided.
  std::shared_ptr<const policy::PolicySet> get();
  /// The store has changed; called by its listener.
  void invalidate() { current_.set(nullptr); }

 private:
  const PolicyStore& store_;
  Guarded<std::shared_ptr<const policy::PolicySet>> current_;
};

}  // namespace portcullis::webhook
