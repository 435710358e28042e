#include "lib/policy/requirements.hpp"

#include <algorithm>
#include <iterator>

#include "lib/policy/requirement_fields.hpp"
#include "lib/policy/requirement_values.hpp"

namespace portcullis::policy {
namespace {

using api::EvidenceRequirement;
using std::chrono::seconds;

// How two values of a field are joined goes by its type: one overload a rule. A field of another
// type does not compile.

/// Enumerators stand in order of strictness: the stricter is the greater.
template <typename E>
requires std::is_enum_v<E>
void join_into(std::optional<E>& out, const std::optional<E>& other) {
  out = std::max(out, other);  // An empty optional is less than any value.
}

/// A count that must be reached: the higher.
void join_into(std::optional<int>& out, const std::optional<int>& other) {
  out = std::max(out, other);
}

/// An age that must not be passed: the shorter.
void join_into(std::optional<seconds>& out, const std::optional<seconds>& other) {
  if (other && (!out || *other < *out)) out = other;
}

/// What must be stated: all of both.
void join_into(std::vector<api::Declaration>& out, const std::vector<api::Declaration>& other) {
  std::vector<api::Declaration> both;
  std::ranges::set_union(out, other, std::back_inserter(both));
  out = std::move(both);
}

/// What may be chosen: only what both allow. None left is kept apart from absent.
void join_into(std::optional<std::vector<std::string>>& out,
               const std::optional<std::vector<std::string>>& other) {
  if (!out || !other) {
    if (!out) out = other;
    return;
  }
  std::vector<std::string> both;
  std::ranges::set_intersection(*out, *other, std::back_inserter(both));
  out = std::move(both);
}

/// Unions by key, sorted by it; `combine` joins two elements of the same key.
template <typename T, typename Key, typename Combine>
void join_by_key(std::vector<T>& out, const std::vector<T>& other, Key key, Combine combine) {
  for (const auto& item : other) {
    const auto found = std::ranges::find(out, item.*key, key);
    if (found == out.end()) {
      out.push_back(item);
    } else {
      combine(*found, item);
    }
  }
  std::ranges::sort(out, {}, key);
}

/// Severities that fail: the shorter grace for each.
void join_into(std::vector<api::SeverityLimit>& out, const std::vector<api::SeverityLimit>& other) {
  join_by_key(out, other, &api::SeverityLimit::severity, [](auto& limit, const auto& another) {
    limit.after = std::min(limit.after, another.after);
  });
}

/// The key of join_by_key: equal on both sides by the time it gets here.
void join_into(api::EvidenceType&, const api::EvidenceType&) {}

void join_into(std::vector<EvidenceRequirement>& out,
               const std::vector<EvidenceRequirement>& other) {
  join_by_key(out, other, &EvidenceRequirement::type, [](auto& mine, const auto& another) {
    for_each_field([](const std::string&, auto& a, const auto& b) { join_into(a, b); }, "", mine,
                   another);
  });
}

struct Layer {
  std::string name;
  const api::Requirements* requirements;
};

/// Joins the layers in order and notes for each value the first layer that made it what it is.
Effective join_layers(const std::vector<Layer>& layers) {
  Effective out;
  std::vector<FieldValues> after;
  for (const auto& layer : layers) {
    out.requirements = join(out.requirements, *layer.requirements);
    after.push_back(field_values(closed(out.requirements)));
  }
  out.requirements = closed(out.requirements);
  for (const auto& [field, value] : field_values(out.requirements)) {
    std::string from;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      if (find_value(after[i], field) != value) continue;
      from = layers[i].name;
      break;
    }
    out.sources.push_back({field, std::move(from)});
  }
  const auto& classes = out.requirements.pod_security.runtime_class_names;
  if (classes && classes->empty()) out.unsatisfiable.push_back("podSecurity.runtimeClassNames");
  return out;
}

/// Where the profile does not say how strictly, it is enforced; a workload cannot undo that.
const api::Requirements& enforced() {
  static const auto kEnforced = [] {
    api::Requirements out;
    out.mode = api::Mode::kEnforce;
    return out;
  }();
  return kEnforced;
}

std::vector<Layer> profile_layers(const api::AISecurityProfile& profile,
                                  const api::Requirements& lowest,
                                  api::DataClassification classification,
                                  const std::optional<api::RiskClass>& risk) {
  const auto name = "profile " + profile.meta.key.name;
  std::vector<Layer> layers = {{"builtin floor", &lowest},
                               {name + ", baseline", &profile.baseline}};
  for (const auto& row : profile.classifications) {
    if (row.level > classification) continue;
    layers.push_back(
        {name + ", classification " + std::string(api::to_string(row.level)), &row.requirements});
  }
  for (const auto& row : profile.risk_classes) {
    if (!risk || row.level > *risk) continue;
    layers.push_back(
        {name + ", risk class " + std::string(api::to_string(row.level)), &row.requirements});
  }
  const auto unsaid = [](const Layer& layer) { return !layer.requirements->mode; };
  if (std::ranges::all_of(layers, unsaid)) layers.push_back({"builtin", &enforced()});
  return layers;
}

}  // namespace

api::Requirements join(const api::Requirements& a, const api::Requirements& b) {
  auto out = a;
  for_each_field([](const std::string&, auto& mine, const auto& other) { join_into(mine, other); },
                 "", out, b);
  return out;
}

api::Requirements floor() {
  api::Requirements out;
  out.images.tags = api::TagRule::kPin;
  // What is only mounted runs too, in the end: models are code and weights.
  for (auto* evidence : {&out.images.evidence, &out.models.evidence}) {
    evidence->push_back({});
    evidence->back().type = api::EvidenceType::kSignature;
  }
  out.pod_security.level = api::PodSecurityLevel::kBaseline;
  return out;
}

Effective effective(const api::AISecurityProfile& profile, const api::AIWorkload& workload) {
  const auto lowest = floor();
  auto layers = profile_layers(
      profile, lowest, std::max(workload.data_classification, profile.minimum_classification),
      workload.risk_class);
  layers.push_back({"workload " + workload.meta.key.name, &workload.requirements});
  return join_layers(layers);
}

Effective effective_unselected(const api::AISecurityProfile& profile) {
  const auto lowest = floor();
  return join_layers(profile_layers(profile, lowest, profile.minimum_classification, std::nullopt));
}

std::vector<std::string> lowered(const api::Requirements& before, const api::Requirements& after) {
  // Joining what was before into what comes changes exactly the fields that were stricter before.
  const auto old = closed(before);
  const auto now = closed(after);
  const auto now_values = field_values(now);
  std::vector<std::string> out;
  for (const auto& [field, value] : field_values(closed(join(old, now)))) {
    if (find_value(now_values, field) != value) out.push_back(field);
  }
  return out;
}

}  // namespace portcullis::policy
