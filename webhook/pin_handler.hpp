#pragma once

#include <string>

#include "lib/admission/handler.hpp"
#include "lib/evidence/gatherer.hpp"
#include "webhook/binding.hpp"
#include "webhook/pull_secrets.hpp"

namespace portcullis::webhook {

/// Turns tags into tag@digest in bound pods (path /mutate/pods), so that what was judged is what
/// starts. It never denies: what it cannot pin, the validating webhook refuses with the reason. It
/// asks no registry for an image that no policy matches. Any thread.
class PinHandler final : public admission::Handler {
 public:
  /// All must outlive the handler.
  PinHandler(const Binder& binder, evidence::Gatherer& gatherer, PullSecrets& pull_secrets,
             PolicySetCache& policies)
      : binder_(binder), gatherer_(gatherer), pull_secrets_(pull_secrets), policies_(policies) {}

  Result<admission::Answer> handle(const api::AdmissionRequest& request,
                                   Deadline deadline) override;

 private:
  Result<std::vector<admission::Replacement>> pins(const api::AdmissionRequest& request,
                                                   Deadline deadline);

  const Binder& binder_;
  evidence::Gatherer& gatherer_;
  PullSecrets& pull_secrets_;
  PolicySetCache& policies_;
};

/// "spec.containers[0].image" → "/spec/containers/0/image". Pure.
std::string to_json_pointer(std::string_view field_path);

}  // namespace portcullis::webhook
