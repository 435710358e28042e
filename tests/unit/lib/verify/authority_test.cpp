#include "lib/verify/authority.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "lib/codec/json.hpp"
#include "lib/crypto/digest.hpp"
#include "tests/fakes/signer.hpp"

namespace portcullis::verify {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_key;
using testing::SigningKey;

const std::string kDigest = crypto::sha256_digest("image");
const std::string kOther = crypto::sha256_digest("other image");

api::Authority key_spec(const SigningKey& key) {
  api::Authority spec;
  spec.name = "ci";
  spec.vouches_for = {api::EvidenceType::kSignature, api::EvidenceType::kScan};
  spec.public_key_pem = key.public_pem();
  return spec;
}
api::Authority pin_spec(std::vector<std::string> digests) {
  api::Authority spec;
  spec.name = "vendor";
  spec.vouches_for = {api::EvidenceType::kSignature};
  spec.digests = std::move(digests);
  return spec;
}
Candidate bundle(const SigningKey& key) {
  return {.format = Format::kBundle, .bytes = testing::sign_image(key, kDigest)};
}
Candidate legacy(const SigningKey& key) {
  const auto layer = testing::sign_legacy(key, kDigest);
  return {
      .format = Format::kLegacySignature, .bytes = layer.bytes, .annotations = layer.annotations};
}

TEST(AuthorityTest, AKeyAuthorityIsWhatItsSpecSays) {
  const auto key = make_key();
  auto spec = key_spec(key);
  spec.evidence_repositories = {"registry.example.com/evidence"};
  const auto authority = Authority::create(spec).value();

  EXPECT_EQ(authority.name(), "ci");
  EXPECT_EQ(authority.fingerprint(), "key:" + key.fingerprint());
  EXPECT_TRUE(authority.vouches_for(api::EvidenceType::kScan));
  EXPECT_FALSE(authority.vouches_for(api::EvidenceType::kSBOM));
  EXPECT_THAT(authority.evidence_repositories(), ElementsAre("registry.example.com/evidence"));
  EXPECT_EQ(authority.evidence_types().size(), 2U);
  EXPECT_FALSE(authority.is_pin());
  EXPECT_FALSE(authority.pins(kDigest));
}

TEST(AuthorityTest, AnotherNameIsNotAnotherAuthority) {
  const auto key = make_key();
  auto renamed = key_spec(key);
  renamed.name = "release";
  renamed.public_key_pem = "text before\n" + key.public_pem();
  EXPECT_EQ(Authority::create(key_spec(key))->fingerprint(),
            Authority::create(renamed)->fingerprint());
  EXPECT_NE(Authority::create(key_spec(key))->fingerprint(),
            Authority::create(key_spec(make_key()))->fingerprint());

  const auto pins = [](std::vector<std::string> digests) {
    return Authority::create(pin_spec(std::move(digests)))->fingerprint();
  };
  EXPECT_EQ(pins({kDigest, kOther}), pins({kOther, kDigest, kDigest}));
  EXPECT_NE(pins({kDigest}), pins({kOther}));
  EXPECT_THAT(pins({kDigest}), HasSubstr("digests:"));
}

TEST(AuthorityTest, APinVouchesForItsDigestsAndVerifiesNothing) {
  const auto authority = Authority::create(pin_spec({kDigest})).value();
  EXPECT_TRUE(authority.is_pin());
  EXPECT_TRUE(authority.pins(kDigest));
  EXPECT_FALSE(authority.pins(kOther));
  EXPECT_FALSE(authority.pins(""));
  const auto result = authority.verify(bundle(make_key()), {kDigest});
  EXPECT_EQ(std::get<Rejected>(result).check, Check::kMaterial);
}

TEST(AuthorityTest, BothFormatsCountUnlessThePolicyNamesOne) {
  using api::SignatureFormat;
  struct Case {
    std::vector<SignatureFormat> formats;
    bool bundle, legacy;
  };
  const Case cases[] = {{{}, true, true},
                        {{SignatureFormat::kBundle}, true, false},
                        {{SignatureFormat::kLegacy}, false, true},
                        {{SignatureFormat::kBundle, SignatureFormat::kLegacy}, true, true}};
  const auto key = make_key();
  for (const auto& test : cases) {
    auto spec = key_spec(key);
    spec.formats = test.formats;
    const auto authority = Authority::create(spec).value();
    EXPECT_EQ(authority.allows(Format::kBundle), test.bundle);
    EXPECT_EQ(authority.allows(Format::kLegacySignature), test.legacy);
    EXPECT_EQ(authority.allows(Format::kLegacyAttestation), test.legacy);
    // A valid signature in a format that the policy does not name is no way around it.
    EXPECT_EQ(std::holds_alternative<Claim>(authority.verify(bundle(key), {kDigest})), test.bundle);
    const auto by_legacy = authority.verify(legacy(key), {kDigest});
    EXPECT_EQ(std::holds_alternative<Claim>(by_legacy), test.legacy);
    if (!test.legacy) {
      EXPECT_EQ(std::get<Rejected>(by_legacy).check, Check::kMaterial);
    }
  }
}

TEST(AuthorityTest, ABundleIsNotReadAsLegacyNorTheReverse) {
  const auto key = make_key();
  const auto authority = Authority::create(key_spec(key)).value();
  for (const auto& [candidate, format] :
       {std::pair{bundle(key), Format::kLegacySignature},
        std::pair{bundle(key), Format::kLegacyAttestation}, std::pair{legacy(key), Format::kBundle},
        std::pair{legacy(key), Format::kLegacyAttestation}}) {
    auto relabelled = candidate;
    relabelled.format = format;
    EXPECT_TRUE(std::holds_alternative<Rejected>(authority.verify(relabelled, {kDigest})));
  }
}

TEST(AuthorityTest, WhatCannotBeCheckedIsNoAuthority) {
  const auto key = make_key();
  struct Case {
    const char* name;
    std::function<void(api::Authority&)> spoil;
    const char* says;
  };
  const Case cases[] = {
      {"nothing to go by", [](api::Authority& a) { a.public_key_pem.reset(); }, "exactly one"},
      {"key and pins", [](api::Authority& a) { a.digests = {kDigest}; }, "exactly one"},
      {"key and keyless", [](api::Authority& a) { a.keyless = {{}}; }, "exactly one"},
      {"keyless",
       [](api::Authority& a) {
         a.public_key_pem.reset();
         a.keyless = {{}};
       },
       "keyless: this version cannot check certificates"},
      {"transparency log",
       [](api::Authority& a) { a.requirements = {api::TimeRequirement::kTransparencyLog}; },
       "requires: this version cannot check"},
      {"timestamp", [](api::Authority& a) { a.requirements = {api::TimeRequirement::kTimestamp}; },
       "requires: this version cannot check"},
      {"vouches for nothing", [](api::Authority& a) { a.vouches_for.clear(); }, "vouchesFor"},
      {"no key", [](api::Authority& a) { a.public_key_pem = "hello"; }, "publicKey.pem"},
      {"weak key",
       [](api::Authority& a) {
         a.public_key_pem = make_key(testing::KeyType::kRsa1024).public_pem();
       },
       "1024 bits"},
      {"short digest",
       [](api::Authority& a) {
         a.public_key_pem.reset();
         a.digests = {"sha256:abc"};
       },
       "digests: each must be"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    auto spec = key_spec(key);
    test.spoil(spec);
    const auto authority = Authority::create(spec);
    ASSERT_FALSE(authority);
    EXPECT_EQ(authority.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(authority.error().message(), HasSubstr("authority ci: "));
    EXPECT_THAT(authority.error().message(), HasSubstr(test.says));
  }
}

}  // namespace
}  // namespace portcullis::verify
