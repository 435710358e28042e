#include "lib/base/version.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace portcullis {
namespace {

using ::testing::MatchesRegex;

TEST(VersionTest, TellsTheReleaseAndTheCommit) {
  EXPECT_THAT(release(), MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_THAT(version_text(), MatchesRegex("[0-9.]+ \\(commit ([0-9a-f]+(-dirty)?|unknown)\\)"));
  EXPECT_TRUE(version_text().starts_with(release() + " "));
}

}  // namespace
}  // namespace portcullis
