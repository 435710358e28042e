#include "webhook/image_judge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/webhook_fixture.hpp"

namespace portcullis::webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::shared_ptr<const api::ObjectMeta> node(const std::string& name, const std::string& arch) {
  api::ObjectMeta meta;
  meta.key = {"", name};
  meta.labels = {{"kubernetes.io/os", "linux"}, {"kubernetes.io/arch", arch}, {"pool", name}};
  return std::make_shared<const api::ObjectMeta>(meta);
}

TEST(PlatformsTest, AreThoseOfTheNodesThePodMayRunOn) {
  const std::vector nodes = {node("a", "amd64"), node("b", "arm64")};
  EXPECT_THAT(platforms_of(nodes, {}), ElementsAre("linux/amd64", "linux/arm64"));
  EXPECT_THAT(platforms_of(nodes, {{"pool", "b"}}), ElementsAre("linux/arm64"));
  EXPECT_THAT(platforms_of(nodes, {{"pool", "new"}}), ElementsAre("linux/amd64", "linux/arm64"))
      << "such a node may come";
  EXPECT_THAT(platforms_of({}, {}), IsEmpty()) << "then every platform of an index counts";
}

TEST(DeclaredModelTest, GoesByNameAndByDigestWhereOneIsDeclared) {
  const auto digest = "@sha256:" + std::string(64, 'a');
  const auto declared = [](const std::string& reference) {
    api::AIWorkload workload;
    workload.models = {{.name = "m", .image_reference = reference}};
    return std::vector<Workload>{std::make_shared<const api::Parsed<api::AIWorkload>>(
        api::Parsed<api::AIWorkload>{workload.meta, workload})};
  };
  const auto mounted = *oci::parse_reference("registry.example.com/llama:2" + digest);
  EXPECT_TRUE(is_declared_model(mounted, declared("registry.example.com/llama:2" + digest)));
  EXPECT_TRUE(is_declared_model(mounted, declared("registry.example.com/llama:2")));
  EXPECT_FALSE(is_declared_model(
      mounted, declared("registry.example.com/llama@sha256:" + std::string(64, 'b'))));
  EXPECT_FALSE(is_declared_model(mounted, declared("registry.example.com/other:2")));
  EXPECT_FALSE(is_declared_model(mounted, {}));
}

using ImageJudgeTest = WebhookFixture;

TEST_F(ImageJudgeTest, AsksOnceForAllImagesWithTheRequiredKinds) {
  nodes_.put({"", "a"}, node("a", "arm64"));
  const auto object = pod();
  const auto parsed = *api::parse_pod_template("Pod", object);
  const auto binding = *binder_.bind("clinic", parsed.labels, soon());
  const auto findings = judge_.judge(parsed.images, parsed, binding, policy_sets_.get(),
                                     DigestRule::kMustBePinned, soon());
  EXPECT_THAT(findings.violations, IsEmpty());
  ASSERT_EQ(gatherer_.asked.size(), 1U);
  EXPECT_THAT(gatherer_.asked[0].required, ElementsAre(api::EvidenceType::kSignature));
  EXPECT_THAT(gatherer_.asked[0].platforms, ElementsAre("linux/arm64"));
  EXPECT_EQ(gatherer_.asked[0].authorities.size(), 1U);
}

}  // namespace
}  // namespace portcullis::webhook
