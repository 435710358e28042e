#pragma once

#include <map>
#include <string>
#include <vector>

#include "lib/api/admission.hpp"
#include "lib/base/deadline.hpp"
#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"
#include "lib/policy/verdict.hpp"

namespace portcullis::admission {

/// One change a mutating handler asks for (RFC 6902 "replace" of a string).
struct Replacement {
  std::string json_pointer;  ///< "/spec/containers/0/image"
  std::string value;
};

/// A handler's answer: the verdict, and what goes with it.
struct Answer {
  policy::Verdict verdict;
  std::vector<Replacement> replacements;  ///< Mutating handlers only; with an allow.
  std::vector<std::string> warnings;      ///< Shown by kubectl; each at most 120 characters.
  std::map<std::string, std::string> audit_annotations;  ///< Keys without the webhook's name.
};

/// Decides one family of AdmissionRequests. Called by many threads at once.
class Handler {
 public:
  virtual ~Handler() = default;
  /// An Error means "could not decide"; the endpoint turns it into a refusal (fail closed),
  /// whatever the webhook's failurePolicy says.
  virtual Result<Answer> handle(const api::AdmissionRequest& request, Deadline deadline) = 0;
};

/// The AdmissionReview to answer with (design §3.11). An error is a refusal: transient codes 429,
/// kInternal 500, the rest 403. The text is at most 900 bytes, summary first, worst first. Pure.
codec::Json to_review(const std::string& uid, const Result<Answer>& decision);

}  // namespace portcullis::admission
