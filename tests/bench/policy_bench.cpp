#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"
#include "lib/policy/policy_set.hpp"
#include "lib/policy/requirements.hpp"
#include "lib/policy/scan_report.hpp"

/// What policy costs in one warm decision: matching and composing, joining requirements, and
/// reading a scan report as big as those of real images (1 MB of Trivy JSON).
namespace portcullis::policy {
namespace {

using codec::Json;

const Time kNow = *codec::parse_rfc3339("2026-11-24T12:00:00Z");
const std::string kDigest = "sha256:" + std::string(64, 'a');

/// A Trivy report of at least `bytes`; each finding has the texts that make real ones long.
Json trivy_predicate(std::size_t bytes) {
  auto findings = Json::array();
  for (std::size_t size = 0; size < bytes;) {
    Json finding = {{"VulnerabilityID", "CVE-2026-" + std::to_string(findings.size())},
                    {"PkgName", "libssl3"},
                    {"PkgIdentifier", {{"PURL", "pkg:deb/debian/libssl3@3.0.11-1~deb12u2"}}},
                    {"InstalledVersion", "3.0.11-1~deb12u2"},
                    {"FixedVersion", findings.size() % 2 == 0 ? "" : "3.0.13-1~deb12u1"},
                    {"Severity", findings.size() % 3 == 0 ? "HIGH" : "MEDIUM"},
                    {"Title", std::string(80, 't')},
                    {"Description", std::string(900, 'd')},
                    {"PublishedDate", "2026-10-01T10:15:00Z"},
                    {"LastModifiedDate", "2026-10-02T10:15:00Z"}};
    size += finding.dump().size();
    findings.push_back(std::move(finding));
  }
  return {{"scanner",
           {{"uri", "pkg:github/aquasecurity/trivy@0.58.0"},
            {"result",
             {{"SchemaVersion", 2},
              {"CreatedAt", "2026-11-24T10:00:00Z"},
              {"ArtifactType", "container_image"},
              {"Results", {{{"Class", "os-pkgs"}, {"Vulnerabilities", std::move(findings)}}}}}}}},
          {"metadata", {{"scanFinishedOn", "2026-11-24T10:00:00Z"}}}};
}

api::EvidenceRequirement scan_requirement() {
  api::EvidenceRequirement out;
  out.type = api::EvidenceType::kScan;
  out.max_age = std::chrono::hours(336);
  out.fail_on = {{api::Severity::kHigh, std::chrono::hours(2160)},
                 {api::Severity::kCritical, std::chrono::hours(72)}};
  return out;
}

/// `count` policies that pin the image, and as many that match something else.
PolicySet make_policies(int count) {
  std::vector<PolicySource> sources;
  for (int i = 0; i < 2 * count; ++i) {
    api::TrustPolicy policy;
    policy.meta.key.name = "policy-" + std::to_string(i);
    policy.include = {i % 2 == 0 ? "registry.example.com/ml/**" : "vendor.example.com/*/images/**"};
    api::Authority authority;
    authority.name = "pinned";
    authority.vouches_for = {api::EvidenceType::kSignature};
    authority.digests = {kDigest};
    policy.authorities = {authority};
    sources.push_back({policy.meta.key.name, std::move(policy)});
  }
  return PolicySet(std::move(sources));
}

void BM_SelectAndEvaluate(benchmark::State& state) {
  const auto policies = make_policies(static_cast<int>(state.range(0)));
  ImageFacts facts;
  facts.field = "spec.containers[0].image";
  facts.reference = "registry.example.com/ml/triage/app:1";
  facts.name = "registry.example.com/ml/triage/app";
  facts.digest = kDigest;
  const std::vector<api::EvidenceRequirement> required(1);
  for (auto _ : state) {
    const auto selected = policies.select(facts.name, "default");
    auto verdict = evaluate(facts, selected, required, kNow);
    if (!verdict.violations.empty()) state.SkipWithError("the image must be allowed");
    benchmark::DoNotOptimize(verdict);
  }
}
BENCHMARK(BM_SelectAndEvaluate)->Arg(1)->Arg(10)->Arg(100);

void BM_Join(benchmark::State& state) {
  const auto a = floor();
  auto b = floor();
  b.images.evidence.push_back(scan_requirement());
  b.network.isolation = api::Isolation::kFull;
  for (auto _ : state) benchmark::DoNotOptimize(join(a, b));
}
BENCHMARK(BM_Join);

void BM_Effective(benchmark::State& state) {
  api::AISecurityProfile profile;
  profile.meta.key.name = "default";
  for (const auto level :
       {api::DataClassification::kInternal, api::DataClassification::kConfidential,
        api::DataClassification::kRestricted}) {
    api::Requirements row;
    row.images.evidence = {scan_requirement()};
    profile.classifications.push_back({level, row});
  }
  api::AIWorkload workload;
  workload.data_classification = api::DataClassification::kRestricted;
  for (auto _ : state) benchmark::DoNotOptimize(effective(profile, workload));
}
BENCHMARK(BM_Effective);

void BM_ParseTrivyReport1MB(benchmark::State& state) {
  const auto text = trivy_predicate(1'000'000).dump();
  for (auto _ : state) {
    const auto predicate = codec::parse_json(
        text, {.max_bytes = 16U << 20, .max_depth = 64, .duplicates = codec::Duplicates::kRefuse});
    auto report = parse_scan_report(*predicate);
    if (!report) state.SkipWithError("the report must be readable");
    benchmark::DoNotOptimize(report);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}
BENCHMARK(BM_ParseTrivyReport1MB)->Unit(benchmark::kMillisecond);

/// The part of it that a decision repeats: the claim's JSON is kept, the judgement is not.
void BM_JudgeTrivyReport1MB(benchmark::State& state) {
  const auto predicate = trivy_predicate(1'000'000);
  const auto requirement = scan_requirement();
  for (auto _ : state) {
    const auto report = parse_scan_report(predicate);
    auto failure = judge(*report, requirement, kNow);
    if (failure) state.SkipWithError("the report must pass");
    benchmark::DoNotOptimize(failure);
  }
}
BENCHMARK(BM_JudgeTrivyReport1MB)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace portcullis::policy
