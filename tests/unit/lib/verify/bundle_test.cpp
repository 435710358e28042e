#include "lib/verify/bundle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "lib/codec/encoding.hpp"
#include "lib/crypto/digest.hpp"
#include "tests/fakes/signer.hpp"

namespace portcullis::verify {
namespace {

using codec::Json;
using ::testing::HasSubstr;
using testing::KeyType;
using testing::make_key;
using testing::SigningKey;

const std::string kDigest = crypto::sha256_digest("image");
const std::string kOther = crypto::sha256_digest("other image");

crypto::PublicKey public_key(const SigningKey& key) {
  return crypto::PublicKey::parse_pem(key.public_pem()).value();
}
const SigningKey& signer() {
  static const SigningKey key = make_key();
  return key;
}

Candidate candidate(std::string bytes) {
  return {.format = Format::kBundle,
          .bytes = std::move(bytes),
          .annotations = {},
          .digest = "sha256:evidence",
          .repository = "registry.example.com/app"};
}
Verification verify(const std::string& bytes, const SigningKey& key = signer()) {
  return verify_bundle_by_key(candidate(bytes), public_key(key), {kDigest});
}
Json good_bundle() { return Json::parse(testing::sign_image(signer(), kDigest)); }

std::string base64(std::size_t size, char fill = 'x') {
  return codec::encode_base64(std::string(size, fill));
}
Json log_entry() {
  return {{"logIndex", "7"},
          {"logId", {{"keyId", base64(32)}}},
          {"kindVersion", {{"kind", "dsse"}, {"version", "0.0.1"}}},
          {"integratedTime", "1700000000"},
          {"inclusionPromise", {{"signedEntryTimestamp", base64(70)}}},
          {"inclusionProof",
           {{"logIndex", "3"},
            {"treeSize", "4"},
            {"rootHash", base64(32)},
            {"hashes", {base64(32), base64(32)}},
            {"checkpoint", {{"envelope", "log\n4\nroot\n\n- log sig\n"}}}}},
          {"canonicalizedBody", base64(10)}};
}

struct Case {
  const char* name;
  std::function<void(Json&)> spoil;
  Check check;
  const char* says;
};
void expect_rejected(const std::vector<Case>& cases) {
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    Json bundle = good_bundle();
    test.spoil(bundle);
    const auto result = verify(bundle.dump());
    const auto* rejected = std::get_if<Rejected>(&result);
    ASSERT_NE(rejected, nullptr);
    EXPECT_EQ(to_string(rejected->check), to_string(test.check));
    EXPECT_THAT(rejected->reason, HasSubstr(test.says));
  }
}

TEST(BundleTest, WhatCosignSignsIsASignature) {
  for (const auto type : {KeyType::kEcdsaP256, KeyType::kEcdsaP384, KeyType::kEcdsaP521,
                          KeyType::kRsa2048, KeyType::kEd25519}) {
    SCOPED_TRACE(static_cast<int>(type));
    const auto key = make_key(type);
    const auto result = verify(testing::sign_image(key, kDigest), key);
    ASSERT_TRUE(std::holds_alternative<Claim>(result)) << std::get<Rejected>(result).reason;
    const auto& claim = std::get<Claim>(result);
    EXPECT_EQ(claim.kind, ClaimKind::kSignature);
    EXPECT_EQ(claim.subject_digest, kDigest);
    EXPECT_EQ(claim.predicate_type, kCosignSignPredicate);
    EXPECT_EQ(*claim.predicate, Json::object());
    EXPECT_EQ(claim.format, Format::kBundle);
    EXPECT_EQ(claim.evidence_digest, "sha256:evidence");
    EXPECT_TRUE(claim.verified_times.empty());
  }
}

TEST(BundleTest, AnAttestationIsNeverASignature) {
  const Json predicate = {{"scanner", {{"uri", "pkg:trivy"}}}};
  const auto result =
      verify(testing::sign_bundle(signer(), testing::kVulnPredicate, predicate, kDigest));
  const auto& claim = std::get<Claim>(result);
  EXPECT_EQ(claim.kind, ClaimKind::kAttestation);
  EXPECT_EQ(claim.predicate_type, kCosignVulnPredicate);
  EXPECT_EQ(*claim.predicate, predicate);
}

TEST(BundleTest, AnnotationsDoNotDecideWhatAClaimIs) {
  auto found = candidate(testing::sign_bundle(signer(), testing::kVulnPredicate, {}, kDigest));
  found.annotations["dev.sigstore.bundle.predicateType"] = testing::kSignPredicate;
  const auto result = verify_bundle_by_key(found, public_key(signer()), {kDigest});
  EXPECT_EQ(std::get<Claim>(result).kind, ClaimKind::kAttestation);
}

TEST(BundleTest, BothMediaTypesOfVersion03AreRead) {
  Json bundle = good_bundle();
  bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.3";
  EXPECT_TRUE(std::holds_alternative<Claim>(verify(bundle.dump())));
}

TEST(BundleTest, TheHintIsOptionalAndProvesNothing) {
  Json bundle = good_bundle();
  bundle["verificationMaterial"]["publicKey"]["hint"] = "another key, by its own word";
  EXPECT_TRUE(std::holds_alternative<Claim>(verify(bundle.dump())));
  bundle["verificationMaterial"]["publicKey"] = Json::object();
  EXPECT_TRUE(std::holds_alternative<Claim>(verify(bundle.dump())));
}

TEST(BundleTest, LogEntriesAndTimestampsGiveABareKeyNoTime) {
  Json bundle = good_bundle();
  auto& material = bundle["verificationMaterial"];
  auto without_promise = log_entry();
  without_promise.erase("inclusionPromise");
  without_promise["logIndex"] = 8;
  material["tlogEntries"] = {log_entry(), without_promise};
  material["timestampVerificationData"] = {
      {"rfc3161Timestamps", {{{"signedTimestamp", base64(64)}}}}};
  const auto result = verify(bundle.dump());
  ASSERT_TRUE(std::holds_alternative<Claim>(result)) << std::get<Rejected>(result).reason;
  EXPECT_TRUE(std::get<Claim>(result).verified_times.empty());

  const auto parsed = parse_bundle(bundle.dump()).value();
  ASSERT_EQ(parsed.log_entries.size(), 2U);
  EXPECT_EQ(parsed.log_entries[0].log_index, 7);
  EXPECT_EQ(parsed.log_entries[0].integrated_time, 1700000000);
  EXPECT_EQ(parsed.log_entries[0].inclusion_proof.hashes.size(), 2U);
  EXPECT_EQ(parsed.log_entries[1].signed_entry_timestamp, "");
  EXPECT_EQ(parsed.timestamps.size(), 1U);
}

TEST(BundleTest, TheFirstEntryOfALogLeavesItsZerosOut) {
  Json entry = log_entry();
  entry.erase("logIndex");
  entry.erase("integratedTime");
  entry["inclusionProof"].erase("logIndex");
  entry["inclusionProof"]["treeSize"] = "1";
  entry["inclusionProof"].erase("hashes");
  Json bundle = good_bundle();
  bundle["verificationMaterial"]["tlogEntries"] = {entry};
  EXPECT_TRUE(std::holds_alternative<Claim>(verify(bundle.dump())));
}

TEST(BundleTest, WrongStructureIsRejected) {
  const auto envelope = [](Json& b) -> Json& { return b["dsseEnvelope"]; };
  const auto material = [](Json& b) -> Json& { return b["verificationMaterial"]; };
  expect_rejected({
      {"no object", [](Json& b) { b = Json::array(); }, Check::kStructure, "not a JSON object"},
      {"no media type", [](Json& b) { b.erase("mediaType"); }, Check::kStructure,
       "bundle.mediaType is missing"},
      {"version 0.2",
       [](Json& b) { b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2"; },
       Check::kStructure, "version 0.3"},
      {"media type in capitals",
       [](Json& b) { b["mediaType"] = "application/vnd.dev.sigstore.bundle.V0.3+json"; },
       Check::kStructure, "version 0.3"},
      {"unknown field", [](Json& b) { b["extra"] = 1; }, Check::kStructure, "\"extra\""},
      {"field in snake case", [](Json& b) { b["dsse_envelope"] = b["dsseEnvelope"]; },
       Check::kStructure, "unknown field"},
      {"no material", [](Json& b) { b.erase("verificationMaterial"); }, Check::kStructure,
       "verificationMaterial is missing"},
      {"empty material", [&](Json& b) { material(b) = Json::object(); }, Check::kStructure,
       "exactly one of publicKey and certificate"},
      {"key and certificate",
       [&](Json& b) {
         material(b)["certificate"] = {{"rawBytes", base64(9)}};
       },
       Check::kStructure, "exactly one"},
      {"chain", [&](Json& b) { material(b)["x509CertificateChain"] = Json::object(); },
       Check::kStructure, "chain"},
      {"key in the bundle", [&](Json& b) { material(b)["publicKey"]["rawBytes"] = base64(91); },
       Check::kStructure, "rawBytes"},
      {"null key", [&](Json& b) { material(b)["publicKey"] = nullptr; }, Check::kStructure, "null"},
      {"no content", [](Json& b) { b.erase("dsseEnvelope"); }, Check::kStructure, "exactly one of"},
      {"two contents",
       [](Json& b) {
         b["messageSignature"] =
             Json::parse(testing::sign_message_bundle(signer(), "image"))["messageSignature"];
       },
       Check::kStructure, "exactly one of"},
      {"two signatures",
       [&](Json& b) { envelope(b)["signatures"].push_back(envelope(b)["signatures"][0]); },
       Check::kStructure, "exactly one"},
      {"no signature", [&](Json& b) { envelope(b)["signatures"] = Json::array(); },
       Check::kStructure, "exactly one"},
      {"signature with a certificate", [&](Json& b) { envelope(b)["signatures"][0]["cert"] = "x"; },
       Check::kStructure, "\"cert\""},
      {"unpadded base64",
       [&](Json& b) {
         std::string sig = envelope(b)["signatures"][0]["sig"];
         envelope(b)["signatures"][0]["sig"] = sig + "=";
       },
       Check::kStructure, "signatures[0].sig"},
      {"base64 with a line end",
       [&](Json& b) {
         std::string sig = envelope(b)["signatures"][0]["sig"];
         envelope(b)["signatures"][0]["sig"] = sig.insert(4, "\n");
       },
       Check::kStructure, "signatures[0].sig"},
      {"URL-safe base64", [&](Json& b) { envelope(b)["payload"] = "-_-_"; }, Check::kStructure,
       "payload"},
      {"base64 with set trailing bits", [&](Json& b) { envelope(b)["payload"] = "QR=="; },
       Check::kStructure, "payload"},
      {"empty payload", [&](Json& b) { envelope(b)["payload"] = ""; }, Check::kStructure,
       "payload is empty"},
      {"payload of another type", [&](Json& b) { envelope(b)["payload"] = Json::object(); },
       Check::kStructure, "payload"},
  });
}

TEST(BundleTest, WrongLogEntriesAndTimestampsAreRejected) {
  const auto with_entry = [](std::function<void(Json&)> spoil) {
    return [spoil](Json& bundle) {
      Json entry = log_entry();
      spoil(entry);
      bundle["verificationMaterial"]["tlogEntries"] = {entry};
    };
  };
  const auto proof = [](Json& e) -> Json& { return e["inclusionProof"]; };
  expect_rejected({
      {"33 entries",
       [](Json& b) {
         for (int i = 0; i < 33; ++i) {
           auto entry = log_entry();
           entry["logIndex"] = i;
           b["verificationMaterial"]["tlogEntries"].push_back(entry);
         }
       },
       Check::kStructure, "more than 32"},
      {"the same entry twice",
       [](Json& b) {
         b["verificationMaterial"]["tlogEntries"] = {log_entry(), log_entry()};
       },
       Check::kStructure, "repeats"},
      {"entries are no list", [](Json& b) { b["verificationMaterial"]["tlogEntries"] = "x"; },
       Check::kStructure, "not a list"},
      {"no proof", with_entry([](Json& e) { e.erase("inclusionProof"); }), Check::kStructure,
       "inclusionProof is missing"},
      {"no checkpoint", with_entry([&](Json& e) { proof(e).erase("checkpoint"); }),
       Check::kStructure, "checkpoint is missing"},
      {"empty checkpoint", with_entry([&](Json& e) { proof(e)["checkpoint"]["envelope"] = ""; }),
       Check::kStructure, "checkpoint.envelope"},
      {"huge checkpoint", with_entry([&](Json& e) {
         proof(e)["checkpoint"]["envelope"] = std::string((64U << 10) + 1, 'x');
       }),
       Check::kStructure, "64 KiB"},
      {"index not below size", with_entry([&](Json& e) { proof(e)["logIndex"] = "4"; }),
       Check::kStructure, "not below"},
      {"empty tree", with_entry([&](Json& e) {
         proof(e)["logIndex"] = "0";
         proof(e)["treeSize"] = "0";
       }),
       Check::kStructure, "not below"},
      {"65 hashes", with_entry([&](Json& e) { proof(e)["hashes"] = Json(65, base64(32)); }),
       Check::kStructure, "more than 64"},
      {"31-byte hash", with_entry([&](Json& e) { proof(e)["hashes"] = {base64(31)}; }),
       Check::kStructure, "32 bytes"},
      {"hash is a number", with_entry([&](Json& e) { proof(e)["hashes"] = {1}; }),
       Check::kStructure, "base64"},
      {"31-byte root", with_entry([&](Json& e) { proof(e)["rootHash"] = base64(31); }),
       Check::kStructure, "rootHash"},
      {"log id of 31 bytes", with_entry([](Json& e) { e["logId"]["keyId"] = base64(31); }),
       Check::kStructure, "keyId"},
      {"negative index", with_entry([](Json& e) { e["logIndex"] = -1; }), Check::kStructure,
       "whole number"},
      {"index with a leading zero", with_entry([](Json& e) { e["logIndex"] = "07"; }),
       Check::kStructure, "whole number"},
      {"index beyond 63 bits", with_entry([](Json& e) { e["logIndex"] = "9223372036854775808"; }),
       Check::kStructure, "whole number"},
      {"fractional index", with_entry([](Json& e) { e["logIndex"] = 1.5; }), Check::kStructure,
       "whole number"},
      {"empty promise",
       with_entry([](Json& e) { e["inclusionPromise"]["signedEntryTimestamp"] = ""; }),
       Check::kStructure, "signedEntryTimestamp"},
      {"no body", with_entry([](Json& e) { e.erase("canonicalizedBody"); }), Check::kStructure,
       "canonicalizedBody"},
      {"no kind", with_entry([](Json& e) { e.erase("kindVersion"); }), Check::kStructure,
       "kindVersion"},
      {"the same timestamp twice",
       [](Json& b) {
         const Json stamp = {{"signedTimestamp", base64(64)}};
         b["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"] = {stamp,
                                                                                        stamp};
       },
       Check::kStructure, "repeats"},
      {"huge timestamp",
       [](Json& b) {
         b["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"] = {
             {{"signedTimestamp", base64((64U << 10) + 1)}}};
       },
       Check::kStructure, "more than 65536"},
  });
}

TEST(BundleTest, WrongMaterialSignatureAndContentAreRejected) {
  const auto resigned = [](std::string_view payload, std::string_view type) {
    return testing::make_bundle(signer(), testing::make_envelope(signer(), payload, type));
  };
  const auto statement = [](const Json& value) {
    return testing::make_bundle(signer(), testing::make_envelope(signer(), value.dump()));
  };
  const Json good = testing::make_statement(testing::kSignPredicate, Json::object(), {kDigest});
  expect_rejected({
      {"keyless bundle under a key",
       [](Json& b) {
         b["verificationMaterial"].erase("publicKey");
         b["verificationMaterial"]["certificate"] = {{"rawBytes", base64(9)}};
       },
       Check::kMaterial, "keyless"},
      {"another key", [](Json& b) { b = Json::parse(testing::sign_image(make_key(), kDigest)); },
       Check::kSignature, "not made by the authority's key"},
      {"payload exchanged",
       [](Json& b) {
         b["dsseEnvelope"]["payload"] =
             Json::parse(testing::sign_image(signer(), kOther))["dsseEnvelope"]["payload"];
       },
       Check::kSignature, ""},
      {"payload type exchanged", [](Json& b) { b["dsseEnvelope"]["payloadType"] = "text/plain"; },
       Check::kSignature, ""},
      {"signed as text/plain", [&](Json& b) { b = resigned(good.dump(), "text/plain"); },
       Check::kPayloadType, "\"text/plain\""},
      {"signature over the payload without PAE",
       [](Json& b) {
         const auto payload =
             codec::decode_base64(b["dsseEnvelope"]["payload"].get<std::string>()).value();
         b["dsseEnvelope"]["signatures"][0]["sig"] = codec::encode_base64(signer().sign(payload));
       },
       Check::kSignature, ""},
      {"no statement", [&](Json& b) { b = resigned("hello", testing::kInTotoPayloadType); },
       Check::kStatement, "the statement"},
      {"another image", [&](Json& b) { b = Json::parse(testing::sign_image(signer(), kOther)); },
       Check::kSubject, kOther.c_str()},
      {"sha512 only",
       [&](Json& b) {
         auto value = good;
         value["subject"] = {{{"digest", {{"sha512", std::string(128, 'a')}}}}};
         b = statement(value);
       },
       Check::kSubject, "names no sha256 digest"},
      {"upper-case digest",
       [&](Json& b) {
         auto value = good;
         std::string upper = kDigest.substr(7);
         for (auto& c : upper) c = static_cast<char>(std::toupper(c));
         value["subject"] = {{{"digest", {{"sha256", upper}}}}};
         b = statement(value);
       },
       Check::kSubject, "names no sha256 digest"},
      {"empty digest map",
       [&](Json& b) {
         auto value = good;
         value["subject"].push_back({{"digest", Json::object()}});
         b = statement(value);
       },
       Check::kStatement, "has no digest"},
  });
}

TEST(BundleTest, BytesThatAreNotOneStrictJsonTextAreRejected) {
  const std::string good = testing::sign_image(signer(), kDigest);
  const std::string twice = R"({"mediaType":"x",)" + good.substr(1);
  const std::string bytes[] = {"",
                               "{",
                               good + "x",
                               twice,
                               "\xEF\xBB\xBF" + good,
                               "{\"a\":\"\xff\"}",
                               std::string(100000, '['),
                               std::string(17U << 20, ' ')};
  for (const auto& text : bytes) {
    const auto result = verify(text);
    const auto* rejected = std::get_if<Rejected>(&result);
    ASSERT_NE(rejected, nullptr) << text.substr(0, 40);
    EXPECT_EQ(rejected->check, Check::kStructure);
  }
}

TEST(BundleTest, AMessageSignatureOverTheManifestIsASignature) {
  for (const auto type : {KeyType::kEcdsaP256, KeyType::kRsa2048}) {
    const auto key = make_key(type);
    const auto result = verify(testing::sign_message_bundle(key, "image"), key);
    ASSERT_TRUE(std::holds_alternative<Claim>(result)) << std::get<Rejected>(result).reason;
    const auto& claim = std::get<Claim>(result);
    EXPECT_EQ(claim.kind, ClaimKind::kSignature);
    EXPECT_EQ(claim.subject_digest, kDigest);
    EXPECT_EQ(claim.predicate_type, "");
    EXPECT_EQ(claim.predicate, nullptr);
  }
}

TEST(BundleTest, AMessageSignatureThatCannotBeCheckedIsRejected) {
  const auto message = [](Json& b) -> Json& { return b["messageSignature"]; };
  struct MessageCase {
    const char* name;
    KeyType type;
    std::function<void(Json&)> spoil;
    Check check;
  };
  const MessageCase cases[] = {
      {"Ed25519", KeyType::kEd25519, [](Json&) {}, Check::kAlgorithm},
      {"P-384 signs with SHA-384", KeyType::kEcdsaP384, [](Json&) {}, Check::kAlgorithm},
      {"P-521 signs with SHA-512", KeyType::kEcdsaP521, [](Json&) {}, Check::kAlgorithm},
      {"digest of another image", KeyType::kEcdsaP256,
       [&](Json& b) {
         message(b)["messageDigest"]["digest"] = codec::encode_base64(crypto::sha256("other"));
       },
       Check::kSignature},
      {"no digest", KeyType::kEcdsaP256, [&](Json& b) { message(b).erase("messageDigest"); },
       Check::kStructure},
      {"another algorithm", KeyType::kEcdsaP256,
       [&](Json& b) { message(b)["messageDigest"]["algorithm"] = "SHA2_512"; }, Check::kStructure},
      {"digest of 31 bytes", KeyType::kEcdsaP256,
       [&](Json& b) { message(b)["messageDigest"]["digest"] = base64(31); }, Check::kStructure},
      {"empty signature", KeyType::kEcdsaP256, [&](Json& b) { message(b)["signature"] = ""; },
       Check::kStructure},
      {"broken signature", KeyType::kEcdsaP256,
       [&](Json& b) { message(b)["signature"] = base64(70); }, Check::kSignature},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const auto key = make_key(test.type);
    Json bundle = Json::parse(testing::sign_message_bundle(key, "image"));
    test.spoil(bundle);
    const auto result = verify(bundle.dump(), key);
    const auto* rejected = std::get_if<Rejected>(&result);
    ASSERT_NE(rejected, nullptr);
    EXPECT_EQ(to_string(rejected->check), to_string(test.check)) << rejected->reason;
  }
  const auto foreign = verify(testing::sign_message_bundle(signer(), "other image"));
  EXPECT_EQ(std::get<Rejected>(foreign).check, Check::kSubject);
}

TEST(BundleTest, ReasonsHoldNoControlCharacters) {
  Json bundle = good_bundle();
  bundle["mediaType"] = "a\x1b[31m\n" + std::string(1000, 'b');
  const auto result = verify(bundle.dump());
  const auto& reason = std::get<Rejected>(result).reason;
  EXPECT_LT(reason.size(), 300U);
  for (const char c : reason) EXPECT_TRUE(c >= ' ' && c <= '~') << static_cast<int>(c);
}

}  // namespace
}  // namespace portcullis::verify
