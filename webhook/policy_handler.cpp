#include "webhook/policy_handler.hpp"

#include "lib/api/security_profile.hpp"
#include "lib/api/trust_policy.hpp"
#include "lib/codec/json.hpp"
#include "lib/policy/policy_set.hpp"

namespace portcullis::webhook {
namespace {

template <typename T>
Result<void> discard(const Result<T>& parsed) {
  if (!parsed) return Error(parsed.error());
  return {};
}

Result<void> check(const std::string& kind, const codec::Json& object) {
  if (kind == "AISecurityProfile") return discard(api::parse_security_profile(object));
  if (kind == "AISecurityException") return discard(api::parse_security_exception(object));
  if (kind == "TrustedRoot") return discard(api::parse_trusted_root(object));
  if (kind != "TrustPolicy")
    return Error(ErrorCode::kInternal, "kind " + kind + " is not judged here");
  const auto parsed = api::parse_trust_policy(object);
  if (!parsed) return Error(parsed.error());
  const auto compiled = policy::compile({parsed->meta.key.name, *parsed});
  if (compiled.broken) return Error(*compiled.broken);
  return {};
}

}  // namespace

Result<admission::Answer> PolicyHandler::handle(const api::AdmissionRequest& request, Deadline) {
  if (!request.object)
    return Error(ErrorCode::kInternal, "policies are judged on CREATE and UPDATE");
  const auto checked = check(request.kind, *request.object);
  if (checked) {
    return admission::Answer{
        policy::Verdict::allow({.policy = "builtin/valid", .authority = "it compiles"}),
        {},
        {},
        {}};
  }
  if (checked.error().code() == ErrorCode::kInternal) return Error(checked.error());
  return admission::Answer{policy::Verdict::deny({.field = "spec",
                                                  .policy = "builtin/valid",
                                                  .check = "Policy",
                                                  .cause = checked.error().message(),
                                                  .remedy = "correct the field"}),
                           {},
                           {},
                           {}};
}

}  // namespace portcullis::webhook
