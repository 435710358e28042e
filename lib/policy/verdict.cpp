#include "lib/policy/verdict.hpp"

#include <algorithm>
#include <iterator>

namespace portcullis::policy {
namespace {

/// Worst first: what needs somebody to act, then what may pass by itself, then what is our fault.
std::vector<Violation> worst_first(std::vector<Violation> violations) {
  std::ranges::stable_sort(violations, {}, &Violation::outcome);
  return violations;
}

template <typename T>
std::vector<T> in_front(T first, std::vector<T> rest) {
  std::vector<T> out;
  out.reserve(rest.size() + 1);
  out.push_back(std::move(first));
  std::ranges::move(rest, std::back_inserter(out));
  return out;
}

}  // namespace

Verdict Verdict::allow(Evidence first, std::vector<Evidence> rest) {
  return {in_front(std::move(first), std::move(rest)), {}};
}

Verdict Verdict::deny(Violation first, std::vector<Violation> rest) {
  return {{}, worst_first(in_front(std::move(first), std::move(rest)))};
}

Verdict Verdict::of(std::vector<Evidence> evidence, std::vector<Violation> violations) {
  if (!violations.empty()) return {std::move(evidence), worst_first(std::move(violations))};
  if (!evidence.empty()) return {std::move(evidence), {}};
  return deny({.outcome = Outcome::kBroken,
               .field = "",
               .image = "",
               .policy = "builtin/verdict",
               .check = "Verdict",
               .cause = "nothing was found to decide on",
               .remedy = "report this as a defect of Portcullis",
               .could_not_decide = true});
}

Verdict Verdict::audited() && {
  audited_ = std::move(violations_);
  violations_.clear();
  if (evidence_.empty()) {
    evidence_.push_back({.field = "",
                         .image = "",
                         .digest = "",
                         .policy = "builtin/audit",
                         .authority = "mode Audit lets through what it reports",
                         .check = "Mode",
                         .scan_time = std::nullopt,
                         .expiry_time = std::nullopt});
  }
  return std::move(*this);
}

}  // namespace portcullis::policy
