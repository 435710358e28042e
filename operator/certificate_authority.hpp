#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/guarded.hpp"
#include "lib/base/result.hpp"
#include "lib/crypto/certificate.hpp"
#include "lib/kube/client.hpp"
#include "lib/metrics/registry.hpp"

namespace portcullis::controller {

/// The webhook's CA as one Secret keeps it.
struct AuthorityState {
  crypto::Credential current;  ///< tls.crt, tls.key: signs the webhook's leaves.
  std::optional<crypto::Credential>
      next;                ///< next.crt, next.key: trusted already, signs nothing yet.
  std::string bundle_pem;  ///< ca-bundle.crt: every CA the API server is to trust.
  bool operator==(const AuthorityState& other) const;
};

/// One step of the rotation, which overlaps in both directions: a new CA is trusted an hour before
/// it signs, and an old one stays trusted until it ends. Without a state, or with one that cannot
/// be read or has ended, a new CA is made. Gives `state` back when there is nothing to do. Pure but
/// for the keys it draws.
Result<AuthorityState> advance(const std::optional<AuthorityState>& state,
                               const std::string& dns_name, Time now);

/// Keeps the CA Secret, and the caBundle of the two webhook configurations, which the chart does
/// not render. keep() is called every few seconds by one periodic task.
class CertificateAuthority {
 public:
  struct Options {
    api::ObjectKey secret;
    std::string dns_name;  ///< "<service>.<namespace>.svc": the only name the CA may vouch for.
    std::string validating_configuration, mutating_configuration;
  };
  /// All must outlive this.
  CertificateAuthority(Options options, kube::Client& client, const Clock& clock,
                       metrics::Registry& registry);

  void keep();
  /// For readiness: "" when the last pass found or put everything right. Any thread.
  std::string why_not_kept() const { return problem_.copy(); }

 private:
  Result<void> pass();
  Result<AuthorityState> keep_secret(Deadline deadline);
  Result<void> publish(const kube::Resource& resource, const std::string& name,
                       const std::string& bundle_pem, Deadline deadline);

  const Options options_;
  kube::Client& client_;
  const Clock& clock_;
  metrics::Gauge expiry_;
  Guarded<std::string> problem_{"has not run yet"};
};

}  // namespace portcullis::controller
