#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/deadline.hpp"
#include "lib/base/guarded.hpp"
#include "lib/base/result.hpp"
#include "lib/kube/client.hpp"
#include "lib/oci/keychain.hpp"

namespace portcullis::webhook {

/// A keychain, and what could not be put into it: said to the user when a registry then refuses us.
struct PullCredentials {
  std::shared_ptr<const oci::Keychain> keychain;
  std::vector<std::string> notes;
};

/// Reads the pull secrets that a workload declares and those of its pods' ServiceAccount. An answer
/// is kept for a minute. Never logs or returns a value. Any thread.
class PullSecrets {
 public:
  /// Both must outlive this.
  PullSecrets(kube::Client& client, const Clock& clock) : client_(client), clock_(clock) {}

  /// `declared`: spec.imagePullSecrets of the binding workloads. `in_pod`: names the pod carries;
  /// they are not read, since a tenant could name any secret: a note says what to do.
  PullCredentials read(const std::string& name_space, const std::set<std::string>& declared,
                       const std::string& service_account, const std::vector<std::string>& in_pod,
                       Deadline deadline);

 private:
  struct Cached {
    PullCredentials credentials;
    std::chrono::steady_clock::time_point until;
  };
  PullCredentials fetch(const std::string& name_space, std::set<std::string> names,
                        const std::string& service_account, Deadline deadline);
  Result<void> add_secret(const api::ObjectKey& key, oci::Keychain& keychain, Deadline deadline);

  kube::Client& client_;
  const Clock& clock_;
  Guarded<std::map<std::string, Cached>> cache_;
};

}  // namespace portcullis::webhook
