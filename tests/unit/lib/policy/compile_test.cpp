#include <gmock/gmock.h>

#include "lib/policy/policy_set.hpp"
#include "tests/unit/lib/policy/builders.hpp"

namespace portcullis::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

api::TrustPolicy ours() {
  return trust_policy("ours", {authority("ci", {EvidenceType::kSignature}, "k")});
}

std::vector<std::string> selected(const PolicySet& set, std::string_view image,
                                  std::string_view profile) {
  std::vector<std::string> names;
  for (const auto* policy : set.select(image, profile)) names.push_back(policy->name);
  return names;
}

TEST(CompileTest, KeepsWhatThePolicySays) {
  auto policy = ours();
  policy.meta.generation = 7;
  policy.mode = api::Mode::kAudit;
  policy.profiles = {"default"};
  policy.exclude = {"registry.example.com/vendor/**"};
  policy.revoked_digests = {kImage};
  policy.authorities[0].builder_ids = {"https://b"};
  const auto compiled = compile(source(policy));
  EXPECT_FALSE(compiled.broken);
  EXPECT_EQ(compiled.name, "ours");
  EXPECT_EQ(compiled.generation, 7);
  EXPECT_EQ(compiled.mode, api::Mode::kAudit);
  EXPECT_THAT(compiled.revoked_digests, ElementsAre(kImage));
  EXPECT_THAT(compiled.builder_ids.at("ci"), ElementsAre("https://b"));
  ASSERT_EQ(compiled.authorities.size(), 1U);
  EXPECT_EQ(compiled.authorities[0].fingerprint(), fingerprint("k"));
  EXPECT_TRUE(compiled.matches("registry.example.com/ml/app"));
  EXPECT_FALSE(compiled.matches("registry.example.com/vendor/app"));
  EXPECT_FALSE(compiled.matches("docker.io/library/nginx"));
}

// One row for each way not to compile: the policy stays, and says what is wrong where.
TEST(CompileTest, WhatDoesNotCompileIsKeptAsBroken) {
  struct Row {
    const char* name;
    void (*spoil)(api::TrustPolicy&);
    const char* expected;
  };
  const Row rows[] = {
      {"include",
       [](auto& policy) {
         policy.include = {"registry.example.com/**", "App"};
       },
       "spec.images.include[1]: image pattern \"App\""},
      {"exclude", [](auto& policy) { policy.exclude = {"*"}; }, "spec.images.exclude[0]: "},
      {"revoked", [](auto& policy) { policy.revoked_digests = {"sha256:AB"}; },
       "spec.revokedDigests[0]: \"sha256:AB\" is not"},
      {"no authority", [](auto& policy) { policy.authorities.clear(); },
       "spec.authorities: is required"},
      {"key", [](auto& policy) { policy.authorities[0].public_key_pem = "junk"; },
       "spec.authorities: authority ci: "},
      {"pin", [](auto& policy) { policy.authorities = {pin("p", {EvidenceType::kScan}, {"x"})}; },
       "digests"},
      {"keyless, which this version cannot check",
       [](auto& policy) {
         policy.authorities[0].public_key_pem.reset();
         policy.authorities[0].keyless = {{"https://i", {}, "https://s", {}}};
       },
       "keyless"},
      {"a log, which this version cannot check",
       [](auto& policy) {
         policy.authorities[0].requirements = {api::TimeRequirement::kTransparencyLog};
       },
       "requires"},
  };
  for (const auto& row : rows) {
    auto policy = ours();
    policy.profiles = {"default"};
    row.spoil(policy);
    const auto compiled = compile(source(policy));
    ASSERT_TRUE(compiled.broken) << row.name;
    EXPECT_THAT(compiled.broken->message(), HasSubstr(row.expected)) << row.name;
    EXPECT_THAT(compiled.profiles, ElementsAre("default")) << row.name;
  }
}

TEST(CompileTest, WhatDoesNotParseIsKeptAsBrokenInTheProfilesThatCouldBeRead) {
  const auto compiled =
      compile({"bad", Error(ErrorCode::kInvalidArgument, "spec.mode: no"), {"default"}});
  ASSERT_TRUE(compiled.broken);
  EXPECT_EQ(compiled.name, "bad");
  EXPECT_EQ(compiled.mode, api::Mode::kEnforce);
  EXPECT_TRUE(compiled.applies_to("default"));
  EXPECT_FALSE(compiled.applies_to("audit"));
}

TEST(PolicySetTest, SelectsByImageAndProfileInNameOrder) {
  auto everywhere = ours();
  auto clinical = ours();
  clinical.meta.key.name = "clinical";
  clinical.profiles = {"clinical"};
  auto audit = ours();
  audit.meta.key.name = "watch";
  audit.mode = api::Mode::kAudit;
  const PolicySet set({source(audit), source(everywhere), source(clinical)});

  EXPECT_THAT(selected(set, "registry.example.com/app", "default"), ElementsAre("ours", "watch"));
  EXPECT_THAT(selected(set, "registry.example.com/app", "clinical"),
              ElementsAre("clinical", "ours", "watch"));
  EXPECT_THAT(selected(set, "docker.io/library/nginx", "default"), ElementsAre());
  EXPECT_THAT(selected(PolicySet({}), "registry.example.com/app", "default"), ElementsAre());
}

TEST(PolicySetTest, ABrokenPolicyCountsForEveryImageOfItsProfiles) {
  auto broken = ours();
  broken.meta.key.name = "broken";
  broken.profiles = {"default"};
  broken.include = {"App"};
  const PolicySet set({source(broken)});
  EXPECT_THAT(selected(set, "docker.io/library/nginx", "default"), ElementsAre("broken"));
  EXPECT_THAT(selected(set, "docker.io/library/nginx", "audit"), ElementsAre());
}

}  // namespace
}  // namespace portcullis::policy
