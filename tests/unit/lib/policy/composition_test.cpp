#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "lib/policy/requirements.hpp"
#include "tests/unit/lib/policy/builders.hpp"
#include "tests/unit/lib/policy/requirement_generator.hpp"

/// B8: composition over {images × policies × requirements}, generated and judged by the real
/// engine, against an oracle that states design §2.3 in its own words.
namespace portcullis::policy {
namespace {

using enum api::EvidenceType;

constexpr int kRounds = 600;
const std::vector<std::string> kKeys = {"k0", "k1", "k2"};

/// What one policy of the world is, before it is compiled.
struct PolicyShape {
  bool matches = true, enforcing = true, broken = false, revokes = false;
  /// (key, type) pairs; a key vouches under as many names as there are pairs.
  std::vector<std::pair<std::string, EvidenceType>> vouching;
};

struct World {
  std::vector<PolicyShape> policies;
  std::set<std::pair<std::string, EvidenceType>> proved;  ///< Which key proved which type.
  bool failure = false;
};

World make_world(RequirementGenerator& random) {
  World world;
  const auto count = random.below(4);
  for (int i = 0; i < count; ++i) {
    PolicyShape policy;
    policy.matches = random.below(4) != 0;
    policy.enforcing = random.below(4) != 0;
    policy.broken = random.below(8) == 0;
    policy.revokes = random.below(8) == 0;
    for (const auto& key : kKeys) {
      for (const auto type : {kSignature, kScan}) {
        if (random.below(3) == 0) policy.vouching.emplace_back(key, type);
      }
    }
    if (policy.vouching.empty()) policy.vouching.emplace_back("k0", kSignature);
    world.policies.push_back(std::move(policy));
  }
  for (const auto& key : kKeys) {
    for (const auto type : {kSignature, kScan}) {
      if (random.flip()) world.proved.emplace(key, type);
    }
  }
  world.failure = random.below(16) == 0;
  return world;
}

std::vector<PolicySource> sources_of(const World& world) {
  std::vector<PolicySource> out;
  for (std::size_t i = 0; i < world.policies.size(); ++i) {
    const auto& shape = world.policies[i];
    std::vector<api::Authority> authorities;
    for (const auto& [key, type] : shape.vouching) {
      authorities.push_back(authority("a" + std::to_string(authorities.size()), {type}, key));
    }
    auto policy = trust_policy("p" + std::to_string(i), std::move(authorities));
    policy.include = {shape.matches ? "registry.example.com/ml/*" : "registry.example.com/other/*"};
    policy.mode = shape.enforcing ? api::Mode::kEnforce : api::Mode::kAudit;
    if (shape.broken) policy.exclude = {"Not a pattern"};
    if (shape.revokes) policy.revoked_digests = {kImage};
    out.push_back(source(std::move(policy)));
  }
  return out;
}

ImageFacts facts_of(const World& world) {
  auto out = facts();
  for (const auto& [key, type] : world.proved) {
    claim(out, key,
          type == kScan ? scan(hours_ago(30), {{"CVE-1", "HIGH", hours_ago(50)}}) : signature());
  }
  if (world.failure) out.failure = Error(ErrorCode::kUnavailable, "registry: 503");
  return out;
}

/// design §2.3, said plainly and slowly.
bool oracle(const World& world, const std::vector<api::EvidenceRequirement>& required) {
  std::vector<const PolicyShape*> enforcing;
  for (const auto& policy : world.policies) {
    if (!policy.enforcing) continue;
    if (policy.broken) return false;
    if (policy.matches) enforcing.push_back(&policy);
  }
  if (enforcing.empty() || world.failure) return false;
  for (const auto* policy : enforcing) {
    if (policy->revokes) return false;
  }
  for (const auto& requirement : required) {
    std::set<std::string> keys;
    bool asked = false;
    for (const auto* policy : enforcing) {
      bool has_authority = false;
      bool satisfied = false;
      for (const auto& [key, type] : policy->vouching) {
        if (type != requirement.type) continue;
        has_authority = true;
        if (!world.proved.contains({key, type})) continue;
        satisfied = true;
        keys.insert(key);
      }
      if (has_authority && !satisfied) return false;
      asked = asked || has_authority;
    }
    if (!asked) return false;
    if (static_cast<int>(keys.size()) < requirement.min_authorities.value_or(1)) return false;
  }
  return true;
}

bool admitted(const World& world, const std::vector<api::EvidenceRequirement>& required) {
  const auto verdict = judge_image(facts_of(world), sources_of(world), required);
  return Verdict::of(verdict.evidence, verdict.violations).allowed();
}

/// Requirements without conditions on the content of scans, which the oracle does not know.
std::vector<api::EvidenceRequirement> plain(std::vector<api::EvidenceRequirement> required) {
  for (auto& requirement : required) {
    requirement.max_age.reset();
    requirement.fail_on.clear();
    requirement.unfixed.reset();
  }
  return required;
}

TEST(CompositionTest, AgreesWithTheDesignOnGeneratedWorlds) {
  RequirementGenerator random(11);
  int allowed = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto world = make_world(random);
    const auto required = plain(random.evidence());
    const auto expected = oracle(world, required);
    ASSERT_EQ(admitted(world, required), expected) << "round " << round;
    allowed += expected ? 1 : 0;
  }
  EXPECT_GT(allowed, kRounds / 20) << "too few allowed worlds to prove anything";
  EXPECT_LT(allowed, kRounds / 2);
}

TEST(CompositionTest, WhatTheJoinAdmitsBothAdmit) {
  RequirementGenerator random(12);
  int admitted_by_join = 0;
  int told_apart = 0;
  for (int round = 0; round < kRounds; ++round) {
    auto world = make_world(random);
    world.failure = false;
    api::Requirements a;
    api::Requirements b;
    a.images.evidence = random.evidence();
    b.images.evidence = random.evidence();
    const auto by_join = admitted(world, join(a, b).images.evidence);
    const auto by_a = admitted(world, a.images.evidence);
    const auto by_b = admitted(world, b.images.evidence);
    ASSERT_TRUE(!by_join || (by_a && by_b)) << "round " << round;
    admitted_by_join += by_join ? 1 : 0;
    told_apart += by_a != by_b ? 1 : 0;
  }
  EXPECT_GT(admitted_by_join, 20);
  EXPECT_GT(told_apart, 20);
}

TEST(CompositionTest, PoliciesThatDoNotCountChangeNothing) {
  RequirementGenerator random(13);
  for (int round = 0; round < 200; ++round) {
    const auto world = make_world(random);
    const auto required = random.evidence();
    auto fewer = world;
    std::erase_if(fewer.policies, [](const PolicyShape& policy) {
      return !policy.enforcing || (!policy.matches && !policy.broken);
    });
    ASSERT_EQ(admitted(world, required), admitted(fewer, required)) << "round " << round;
  }
}

TEST(CompositionTest, TheOrderOfPoliciesAndClaimsDoesNotMatter) {
  RequirementGenerator random(14);
  for (int round = 0; round < 200; ++round) {
    const auto world = make_world(random);
    const auto required = random.evidence();
    auto reversed = world;
    std::ranges::reverse(reversed.policies);
    ASSERT_EQ(admitted(world, required), admitted(reversed, required)) << "round " << round;
  }
}

// Extra evidence by strangers, rejected candidates and audit policies never turn a no into a yes.
TEST(CompositionTest, WhatIsNotTrustedNeverHelps) {
  RequirementGenerator random(15);
  for (int round = 0; round < 200; ++round) {
    const auto world = make_world(random);
    const auto required = random.evidence();
    if (admitted(world, required)) continue;
    auto noisy = facts_of(world);
    claim(noisy, "stranger", signature());
    claim(noisy, "stranger", scan(hours_ago(1)));
    noisy.candidates += 7;
    auto sources = sources_of(world);
    auto watch = trust_policy("watch", {authority("s", {kSignature, kScan}, "stranger")});
    watch.mode = api::Mode::kAudit;
    sources.push_back(source(watch));
    const auto verdict = judge_image(noisy, std::move(sources), required);
    ASSERT_FALSE(Verdict::of(verdict.evidence, verdict.violations).allowed()) << "round " << round;
  }
}

}  // namespace
}  // namespace portcullis::policy
