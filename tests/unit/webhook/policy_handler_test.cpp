#include "webhook/policy_handler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/webhook_fixture.hpp"

namespace portcullis::webhook {
namespace {

class PolicyHandlerTest : public WebhookFixture {
 protected:
  Result<admission::Answer> judge(const std::string& kind, codec::Json spec) {
    return handler_.handle(create({{"metadata", {{"name", "x"}}}, {"spec", std::move(spec)}}, kind),
                           soon());
  }
  codec::Json policy_with(const std::string& pem) {
    return {
        {"images", {{"include", {"registry.example.com/**"}}}},
        {"authorities",
         codec::Json::array(
             {{{"name", "ci"}, {"vouchesFor", {"Signature"}}, {"publicKey", {{"pem", pem}}}}})}};
  }
  PolicyHandler handler_;
};

TEST_F(PolicyHandlerTest, AcceptsWhatCompiles) {
  EXPECT_TRUE(judge("TrustPolicy", policy_with(key_.public_pem()))->verdict.allowed());
  EXPECT_TRUE(judge("AISecurityProfile", codec::Json::object())->verdict.allowed());
}

TEST_F(PolicyHandlerTest, TellsTheAuthorWhatWouldDeny) {
  const auto answer = judge("TrustPolicy", policy_with("not a key"));
  ASSERT_TRUE(answer);
  ASSERT_FALSE(answer->verdict.allowed());
  EXPECT_FALSE(answer->verdict.violations()[0].cause.empty());
  EXPECT_FALSE(
      judge("AISecurityProfile", {{"baseline", {{"mode", "Sometimes"}}}})->verdict.allowed());
}

TEST_F(PolicyHandlerTest, AnotherKindCannotBeDecided) { EXPECT_FALSE(judge("ConfigMap", {})); }

}  // namespace
}  // namespace portcullis::webhook
