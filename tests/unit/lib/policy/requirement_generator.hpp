#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "lib/policy/requirement_fields.hpp"

namespace portcullis::policy {

/// Makes Requirements for property tests by walking their fields, so that a new field is generated
/// too or the tests do not compile. The same seed gives the same values. Lists are in the order
/// that api::parse_requirements gives them.
class RequirementGenerator {
 public:
  explicit RequirementGenerator(unsigned seed) : random_(seed) {}

  /// Each field set with probability 1/2.
  api::Requirements any() {
    api::Requirements out;
    for_each_field(
        [&](const std::string&, auto& field) {
          if (flip()) fill(field);
        },
        "", out);
    return out;
  }
  /// Only the leaf field of this path set.
  api::Requirements only(const std::string& path) {
    api::Requirements out;
    for_each_field(
        [&](const std::string& at, auto& field) {
          if (at == path) fill(field);
        },
        "", out);
    return out;
  }
  std::vector<api::EvidenceRequirement> evidence() {
    std::vector<api::EvidenceRequirement> out;
    fill(out);
    return out;
  }

  bool flip() { return below(2) == 0; }
  int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }

 private:
  template <typename E>
  requires std::is_enum_v<E>
  void fill(std::optional<E>& field) {
    constexpr int kCount =
        std::is_same_v<E, api::RootFilesystemRule>                                      ? 1
        : std::is_same_v<E, api::PodSecurityLevel> || std::is_same_v<E, api::Isolation> ? 3
                                                                                        : 2;
    field = static_cast<E>(below(kCount));
  }
  void fill(std::optional<int>& field) { field = 1 + below(3); }
  void fill(std::optional<std::chrono::seconds>& field) {
    field = std::chrono::hours(24 * (1 + below(4)));
  }
  void fill(std::vector<api::Declaration>& field) {
    const auto which = 1 + below(3);
    if ((which & 1) != 0) field.push_back(api::Declaration::kContact);
    if ((which & 2) != 0) field.push_back(api::Declaration::kPurpose);
  }
  void fill(std::optional<std::vector<std::string>>& field) {
    field.emplace();
    for (const auto* name : {"gvisor", "kata", "runc"}) {
      if (flip()) field->push_back(name);
    }
  }
  void fill(std::vector<api::SeverityLimit>& field) {
    for (const auto severity : {api::Severity::kLow, api::Severity::kMedium, api::Severity::kHigh,
                                api::Severity::kCritical}) {
      if (below(3) == 0) field.push_back({severity, std::chrono::hours(24 * below(4))});
    }
  }
  void fill(api::EvidenceType&) {}
  void fill(std::vector<api::EvidenceRequirement>& field) {
    for (const auto type : {api::EvidenceType::kSignature, api::EvidenceType::kScan}) {
      if (!flip()) continue;
      api::EvidenceRequirement requirement;
      for_each_field(
          [&](const std::string&, auto& member) {
            if (flip()) fill(member);
          },
          "", requirement);
      requirement.type = type;
      field.push_back(std::move(requirement));
    }
  }

  std::mt19937 random_;
};

/// The paths of all leaf fields.
inline std::vector<std::string> leaf_fields() {
  std::vector<std::string> out;
  const api::Requirements nothing;
  for_each_field([&](const std::string& path, const auto&) { out.push_back(path); }, "", nothing);
  return out;
}

}  // namespace portcullis::policy
