#include "lib/crypto/digest.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace portcullis::crypto {
namespace {

// FIPS 180-2, appendix B.
constexpr std::string_view kAbc =
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(DigestTest, MatchesThePublishedVectors) {
  EXPECT_EQ(sha256_digest("abc"), kAbc);
  EXPECT_EQ(sha256_digest(""),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc").size(), 32U);
  EXPECT_EQ(static_cast<unsigned char>(sha256("abc").front()), 0xBA);
}

TEST(DigestTest, AStreamHashesAsItsConcatenation) {
  Sha256 stream;
  stream.add("a");
  stream.add("");
  stream.add("bc");
  EXPECT_EQ(stream.digest(), kAbc);
}

TEST(DigestTest, AFinishedStreamIsNotUsedAgain) {
  Sha256 stream;
  EXPECT_EQ(stream.digest(), sha256_digest(""));
  EXPECT_THROW(stream.digest(), std::logic_error);
  EXPECT_THROW(stream.add("late"), std::logic_error);
}

TEST(DigestTest, OnlyOneSpellingIsADigest) {
  const std::string good(kAbc);
  EXPECT_TRUE(is_sha256_digest(good));

  std::string upper = good;
  upper.back() = 'D';
  std::string not_hexadecimal = good;
  not_hexadecimal.back() = 'g';
  const std::string bad[] = {"",
                             "sha256:",
                             good.substr(7),
                             good.substr(0, good.size() - 1),
                             good + "0",
                             upper,
                             not_hexadecimal,
                             "SHA256:" + good.substr(7),
                             "sha512:" + good.substr(7),
                             " " + good.substr(0, good.size() - 1),
                             good.substr(0, good.size() - 1) + "\n"};
  for (const auto& text : bad) EXPECT_FALSE(is_sha256_digest(text)) << text;
}

TEST(DigestTest, RandomBytesHaveTheAskedLengthAndDiffer) {
  EXPECT_EQ(random_bytes(0), "");
  EXPECT_EQ(random_bytes(16).size(), 16U);
  EXPECT_NE(random_bytes(16), random_bytes(16));
}

}  // namespace
}  // namespace portcullis::crypto
