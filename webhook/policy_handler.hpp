#pragma once

#include "lib/admission/handler.hpp"

namespace portcullis::webhook {

/// Tells the author of a TrustPolicy, TrustedRoot, AISecurityProfile or AISecurityException what
/// would not work (path /validate/policies). A convenience: failurePolicy is Ignore, as an invalid
/// object denies by itself. Any thread.
class PolicyHandler final : public admission::Handler {
 public:
  Result<admission::Answer> handle(const api::AdmissionRequest& request,
                                   Deadline deadline) override;
};

}  // namespace portcullis::webhook
