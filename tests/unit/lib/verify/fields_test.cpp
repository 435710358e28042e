#include "lib/verify/fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace portcullis::verify {
namespace {

using codec::Json;
using ::testing::HasSubstr;

TEST(FieldsTest, ErrorsNameTheFieldByItsPath) {
  const Json value = {{"a", {{"b", {{"c", 1}}}}}};
  const auto a = Fields::of(value, "root", {"a"}).value().object("a", {"b"}).value();
  const auto b = a.object("b", {"c"}).value();
  EXPECT_THAT(b.text("c").error().message(), HasSubstr("root.a.b.c is not text"));
  EXPECT_THAT(b.text("d").error().message(), HasSubstr("root.a.b.d is missing"));
  EXPECT_THAT(a.object("b", {}).error().message(),
              HasSubstr("root.a.b has the unknown field \"c\""));
}

TEST(FieldsTest, CountsAreWholeAndNotNegative) {
  const auto count = [](Json value) {
    const Json object = {{"n", std::move(value)}};
    return Fields::of(object, "x", {"n"}).value().count("n");
  };
  EXPECT_EQ(count("0").value(), 0);
  EXPECT_EQ(count(5U).value(), 5);
  EXPECT_EQ(count("9223372036854775807").value(), 9223372036854775807);
  for (const Json& bad : {Json("9223372036854775808"), Json(18446744073709551615U), Json("-1"),
                          Json(-1), Json("01"), Json(""), Json("1 "), Json("+1"), Json("1e3"),
                          Json(1.0), Json(true), Json("99999999999999999999")}) {
    EXPECT_FALSE(count(bad)) << bad;
  }
}

TEST(FieldsTest, BytesAreBoundedBeforeAndAfterDecoding) {
  const auto bytes = [](const char* text) {
    const Json object = {{"b", text}};
    return Fields::of(object, "x", {"b"}).value().bytes("b", 4);
  };
  EXPECT_EQ(bytes("YWJjZA==").value(), "abcd");
  EXPECT_THAT(bytes("YWJjZGU=").error().message(), HasSubstr("more than 4 bytes"));
  EXPECT_THAT(bytes("!!!!!!!!!!!!!!!!!!!!").error().message(), HasSubstr("more than 4 bytes"));
  EXPECT_THAT(bytes("").error().message(), HasSubstr("is empty"));
}

TEST(FieldsTest, ForeignTextIsMadeHarmless) {
  EXPECT_EQ(shown("plain"), "\"plain\"");
  EXPECT_EQ(shown("a\n\x1b\xC3\xA9"), "\"a????\"");
  EXPECT_EQ(shown(std::string(81, 'x')), "\"" + std::string(80, 'x') + "...\"");
}

}  // namespace
}  // namespace portcullis::verify
