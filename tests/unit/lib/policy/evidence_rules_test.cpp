#include "lib/policy/evidence_rules.hpp"

#include <gmock/gmock.h>

#include "tests/unit/lib/policy/builders.hpp"

namespace portcullis::policy {
namespace {

using codec::Json;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;
using enum api::EvidenceType;

verify::Authority create(const api::Authority& spec) {
  return verify::Authority::create(spec).value();
}
std::variant<Met, Unmet> ask(const ImageFacts& facts, const api::EvidenceRequirement& requirement,
                             const std::vector<std::string>& builders = {}) {
  return judge_authority(facts, create(authority("ci", {requirement.type}, "ci")), requirement,
                         builders, kNow);
}
bool met(const std::variant<Met, Unmet>& judged) { return std::holds_alternative<Met>(judged); }
std::string cause(const std::variant<Met, Unmet>& judged) {
  return met(judged) ? "" : std::get<Unmet>(judged).cause;
}
ImageFacts with(std::vector<verify::Claim> claims) {
  auto out = facts();
  for (auto& each : claims) claim(out, "ci", std::move(each));
  return out;
}

// A claim is what its signed predicate says: never two things, and an attestation never a
// signature.
TEST(EvidenceRulesTest, EachPredicateIsOneTypeOfEvidence) {
  struct Row {
    verify::ClaimKind kind;
    std::string_view predicate_type;
    std::optional<EvidenceType> type;
  };
  const auto kAttested = verify::ClaimKind::kAttestation;
  const Row rows[] = {
      {verify::ClaimKind::kSignature, "", kSignature},
      {verify::ClaimKind::kSignature, "https://sigstore.dev/cosign/sign/v1", kSignature},
      {kAttested, "https://sigstore.dev/cosign/sign/v1", kSignature},
      {kAttested, "", std::nullopt},
      {kAttested, "https://cosign.sigstore.dev/attestation/vuln/v1", kScan},
      {kAttested, "https://cosign.sigstore.dev/attestation/vuln/v1/", std::nullopt},
      {kAttested, "https://spdx.dev/Document", kSBOM},
      {kAttested, "https://cyclonedx.org/bom", kSBOM},
      {kAttested, "https://slsa.dev/provenance/v1", kProvenance},
      {kAttested, "https://slsa.dev/provenance/v0.2", kProvenance},
      {kAttested, "https://cosign.sigstore.dev/attestation/v1", std::nullopt},
      {kAttested, "https://openvex.dev/ns", std::nullopt},
      {verify::ClaimKind::kSignature, "https://cosign.sigstore.dev/attestation/vuln/v1", kScan},
  };
  for (const auto& row : rows) {
    verify::Claim claim;
    claim.kind = row.kind;
    claim.predicate_type = row.predicate_type;
    for (const auto type : {kSignature, kScan, kSBOM, kProvenance, kVEX}) {
      EXPECT_EQ(is_evidence(claim, type), row.type == type)
          << row.predicate_type << " as " << api::to_string(type);
    }
  }
}

TEST(EvidenceRulesTest, ASignatureIsAboutTheImagesOwnDigest) {
  EXPECT_TRUE(met(ask(with({signature()}), need(kSignature))));
  EXPECT_FALSE(met(ask(with({signature(digest('d'))}), need(kSignature))));

  auto index = with({signature()});
  index.platforms = {{kAmd64, "linux", "amd64", ""}, {kArm64, "linux", "arm64", ""}};
  EXPECT_TRUE(met(ask(index, need(kSignature)))) << "the index covers its children";

  auto children = with({signature(kAmd64), signature(kArm64)});
  children.platforms = index.platforms;
  EXPECT_FALSE(met(ask(children, need(kSignature)))) << "children do not cover the index";
}

TEST(EvidenceRulesTest, AScanIsNeededForEachPlatform) {
  const auto on_child = [](const std::string& child) { return scan(hours_ago(1), {}, child); };
  const auto on_index = [](const std::string& platform) {
    return scan(hours_ago(1), {}, kImage, platform);
  };
  struct Row {
    const char* name;
    std::vector<verify::Claim> claims;
    bool met;
  };
  const Row rows[] = {
      {"both children", {on_child(kAmd64), on_child(kArm64)}, true},
      {"one child", {on_child(kAmd64)}, false},
      {"the index without its platforms", {scan(hours_ago(1), {}, kImage, "/")}, false},
      {"the index with one platform", {on_index("linux/amd64")}, false},
      {"the index with both platforms", {on_index("linux/amd64"), on_index("linux/arm64")}, true},
      {"a child and the index", {on_child(kAmd64), on_index("linux/arm64")}, true},
      {"the default variant may be named", {on_child(kAmd64), on_index("linux/arm64/v8")}, true},
      {"another variant", {on_child(kAmd64), on_index("linux/arm64/v9")}, false},
      {"another operating system", {on_child(kArm64), on_index("windows/amd64")}, false},
      {"a child of another index", {on_child(kAmd64), on_child(digest('d'))}, false},
  };
  for (const auto& row : rows) {
    auto index = with(row.claims);
    index.platforms = {{kAmd64, "linux", "amd64", ""}, {kArm64, "linux", "arm64", ""}};
    EXPECT_EQ(met(ask(index, need(kScan))), row.met) << row.name;
  }
}

TEST(EvidenceRulesTest, WhichPlatformIsMissingIsSaid) {
  auto index = with({scan(hours_ago(1), {}, kAmd64)});
  index.platforms = {{kAmd64, "linux", "amd64", ""}, {kArm64, "linux", "arm64", ""}};
  const auto judged = ask(index, need(kScan));
  EXPECT_THAT(cause(judged), HasSubstr("no Scan for platform linux/arm64"));
  EXPECT_EQ(std::get<Unmet>(judged).digest, kArm64);
}

TEST(EvidenceRulesTest, TheNewestScanCountsAndOfEquallyNewOnesTheWorst) {
  auto strict = need(kScan);
  strict.fail_on = {{api::Severity::kCritical, hours(0)}};
  const std::vector<Finding> bad = {{"CVE-1"}};
  auto partial = scan_predicate(hours_ago(1));
  partial["scanner"]["result"]["Results"] = Json::array();
  auto undated = scan_predicate(hours_ago(1));
  undated["metadata"].clear();
  undated["scanner"]["result"].erase("CreatedAt");
  const auto attest = [](const Json& predicate) {
    return attestation(verify::kCosignVulnPredicate, predicate);
  };
  struct Row {
    const char* name;
    std::vector<verify::Claim> claims;
    bool met;
  };
  const Row rows[] = {
      {"newest good", {scan(hours_ago(9), bad), scan(hours_ago(1))}, true},
      {"newest bad", {scan(hours_ago(1), bad), scan(hours_ago(9))}, false},
      {"equally new, good first", {scan(hours_ago(1)), scan(hours_ago(1), bad)}, false},
      {"equally new, bad first", {scan(hours_ago(1), bad), scan(hours_ago(1))}, false},
      {"newest partial", {attest(partial), scan(hours_ago(9))}, false},
      {"partial, then a whole one", {scan(hours_ago(0)), attest(partial)}, true},
      {"one without any time does not count", {attest(undated), scan(hours_ago(1))}, true},
      {"only one without any time", {attest(undated)}, false},
      {"newest dated in the future", {scan(hours_ago(-1)), scan(hours_ago(1))}, false},
  };
  for (const auto& row : rows) {
    const auto judged = ask(with(row.claims), strict);
    EXPECT_EQ(met(judged), row.met) << row.name << ": " << cause(judged);
  }
}

TEST(EvidenceRulesTest, TimesThatWereVerifiedBoundWhatAScanMayClaim) {
  const auto made = kNow - hours(10);
  struct Row {
    const char* name;
    std::vector<Time> verified;
    bool met;
  };
  const Row rows[] = {
      {"a bare key: the claimed time stands", {}, true},
      {"signed at once", {made + minutes(1)}, true},
      {"signed at once, logged twice", {made + minutes(1), made + hours(3)}, true},
      {"signed late", {made + minutes(61)}, false},
      {"dated after the signature", {made - minutes(6)}, false},
      {"a clock that runs ahead a little", {made - minutes(4)}, true},
  };
  for (const auto& row : rows) {
    auto dated = scan(hours_ago(10));
    dated.verified_times = row.verified;
    EXPECT_EQ(met(ask(with({dated}), need(kScan))), row.met) << row.name;
  }
}

TEST(EvidenceRulesTest, AnAuthorityAllowsOnlyItsFormats) {
  auto legacy = signature();
  legacy.format = verify::Format::kLegacySignature;
  auto spec = authority("ci", {kSignature}, "ci");
  const auto image = with({legacy});
  EXPECT_TRUE(met(judge_authority(image, create(spec), need(kSignature), {}, kNow)));
  spec.formats = {api::SignatureFormat::kBundle};
  EXPECT_FALSE(met(judge_authority(image, create(spec), need(kSignature), {}, kNow)));
}

TEST(EvidenceRulesTest, APinVouchesForTheDigestItNames) {
  const auto vendor = create(pin("vendor", {kSignature, kScan}, {kImage}));
  const auto children = create(pin("vendor", {kSignature, kScan}, {kAmd64, kArm64}));
  auto index = facts();
  index.platforms = {{kAmd64, "linux", "amd64", ""}, {kArm64, "linux", "arm64", ""}};
  EXPECT_TRUE(met(judge_authority(index, vendor, need(kSignature), {}, kNow)));
  EXPECT_TRUE(met(judge_authority(index, vendor, need(kScan), {}, kNow)));
  EXPECT_TRUE(met(judge_authority(index, children, need(kScan), {}, kNow)));
  EXPECT_FALSE(met(judge_authority(index, children, need(kSignature), {}, kNow)));

  auto other = facts();
  other.digest = digest('d');
  const auto judged = judge_authority(other, vendor, need(kSignature), {}, kNow);
  EXPECT_THAT(cause(judged), HasSubstr("is not among the digests that vendor pins"));
}

TEST(EvidenceRulesTest, AnSbomHasItsOwnAge) {
  const auto spdx = [](const std::string& time) {
    return attestation("https://spdx.dev/Document", {{"creationInfo", {{"created", time}}}});
  };
  const auto cyclonedx = [](const std::string& time) {
    return attestation("https://cyclonedx.org/bom", {{"metadata", {{"timestamp", time}}}});
  };
  auto strict = need(kSBOM);
  strict.max_age = hours(24);
  EXPECT_TRUE(met(ask(with({attestation("https://spdx.dev/Document", "text")}), need(kSBOM))));
  EXPECT_TRUE(met(ask(with({spdx(hours_ago(1))}), strict)));
  EXPECT_TRUE(met(ask(with({spdx(hours_ago(48)), cyclonedx(hours_ago(1))}), strict)));
  EXPECT_THAT(cause(ask(with({cyclonedx(hours_ago(48))}), strict)), HasSubstr("the SBOM of"));
  EXPECT_THAT(cause(ask(with({attestation("https://spdx.dev/Document", "text")}), strict)),
              HasSubstr("does not say when it was made"));
}

TEST(EvidenceRulesTest, ProvenanceCountsFromTheBuildersThatAreNamed) {
  const auto v1 = attestation("https://slsa.dev/provenance/v1",
                              {{"runDetails", {{"builder", {{"id", "https://b"}}}}}});
  const auto v02 =
      attestation("https://slsa.dev/provenance/v0.2", {{"builder", {{"id", "https://b"}}}});
  for (const auto& provenance : {v1, v02}) {
    EXPECT_TRUE(met(ask(with({provenance}), need(kProvenance))));
    EXPECT_TRUE(met(ask(with({provenance}), need(kProvenance), {"https://a", "https://b"})));
    EXPECT_THAT(cause(ask(with({provenance}), need(kProvenance), {"https://a"})),
                HasSubstr("it was built by \"https://b\""));
  }
}

TEST(EvidenceRulesTest, AClaimWithoutPredicateProvesNothingButASignature) {
  for (const auto type : {kScan, kSBOM, kProvenance}) {
    const std::string_view predicates[] = {verify::kCosignVulnPredicate,
                                           "https://spdx.dev/Document",
                                           "https://slsa.dev/provenance/v1"};
    auto empty = attestation(predicates[static_cast<int>(type) - 1], {});
    empty.predicate = nullptr;
    EXPECT_FALSE(met(ask(with({empty}), need(type)))) << api::to_string(type);
  }
}

}  // namespace
}  // namespace portcullis::policy
