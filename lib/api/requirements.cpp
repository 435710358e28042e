#include "lib/api/requirements.hpp"

#include <algorithm>

#include "lib/api/field.hpp"
#include "lib/api/words.hpp"
#include "lib/codec/encoding.hpp"

namespace portcullis::api {
namespace {

/// The TrustPolicy schema allows 16 authorities a policy and a cluster has few policies: more
/// distinct ones than this can only be a mistake.
constexpr std::int64_t kMostAuthorities = 64;

Result<std::vector<SeverityLimit>> parse_fail_on(const Field& field) {
  std::vector<SeverityLimit> out;
  for (const auto& item : TRY(field.items())) {
    const auto severity = TRY(item.at("severity").required_word(kSeverities));
    const auto after = TRY(item.at("after").duration());
    const auto same = [&](const auto& limit) { return limit.severity == severity; };
    if (std::ranges::any_of(out, same)) return item.at("severity").error("stands twice");
    out.push_back({severity, after.value_or(std::chrono::seconds(0))});
  }
  std::ranges::sort(out, {}, &SeverityLimit::severity);
  return out;
}

/// A constraint that nothing could ever check must not look as if it were checked.
Result<void> only_for(const Field& field, bool fits, std::string_view types) {
  if (field.present() && !fits) return field.error("is for evidence of type " + std::string(types));
  return {};
}

Result<EvidenceRequirement> parse_evidence_item(const Field& field) {
  EvidenceRequirement out;
  out.type = TRY(field.at("type").required_word(kEvidenceTypes));
  if (out.type == EvidenceType::kVEX) {
    return field.at("type").error("VEX suppresses findings, it cannot be required");
  }
  const bool scan = out.type == EvidenceType::kScan;
  TRY_VOID(only_for(field.at("maxAge"), scan || out.type == EvidenceType::kSBOM, "Scan or SBOM"));
  TRY_VOID(only_for(field.at("failOn"), scan, "Scan"));
  TRY_VOID(only_for(field.at("unfixed"), scan, "Scan"));
  if (const auto count = TRY(field.at("minAuthorities").integer(1, kMostAuthorities))) {
    out.min_authorities = static_cast<int>(*count);
  }
  out.max_age = TRY(field.at("maxAge").duration());
  out.fail_on = TRY(parse_fail_on(field.at("failOn")));
  out.unfixed = TRY(field.at("unfixed").word(kUnfixedRules));
  return out;
}

Result<std::vector<EvidenceRequirement>> parse_evidence(const Field& field) {
  std::vector<EvidenceRequirement> out;
  for (const auto& item : TRY(field.items())) {
    auto requirement = TRY(parse_evidence_item(item));
    const auto same = [&](const auto& other) { return other.type == requirement.type; };
    if (std::ranges::any_of(out, same)) return item.at("type").error("stands twice");
    out.push_back(std::move(requirement));
  }
  std::ranges::sort(out, {}, &EvidenceRequirement::type);
  return out;
}

Result<PodSecurityRequirements> parse_pod_security(const Field& field) {
  PodSecurityRequirements out;
  out.level = TRY(field.at("level").word(kPodSecurityLevels));
  out.read_only_root_filesystem =
      TRY(field.at("readOnlyRootFilesystem").word(kRootFilesystemRules));
  out.api_token = TRY(field.at("apiToken").word(kAllowDenies));
  const auto classes = field.at("runtimeClassNames");
  auto names = TRY(classes.texts());
  if (classes.present()) {
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    out.runtime_class_names = std::move(names);
  }
  return out;
}

template <typename E, std::size_t N>
void put(codec::Json& out, const char* key, std::optional<E> value, const Word<E> (&words)[N]) {
  if (value) out[key] = word_of(words, *value);
}
void put(codec::Json& out, const char* key, std::optional<std::chrono::seconds> value) {
  if (value) out[key] = codec::format_duration(*value);
}
void put(codec::Json& out, const char* key, codec::Json section) {
  if (!section.empty()) out[key] = std::move(section);
}

codec::Json evidence_json(const std::vector<EvidenceRequirement>& evidence) {
  auto out = codec::Json::array();
  for (const auto& requirement : evidence) {
    codec::Json item = {{"type", to_string(requirement.type)}};
    if (requirement.min_authorities) item["minAuthorities"] = *requirement.min_authorities;
    put(item, "maxAge", requirement.max_age);
    for (const auto& limit : requirement.fail_on) {
      item["failOn"].push_back({{"severity", to_string(limit.severity)},
                                {"after", codec::format_duration(limit.after)}});
    }
    put(item, "unfixed", requirement.unfixed, kUnfixedRules);
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace

std::string_view to_string(Mode value) { return word_of(kModes, value); }
std::string_view to_string(EvidenceType value) { return word_of(kEvidenceTypes, value); }
std::string_view to_string(Severity value) { return word_of(kSeverities, value); }
std::string_view to_string(Isolation value) { return word_of(kIsolations, value); }
std::string_view to_string(PodSecurityLevel value) { return word_of(kPodSecurityLevels, value); }

Result<EvidenceType> parse_evidence_type(std::string_view word) {
  return parse_word(kEvidenceTypes, word, "type of evidence");
}
Result<Severity> parse_severity(std::string_view word) {
  return parse_word(kSeverities, word, "severity");
}

Result<Requirements> parse_requirements(const codec::Json& value, std::string_view path) {
  const Field field(value, std::string(path));
  TRY_VOID(field.expect_object());
  Requirements out;
  out.mode = TRY(field.at("mode").word(kModes));
  out.declare = TRY(field.at("declare").word_list(kDeclarations));
  const auto images = field.at("images");
  out.images.tags = TRY(images.at("tags").word(kTagRules));
  out.images.evidence = TRY(parse_evidence(images.at("evidence")));
  const auto models = field.at("models");
  out.models.undeclared = TRY(models.at("undeclared").word(kAllowDenies));
  out.models.unverifiable = TRY(models.at("unverifiable").word(kAllowDenies));
  out.models.evidence = TRY(parse_evidence(models.at("evidence")));
  out.pod_security = TRY(parse_pod_security(field.at("podSecurity")));
  out.sessions = TRY(field.at("sessions").word(kAllowDenies));
  out.secrets_max_age = TRY(field.at("secrets").at("maxAge").duration());
  const auto network = field.at("network");
  out.network.isolation = TRY(network.at("isolation").word(kIsolations));
  out.network.public_egress = TRY(network.at("publicEgress").word(kAllowDenies));
  out.network.foreign_policies = TRY(network.at("foreignPolicies").word(kForeignPolicyRules));
  return out;
}

codec::Json to_json(const Requirements& requirements) {
  auto out = codec::Json::object();
  put(out, "mode", requirements.mode, kModes);
  for (const auto declaration : requirements.declare) {
    out["declare"].push_back(word_of(kDeclarations, declaration));
  }

  auto images = codec::Json::object();
  put(images, "tags", requirements.images.tags, kTagRules);
  put(images, "evidence", evidence_json(requirements.images.evidence));
  put(out, "images", std::move(images));

  auto models = codec::Json::object();
  put(models, "undeclared", requirements.models.undeclared, kAllowDenies);
  put(models, "unverifiable", requirements.models.unverifiable, kAllowDenies);
  put(models, "evidence", evidence_json(requirements.models.evidence));
  put(out, "models", std::move(models));

  const auto& pod = requirements.pod_security;
  auto pod_security = codec::Json::object();
  put(pod_security, "level", pod.level, kPodSecurityLevels);
  put(pod_security, "readOnlyRootFilesystem", pod.read_only_root_filesystem, kRootFilesystemRules);
  put(pod_security, "apiToken", pod.api_token, kAllowDenies);
  if (pod.runtime_class_names) pod_security["runtimeClassNames"] = *pod.runtime_class_names;
  put(out, "podSecurity", std::move(pod_security));

  put(out, "sessions", requirements.sessions, kAllowDenies);
  auto secrets = codec::Json::object();
  put(secrets, "maxAge", requirements.secrets_max_age);
  put(out, "secrets", std::move(secrets));

  auto network = codec::Json::object();
  put(network, "isolation", requirements.network.isolation, kIsolations);
  put(network, "publicEgress", requirements.network.public_egress, kAllowDenies);
  put(network, "foreignPolicies", requirements.network.foreign_policies, kForeignPolicyRules);
  put(out, "network", std::move(network));
  return out;
}

}  // namespace portcullis::api
