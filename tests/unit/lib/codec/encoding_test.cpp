#include "lib/codec/encoding.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace portcullis::codec {
namespace {

using ::testing::HasSubstr;

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return bytes;
}

TEST(Base64Test, AgreesWithTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xFB\xFF\xBF", "+/+/"},
  };
  for (const auto& [bytes, text] : cases) {
    SCOPED_TRACE(text);
    EXPECT_EQ(encode_base64(bytes), text);
    const auto decoded = decode_base64(text);
    ASSERT_TRUE(decoded) << decoded.error().message();
    EXPECT_EQ(*decoded, bytes);
  }
}

TEST(Base64Test, EveryByteComesBackAtEveryLength) {
  const auto bytes = all_bytes() + all_bytes();
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const auto part = bytes.substr(0, length);
    const auto decoded = decode_base64(encode_base64(part));
    ASSERT_TRUE(decoded) << length;
    ASSERT_EQ(*decoded, part);
  }
}

TEST(Base64Test, RefusesEverySecondSpellingOfTheSameBytes) {
  const std::pair<const char*, std::string> cases[] = {
      {"no padding", "Zg"},
      {"half the padding", "Zg="},
      {"padding only", "===="},
      {"three padding characters", "Z==="},
      {"padding in the middle", "Zg==Zg=="},
      {"padding inside a group", "Z=g="},
      {"padding before a character", "Zg=g"},
      {"bits behind the last byte, two", "Zh=="},
      {"bits behind the last byte, one", "Zm9="},
      {"a line end", "Zm9v\n"},
      {"a line end in the middle", "Zm9\nYg=="},
      {"a space", "Zm 9"},
      {"the URL alphabet", "-_-_"},
      {"a byte above ASCII", "Zm9\xFF"},
      {"a NUL", std::string("Zm9\0", 4)},
  };
  for (const auto& [name, text] : cases) {
    SCOPED_TRACE(name);
    const auto decoded = decode_base64(text);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(decoded.error().message(), HasSubstr("base64"));
  }
}

TEST(HexTest, WritesLowerCaseAndReadsBoth) {
  EXPECT_EQ(encode_hex(""), "");
  EXPECT_EQ(encode_hex(std::string("\x00\x1f\xa0\xff", 4)), "001fa0ff");
  EXPECT_EQ(*decode_hex("001fA0Ff"), std::string("\x00\x1f\xa0\xff", 4));
  EXPECT_EQ(*decode_hex(encode_hex(all_bytes())), all_bytes());
}

TEST(HexTest, RefusesWhatIsNoPairOfDigits) {
  for (const char* text : {"0", "abc", "0g", "g0", "0x", " 0", "0\n", "--"}) {
    SCOPED_TRACE(text);
    const auto decoded = decode_hex(text);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(PercentEncodingTest, LeavesOnlyUnreservedCharacters) {
  EXPECT_EQ(encode_path_segment("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(encode_path_segment("a/b c?d#e%"), "a%2Fb%20c%3Fd%23e%25");
  EXPECT_EQ(encode_path_segment("\xC3\xA9"), "%C3%A9");
  EXPECT_EQ(encode_path_segment(std::string("\0", 1)), "%00");
  EXPECT_EQ(encode_query("a=b&c+d"), "a%3Db%26c%2Bd");
  EXPECT_EQ(encode_query(""), "");
}

TEST(Utf8Test, GivesTheLengthOfTheValidPrefix) {
  struct Case {
    const char* name;
    std::string text;
    std::size_t valid;
  };
  const Case cases[] = {
      {"nothing", "", 0},
      {"ASCII", "abc", 3},
      {"a NUL is a character", std::string("a\0b", 3), 3},
      {"two, three and four bytes", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9},
      {"the first and last of each length",
       "\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 18},
      {"beside the surrogates", "\xED\x9F\xBF\xEE\x80\x80", 6},
      {"lone continuation", "a\x80", 1},
      {"overlong, two bytes", "ab\xC1\xBF", 2},
      {"overlong, three bytes", "\xE0\x9F\xBF", 0},
      {"overlong, four bytes", "\xF0\x8F\xBF\xBF", 0},
      {"first surrogate", "\xED\xA0\x80", 0},
      {"last surrogate", "\xED\xBF\xBF", 0},
      {"beyond U+10FFFF", "\xF4\x90\x80\x80", 0},
      {"lead byte F5", "\xF5\x80\x80\x80", 0},
      {"FF", "abc\xFF", 3},
      {"two bytes cut short", "a\xC3", 1},
      {"three bytes cut short", "a\xE2\x82", 1},
      {"four bytes cut short", "a\xF0\x9F\x98", 1},
      {"third byte is no continuation", "\xE2\x82z", 0},
      {"fourth byte is no continuation", "\xF0\x9F\x98z", 0},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    EXPECT_EQ(valid_utf8_prefix(test.text), test.valid);
  }
}

}  // namespace
}  // namespace portcullis::codec
