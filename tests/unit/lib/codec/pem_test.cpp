#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/codec/encoding.hpp"

namespace portcullis::codec {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kBlock = "-----BEGIN PUBLIC KEY-----\nZm9v\n-----END PUBLIC KEY-----\n";

TEST(PemTest, ReadsOneBlock) {
  const auto blocks = parse_pem(kBlock);

  ASSERT_TRUE(blocks) << blocks.error().message();
  ASSERT_EQ(blocks->size(), 1U);
  EXPECT_EQ(blocks->front().label, "PUBLIC KEY");
  EXPECT_EQ(blocks->front().der, "foo");
}

TEST(PemTest, SkipsWhatStandsAroundTheBlocksAndKeepsTheirOrder) {
  const auto blocks = parse_pem(
      "subject=CN = a\r\n-----BEGIN A-----\r\nZm9v\r\nYmFy\r\n-----END A-----\r\n"
      "\nbetween ----- dashes -----\n-----BEGIN B-----\nYmFy\n-----END B-----  ");

  ASSERT_TRUE(blocks) << blocks.error().message();
  ASSERT_EQ(blocks->size(), 2U);
  EXPECT_EQ((*blocks)[0].label, "A");
  EXPECT_EQ((*blocks)[0].der, "foobar");
  EXPECT_EQ((*blocks)[1].label, "B");
  EXPECT_EQ((*blocks)[1].der, "bar");
}

TEST(PemTest, WritesWhatItReads) {
  std::string der;
  for (int i = 0; i < 300; ++i) der += static_cast<char>(i);

  const auto text = encode_pem("CERTIFICATE", der);

  EXPECT_THAT(text,
              HasSubstr("-----BEGIN CERTIFICATE-----\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
                        "gISIjJCUmJygpKissLS4v\n"));
  EXPECT_TRUE(text.ends_with("\n-----END CERTIFICATE-----\n"));
  const auto blocks = parse_pem(text + text);
  ASSERT_TRUE(blocks) << blocks.error().message();
  ASSERT_EQ(blocks->size(), 2U);
  EXPECT_EQ((*blocks)[1].der, der);
}

TEST(PemTest, RefusesBrokenTexts) {
  struct Case {
    const char* name;
    std::string text;
    const char* says;
  };
  std::string many;
  for (int i = 0; i < 65; ++i) many += kBlock;
  const Case cases[] = {
      {"nothing", "", "no block"},
      {"no block", "hello\nworld\n", "no block"},
      {"cut off", "-----BEGIN A-----\nZm9v\n", "no END line"},
      {"END alone", "-----END A-----\n", "without its BEGIN"},
      {"other label at the end", "-----BEGIN A-----\nZm9v\n-----END B-----\n", "differs"},
      {"a block in a block", "-----BEGIN A-----\n-----BEGIN A-----\n", "inside another"},
      {"no label", "-----BEGIN -----\nZm9v\n-----END -----\n", "label"},
      {"no closing dashes", "-----BEGIN A\nZm9v\n-----END A-----\n", "closing dashes"},
      {"a control character in the label", "-----BEGIN A\x01-----\nZm9v\n-----END A\x01-----\n",
       "label"},
      {"empty", "-----BEGIN A-----\n-----END A-----\n", "empty"},
      {"no base64", "-----BEGIN A-----\nZm9v!\n-----END A-----\n", "line 3"},
      {"no padding", "-----BEGIN A-----\nZg\n-----END A-----\n", "base64"},
      {"encrypted with headers",
       "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nZm9v\n-----END A-----\n", "base64"},
      {"on one line", "-----BEGIN A----- Zm9v -----END A-----", "no END line"},
      {"65 blocks", many, "more than 64"},
      {"one good, one broken", std::string(kBlock) + "-----BEGIN A-----\n?\n-----END A-----",
       "base64"},
      {"too long", std::string((1U << 20) + 1, '\n'), "1 MiB"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const auto blocks = parse_pem(test.text);
    ASSERT_FALSE(blocks);
    EXPECT_EQ(blocks.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(blocks.error().message(), HasSubstr(test.says));
    EXPECT_THAT(blocks.error().message(), Not(HasSubstr("Zm9v")));
  }
}

TEST(PemTest, SixtyFourBlocksAreAllowed) {
  std::string many;
  for (int i = 0; i < 64; ++i) many += kBlock;

  const auto blocks = parse_pem(many);

  ASSERT_TRUE(blocks);
  EXPECT_EQ(blocks->size(), 64U);
}

}  // namespace
}  // namespace portcullis::codec
