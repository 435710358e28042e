#include "lib/api/security_profile.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "lib/api/trust_policy.hpp"
#include "lib/codec/json.hpp"
#include "lib/codec/yaml.hpp"

namespace portcullis::api {
namespace {

using codec::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Json profile() {
  return Json::parse(R"({"metadata": {"name": "clinical"}, "spec": {
    "minimum": {"dataClassification": "Confidential"}, "unselectedPods": "Report",
    "podSecurityLabels": "Warn", "runningPods": "Evict",
    "baseline": {"mode": "Enforce"},
    "classifications": [{"level": "Restricted", "requirements": {"sessions": "Deny"}},
                        {"level": "Internal", "requirements": {"images": {"tags": "Deny"}}}],
    "riskClasses": [{"level": "High", "requirements": {"declare": ["Contact"]}}]}})");
}

TEST(SecurityProfileTest, EveryFieldIsReadAndRowsStandInOrderOfTheirLevels) {
  const auto parsed = parse_security_profile(profile());
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->meta.key.name, "clinical");
  EXPECT_EQ(parsed->minimum_classification, DataClassification::kConfidential);
  EXPECT_EQ(parsed->unselected_pods, UnselectedPods::kReport);
  EXPECT_EQ(parsed->pod_security_labels, PodSecurityLabels::kWarn);
  EXPECT_EQ(parsed->running_pods, RunningPods::kEvict);
  EXPECT_EQ(parsed->baseline.mode, Mode::kEnforce);
  ASSERT_EQ(parsed->classifications.size(), 2U);
  EXPECT_EQ(parsed->classifications[0].level, DataClassification::kInternal);
  EXPECT_EQ(parsed->classifications[0].requirements.images.tags, TagRule::kDeny);
  EXPECT_EQ(parsed->classifications[1].requirements.sessions, AllowDeny::kDeny);
  ASSERT_EQ(parsed->risk_classes.size(), 1U);
  EXPECT_THAT(parsed->risk_classes[0].requirements.declare, ElementsAre(Declaration::kContact));
}

TEST(SecurityProfileTest, WhatIsWrongIsNamedByItsPath) {
  struct Row {
    const char* pointer;
    const char* value;
    const char* expected;
  };
  const Row rows[] = {
      {"/spec", "null", "spec: is required"},
      {"/spec", "\"x\"", "spec: must be an object"},
      {"/spec/minimum/dataClassification", "\"Low\"", "spec.minimum.dataClassification: \"Low\""},
      {"/spec/unselectedPods", "\"Ignore\"", "spec.unselectedPods: \"Ignore\""},
      {"/spec/runningPods", "3", "spec.runningPods: must be a text"},
      {"/spec/baseline", "[]", "spec.baseline: must be an object"},
      {"/spec/baseline/mode", "\"Off\"", "spec.baseline.mode: \"Off\""},
      {"/spec/classifications/0/level", "null", "spec.classifications[0].level: is required"},
      {"/spec/classifications/1/level", "\"Restricted\"",
       "spec.classifications[1].level: stands twice"},
      {"/spec/classifications/0/requirements/sessions", "\"x\"",
       "spec.classifications[0].requirements.sessions: \"x\""},
      {"/spec/riskClasses", "{}", "spec.riskClasses: must be a list"},
      {"/spec/riskClasses/0", "3", "spec.riskClasses[0]: must be an object"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(std::string(row.pointer) + " = " + row.value);
    auto object = profile();
    object[Json::json_pointer(row.pointer)] = Json::parse(row.value);
    const auto parsed = parse_security_profile(object);
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(parsed.error().message(), HasSubstr(row.expected));
  }
}

TEST(SecurityExceptionTest, IsReadAsFarAsThisVersionActsOnIt) {
  const auto parsed = parse_security_exception(Json::parse(R"({"metadata": {"name": "x"}, "spec": {
    "target": {"namespace": "clinic", "workloadNames": ["triage"]}, "images": ["a/b"],
    "expiryTime": "2027-02-01T00:00:00Z"}})"));
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->target_namespace, "clinic");
  EXPECT_THAT(parsed->workload_names, ElementsAre("triage"));
  EXPECT_THAT(parsed->images, ElementsAre("a/b"));
  EXPECT_TRUE(parsed->expiry_time);
  EXPECT_FALSE(parse_security_exception(Json::object()));
}

// An agreement test: what the CRDs show as examples is what we read.
TEST(ExamplesTest, EveryExampleOfTheCrdsParses) {
  std::size_t parsed = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(PORTCULLIS_SOURCE_DIR "/crds/examples")) {
    std::stringstream text;
    text << std::ifstream(file.path()).rdbuf();
    const auto documents = codec::parse_yaml(text.str());
    ASSERT_TRUE(documents) << file.path() << ": " << documents.error().message();
    for (const auto& object : *documents) {
      const auto kind = codec::string_or_empty(object, "kind");
      std::string fault;
      const auto take = [&](const auto& result) {
        if (!result) fault = result.error().message();
        ++parsed;
      };
      if (kind == "AIWorkload") take(parse_ai_workload(object));
      if (kind == "TrustPolicy") take(parse_trust_policy(object));
      if (kind == "TrustedRoot") take(parse_trusted_root(object));
      if (kind == "AISecurityProfile") take(parse_security_profile(object));
      if (kind == "AISecurityException") take(parse_security_exception(object));
      EXPECT_EQ(fault, "") << file.path();
    }
  }
  EXPECT_GE(parsed, 5U) << "one of each kind";
}

}  // namespace
}  // namespace portcullis::api
