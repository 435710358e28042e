#include "lib/evidence/leads.hpp"

#include <gtest/gtest.h>

namespace portcullis::evidence {
namespace {

const std::string kSubject = "sha256:" + std::string(64, 'a');
constexpr const char* kBundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
constexpr const char* kSimple = "application/vnd.dev.cosign.simplesigning.v1+json";
constexpr const char* kDsse = "application/vnd.dsse.envelope.v1+json";
constexpr const char* kSign = "https://sigstore.dev/cosign/sign/v1";
constexpr const char* kVuln = "https://cosign.sigstore.dev/attestation/vuln/v1";

oci::Descriptor referrer(const std::string& type, const std::string& predicate = "",
                         const std::string& created = "") {
  oci::Descriptor descriptor;
  descriptor.artifact_type = type;
  if (!predicate.empty()) descriptor.annotations["dev.sigstore.bundle.predicateType"] = predicate;
  if (!created.empty()) descriptor.annotations["org.opencontainers.image.created"] = created;
  return descriptor;
}

oci::Descriptor layer(const std::string& type, std::uint64_t size = 10) {
  oci::Descriptor descriptor;
  descriptor.media_type = type;
  descriptor.size = size;
  descriptor.annotations["dev.cosignproject.cosign/signature"] = "sig";
  return descriptor;
}

oci::Manifest manifest_of(std::vector<oci::Descriptor> layers,
                          const std::string& subject = kSubject) {
  oci::Manifest manifest;
  manifest.layers = std::move(layers);
  manifest.subject.emplace();
  manifest.subject->digest = subject;
  return manifest;
}

TEST(LeadsTest, TheArtifactTypeTellsWhatMayBeEvidence) {
  EXPECT_TRUE(may_be_evidence(referrer(kBundle)));
  EXPECT_TRUE(may_be_evidence(referrer("")));
  EXPECT_TRUE(may_be_evidence(referrer("application/vnd.oci.empty.v1+json"))) << "the config's";
  EXPECT_TRUE(may_be_evidence(referrer("application/vnd.dev.cosign.artifact.sig.v1+json")));
  EXPECT_FALSE(may_be_evidence(referrer("application/spdx+json")));
  EXPECT_FALSE(may_be_evidence(referrer("application/vnd.dev.cosign.artifact.sbom.v1+json")));
}

TEST(LeadsTest, TheHintRulesOutWhatNobodyAskedFor) {
  using enum api::EvidenceType;
  EXPECT_TRUE(may_be_wanted(referrer(kBundle, kSign), {kSignature}));
  EXPECT_FALSE(may_be_wanted(referrer(kBundle, kVuln), {kSignature}));
  EXPECT_TRUE(may_be_wanted(referrer(kBundle, kVuln), {kSignature, kScan}));
  EXPECT_TRUE(may_be_wanted(referrer(kBundle, "https://spdx.dev/Document"), {kSBOM}));
  EXPECT_FALSE(may_be_wanted(referrer(kBundle, "https://example.com/x"), {kSignature, kScan}));
  EXPECT_TRUE(may_be_wanted(referrer(kBundle), {kSignature}));
}

TEST(LeadsTest, TheNewestOfEachTypeAreChosenInTurn) {
  std::vector<oci::Descriptor> all{referrer(kBundle, kSign, "2025-01-01T00:00:00Z")};
  for (int day = 10; day < 29; ++day) {
    all.push_back(referrer(kBundle, kVuln, "2026-01-" + std::to_string(day) + "T00:00:00Z"));
  }
  const auto chosen = choose(all, 3);
  std::vector<std::string> created;
  for (const auto& one : chosen) {
    created.push_back(one.annotations.at("org.opencontainers.image.created").substr(0, 10));
  }
  EXPECT_EQ(created, (std::vector<std::string>{"2026-01-28", "2025-01-01", "2026-01-27"}));
  EXPECT_EQ(choose(all, 100).size(), all.size());
}

TEST(LeadsTest, ABundleIsTheOneLayerOfItsManifest) {
  const auto leads = leads_of_referrer(manifest_of({layer(kBundle)}), kSubject);
  ASSERT_TRUE(leads);
  ASSERT_EQ(leads->size(), 1U);
  EXPECT_EQ((*leads)[0].format, verify::Format::kBundle);
  EXPECT_TRUE((*leads)[0].blob.annotations.empty());
}

TEST(LeadsTest, AReferrerMayHoldLegacySignatures) {
  const auto leads = leads_of_referrer(manifest_of({layer(kSimple), layer(kSimple)}), kSubject);
  ASSERT_TRUE(leads);
  ASSERT_EQ(leads->size(), 2U);
  EXPECT_EQ((*leads)[0].format, verify::Format::kLegacySignature);
  EXPECT_FALSE((*leads)[0].blob.annotations.empty());
}

TEST(LeadsTest, AReferrerThatIsNotWhatItSeemsIsRefused) {
  auto without_subject = manifest_of({layer(kBundle)});
  without_subject.subject.reset();
  auto index = manifest_of({});
  index.is_index = true;
  const oci::Manifest cases[] = {
      without_subject,
      manifest_of({layer(kBundle)}, "sha256:" + std::string(64, 'b')),
      index,
      manifest_of({}),
      manifest_of({layer(kBundle), layer(kBundle)}),
      manifest_of({layer("application/octet-stream")}),
  };
  for (const auto& manifest : cases) {
    const auto leads = leads_of_referrer(manifest, kSubject);
    ASSERT_FALSE(leads);
    EXPECT_EQ(leads.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(LeadsTest, LegacyLayersAreBoundedInNumberAndSize) {
  const auto leads = leads_of_legacy({layer(kSimple), layer(kSimple, (32U << 10) + 1),
                                      layer("text/plain"), layer(kDsse, 1U << 20)});
  ASSERT_EQ(leads.size(), 2U);
  EXPECT_EQ(leads[1].format, verify::Format::kLegacyAttestation);
  EXPECT_EQ(leads_of_legacy(std::vector<oci::Descriptor>(100, layer(kSimple))).size(), 64U);
}

}  // namespace
}  // namespace portcullis::evidence
