#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"
#include "lib/policy/policy_set.hpp"
#include "tests/fakes/signer.hpp"

/// Short ways to say what policy tests are about: keys by name, policies, facts, scans.
namespace portcullis::policy {

using api::EvidenceType;

inline std::string digest(char digit) { return "sha256:" + std::string(64, digit); }
inline const std::string kImage = digest('a');
inline const std::string kAmd64 = digest('b');
inline const std::string kArm64 = digest('c');

inline Time at(std::string_view text) { return codec::parse_rfc3339(text).value(); }
inline const Time kNow = at("2026-11-24T12:00:00Z");
inline std::string hours_ago(int hours) {
  return codec::format_time(kNow - std::chrono::hours(hours));
}

/// The public key of this name; the same name is the same key.
inline const std::string& key_pem(const std::string& name) {
  static std::map<std::string, testing::SigningKey> keys;
  const auto found = keys.find(name);
  return (found != keys.end() ? found : keys.emplace(name, testing::make_key()).first)
      ->second.public_pem();
}

inline api::Authority authority(std::string name, std::vector<EvidenceType> vouches_for,
                                const std::string& key) {
  api::Authority out;
  out.name = std::move(name);
  out.vouches_for = std::move(vouches_for);
  out.public_key_pem = key_pem(key);
  return out;
}
inline api::Authority pin(std::string name, std::vector<EvidenceType> vouches_for,
                          std::vector<std::string> digests) {
  api::Authority out;
  out.name = std::move(name);
  out.vouches_for = std::move(vouches_for);
  out.digests = std::move(digests);
  return out;
}

inline api::TrustPolicy trust_policy(std::string name, std::vector<api::Authority> authorities) {
  api::TrustPolicy out;
  out.meta.key.name = std::move(name);
  out.include = {"registry.example.com/**"};
  out.authorities = std::move(authorities);
  return out;
}
inline PolicySource source(api::TrustPolicy policy) {
  auto name = policy.meta.key.name;
  return {std::move(name), std::move(policy)};
}

/// What facts are filed under for a key.
inline const std::string& fingerprint(const std::string& key) {
  static std::map<std::string, std::string> known;
  auto& text = known[key];
  if (text.empty()) {
    const auto spec = authority("x", {EvidenceType::kSignature}, key);
    text = verify::Authority::create(spec).value().fingerprint();
  }
  return text;
}

inline verify::Claim signature(std::string subject = kImage) {
  verify::Claim out;
  out.kind = verify::ClaimKind::kSignature;
  out.subject_digest = std::move(subject);
  out.predicate_type = verify::kCosignSignPredicate;
  out.predicate = std::make_shared<const codec::Json>(codec::Json::object());
  return out;
}
inline verify::Claim attestation(std::string_view type, codec::Json predicate,
                                 std::string subject = kImage) {
  verify::Claim out;
  out.kind = verify::ClaimKind::kAttestation;
  out.subject_digest = std::move(subject);
  out.predicate_type = type;
  out.predicate = std::make_shared<const codec::Json>(std::move(predicate));
  return out;
}

/// {"CVE-1", "CRITICAL", published, fixed version}
struct Finding {
  std::string id;
  std::string severity = "CRITICAL";
  std::string published = "2026-01-01T00:00:00Z";
  std::string fixed = "2.0";
};
/// A cosign vuln predicate as Trivy writes it.
inline codec::Json scan_predicate(const std::string& finished,
                                  const std::vector<Finding>& findings = {},
                                  const std::string& platform = "linux/amd64") {
  auto vulnerabilities = codec::Json::array();
  for (const auto& finding : findings) {
    vulnerabilities.push_back({{"VulnerabilityID", finding.id},
                               {"PkgName", "openssl"},
                               {"InstalledVersion", "1.0"},
                               {"FixedVersion", finding.fixed},
                               {"Severity", finding.severity},
                               {"PublishedDate", finding.published}});
  }
  const auto slash = platform.find('/');
  return {
      {"scanner",
       {{"uri", "pkg:github/aquasecurity/trivy@0.58.0"},
        {"result",
         {{"SchemaVersion", 2},
          {"CreatedAt", finished},
          {"ArtifactType", "container_image"},
          {"Metadata",
           {{"ImageConfig",
             {{"os", platform.substr(0, slash)}, {"architecture", platform.substr(slash + 1)}}}}},
          {"Results",
           {{{"Target", "debian"},
             {"Class", "os-pkgs"},
             {"Vulnerabilities", std::move(vulnerabilities)}}}}}}}},
      {"metadata", {{"scanStartedOn", finished}, {"scanFinishedOn", finished}}}};
}
inline verify::Claim scan(const std::string& finished, const std::vector<Finding>& findings = {},
                          std::string subject = kImage,
                          const std::string& platform = "linux/amd64") {
  return attestation(verify::kCosignVulnPredicate, scan_predicate(finished, findings, platform),
                     std::move(subject));
}

inline ImageFacts facts() {
  ImageFacts out;
  out.field = "spec.containers[0].image";
  out.reference = "registry.example.com/ml/app:1";
  out.name = "registry.example.com/ml/app";
  out.digest = kImage;
  return out;
}
inline void claim(ImageFacts& facts, const std::string& key, verify::Claim what) {
  facts.by_authority[fingerprint(key)].claims.push_back(std::move(what));
  ++facts.candidates;
}

inline api::EvidenceRequirement need(EvidenceType type) {
  api::EvidenceRequirement out;
  out.type = type;
  return out;
}

/// Judges in profile "default"; also no policy that matches is judged, as the webhook does.
inline ImageVerdict judge_image(const ImageFacts& facts, std::vector<PolicySource> sources,
                                const std::vector<api::EvidenceRequirement>& required) {
  const PolicySet set(std::move(sources));
  return evaluate(facts, set.select(facts.name, "default"), required, kNow);
}

}  // namespace portcullis::policy
