#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/api/ai_workload.hpp"
#include "lib/api/meta.hpp"
#include "lib/api/requirements.hpp"
#include "lib/base/clock.hpp"
#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"

namespace portcullis::api {

enum class UnselectedPods { kAllow, kReport, kDeny };
enum class PodSecurityLabels { kNone, kWarn, kEnforce };
enum class RunningPods { kReport, kEvict };

/// portcullis.dev/v1alpha1 AISecurityProfile. Rows are cumulative: a level includes all below.
struct AISecurityProfile {
  struct ClassificationRow {
    DataClassification level;
    Requirements requirements;
  };
  struct RiskRow {
    RiskClass level;
    Requirements requirements;
  };
  ObjectMeta meta;
  DataClassification minimum_classification = DataClassification::kPublic;
  UnselectedPods unselected_pods = UnselectedPods::kAllow;
  PodSecurityLabels pod_security_labels = PodSecurityLabels::kNone;
  RunningPods running_pods = RunningPods::kReport;
  Requirements baseline;
  std::vector<ClassificationRow> classifications;
  std::vector<RiskRow> risk_classes;
};

Result<AISecurityProfile> parse_security_profile(const codec::Json& object);

/// portcullis.dev/v1alpha1 AISecurityException, as far as image evidence and schema go; judged in a
/// later version (reported as NotYetEnforced, and then nothing is waived: the safe side).
struct AISecurityException {
  ObjectMeta meta;
  std::string target_namespace;
  std::vector<std::string> workload_names;
  std::vector<std::string> images;
  std::optional<Time> expiry_time;
};
Result<AISecurityException> parse_security_exception(const codec::Json& object);

}  // namespace portcullis::api
