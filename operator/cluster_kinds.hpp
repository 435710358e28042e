#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/api/meta.hpp"
#include "lib/base/clock.hpp"
#include "lib/codec/json.hpp"
#include "lib/kube/client.hpp"
#include "lib/kube/controller.hpp"
#include "lib/kube/store.hpp"

namespace portcullis::controller {

/// A TrustPolicy, TrustedRoot, AISecurityProfile or AISecurityException, as far as its status goes:
/// what there is to say of it was worked out when it was read.
struct ClusterObject {
  api::ObjectMeta meta;
  std::vector<api::Condition> conditions;       ///< As last written.
  api::Condition ready;                         ///< Type, status, reason and message to write.
  codec::Json details = codec::Json::object();  ///< Further members of `status`.
};

/// Does it compile, and whom does it trust. Pure, like all of these.
ClusterObject judge_trust_policy(const codec::Json& object);
ClusterObject judge_security_profile(const codec::Json& object);
/// Kinds that this version reads and does not act on yet say so: reason NotYetEnforced.
ClusterObject judge_trusted_root(const codec::Json& object);
ClusterObject judge_security_exception(const codec::Json& object);

/// Writes the status of one such kind when it is not what it should be.
class ClusterKindReconciler final : public kube::Reconciler {
 public:
  /// All must outlive the reconciler.
  ClusterKindReconciler(const kube::Resource& resource, const kube::Store<ClusterObject>& store,
                        kube::Client& client, const Clock& clock)
      : resource_(resource), store_(store), client_(client), clock_(clock) {}

  Result<kube::Action> reconcile(const api::ObjectKey& key, Deadline deadline) override;

 private:
  const kube::Resource resource_;
  const kube::Store<ClusterObject>& store_;
  kube::Client& client_;
  const Clock& clock_;
};

}  // namespace portcullis::controller
