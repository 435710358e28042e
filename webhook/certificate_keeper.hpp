#pragma once

#include <string>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/guarded.hpp"
#include "lib/crypto/certificate.hpp"
#include "lib/http/server.hpp"
#include "lib/kube/client.hpp"
#include "lib/metrics/registry.hpp"

namespace portcullis::webhook {

/// Keeps the server's certificate: reads the CA that the operator keeps in one Secret, issues a
/// leaf in memory, swaps it in without dropping a connection; again when the CA is another one or a
/// third of the leaf's life is left. refresh() is called every few seconds by one periodic task.
class CertificateKeeper {
 public:
  struct Options {
    api::ObjectKey ca_secret;
    std::vector<std::string> dns_names;  ///< "<service>.<namespace>.svc" first.
  };
  /// All must outlive the keeper.
  CertificateKeeper(Options options, kube::Client& client, http::Server& server, const Clock& clock,
                    metrics::Registry& registry);

  void refresh();

  /// For readiness: "" when the certificate served now is valid. Any thread.
  std::string why_not_valid() const;

 private:
  Result<void> issue_if_needed();

  const Options options_;
  kube::Client& client_;
  http::Server& server_;
  const Clock& clock_;
  metrics::Gauge expiry_;
  std::string authority_pem_;  ///< Periodic task only: the CA behind the served leaf.
  Guarded<std::optional<Time>> valid_until_;
  Guarded<std::string> last_error_;
};

}  // namespace portcullis::webhook
