#include "lib/admission/handler.hpp"

#include <algorithm>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"

namespace portcullis::admission {
namespace {

/// kubectl shows the message on one line; more than this hides what matters.
constexpr std::size_t kMaxMessageBytes = 900;
/// Warnings over this length may be cut by clients (apimachinery's warning header limit).
constexpr std::size_t kMaxWarningBytes = 120;
/// metav1.StatusCause lists are for programs; a pod has few images, a hostile one may have many.
constexpr std::size_t kMaxCauses = 32;

/// Cuts at a character's boundary, so that a name in UTF-8 stays valid.
std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  constexpr std::string_view kEllipsis = "…";
  auto end = most - kEllipsis.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text.append(kEllipsis);
}

/// `before`: what was described just before; what both are about is not said twice.
std::string describe(const policy::Violation& violation,
                     const policy::Violation* before = nullptr) {
  const bool same =
      before != nullptr && before->field == violation.field && before->image == violation.image;
  std::string text = same ? "and" : violation.field;
  if (!same && !violation.image.empty()) {
    text += text.empty() ? "" : " ";
    text += "\"" + violation.image + "\"";
  }
  if (!text.empty()) text += same ? " " : ": ";
  if (violation.could_not_decide) text += "could not decide: ";
  text += violation.cause;
  if (!violation.policy.empty()) text += " (policy " + violation.policy + ")";
  if (!violation.remedy.empty()) text += "; " + violation.remedy;
  return text;
}

std::string summary(const std::vector<policy::Violation>& violations) {
  std::size_t undecided = 0;
  for (const auto& violation : violations) undecided += violation.could_not_decide ? 1 : 0;
  const auto refused = violations.size() - undecided;
  if (refused == 0) return "could not decide on " + std::to_string(undecided) + " point(s)";
  auto text = std::to_string(refused) + " point(s) refused";
  if (undecided > 0) text += ", " + std::to_string(undecided) + " undecided";
  return text;
}

/// Summary first, then as many whole violations as fit, then how many do not.
std::string explain(const std::vector<policy::Violation>& violations) {
  auto text = summary(violations) + ". ";
  std::size_t shown = 0;
  for (const auto& violation : violations) {
    auto line = describe(violation, shown > 0 ? &violations[shown - 1] : nullptr);
    const auto rest = violations.size() - shown - 1;
    const auto more = rest == 0 ? std::string() : " +" + std::to_string(rest) + " more";
    const auto room = kMaxMessageBytes - std::min(kMaxMessageBytes, text.size() + more.size() + 1);
    if (line.size() > room && shown > 0) break;
    text += (shown > 0 ? " | " : "") + cut(std::move(line), room);
    ++shown;
  }
  if (shown < violations.size()) {
    text += " +" + std::to_string(violations.size() - shown) + " more";
  }
  return text;
}

/// One refused point needs somebody to act, whatever else is wrong: 403. Ours alone: 500.
int code_of(const std::vector<policy::Violation>& violations) {
  const auto has = [&](policy::Outcome outcome) {
    return std::ranges::any_of(violations, [&](const auto& v) { return v.outcome == outcome; });
  };
  if (has(policy::Outcome::kRefused)) return 403;
  return has(policy::Outcome::kBroken) ? 500 : 429;
}

int code_of(const Error& error) {
  if (error.code() == ErrorCode::kInternal) return 500;
  return is_transient(error.code()) ? 429 : 403;
}

std::string_view reason_of(int code) {
  switch (code) {
    case 403:
      return "Forbidden";
    case 429:
      return "TooManyRequests";
    default:
      return "InternalError";
  }
}

// No retryAfterSeconds, ever: client-go would sleep inside the callers' workers.
codec::Json refusal(int code, std::string message, codec::Json causes) {
  return {{"allowed", false},
          {"status",
           {{"status", "Failure"},
            {"code", code},
            {"reason", reason_of(code)},
            {"message", std::move(message)},
            {"details", {{"causes", std::move(causes)}}}}}};
}

codec::Json refusal(const std::vector<policy::Violation>& violations) {
  auto causes = codec::Json::array();
  for (const auto& violation : violations) {
    if (causes.size() == kMaxCauses) break;
    causes.push_back({{"reason", violation.could_not_decide ? "CouldNotDecide" : "Refused"},
                      {"field", violation.field},
                      {"message", cut(describe(violation), kMaxMessageBytes)}});
  }
  return refusal(code_of(violations), explain(violations), std::move(causes));
}

codec::Json refusal(const Error& error) {
  auto message = cut("could not decide: " + error.message(), kMaxMessageBytes);
  auto causes = codec::Json::array({{{"reason", "CouldNotDecide"}, {"message", message}}});
  return refusal(code_of(error), std::move(message), std::move(causes));
}

codec::Json allowance(const Answer& answer) {
  codec::Json response = {{"allowed", true}};
  if (answer.replacements.empty()) return response;
  auto patch = codec::Json::array();
  for (const auto& change : answer.replacements) {
    patch.push_back({{"op", "replace"}, {"path", change.json_pointer}, {"value", change.value}});
  }
  response["patchType"] = "JSONPatch";
  response["patch"] = codec::encode_base64(codec::dump_json(patch));
  return response;
}

}  // namespace

codec::Json to_review(const std::string& uid, const Result<Answer>& decision) {
  codec::Json response;
  if (!decision) {
    response = refusal(decision.error());
  } else {
    response = decision->verdict.allowed() ? allowance(*decision)
                                           : refusal(decision->verdict.violations());
    for (const auto& warning : decision->warnings) {
      response["warnings"].push_back(cut(warning, kMaxWarningBytes));
    }
    for (const auto& [key, value] : decision->audit_annotations) {
      response["auditAnnotations"][key] = value;
    }
  }
  response["uid"] = uid;
  return {{"apiVersion", "admission.k8s.io/v1"},
          {"kind", "AdmissionReview"},
          {"response", std::move(response)}};
}

}  // namespace portcullis::admission
