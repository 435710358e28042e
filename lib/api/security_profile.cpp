#include "lib/api/security_profile.hpp"

#include <algorithm>

#include "lib/api/field.hpp"
#include "lib/api/words.hpp"

namespace portcullis::api {
namespace {

Result<Requirements> requirements_at(const codec::Json& parent, std::string_view key,
                                     std::string_view parent_path) {
  const auto* value = codec::find(parent, key);
  if (value == nullptr || value->is_null()) return Requirements{};
  return parse_requirements(*value, std::string(parent_path) + "." + std::string(key));
}

/// Rows in the order of their levels; a level that stands twice is an error.
template <typename Row, typename E, std::size_t N>
Result<std::vector<Row>> parse_rows(const codec::Json& spec, std::string_view key,
                                    const Word<E> (&levels)[N]) {
  std::vector<Row> out;
  const auto rows = Field(spec, "spec").at(key);
  const auto items = TRY(rows.items());
  for (std::size_t i = 0; i < items.size(); ++i) {
    TRY_VOID(items[i].expect_object());
    const auto level = TRY(items[i].at("level").required_word(levels));
    if (std::ranges::any_of(out, [&](const Row& row) { return row.level == level; })) {
      return items[i].at("level").error("stands twice");
    }
    const auto& row = spec[std::string(key)][i];
    auto requirements = TRY(requirements_at(row, "requirements", items[i].path()));
    out.push_back({level, std::move(requirements)});
  }
  std::ranges::sort(out, {}, &Row::level);
  return out;
}

}  // namespace

Result<AISecurityProfile> parse_security_profile(const codec::Json& object) {
  const auto spec = Field(object, "").at("spec");
  TRY_VOID(spec.expect_object());
  if (!spec.present()) return spec.error("is required");
  const auto& value = *codec::find(object, "spec");

  AISecurityProfile out;
  out.meta = parse_meta(object);
  out.minimum_classification = TRY(spec.at("minimum")
                                       .at("dataClassification")
                                       .word_or(kDataClassifications, DataClassification::kPublic));
  out.unselected_pods =
      TRY(spec.at("unselectedPods").word_or(kUnselectedPods, UnselectedPods::kAllow));
  out.pod_security_labels =
      TRY(spec.at("podSecurityLabels").word_or(kPodSecurityLabels, PodSecurityLabels::kNone));
  out.running_pods = TRY(spec.at("runningPods").word_or(kRunningPods, RunningPods::kReport));
  out.baseline = TRY(requirements_at(value, "baseline", "spec"));
  out.classifications = TRY((parse_rows<AISecurityProfile::ClassificationRow>(
      value, "classifications", kDataClassifications)));
  out.risk_classes =
      TRY((parse_rows<AISecurityProfile::RiskRow>(value, "riskClasses", kRiskClasses)));
  return out;
}

Result<AISecurityException> parse_security_exception(const codec::Json& object) {
  const auto spec = Field(object, "").at("spec");
  AISecurityException out;
  out.meta = parse_meta(object);
  out.target_namespace = TRY(spec.at("target").at("namespace").required_text());
  out.workload_names = TRY(spec.at("target").at("workloadNames").texts());
  out.images = TRY(spec.at("images").texts());
  out.expiry_time = TRY(spec.at("expiryTime").time());
  return out;
}

}  // namespace portcullis::api
