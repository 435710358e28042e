#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "lib/codec/json.hpp"
#include "lib/crypto/digest.hpp"
#include "lib/verify/authority.hpp"

// What real cosign signed (tests/fixtures/make.sh) is believed, and nothing else of it.
namespace portcullis::verify {
namespace {

using codec::Json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kFixtures = std::string(PORTCULLIS_SOURCE_DIR) + "/tests/fixtures/";

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// One fixture image: an OCI layout, read as a registry would serve it.
class Layout {
 public:
  explicit Layout(const std::string& name) : root_(kFixtures + "images/" + name) {
    index_ = Json::parse(read_file(root_ + "/index.json"));
  }

  Json manifest(const std::string& digest) const { return Json::parse(blob(digest)); }
  std::string image() const {
    for (const auto& entry : index_["manifests"]) {
      if (tag(entry) == "1.0") return entry["digest"];
    }
    ADD_FAILURE() << root_ << " has no tag 1.0";
    return "";
  }
  std::vector<Candidate> candidates() const {
    std::vector<Candidate> found;
    for (const auto& entry : index_["manifests"]) {
      const Json body = manifest(entry["digest"]);
      for (const auto& layer : body.value("layers", Json::array())) add(layer, found);
    }
    return found;
  }

 private:
  static std::string tag(const Json& entry) {
    return entry.value(Json::json_pointer("/annotations/org.opencontainers.image.ref.name"), "");
  }
  std::string blob(const std::string& digest) const {
    const auto bytes = read_file(root_ + "/blobs/sha256/" + digest.substr(7));
    EXPECT_EQ(crypto::sha256_digest(bytes), digest);
    return bytes;
  }
  void add(const Json& layer, std::vector<Candidate>& found) const {
    const std::string type = layer["mediaType"];
    Candidate candidate;
    if (type == "application/vnd.dev.cosign.simplesigning.v1+json") {
      candidate.format = Format::kLegacySignature;
    } else if (type == "application/vnd.dsse.envelope.v1+json") {
      candidate.format = Format::kLegacyAttestation;
    } else if (type != "application/vnd.dev.sigstore.bundle.v0.3+json") {
      return;
    }
    candidate.digest = layer["digest"];
    candidate.bytes = blob(candidate.digest);
    candidate.annotations = layer.value("annotations", std::map<std::string, std::string>());
    found.push_back(std::move(candidate));
  }

  std::string root_;
  Json index_;
};

Authority authority(const std::string& key) {
  api::Authority spec;
  spec.name = key;
  spec.vouches_for = {api::EvidenceType::kSignature, api::EvidenceType::kScan};
  spec.public_key_pem = read_file(kFixtures + "keys/" + key + ".pub");
  return Authority::create(spec).value();
}

/// What one key proved about some digests.
struct Outcome {
  std::vector<std::string> signatures;  ///< Subject digests.
  std::vector<std::string> scans;
  std::set<Check> rejected;
  std::set<Format> formats;
};
Outcome judge(const Layout& layout, const std::string& key,
              const std::vector<std::string>& subjects) {
  Outcome outcome;
  for (const auto& candidate : layout.candidates()) {
    const auto result = authority(key).verify(candidate, subjects);
    if (const auto* rejected = std::get_if<Rejected>(&result)) {
      outcome.rejected.insert(rejected->check);
      continue;
    }
    const auto& claim = std::get<Claim>(result);
    outcome.formats.insert(claim.format);
    EXPECT_EQ(claim.evidence_digest, candidate.digest);
    if (claim.kind == ClaimKind::kSignature) outcome.signatures.push_back(claim.subject_digest);
    if (claim.predicate_type == kCosignVulnPredicate) {
      EXPECT_TRUE(codec::find_path(*claim.predicate, {"scanner", "result", "CreatedAt"}));
      outcome.scans.push_back(claim.subject_digest);
    }
  }
  return outcome;
}

TEST(AuthorityCosignTest, BundlesOfCosign3AreBelieved) {
  for (const char* name : {"triage", "stale", "critical"}) {
    SCOPED_TRACE(name);
    const Layout layout(name);
    const auto outcome = judge(layout, "ci", {layout.image()});
    EXPECT_THAT(outcome.signatures, ElementsAre(layout.image()));
    EXPECT_THAT(outcome.scans, ElementsAre(layout.image()));
    EXPECT_THAT(outcome.rejected, IsEmpty());
    EXPECT_THAT(outcome.formats, ElementsAre(Format::kBundle));
  }
}

TEST(AuthorityCosignTest, TheLegacyLayoutOfCosign2IsBelieved) {
  const Layout layout("legacy");
  const auto outcome = judge(layout, "ci", {layout.image()});
  EXPECT_THAT(outcome.signatures, ElementsAre(layout.image()));
  EXPECT_THAT(outcome.scans, ElementsAre(layout.image()));
  EXPECT_THAT(outcome.rejected, IsEmpty());
  EXPECT_THAT(outcome.formats, ElementsAre(Format::kLegacySignature, Format::kLegacyAttestation));
}

TEST(AuthorityCosignTest, ASignatureIsNoScanAndNothingIsNothing) {
  for (const char* name : {"signed-only", "model"}) {
    const Layout layout(name);
    const auto outcome = judge(layout, "ci", {layout.image()});
    EXPECT_THAT(outcome.signatures, ElementsAre(layout.image())) << name;
    EXPECT_THAT(outcome.scans, IsEmpty()) << name;
  }
  for (const char* name : {"unsigned", "unsigned-model"}) {
    EXPECT_THAT(Layout(name).candidates(), IsEmpty()) << name;
  }
}

TEST(AuthorityCosignTest, AnotherKeyProvesNothing) {
  const Layout foreign("other-key");
  EXPECT_THAT(judge(foreign, "ci", {foreign.image()}).rejected, ElementsAre(Check::kSignature));
  EXPECT_THAT(judge(foreign, "ci", {foreign.image()}).formats, IsEmpty());
  EXPECT_THAT(judge(foreign, "other", {foreign.image()}).signatures, ElementsAre(foreign.image()));

  const Layout legacy("legacy");
  EXPECT_THAT(judge(legacy, "other", {legacy.image()}).rejected, ElementsAre(Check::kSignature));
}

TEST(AuthorityCosignTest, OneFlippedBitIsSeen) {
  const Layout layout("tampered");
  const auto outcome = judge(layout, "ci", {layout.image()});
  EXPECT_THAT(outcome.signatures, IsEmpty());
  EXPECT_THAT(outcome.rejected, ElementsAre(Check::kSignature));
}

TEST(AuthorityCosignTest, EvidenceForOneImageSaysNothingOfAnother) {
  const Layout signed_image("triage");
  const Layout legacy("legacy");
  const std::string other = Layout("unsigned").image();
  EXPECT_THAT(judge(signed_image, "ci", {other}).rejected, ElementsAre(Check::kSubject));
  EXPECT_THAT(judge(legacy, "ci", {other}).rejected, ElementsAre(Check::kSubject));
}

TEST(AuthorityCosignTest, AnIndexIsSignedAsAWholeAndItsChildrenAreScanned) {
  const Layout layout("platforms");
  const std::string index = layout.image();
  std::vector<std::string> subjects = {index};
  std::vector<std::string> children;
  const Json body = layout.manifest(index);
  for (const auto& child : body["manifests"]) {
    children.push_back(child["digest"]);
    subjects.push_back(children.back());
  }
  const auto outcome = judge(layout, "ci", subjects);
  EXPECT_THAT(outcome.signatures, ElementsAre(index));
  EXPECT_THAT(outcome.scans, ::testing::UnorderedElementsAreArray(children));

  const auto child_only = judge(layout, "ci", {children.front()});
  EXPECT_THAT(child_only.signatures, IsEmpty());
  EXPECT_THAT(child_only.scans, ElementsAre(children.front()));
}

}  // namespace
}  // namespace portcullis::verify
