#include "lib/verify/statement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "lib/codec/json.hpp"
#include "lib/crypto/digest.hpp"
#include "tests/fakes/signer.hpp"

namespace portcullis::verify {
namespace {

using codec::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kIndex = crypto::sha256_digest("index");
const std::string kChild = crypto::sha256_digest("child");

Json good() { return testing::make_statement("https://example.com/type", {{"a", 1}}, {kChild}); }

TEST(StatementTest, BothVersionsAreRead) {
  for (const char* type :
       {"https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"}) {
    Json value = good();
    value["_type"] = type;
    const auto statement = parse_statement(value.dump());
    ASSERT_TRUE(statement) << statement.error().message();
    EXPECT_EQ(statement->predicate_type, "https://example.com/type");
    EXPECT_THAT(statement->subjects, ElementsAre(kChild));
    EXPECT_EQ(*statement->predicate, Json({{"a", 1}}));
  }
}

TEST(StatementTest, UnknownMembersAndOtherAlgorithmsAreNoHindrance) {
  Json value = good();
  value["more"] = true;
  value["subject"][0]["name"] = "app";
  value["subject"][0]["annotations"] = {{"user", "x"}};
  value["subject"][0]["digest"]["sha512"] = std::string(128, 'a');
  value["subject"].push_back({{"digest", {{"gitCommit", "abc"}}}});
  EXPECT_THAT(parse_statement(value.dump()).value().subjects, ElementsAre(kChild));
}

TEST(StatementTest, APredicateMayBeAnythingOrAbsent) {
  Json value = good();
  value["predicate"] = "text SPDX";
  EXPECT_EQ(*parse_statement(value.dump()).value().predicate, "text SPDX");
  value.erase("predicate");
  EXPECT_TRUE(parse_statement(value.dump()).value().predicate->is_null());
}

TEST(StatementTest, WhatIsNotAStatementIsRefused) {
  struct Case {
    const char* name;
    std::function<void(Json&)> spoil;
    const char* says;
  };
  const Case cases[] = {
      {"no object", [](Json& s) { s = 1; }, "not a JSON object"},
      {"no type", [](Json& s) { s.erase("_type"); }, "not an in-toto Statement"},
      {"another type", [](Json& s) { s["_type"] = "https://in-toto.io/Statement/v2"; },
       "not an in-toto Statement"},
      {"no predicate type", [](Json& s) { s.erase("predicateType"); }, "predicateType"},
      {"predicate type in another case",
       [](Json& s) {
         s["PredicateType"] = s["predicateType"];
         s.erase("predicateType");
       },
       "predicateType"},
      {"empty predicate type", [](Json& s) { s["predicateType"] = ""; }, "predicateType"},
      {"no subject", [](Json& s) { s.erase("subject"); }, "no subject"},
      {"empty subject", [](Json& s) { s["subject"] = Json::array(); }, "no subject"},
      {"null subject", [](Json& s) { s["subject"] = nullptr; }, "no subject"},
      {"subject is no list", [](Json& s) { s["subject"] = s["subject"][0]; }, "no subject"},
      {"1025 subjects", [](Json& s) { s["subject"] = Json(1025, s["subject"][0]); }, "1024"},
      {"null digest", [](Json& s) { s["subject"][0]["digest"] = nullptr; }, "no digest"},
      {"digest is text", [](Json& s) { s["subject"][0]["digest"] = kChild; }, "no digest"},
      {"digest value is no text", [](Json& s) { s["subject"][0]["digest"]["sha256"] = 1; },
       "not text"},
      {"33 digests",
       [](Json& s) {
         for (int i = 0; i < 32; ++i) s["subject"][0]["digest"]["a" + std::to_string(i)] = "x";
       },
       "32 digests"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    Json value = good();
    test.spoil(value);
    const auto statement = parse_statement(value.dump());
    ASSERT_FALSE(statement);
    EXPECT_EQ(statement.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(statement.error().message(), HasSubstr(test.says));
  }
  EXPECT_FALSE(parse_statement(good().dump() + "x"));
  EXPECT_FALSE(parse_statement(R"({"_type":"a",)" + good().dump().substr(1))) << "member twice";
}

class VerifyEnvelopeTest : public ::testing::Test {
 protected:
  Verification verify(const Json& statement, const std::vector<std::string>& subjects) {
    const auto value = testing::make_envelope(signer_, statement.dump());
    const auto envelope = parse_envelope(value, "envelope").value();
    return verify_envelope(envelope, key_, key_.natural_hash(), Candidate{}, subjects);
  }
  testing::SigningKey signer_ = testing::make_key();
  crypto::PublicKey key_ = crypto::PublicKey::parse_pem(signer_.public_pem()).value();
};

TEST_F(VerifyEnvelopeTest, AnIndexIsTakenBeforeItsChildren) {
  const auto both = testing::make_statement("t", nullptr, {kChild, kIndex});
  EXPECT_EQ(std::get<Claim>(verify(both, {kIndex, kChild})).subject_digest, kIndex);
  EXPECT_EQ(std::get<Claim>(verify(both, {kChild})).subject_digest, kChild);
}

TEST_F(VerifyEnvelopeTest, AChildDoesNotStandForItsIndexNorTheReverse) {
  const auto child = testing::make_statement("t", nullptr, {kChild});
  const auto index = testing::make_statement("t", nullptr, {kIndex});
  EXPECT_EQ(std::get<Rejected>(verify(child, {kIndex})).check, Check::kSubject);
  EXPECT_EQ(std::get<Rejected>(verify(index, {kChild})).check, Check::kSubject);
  EXPECT_EQ(std::get<Rejected>(verify(index, {})).check, Check::kSubject);
}

TEST_F(VerifyEnvelopeTest, OnlyTheExactPredicateTypeMakesASignature) {
  const auto kind = [&](std::string_view type) {
    return std::get<Claim>(verify(testing::make_statement(type, {}, {kChild}), {kChild})).kind;
  };
  EXPECT_EQ(kind("https://sigstore.dev/cosign/sign/v1"), ClaimKind::kSignature);
  for (const char* type :
       {"https://sigstore.dev/cosign/sign/v1/", "https://sigstore.dev/cosign/sign/v2",
        "https://SIGSTORE.dev/cosign/sign/v1", " https://sigstore.dev/cosign/sign/v1",
        "https://cosign.sigstore.dev/attestation/vuln/v1", "https://slsa.dev/provenance/v1"}) {
    EXPECT_EQ(kind(type), ClaimKind::kAttestation) << type;
  }
}

}  // namespace
}  // namespace portcullis::verify
