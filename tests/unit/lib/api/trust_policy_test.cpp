#include "lib/api/trust_policy.hpp"

#include <gmock/gmock.h>

#include "lib/codec/json.hpp"

namespace portcullis::api {
namespace {

using codec::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Json policy() {
  return Json::parse(R"({"metadata": {"name": "ours", "generation": 3}, "spec": {
    "images": {"include": ["registry.example.com/ml/**"], "exclude": ["registry.example.com/ml/x/**"]},
    "profiles": ["default"], "mode": "Audit", "revokedDigests": ["sha256:1"],
    "authorities": [
      {"name": "release", "vouchesFor": ["SBOM", "Signature"], "publicKey": {"pem": "PEM"},
       "formats": ["Bundle"], "requires": ["TransparencyLog"], "trustedRootRef": {"name": "private"},
       "evidenceRepositories": ["registry.example.com/evidence"]},
      {"name": "ci", "vouchesFor": ["Scan", "Provenance"],
       "keyless": {"identities": [{"issuer": "https://i", "subjectRegExp": "https://s/.*"}]},
       "provenance": {"builderIDs": ["https://b"]}},
      {"name": "vendor", "vouchesFor": ["Signature"], "digests": ["sha256:2"]}]}})");
}

TEST(TrustPolicyTest, EveryFieldIsRead) {
  const auto parsed = parse_trust_policy(policy());
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->meta.key.name, "ours");
  EXPECT_THAT(parsed->include, ElementsAre("registry.example.com/ml/**"));
  EXPECT_THAT(parsed->exclude, ElementsAre("registry.example.com/ml/x/**"));
  EXPECT_THAT(parsed->profiles, ElementsAre("default"));
  EXPECT_EQ(parsed->mode, Mode::kAudit);
  EXPECT_THAT(parsed->revoked_digests, ElementsAre("sha256:1"));
  ASSERT_EQ(parsed->authorities.size(), 3U);

  const auto& release = parsed->authorities[0];
  EXPECT_THAT(release.vouches_for, ElementsAre(EvidenceType::kSignature, EvidenceType::kSBOM));
  EXPECT_EQ(release.public_key_pem, "PEM");
  EXPECT_THAT(release.formats, ElementsAre(SignatureFormat::kBundle));
  EXPECT_THAT(release.requirements, ElementsAre(TimeRequirement::kTransparencyLog));
  EXPECT_EQ(release.trusted_root, "private");
  EXPECT_THAT(release.evidence_repositories, ElementsAre("registry.example.com/evidence"));

  const auto& ci = parsed->authorities[1];
  ASSERT_EQ(ci.keyless.size(), 1U);
  EXPECT_EQ(ci.keyless[0].issuer, "https://i");
  EXPECT_EQ(ci.keyless[0].issuer_reg_exp, std::nullopt);
  EXPECT_EQ(ci.keyless[0].subject_reg_exp, "https://s/.*");
  EXPECT_THAT(ci.builder_ids, ElementsAre("https://b"));
  EXPECT_THAT(parsed->authorities[2].digests, ElementsAre("sha256:2"));
}

TEST(TrustPolicyTest, AbsentMeansEnforcedInAllProfiles) {
  auto object = policy();
  object["spec"].erase("mode");
  object["spec"].erase("profiles");
  object["spec"]["revokedDigests"] = Json::array();
  const auto parsed = parse_trust_policy(object);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->mode, Mode::kEnforce);
  EXPECT_THAT(parsed->profiles, IsEmpty());
  EXPECT_THAT(parsed->revoked_digests, IsEmpty());
}

TEST(TrustPolicyTest, WhatIsWrongIsNamedByItsPath) {
  struct Row {
    const char* pointer;
    const char* value;
    const char* expected;
  };
  const Row rows[] = {
      {"/spec", "null", "spec.images.include: is required"},
      {"/spec", "3", "spec: must be an object"},
      {"/spec/images/include", "null", "spec.images.include: is required"},
      {"/spec/images/include", "[]", "spec.images.include: is an empty list"},
      {"/spec/images/include/0", "\"\"", "spec.images.include[0]: is required"},
      {"/spec/images/exclude/0", "1", "spec.images.exclude[0]: must be a text"},
      {"/spec/profiles", "[]", "spec.profiles: is an empty list"},
      {"/spec/mode", "\"Warn\"", "spec.mode: \"Warn\" is not one of"},
      {"/spec/revokedDigests", "\"sha256:1\"", "spec.revokedDigests: must be a list"},
      {"/spec/authorities", "null", "spec.authorities: is required"},
      {"/spec/authorities", "[3]", "spec.authorities[0]: must be an object"},
      {"/spec/authorities/1/name", "\"release\"", "\"release\" stands twice"},
      {"/spec/authorities/0/vouchesFor", "null", "spec.authorities[0].vouchesFor: is required"},
      {"/spec/authorities/0/vouchesFor/0", "\"Sig\"", "vouchesFor[0]: \"Sig\" is not one of"},
      {"/spec/authorities/0/publicKey", "null", "must have exactly one of publicKey, keyless"},
      {"/spec/authorities/0/publicKey", "{}", "spec.authorities[0].publicKey.pem: is required"},
      {"/spec/authorities/0/publicKey", "\"PEM\"",
       "spec.authorities[0].publicKey: must be an object"},
      {"/spec/authorities/0/digests", "[\"sha256:1\"]",
       "must have exactly one of publicKey, keyless"},
      {"/spec/authorities/2/digests", "[]", "spec.authorities[2].digests: is an empty list"},
      {"/spec/authorities/1/keyless", "{}", "keyless.identities: is required"},
      {"/spec/authorities/1/keyless/identities/0/issuer", "null",
       "exactly one of issuer, issuerRegExp"},
      {"/spec/authorities/1/keyless/identities/0/issuerRegExp", "\".*\"",
       "exactly one of issuer, issuerRegExp"},
      {"/spec/authorities/1/keyless/identities/0/subjectRegExp", "null",
       "exactly one of subject, subjectRegExp"},
      {"/spec/authorities/0/formats/0", "\"Any\"", "formats[0]: \"Any\""},
      {"/spec/authorities/0/requires", "[]", "requires: is an empty list"},
      {"/spec/authorities/0/requires/0", "\"Log\"", "requires[0]: \"Log\""},
      {"/spec/authorities/0/trustedRootRef", "{}", "trustedRootRef.name: is required"},
      {"/spec/authorities/1/provenance/builderIDs", "\"b\"", "builderIDs: must be a list"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(std::string(row.pointer) + " = " + row.value);
    auto object = policy();
    object[Json::json_pointer(row.pointer)] = Json::parse(row.value);
    const auto parsed = parse_trust_policy(object);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(parsed.error().message(), HasSubstr(row.expected));
  }
}

TEST(TrustPolicyTest, TheProfilesOfABrokenPolicyAreReadAsFarAsTheyCanBe) {
  auto object = policy();
  object["spec"]["authorities"] = 3;
  EXPECT_THAT(readable_profiles(object), ElementsAre("default"));
  object["spec"]["profiles"] = Json::array({"default", 3});
  EXPECT_THAT(readable_profiles(object), IsEmpty()) << "then it counts in all of them";
  EXPECT_THAT(readable_profiles(Json::parse("[]")), IsEmpty());
}

TEST(TrustedRootTest, HasExactlyOneSource) {
  struct Row {
    const char* spec;
    bool parses;
  };
  const Row rows[] = {
      {R"({"configMapRef": {"name": "private-root", "key": "trusted_root.json"}})", true},
      {R"({"inline": "{}"})", true},
      {R"({})", false},
      {R"({"inline": "{}", "configMapRef": {"name": "a", "key": "b"}})", false},
      {R"({"configMapRef": {"name": "a"}})", false},
      {R"({"inline": {}})", false},
  };
  for (const auto& row : rows) {
    const auto root = parse_trusted_root({{"spec", Json::parse(row.spec)}});
    EXPECT_EQ(root.has_value(), row.parses) << row.spec;
  }
}

}  // namespace
}  // namespace portcullis::api
