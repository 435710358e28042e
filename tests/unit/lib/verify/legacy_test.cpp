#include "lib/verify/legacy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"
#include "lib/crypto/digest.hpp"
#include "tests/fakes/signer.hpp"

namespace portcullis::verify {
namespace {

using codec::Json;
using ::testing::HasSubstr;
using testing::KeyType;
using testing::LegacyLayer;
using testing::make_key;
using testing::SigningKey;

const std::string kDigest = crypto::sha256_digest("image");
const std::string kOther = crypto::sha256_digest("other image");

Candidate candidate(const LegacyLayer& layer) {
  return {.format = layer.media_type == testing::kSimpleSigningMediaType
                        ? Format::kLegacySignature
                        : Format::kLegacyAttestation,
          .bytes = layer.bytes,
          .annotations = layer.annotations,
          .digest = "sha256:evidence",
          .repository = ""};
}
Verification verify(const LegacyLayer& layer, const SigningKey& key) {
  return verify_legacy_by_key(candidate(layer),
                              crypto::PublicKey::parse_pem(key.public_pem()).value(), {kDigest});
}

constexpr KeyType kTypes[] = {KeyType::kEcdsaP256, KeyType::kEcdsaP384, KeyType::kEcdsaP521,
                              KeyType::kRsa2048, KeyType::kEd25519};

TEST(LegacyTest, SimpleSigningIsASignature) {
  for (const auto type : kTypes) {
    SCOPED_TRACE(static_cast<int>(type));
    const auto key = make_key(type);
    const auto result = verify(testing::sign_legacy(key, kDigest), key);
    ASSERT_TRUE(std::holds_alternative<Claim>(result)) << std::get<Rejected>(result).reason;
    const auto& claim = std::get<Claim>(result);
    EXPECT_EQ(claim.kind, ClaimKind::kSignature);
    EXPECT_EQ(claim.subject_digest, kDigest);
    EXPECT_EQ(claim.predicate_type, "");
    EXPECT_EQ(claim.predicate, nullptr);
    EXPECT_EQ(claim.format, Format::kLegacySignature);
    EXPECT_EQ(claim.evidence_digest, "sha256:evidence");
    EXPECT_TRUE(claim.verified_times.empty());
  }
}

TEST(LegacyTest, AnAttestationLayerIsAnAttestation) {
  for (const auto type : kTypes) {
    SCOPED_TRACE(static_cast<int>(type));
    const auto key = make_key(type);
    const auto result =
        verify(testing::attest_legacy(key, testing::kVulnPredicate, {{"a", 1}}, kDigest), key);
    ASSERT_TRUE(std::holds_alternative<Claim>(result)) << std::get<Rejected>(result).reason;
    const auto& claim = std::get<Claim>(result);
    EXPECT_EQ(claim.kind, ClaimKind::kAttestation);
    EXPECT_EQ(claim.predicate_type, kCosignVulnPredicate);
    EXPECT_EQ(*claim.predicate, Json({{"a", 1}}));
    EXPECT_EQ(claim.format, Format::kLegacyAttestation);
  }
}

TEST(LegacyTest, ThePredicateTypeAnnotationIsNotBelieved) {
  const auto key = make_key();
  auto layer = testing::attest_legacy(key, testing::kVulnPredicate, nullptr, kDigest);
  layer.annotations["predicateType"] = testing::kSignPredicate;
  EXPECT_EQ(std::get<Claim>(verify(layer, key)).kind, ClaimKind::kAttestation);
}

TEST(LegacyTest, LogAnnotationsGiveNoTime) {
  const auto key = make_key();
  auto layer = testing::sign_legacy(key, kDigest);
  layer.annotations["dev.sigstore.cosign/bundle"] =
      R"({"SignedEntryTimestamp":"c2ln","Payload":{"integratedTime":1700000000}})";
  EXPECT_TRUE(std::get<Claim>(verify(layer, key)).verified_times.empty());
}

TEST(LegacyTest, OtherHashesThanSha256AreNotTried) {
  const auto key = make_key(KeyType::kEcdsaP384);
  auto layer = testing::sign_legacy(key, kDigest);
  layer.annotations[testing::kSignatureAnnotation] = codec::encode_base64(key.sign(layer.bytes));
  EXPECT_EQ(std::get<Rejected>(verify(layer, key)).check, Check::kSignature);
}

TEST(LegacyTest, EachFaultIsNamed) {
  const auto key = make_key();
  const auto with = [&](const char* annotation, const std::string& value) {
    auto layer = testing::sign_legacy(key, kDigest);
    layer.annotations[annotation] = value;
    return layer;
  };
  const auto without_signature = [&] {
    auto layer = testing::sign_legacy(key, kDigest);
    layer.annotations.clear();
    return layer;
  }();
  auto changed = testing::sign_legacy(key, kDigest);
  changed.bytes = testing::make_simple_signing(kOther);
  auto changed_attestation = testing::attest_legacy(key, "t", nullptr, kOther);
  changed_attestation.bytes = "{}";

  struct Case {
    const char* name;
    LegacyLayer layer;
    Check check;
    const char* says;
  };
  const Case cases[] = {
      {"no annotation", without_signature, Check::kStructure, "has no annotation"},
      {"empty annotation", with(testing::kSignatureAnnotation, ""), Check::kStructure,
       "has no annotation"},
      {"annotation not base64", with(testing::kSignatureAnnotation, "*"), Check::kStructure,
       testing::kSignatureAnnotation},
      {"annotation too long", with(testing::kSignatureAnnotation, std::string(1404, 'A')),
       Check::kStructure, "too long"},
      {"certificate under a key", with("dev.sigstore.cosign/certificate", "-----BEGIN"),
       Check::kMaterial, "keyless"},
      {"certificate on an attestation",
       [&] {
         auto layer = testing::attest_legacy(key, "t", nullptr, kDigest);
         layer.annotations["dev.sigstore.cosign/certificate"] = "-----BEGIN";
         return layer;
       }(),
       Check::kMaterial, "keyless"},
      {"signature of another key", testing::sign_legacy(make_key(), kDigest), Check::kSignature,
       "not made by the authority's key"},
      {"payload exchanged", changed, Check::kSignature, ""},
      {"another image", testing::sign_legacy(key, kOther), Check::kSubject, "not about"},
      {"attestation for another image", testing::attest_legacy(key, "t", nullptr, kOther),
       Check::kSubject, "not about"},
      {"envelope exchanged", changed_attestation, Check::kStructure, "exactly one"},
      {"payload too large", testing::sign_payload(key, std::string(32769, ' ')), Check::kStructure,
       "32 KiB"},
      {"payload is no JSON", testing::sign_payload(key, "hello"), Check::kStatement, ""},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const auto result = verify(test.layer, key);
    const auto* rejected = std::get_if<Rejected>(&result);
    ASSERT_NE(rejected, nullptr);
    EXPECT_EQ(to_string(rejected->check), to_string(test.check)) << rejected->reason;
    EXPECT_THAT(rejected->reason, HasSubstr(test.says));
  }
}

TEST(LegacyTest, OnlyTheExactPayloadFormIsAccepted) {
  const std::string good = testing::make_simple_signing(kDigest);
  ASSERT_TRUE(parse_simple_signing(good));
  EXPECT_EQ(parse_simple_signing(good)->docker_reference, "registry.example.com/app");

  const auto replaced = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  struct Case {
    const char* name;
    std::string text;
    const char* says;
  };
  const Case cases[] = {
      {"another type", replaced("cosign container image signature", "atomic container signature"),
       "of type"},
      {"no type", replaced(R"(,"type":"cosign container image signature")", ""), "type is missing"},
      {"digest in capitals, as Go would read it",
       replaced("docker-manifest-digest", "Docker-manifest-digest"), "unknown field"},
      {"both spellings",
       replaced("\"docker-manifest-digest\"",
                "\"Docker-Manifest-Digest\":\"" + kOther + "\",\"docker-manifest-digest\""),
       "unknown field"},
      {"digest twice",
       replaced("\"docker-manifest-digest\"",
                "\"docker-manifest-digest\":\"" + kOther + "\",\"docker-manifest-digest\""),
       ""},
      {"critical twice, in capitals", replaced("{\"critical\"", "{\"Critical\":{},\"critical\""),
       "unknown field"},
      {"unknown critical member", replaced("\"type\"", "\"expires\":1,\"type\""), "unknown field"},
      {"not a digest", replaced(kDigest, "latest"), "not a sha256 digest"},
      {"sha512", replaced(kDigest, "sha512:" + std::string(128, 'a')), "not a sha256 digest"},
      {"no image", R"({"critical":{"identity":{"docker-reference":""},"type":"x"}})",
       "image is missing"},
      {"empty", "{}", "critical is missing"},
      {"list", "[]", "not a JSON object"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const auto signing = parse_simple_signing(test.text);
    ASSERT_FALSE(signing);
    EXPECT_THAT(signing.error().message(), HasSubstr(test.says));
  }
}

}  // namespace
}  // namespace portcullis::verify
