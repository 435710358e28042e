#include "lib/policy/requirement_values.hpp"

#include <algorithm>

#include "lib/policy/requirement_fields.hpp"

namespace portcullis::policy {
namespace {

class Collector {
 public:
  template <typename E>
  requires std::is_enum_v<E>
  void operator()(const std::string& path, const std::optional<E>& value) const {
    if (value) add(path, std::to_string(static_cast<int>(*value)));
  }
  void operator()(const std::string& path, const std::optional<int>& value) const {
    if (value) add(path, std::to_string(*value));
  }
  void operator()(const std::string& path, const std::optional<std::chrono::seconds>& value) const {
    if (value) add(path, std::to_string(value->count()));
  }
  void operator()(const std::string& path, const std::vector<api::Declaration>& value) const {
    for (const auto declaration : value) {
      add(path + (declaration == api::Declaration::kContact ? "[Contact]" : "[Purpose]"), "");
    }
  }
  void operator()(const std::string& path,
                  const std::optional<std::vector<std::string>>& value) const {
    if (!value) return;
    std::string text;
    for (const auto& name : *value) text += name + ",";
    add(path, std::move(text));
  }
  void operator()(const std::string& path, const std::vector<api::SeverityLimit>& value) const {
    for (const auto& limit : value) {
      add(path + "[" + std::string(api::to_string(limit.severity)) + "].after",
          std::to_string(limit.after.count()));
    }
  }
  /// The type is in the path already; that the entry is there is a field of its own.
  void operator()(const std::string& path, const api::EvidenceType&) const {
    add(path.substr(0, path.rfind('.')), "");
  }
  void operator()(const std::string& path,
                  const std::vector<api::EvidenceRequirement>& value) const {
    for (const auto& requirement : value) {
      for_each_field(*this, path + "[" + std::string(api::to_string(requirement.type)) + "]",
                     requirement);
    }
  }

  explicit Collector(FieldValues& out) : out_(out) {}

 private:
  void add(std::string field, std::string value) const {
    out_.emplace_back(std::move(field), std::move(value));
  }
  FieldValues& out_;
};

void close(std::vector<api::SeverityLimit>& limits) {
  std::optional<std::chrono::seconds> shortest;
  std::vector<api::SeverityLimit> out;
  for (const auto severity : {api::Severity::kLow, api::Severity::kMedium, api::Severity::kHigh,
                              api::Severity::kCritical}) {
    const auto found = std::ranges::find(limits, severity, &api::SeverityLimit::severity);
    if (found != limits.end())
      shortest = shortest ? std::min(*shortest, found->after) : found->after;
    if (shortest) out.push_back({severity, *shortest});
  }
  limits = std::move(out);
}

}  // namespace

FieldValues field_values(const api::Requirements& requirements) {
  FieldValues out;
  for_each_field(Collector(out), "", requirements);
  return out;
}

std::optional<std::string_view> find_value(const FieldValues& values, std::string_view field) {
  const auto found = std::ranges::find(values, field, &FieldValues::value_type::first);
  if (found == values.end()) return std::nullopt;
  return found->second;
}

api::Requirements closed(api::Requirements requirements) {
  for (auto& requirement : requirements.images.evidence) close(requirement.fail_on);
  for (auto& requirement : requirements.models.evidence) close(requirement.fail_on);
  return requirements;
}

}  // namespace portcullis::policy
