#include <gmock/gmock.h>

#include <set>

#include "lib/policy/requirements.hpp"
#include "tests/unit/lib/policy/requirement_generator.hpp"

namespace portcullis::policy {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr int kRounds = 3000;

// design §2.1: every field, once. A field that is added without being walked does not compile
// (requirement_fields.hpp); one that is walked must hold every property below.
TEST(JoinTest, EveryFieldOfTheYamlIsWalked) {
  const std::vector<std::string> expected = {"mode",
                                             "declare",
                                             "images.tags",
                                             "images.evidence",
                                             "models.undeclared",
                                             "models.unverifiable",
                                             "models.evidence",
                                             "podSecurity.level",
                                             "podSecurity.readOnlyRootFilesystem",
                                             "podSecurity.apiToken",
                                             "podSecurity.runtimeClassNames",
                                             "sessions",
                                             "secrets.maxAge",
                                             "network.isolation",
                                             "network.publicEgress",
                                             "network.foreignPolicies"};
  EXPECT_EQ(leaf_fields(), expected);
}

// The algebra for three values, of which some fields are absent.
void expect_lattice(const api::Requirements& a, const api::Requirements& b,
                    const api::Requirements& c) {
  EXPECT_EQ(join(a, b), join(b, a)) << "commutative";
  EXPECT_EQ(join(join(a, b), c), join(a, join(b, c))) << "associative";
  EXPECT_EQ(join(a, a), a) << "idempotent";
  EXPECT_EQ(join(a, {}), a) << "absent is the identity";
  EXPECT_EQ(join({}, a), a) << "absent is the identity";
}

TEST(JoinTest, IsALatticeForEachFieldAlone) {
  RequirementGenerator generator(1);
  for (const auto& field : leaf_fields()) {
    SCOPED_TRACE(field);
    for (int round = 0; round < 200; ++round) {
      expect_lattice(generator.only(field), generator.only(field), generator.only(field));
      if (HasFailure()) return;
    }
  }
}

TEST(JoinTest, IsALatticeForAllFieldsTogether) {
  RequirementGenerator generator(2);
  for (int round = 0; round < kRounds; ++round) {
    expect_lattice(generator.any(), generator.any(), generator.any());
    if (HasFailure()) return;
  }
}

// ---- admitted(e, join(a, b)) implies admitted(e, a) and admitted(e, b) ----
//
// The state of a world, in the shape of Requirements: what its fields show. satisfies() is written
// for this test alone, from the meaning of each field and not from join.

template <typename E>
requires std::is_enum_v<E>
bool satisfies(const std::optional<E>& shown, const std::optional<E>& required) {
  return !required || (shown && static_cast<int>(*shown) >= static_cast<int>(*required));
}
bool satisfies(const std::optional<int>& vouching, const std::optional<int>& required) {
  return vouching.value_or(0) >= required.value_or(0);
}
bool satisfies(const std::optional<seconds>& age, const std::optional<seconds>& most) {
  return !most || (age && *age <= *most);
}
bool satisfies(const std::vector<api::Declaration>& stated,
               const std::vector<api::Declaration>& required) {
  return std::ranges::includes(stated, required);
}
// The first name is the class the pod has.
bool satisfies(const std::optional<std::vector<std::string>>& has,
               const std::optional<std::vector<std::string>>& allowed) {
  if (!allowed) return true;
  return has && !has->empty() && std::ranges::count(*allowed, has->front()) > 0;
}
// Each limit of the state is a vulnerability of that severity, published so long ago.
bool satisfies(const std::vector<api::SeverityLimit>& found,
               const std::vector<api::SeverityLimit>& limits) {
  for (const auto& vulnerability : found) {
    for (const auto& limit : limits) {
      if (vulnerability.severity >= limit.severity && vulnerability.after >= limit.after) {
        return false;
      }
    }
  }
  return true;
}
bool satisfies(const api::EvidenceType& shown, const api::EvidenceType& required) {
  return shown == required;
}
bool satisfies(const std::vector<api::EvidenceRequirement>& shown,
               const std::vector<api::EvidenceRequirement>& required) {
  return std::ranges::all_of(required, [&](const auto& requirement) {
    return std::ranges::any_of(shown, [&](const auto& evidence) {
      bool all = true;
      for_each_field([&](const std::string&, const auto& mine,
                         const auto& other) { all = all && satisfies(mine, other); },
                     "", evidence, requirement);
      return all;
    });
  });
}

/// The fields of `required` that `world` does not satisfy.
std::set<std::string> unsatisfied(const api::Requirements& world,
                                  const api::Requirements& required) {
  std::set<std::string> out;
  for_each_field(
      [&](const std::string& path, const auto& shown, const auto& wanted) {
        if (!satisfies(shown, wanted)) out.insert(path);
      },
      "", world, required);
  return out;
}

TEST(JoinTest, WhatSatisfiesTheJoinSatisfiesBoth) {
  RequirementGenerator generator(3);
  std::set<std::string> told_apart;
  for (int round = 0; round < kRounds; ++round) {
    const auto world = generator.any();
    const auto a = generator.any();
    const auto b = generator.any();
    const auto joined = unsatisfied(world, join(a, b));
    for (const auto& side : {unsatisfied(world, a), unsatisfied(world, b)}) {
      EXPECT_TRUE(std::ranges::includes(joined, side));
      told_apart.insert(side.begin(), side.end());
    }
    if (HasFailure()) return;
  }
  // Every field made a difference somewhere, or the test would prove nothing about it.
  EXPECT_EQ(told_apart.size(), leaf_fields().size());
}

TEST(JoinTest, TakesTheStricterOfEachField) {
  using namespace api;
  Requirements a;
  a.mode = Mode::kAudit;
  a.declare = {Declaration::kPurpose};
  a.images.evidence = {{EvidenceType::kScan, 2, hours(720), {{Severity::kHigh, hours(24)}}, {}}};
  a.pod_security.runtime_class_names = {{"gvisor", "kata"}};
  a.secrets_max_age = hours(10);
  Requirements b;
  b.mode = Mode::kEnforce;
  b.declare = {Declaration::kContact};
  b.images.tags = TagRule::kDeny;
  b.images.evidence = {{EvidenceType::kSignature, {}, {}, {}, {}},
                       {EvidenceType::kScan,
                        1,
                        hours(24),
                        {{Severity::kHigh, hours(48)}, {Severity::kCritical, hours(1)}},
                        UnfixedRule::kFail}};
  b.pod_security.runtime_class_names = {{"kata", "runc"}};
  b.secrets_max_age = hours(20);

  const auto joined = join(a, b);

  EXPECT_EQ(joined.mode, Mode::kEnforce);
  EXPECT_EQ(joined.declare, (std::vector{Declaration::kContact, Declaration::kPurpose}));
  EXPECT_EQ(joined.images.tags, TagRule::kDeny);
  const std::vector<EvidenceRequirement> evidence = {
      {EvidenceType::kSignature, {}, {}, {}, {}},
      {EvidenceType::kScan,
       2,
       hours(24),
       {{Severity::kHigh, hours(24)}, {Severity::kCritical, hours(1)}},
       UnfixedRule::kFail}};
  EXPECT_EQ(joined.images.evidence, evidence);
  EXPECT_EQ(joined.pod_security.runtime_class_names, (std::vector<std::string>{"kata"}));
  EXPECT_EQ(joined.secrets_max_age, hours(10));
}

TEST(JoinTest, AnEmptyIntersectionIsKeptApartFromAbsent) {
  api::Requirements a;
  a.pod_security.runtime_class_names = {{"kata"}};
  api::Requirements b;
  b.pod_security.runtime_class_names = {{"gvisor"}};
  const auto joined = join(a, b);
  ASSERT_TRUE(joined.pod_security.runtime_class_names);
  EXPECT_TRUE(joined.pod_security.runtime_class_names->empty());
  EXPECT_EQ(join(joined, a), joined);
}

}  // namespace
}  // namespace portcullis::policy
