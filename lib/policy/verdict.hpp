#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lib/base/clock.hpp"

namespace portcullis::policy {

/// Why a request is not let through. The three answer differently (design §3.11).
enum class Outcome {
  kRefused,    ///< The evidence says no, or the user must act first: code 403.
  kUndecided,  ///< Could not decide, and may by itself later (registry, time): code 429.
  kBroken,     ///< Could not decide because of us: code 500.
};

/// One reason not to allow, placed where the user can find it.
struct Violation {
  Outcome outcome = Outcome::kRefused;
  std::string field;              ///< Path in the submitted object, "spec.containers[0].image".
  std::string image;              ///< Reference as written; "" when it is not about an image.
  std::string policy;             ///< Name of the policy or profile object, "builtin/…", or "".
  std::string check;              ///< "Signature", "Scan", "Policy", "Tag", "Binding" …
  std::string cause;              ///< What is wrong.
  std::string remedy;             ///< What would make it right.
  bool could_not_decide = false;  ///< causes[].reason: CouldNotDecide, else Refused.
  bool operator==(const Violation&) const = default;
};

/// Why a request may pass.
struct Evidence {
  std::string field;
  std::string image;
  std::string digest;
  std::string policy;     ///< Name of the policy object, or "builtin/<rule>".
  std::string authority;  ///< What vouched: an authority's name, or the built-in reason.
  std::string check;
  std::optional<Time> scan_time;
  std::optional<Time> expiry_time;  ///< When this evidence stops counting.
  bool operator==(const Evidence&) const = default;
};

/// The decision on one request. There is no default Verdict, and an allow without evidence cannot
/// be made: the absence of an error is never a yes.
class [[nodiscard]] Verdict {
 public:
  static Verdict allow(Evidence first, std::vector<Evidence> rest = {});
  static Verdict deny(Violation first, std::vector<Violation> rest = {});

  /// deny when there is a violation, allow when there is evidence and none; with neither, a deny
  /// that says so (Outcome::kBroken).
  static Verdict of(std::vector<Evidence> evidence, std::vector<Violation> violations);

  /// True only with evidence and no violation, so that a moved-from verdict is a refusal too.
  bool allowed() const { return !evidence_.empty() && violations_.empty(); }
  const std::vector<Evidence>& evidence() const { return evidence_; }
  const std::vector<Violation>& violations() const { return violations_; }  ///< Worst first.

  /// Audit mode: the same verdict, let through, its violations kept as `audited`.
  Verdict audited() &&;
  const std::vector<Violation>& audited_violations() const { return audited_; }

 private:
  Verdict(std::vector<Evidence> evidence, std::vector<Violation> violations)
      : evidence_(std::move(evidence)), violations_(std::move(violations)) {}

  std::vector<Evidence> evidence_;
  std::vector<Violation> violations_;
  std::vector<Violation> audited_;
};

}  // namespace portcullis::policy
