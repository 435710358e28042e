#include "webhook/pin_handler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/webhook_fixture.hpp"

namespace portcullis::webhook {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class PinHandlerTest : public WebhookFixture {
 protected:
  std::vector<admission::Replacement> pins(const api::AdmissionRequest& request) {
    const auto answer = pin_handler_.handle(request, soon());
    EXPECT_TRUE(answer);
    EXPECT_TRUE(answer->verdict.allowed()) << "pinning never denies";
    return answer->replacements;
  }
};

TEST_F(PinHandlerTest, TurnsATagIntoTagAndDigest) {
  const auto replacements = pins(create(pod("registry.example.com/app:1")));
  ASSERT_THAT(replacements, SizeIs(1));
  EXPECT_EQ(replacements[0].json_pointer, "/spec/containers/0/image");
  EXPECT_EQ(replacements[0].value, "registry.example.com/app:1@" + gatherer_.digest);
}

TEST_F(PinHandlerTest, PinsVolumesAndEphemeralContainersToo) {
  auto object = pod();
  object["spec"]["volumes"] =
      codec::Json::array({{{"name", "m"}, {"image", {{"reference", "registry.example.com/m:1"}}}}});
  object["spec"]["ephemeralContainers"] =
      codec::Json::array({{{"name", "d"}, {"image", "registry.example.com/debug"}}});
  EXPECT_THAT(pins(create(object)), SizeIs(2));
}

TEST_F(PinHandlerTest, LeavesAloneWhatNeedsNoPin) {
  EXPECT_THAT(pins(create(pod())), IsEmpty()) << "carries its digest";
  EXPECT_THAT(pins(create(pod("registry.example.com/app:1", "stranger"))), IsEmpty())
      << "not bound";
  EXPECT_THAT(pins(create(pod("docker.io/library/nginx:1"))), IsEmpty()) << "no policy matches";
  EXPECT_THAT(pins(create(pod("NOT A REFERENCE"))), IsEmpty());
  EXPECT_THAT(gatherer_.resolved, IsEmpty()) << "and no registry was asked";
}

TEST_F(PinHandlerTest, AnUpdatePinsOnlyWhatIsNew) {
  const auto before = pod("registry.example.com/app:1");
  auto now = before;
  now["spec"]["ephemeralContainers"] =
      codec::Json::array({{{"name", "d"}, {"image", "registry.example.com/debug:1"}}});
  const auto replacements = pins(update(before, now));
  ASSERT_THAT(replacements, SizeIs(1));
  EXPECT_EQ(replacements[0].json_pointer, "/spec/ephemeralContainers/0/image");
}

TEST_F(PinHandlerTest, APodRelabelledIntoABindingIsPinnedWhole) {
  const auto replacements = pins(
      update(pod("registry.example.com/app:1", "stranger"), pod("registry.example.com/app:1")));
  ASSERT_THAT(replacements, SizeIs(1));
  EXPECT_EQ(replacements[0].json_pointer, "/spec/containers/0/image");
}

TEST_F(PinHandlerTest, TagsDenyIsLeftForTheValidatingWebhook) {
  set_profile(R"({"baseline": {"images": {"tags": "Deny"}}})");
  EXPECT_THAT(pins(create(pod("registry.example.com/app:1"))), IsEmpty());
}

TEST_F(PinHandlerTest, WhateverFailsItNeverDenies) {
  gatherer_.failure = Error(ErrorCode::kUnavailable, "registry down");
  EXPECT_THAT(pins(create(pod("registry.example.com/app:1"))), IsEmpty());
  gatherer_.failure.reset();
  profiles_.erase({"", "default"});
  EXPECT_THAT(pins(create(pod("registry.example.com/app:1"))), IsEmpty());
  auto malformed = pod();
  malformed["spec"]["containers"] = 5;
  EXPECT_THAT(pins(create(malformed)), IsEmpty());
}

TEST(JsonPointerTest, FollowsTheFieldPath) {
  EXPECT_EQ(to_json_pointer("spec.containers[0].image"), "/spec/containers/0/image");
  EXPECT_EQ(to_json_pointer("spec.volumes[12].image.reference"),
            "/spec/volumes/12/image/reference");
}

}  // namespace
}  // namespace portcullis::webhook
