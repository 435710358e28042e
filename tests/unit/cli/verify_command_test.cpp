#include "cli/verify_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/fakes/fake_clock.hpp"
#include "tests/fakes/signer.hpp"

namespace portcullis::cli {
namespace {

using ::testing::HasSubstr;

/// Says of every image what the test set.
class FakeGatherer final : public evidence::Gatherer {
 public:
  std::vector<policy::ImageFacts> gather(const std::vector<evidence::Question>& questions,
                                         std::shared_ptr<const policy::PolicySet>,
                                         std::shared_ptr<const oci::Keychain>, Deadline) override {
    policy::ImageFacts facts;
    facts.field = questions[0].field;
    facts.reference = questions[0].written;
    facts.name = questions[0].reference.name();
    facts.digest = "sha256:" + std::string(64, 'a');
    facts.failure = failure;
    verify::Claim claim;
    claim.kind = verify::ClaimKind::kSignature;
    claim.subject_digest = facts.digest;
    auto& by = facts.by_authority[questions[0].authorities[0]->fingerprint()];
    if (is_signed) by.claims.push_back(claim);
    return {facts};
  }
  Result<std::string> resolve(const oci::Reference&, std::shared_ptr<const oci::Keychain>,
                              Deadline) override {
    return Error(ErrorCode::kInternal, "not asked for here");
  }
  bool is_signed = true;
  std::optional<Error> failure;
};

class VerifyCommandTest : public ::testing::Test {
 protected:
  ExitCode run() { return verify_image(options_, key_, nullptr, gatherer_, clock_, out_, err_); }
  VerifyOptions options_{.image = "registry.example.com/app:1"};
  std::string key_ = testing::make_key().public_pem();
  FakeGatherer gatherer_;
  testing::FakeClock clock_;
  std::ostringstream out_, err_;
};

TEST_F(VerifyCommandTest, SaysWhatWasVerified) {
  EXPECT_EQ(run(), kAllowed);
  EXPECT_THAT(out_.str(), HasSubstr("verified: registry.example.com/app@sha256:aaaa"));
  EXPECT_EQ(err_.str(), "");
}

TEST_F(VerifyCommandTest, RefusalsAndFailuresHaveTheirOwnExitCodes) {
  gatherer_.is_signed = false;
  EXPECT_EQ(run(), kDenied);
  EXPECT_THAT(err_.str(), HasSubstr("refused"));
  gatherer_.failure = Error(ErrorCode::kUnavailable, "registry down");
  EXPECT_EQ(run(), kUndecided);
  EXPECT_THAT(err_.str(), HasSubstr("registry down"));
}

TEST_F(VerifyCommandTest, BadInputIsAUsageError) {
  options_.image = "NOT AN IMAGE";
  EXPECT_EQ(run(), kUsage);
  options_.image = "registry.example.com/app:1";
  options_.evidence = {"Hope"};
  EXPECT_EQ(run(), kUsage);
  options_.evidence = {"Scan"};
  options_.max_age = "soon";
  EXPECT_EQ(run(), kUsage);
  options_.max_age = "";
  key_ = "no key";
  EXPECT_EQ(run(), kUsage);
}

TEST_F(VerifyCommandTest, AMissingKeyFileIsNamed) {
  options_.key_file = "does-not-exist.pub";
  EXPECT_EQ(run_verify(options_, out_, err_), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("does-not-exist.pub"));
}

}  // namespace
}  // namespace portcullis::cli
