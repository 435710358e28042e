#include "lib/policy/image_pattern.hpp"

#include <gmock/gmock.h>

namespace portcullis::policy {
namespace {

using ::testing::HasSubstr;

struct Row {
  const char* pattern;
  const char* name;
  bool matches;
};

void expect(const Row& row) {
  const auto pattern = ImagePattern::parse(row.pattern);
  ASSERT_TRUE(pattern) << row.pattern << ": " << pattern.error().message();
  EXPECT_EQ(pattern->matches(row.name), row.matches) << row.pattern << " against " << row.name;
  EXPECT_EQ(pattern->text(), row.pattern);
}

TEST(ImagePatternTest, MatchesWhatItSays) {
  const Row rows[] = {
      {"registry.example.com/ml/app", "registry.example.com/ml/app", true},
      {"registry.example.com/ml/app", "registry.example.com/ml/app2", false},
      {"registry.example.com/ml/app", "registry.example.com/ml/ap", false},
      {"registry.example.com/ml/app", "registry.example.com/ml/app/sub", false},
      {"registry.example.com/ml/*", "registry.example.com/ml/app", true},
      {"registry.example.com/ml/*", "registry.example.com/ml/a/b", false},
      {"registry.example.com/ml/*", "registry.example.com/ml", false},
      {"registry.example.com/ml-*/app", "registry.example.com/ml-prod/app", true},
      {"registry.example.com/ml-*/app", "registry.example.com/ml-/app", true},
      {"registry.example.com/ml-*/app", "registry.example.com/ml/app", false},
      {"registry.example.com/*-*-x", "registry.example.com/a-b-c-x", true},
      {"registry.example.com/*-*-x", "registry.example.com/a-x", false},
      {"registry.example.com/**", "registry.example.com/app", true},
      {"registry.example.com/**", "registry.example.com/a/b/c", true},
      {"registry.example.com/ml/**", "registry.example.com/ml/a/b", true},
      {"registry.example.com/ml/**", "registry.example.com/ml", false},
      {"registry.example.com/ml/**", "registry.example.com/mlx/a", false},
      {"registry.example.com/**/app", "registry.example.com/a/b/app", true},
      {"registry.example.com/**/app", "registry.example.com/app", false},
      {"registry.example.com/**/app", "registry.example.com/a/app/b", false},
      {"registry.example.com/**/a/**/b", "registry.example.com/a/a/b/b", true},
      {"registry.example.com/**/a/**/b", "registry.example.com/x/a/b", false},
      {"*.example.com/ml/app", "eu.example.com/ml/app", true},
      {"*.example.com/ml/app", "a.eu.example.com/ml/app", false},
      {"*.example.com/ml/app", "example.com/ml/app", false},
      {"registry.example.com:5000/app", "registry.example.com:5000/app", true},
      {"127.0.0.1:5000/**", "127.0.0.1:5000/a/b", true},
      {"localhost/app", "localhost/app", true},
      {"[::1]:5000/app", "[::1]:5000/app", true},
      {"docker.io/library/nginx", "docker.io/library/nginx", true},
      {"docker.io/**", "docker.io/library/nginx", true},
      {"**", "docker.io/library/nginx", true},
      {"**", "registry.example.com:5000/a/b/c", true},
  };
  for (const auto& row : rows) expect(row);
}

// B7: what an attacker can name so that it looks like a trusted image (Portieris 0.14.2 let the
// first of these match).
TEST(ImagePatternTest, LookAlikesDoNotMatch) {
  const Row rows[] = {
      {"*.trusted.example.com/**", "attacker.example.com/x.trusted.example.com/app", false},
      {"trusted.example.com/**", "attacker.example.com/trusted.example.com/app", false},
      {"trusted.example.com/**", "trusted.example.com.evil.com/app", false},
      {"docker.io/**", "docker.io.evil.com/library/nginx", false},
      {"docker.io/**", "evil.com/docker.io/library/nginx", false},
      {"docker.io/library/*", "docker.io/library/nginx/evil", false},
      {"trusted.example.com/**", "nottrusted.example.com/app", false},
      {"trusted.example.com/**", "trusted-example.com/app", false},
      {"trusted.example.com/**", "trustedxexample.com/app", false},
      {"trusted.example.com/**", "trusted.example.com:5000/app", false},
      {"trusted.example.com:5000/**", "trusted.example.com/app", false},
      {"trusted.example.com:5000/**", "trusted.example.com:50000/app", false},
      {"localhost/**", "localhost.evil.com/app", false},
      {"localhost/**", "localhost:5000/app", false},
      {"trusted.example.com/ml/**", "trusted.example.com/x/ml/app", false},
      {"trusted.example.com/ml*", "trusted.example.com/ml/evil", false},
      {"trusted.example.com/**", "trusted.example.com", false},
      {"trusted.example.com/app", "Trusted.example.com/app", false},
      {"xn--bcher-kva.example/app", "bucher.example/app", false},
  };
  for (const auto& row : rows) expect(row);
}

TEST(ImagePatternTest, WhatCouldNeverMatchOrIsTooWideIsRefused) {
  struct Bad {
    const char* pattern;
    const char* expected;
  };
  const Bad rows[] = {
      {"", "is empty"},
      {"registry.example.com", "has no path"},
      {"*", "has no path"},
      {"registry.example.com/", "an empty segment"},
      {"registry.example.com//app", "an empty segment"},
      {"registry.example.com/app/", "an empty segment"},
      {"/app", "must begin with a registry host"},
      {"ml/app", "must begin with a registry host"},
      {"**/app", "must begin with a registry host"},
      {"reg*.example.com/app", "one whole label"},
      {"**.example.com/app", "one whole label"},
      {"*:5000/app", "one whole label"},
      {".example.com/app", "an empty label"},
      {"registry..com/app", "an empty label"},
      {"Registry.example.com/app", "no registry host has"},
      {"bücher.example/app", "no registry host has"},
      {"https://registry.example.com/app", "an empty segment"},
      {"registry.example.com/App", "neither tag nor digest"},
      {"registry.example.com/app:1.0", "neither tag nor digest"},
      {"registry.example.com/app@sha256:0", "neither tag nor digest"},
      {"registry.example.com/a?p", "neither tag nor digest"},
      {"registry.example.com/a**", "`**` stands for whole segments"},
      {"registry.example.com/***", "`**` stands for whole segments"},
      {"docker.io/nginx", "the normalised name is docker.io/library/nginx"},
      {"docker.io/*", "matches nothing"},
      {"index.docker.io/library/nginx", "the normalised host is docker.io"},
  };
  for (const auto& row : rows) {
    const auto pattern = ImagePattern::parse(row.pattern);
    ASSERT_FALSE(pattern) << row.pattern;
    EXPECT_EQ(pattern.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(pattern.error().message(), HasSubstr(row.expected)) << row.pattern;
  }
  EXPECT_FALSE(ImagePattern::parse("registry.example.com/" + std::string(300, 'a')));
}

TEST(ImagePatternTest, HostilePatternsAndNamesEndQuickly) {
  std::string stars;
  for (int i = 0; i < 60; ++i) stars += "*a";
  const auto in_segment = ImagePattern::parse("registry.example.com/" + stars + "b");
  ASSERT_TRUE(in_segment);
  EXPECT_FALSE(in_segment->matches("registry.example.com/" + std::string(20000, 'a')));

  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "**/a/";
  const auto across = ImagePattern::parse("registry.example.com/" + deep + "b");
  ASSERT_TRUE(across);
  std::string name = "registry.example.com";
  for (int i = 0; i < 5000; ++i) name += "/a";
  EXPECT_FALSE(across->matches(name));
}

}  // namespace
}  // namespace portcullis::policy
