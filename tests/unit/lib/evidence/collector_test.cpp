#include "lib/evidence/collector.hpp"

#include <gtest/gtest.h>

#include "tests/unit/lib/evidence/evidence_fixture.hpp"

namespace portcullis::evidence {
namespace {

using namespace std::chrono_literals;
using testing::web_answer;

// The collector is asked through the gatherer that owns its caches and threads.
using CollectorTest = EvidenceTest;

TEST_F(CollectorTest, AnUnsignedImageHasNoClaimAndNoFailure) {
  const auto* release = trust(key_);
  const auto facts = gather(ask_about(by_digest_, {release}));
  EXPECT_FALSE(facts.failure);
  EXPECT_EQ(facts.candidates, 0U);
  EXPECT_TRUE(said(facts, release).claims.empty());
  EXPECT_TRUE(said(facts, release).rejected.empty());
}

TEST_F(CollectorTest, EachKeySpeaksForItself) {
  const auto other_key = testing::make_key();
  const auto* release = trust(key_);
  const auto* other = trust(other_key);
  sign(key_, image_);

  const auto facts = gather(ask_about(by_digest_, {release, other}));

  EXPECT_EQ(said(facts, release).claims.size(), 1U);
  EXPECT_TRUE(said(facts, other).claims.empty());
  ASSERT_EQ(said(facts, other).rejected.size(), 1U);
  EXPECT_EQ(said(facts, other).rejected[0].check, verify::Check::kSignature);
}

TEST_F(CollectorTest, ASignatureForAnotherImageIsRejected) {
  const auto* release = trust(key_);
  const auto other = registry_.add_image("team/app", "two");
  registry_.attach_bundle("team/app", image_, testing::sign_image(key_, other),
                          testing::kSignPredicate);
  const auto facts = gather(ask_about(by_digest_, {release}));
  EXPECT_TRUE(said(facts, release).claims.empty());
  EXPECT_EQ(said(facts, release).rejected.at(0).check, verify::Check::kSubject);
}

TEST_F(CollectorTest, ACandidateThatIsBrokenDoesNotHideTheOthers) {
  const auto* release = trust(key_);
  const auto other = registry_.add_image("team/app", "two");
  // A referrer about another subject, one that is gone, one without layers, a blob that lies.
  codec::Json wrong_subject{{"schemaVersion", 2},
                            {"mediaType", testing::kManifestType},
                            {"artifactType", testing::kBundleType},
                            {"layers", codec::Json::array()},
                            {"subject", {{"digest", other}, {"size", 1}}}};
  registry_.attach_manifest("team/app", image_, wrong_subject);
  wrong_subject["subject"]["digest"] = image_;
  registry_.attach_manifest("team/app", image_, wrong_subject);
  const auto gone = registry_.attach_bundle("team/app", image_, "x", testing::kSignPredicate);
  registry_.fail("manifests/" + gone, web_answer(404));
  registry_.attach_bundle("team/app", image_, "lie", testing::kSignPredicate);
  registry_.corrupt(registry_.put_blob("team/app", "lie"), "LIE");
  sign(key_, image_);

  const auto facts = gather(ask_about(by_digest_, {release}));

  ASSERT_FALSE(facts.failure) << facts.failure->message();
  EXPECT_EQ(said(facts, release).claims.size(), 1U);
  EXPECT_EQ(said(facts, release).rejected.size(), 4U);
  EXPECT_EQ(facts.candidates, 5U);
}

TEST_F(CollectorTest, OnlyWhatCouldBeWantedIsFetched) {
  const auto* release = trust(key_);
  sign(key_, image_);
  attest(key_, image_, "https://spdx.dev/Document");
  attest(key_, image_, "https://example.com/unknown");
  codec::Json foreign{{"schemaVersion", 2},
                      {"artifactType", "application/spdx+json"},
                      {"layers", codec::Json::array()}};
  registry_.attach_manifest("team/app", image_, foreign);

  const auto facts = gather(ask_about(by_digest_, {release}));
  EXPECT_EQ(facts.candidates, 3U);
  EXPECT_EQ(registry_.requests().size(), 4U);
  EXPECT_EQ(said(facts, release).claims.size(), 1U);
}

TEST_F(CollectorTest, WithoutHintsEverythingIsLookedAt) {
  registry_.behaviour.annotate_referrers = false;
  const auto* release = trust(key_);
  attest(key_, image_, "https://spdx.dev/Document");
  sign(key_, image_);
  EXPECT_EQ(said(gather(ask_about(by_digest_, {release})), release).claims.size(), 2U);
}

TEST_F(CollectorTest, AFloodOfReferrersIsBoundedAndDoesNotPushOutTheSignature) {
  registry_.behaviour.annotate_referrers = true;
  const auto* release = trust(key_, {kSignature, kScan});
  sign(key_, image_);
  for (int i = 0; i < 200; ++i) {
    registry_.attach_bundle("team/app", image_, "scan " + std::to_string(i),
                            testing::kVulnPredicate, "2026-02-01T00:00:00Z");
  }
  const auto facts = gather(ask_about(by_digest_, {release}, {kSignature, kScan}));
  EXPECT_EQ(facts.candidates, 201U);
  EXPECT_EQ(said(facts, release).claims.size(), 1U);
  EXPECT_EQ(said(facts, release).rejected.size(), 8U);
  EXPECT_EQ(registry_.requests().size(), 2U + 64U * 2U);
}

TEST_F(CollectorTest, PinsNeedNoEvidence) {
  const auto* pins = trust_pins({image_}, {kSignature, kScan});
  const auto facts = gather(ask_about(by_digest_, {pins}, {kSignature, kScan}));
  EXPECT_FALSE(facts.failure);
  EXPECT_EQ(facts.digest, image_);
  EXPECT_EQ(registry_.requests().size(), 1U);  // that the image is there, and its platforms
}

TEST_F(CollectorTest, NothingRequiredMeansNothingSought) {
  gather(ask_about(by_digest_, {trust(key_)}, {}));
  EXPECT_EQ(registry_.requests().size(), 1U);
}

using LegacyTest = EvidenceTest;

TEST_F(LegacyTest, TagsAreNotAskedWhereOnlyBundlesAreAllowed) {
  const auto* release = trust(key_, {kSignature, kScan});
  registry_.attach_legacy("team/app", image_, ".sig", layers({testing::sign_legacy(key_, image_)}));
  const auto facts = gather(ask_about(by_digest_, {release}, {kSignature, kScan}));
  EXPECT_EQ(registry_.count(".sig"), 0U);
  EXPECT_EQ(registry_.count(".att"), 0U);
  EXPECT_TRUE(said(facts, release).claims.empty());
}

TEST_F(LegacyTest, SignaturesAreSoughtWhenNoBundleHasOne) {
  const auto* release = trust(key_, {kSignature}, {});
  registry_.attach_legacy("team/app", image_, ".sig", layers({testing::sign_legacy(key_, image_)}));
  const auto facts = gather(ask_about(by_digest_, {release}));
  ASSERT_EQ(said(facts, release).claims.size(), 1U);
  EXPECT_EQ(said(facts, release).claims[0].format, verify::Format::kLegacySignature);
  EXPECT_EQ(registry_.requests().size(), 4U);
  EXPECT_EQ(registry_.count(".att"), 0U);
}

TEST_F(LegacyTest, SignaturesAreNotSoughtWhenABundleHasOne) {
  const auto* release = trust(key_, {kSignature}, {});
  sign(key_, image_);
  gather(ask_about(by_digest_, {release}));
  EXPECT_EQ(registry_.count(".sig"), 0U);
}

// Two signatures over one payload have one blob: what tells them apart is in the annotations.
TEST_F(LegacyTest, TwoSignersOfOnePayloadAreToldApart) {
  const auto second_key = testing::make_key();
  const auto* first = trust(key_, {kSignature}, {});
  const auto* second = trust(second_key, {kSignature}, {});
  registry_.attach_legacy(
      "team/app", image_, ".sig",
      layers({testing::sign_legacy(key_, image_), testing::sign_legacy(second_key, image_)}));
  const auto facts = gather(ask_about(by_digest_, {first, second}));
  EXPECT_EQ(said(facts, first).claims.size(), 1U);
  EXPECT_EQ(said(facts, second).claims.size(), 1U);
  EXPECT_EQ(facts.candidates, 2U);
}

TEST_F(LegacyTest, AttestationsAreSoughtWhenTheyCouldBeRequired) {
  const auto* scanner = trust(key_, {kScan}, {});
  registry_.attach_legacy(
      "team/app", image_, ".att",
      layers({testing::attest_legacy(key_, testing::kVulnPredicate, {{"n", 1}}, image_)}));
  const auto facts = gather(ask_about(by_digest_, {scanner}, {kScan}));
  ASSERT_EQ(said(facts, scanner).claims.size(), 1U);
  EXPECT_EQ(registry_.count(".sig"), 0U);
}

TEST_F(LegacyTest, ATagThatCannotBeReadIsAFailure) {
  registry_.fail(".sig", web_answer(500));
  const auto facts = gather(ask_about(by_digest_, {trust(key_, {kSignature}, {})}));
  ASSERT_TRUE(facts.failure);
  EXPECT_EQ(facts.failure->code(), ErrorCode::kUnavailable);
}

// One key, two policies: one of them believes bundles only. The formats stay with the claims.
TEST_F(LegacyTest, TheSameKeyMayBeBelievedInDifferentFormats) {
  const auto* strict = trust(key_);
  const auto* lenient = trust(key_, {kSignature}, {});
  registry_.attach_legacy("team/app", image_, ".sig", layers({testing::sign_legacy(key_, image_)}));
  const auto facts = gather(ask_about(by_digest_, {strict, lenient}));
  ASSERT_EQ(facts.by_authority.size(), 1U);
  ASSERT_EQ(said(facts, lenient).claims.size(), 1U);
  EXPECT_FALSE(strict->allows(said(facts, lenient).claims[0].format));
}

class IndexTest : public EvidenceTest {
 protected:
  const std::string amd64_ = registry_.add_image("team/app", "amd64");
  const std::string arm64_ = registry_.add_image("team/app", "arm64");
  const std::string build_ = registry_.add_image("team/app", "attestation");
  const std::string index_ = registry_.add_index(
      "team/app", {{"linux/amd64", amd64_}, {"linux/arm64", arm64_}, {"unknown/unknown", build_}});
  const std::string image_of_index_ = std::string(kName) + "@" + index_;
};

TEST_F(IndexTest, ASignatureIsSoughtAtTheIndexOnly) {
  const auto* release = trust(key_);
  sign(key_, index_);
  const auto facts = gather(ask_about(image_of_index_, {release}));
  EXPECT_EQ(said(facts, release).claims.size(), 1U);
  EXPECT_EQ(registry_.requests().size(), 4U);
  ASSERT_EQ(facts.platforms.size(), 2U);
  EXPECT_EQ(facts.platforms[0].digest, amd64_);
  EXPECT_EQ(facts.platforms[1].architecture, "arm64");
}

TEST_F(IndexTest, ScansAreSoughtAtEachPlatformThePodMayRunOn) {
  const auto* scanner = trust(key_, {kScan});
  attest(key_, amd64_);
  attest(key_, arm64_);

  auto facts = gather(ask_about(image_of_index_, {scanner}, {kScan}, {"linux/amd64"}));
  ASSERT_EQ(facts.platforms.size(), 1U);
  ASSERT_EQ(said(facts, scanner).claims.size(), 1U);
  EXPECT_EQ(said(facts, scanner).claims[0].subject_digest, amd64_);
  EXPECT_EQ(registry_.count("/referrers/" + arm64_), 0U);

  facts = gather(ask_about(image_of_index_, {scanner}, {kScan}));
  EXPECT_EQ(facts.platforms.size(), 2U);
  EXPECT_EQ(said(facts, scanner).claims.size(), 2U);
  EXPECT_EQ(registry_.count("/referrers/" + build_), 0U);
}

TEST_F(IndexTest, OneStatementMayBeAboutSeveralChildren) {
  const auto* scanner = trust(key_, {kScan});
  const auto statement =
      testing::make_statement(testing::kVulnPredicate, {{"n", 1}}, {amd64_, arm64_});
  const auto bundle =
      testing::make_bundle(key_, testing::make_envelope(key_, statement.dump())).dump();
  registry_.attach_bundle("team/app", index_, bundle, testing::kVulnPredicate);
  const auto facts = gather(ask_about(image_of_index_, {scanner}, {kScan}));
  std::vector<std::string> subjects;
  for (const auto& claim : said(facts, scanner).claims) subjects.push_back(claim.subject_digest);
  EXPECT_EQ(subjects, (std::vector<std::string>{amd64_, arm64_}));
}

TEST_F(IndexTest, AnIndexWithinAnIndexIsAFailure) {
  const codec::Json nested{
      {"schemaVersion", 2},
      {"mediaType", testing::kIndexType},
      {"manifests", {{{"mediaType", testing::kIndexType}, {"digest", index_}, {"size", 1}}}}};
  const auto digest = registry_.put_manifest("team/app", nested.dump(), testing::kIndexType);
  const auto facts = gather(ask_about(std::string(kName) + "@" + digest, {trust(key_)}));
  ASSERT_TRUE(facts.failure);
  EXPECT_EQ(facts.failure->code(), ErrorCode::kInvalidArgument);
}

class RepositoryTest : public EvidenceTest {
 protected:
  RepositoryTest() { evidence_repositories_ = {"registry.example.com/evidence"}; }
};

TEST_F(RepositoryTest, EvidenceMayLieInAnotherRepository) {
  const auto* release = trust(key_);
  registry_.attach_bundle("evidence", image_, testing::sign_image(key_, image_),
                          testing::kSignPredicate);
  const auto facts = gather(ask_about(by_digest_, {release}));
  EXPECT_EQ(said(facts, release).claims.size(), 1U);
  EXPECT_EQ(registry_.requests().size(), 5U);
}

TEST_F(RepositoryTest, ThatItCannotBeReadIsAFailure) {
  registry_.fail("/v2/evidence/", web_answer(403));
  const auto facts = gather(ask_about(by_digest_, {trust(key_)}));
  ASSERT_TRUE(facts.failure);
  EXPECT_EQ(facts.failure->code(), ErrorCode::kPermissionDenied);
}

TEST_F(RepositoryTest, WhoMayNotReadItGetsNothingOfItFromTheCache) {
  registry_.behaviour.auth = testing::FakeRegistry::Auth::kBasic;
  registry_.users = {{"alice", "a"}, {"bob", "b"}};
  registry_.behaviour.may_pull = [](const std::string& user, const std::string& repository) {
    return user == "alice" || repository != "evidence";
  };
  registry_.attach_bundle("evidence", image_, testing::sign_image(key_, image_),
                          testing::kSignPredicate);
  const auto* release = trust(key_);
  for (const std::string user : {"alice", "bob"}) {
    auto keychain = std::make_shared<oci::Keychain>();
    ASSERT_TRUE(keychain->add_docker_config(R"({"registry.example.com":{"username":")" + user +
                                            R"(","password":")" + user.substr(0, 1) + R"("}})"));
    keychain_ = keychain;
    EXPECT_EQ(gather(ask_about(by_digest_, {release})).failure.has_value(), user == "bob");
  }
}

}  // namespace
}  // namespace portcullis::evidence
