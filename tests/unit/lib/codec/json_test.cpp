#include "lib/codec/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace portcullis::codec {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string nested(int depth) {
  const auto count = static_cast<std::size_t>(depth);
  return std::string(count, '[') + std::string(count, ']');
}

TEST(ParseJsonTest, ReadsEveryKindOfValue) {
  const auto value = parse_json(
      R"( {"text":"a\u00e9\n","int":-3,"big":18446744073709551615,"low":-9223372036854775808,
           "float":1.5e3,"yes":true,"no":false,"null":null,"list":[1,[2],{}],"map":{"a":{"b":1}}} )");

  ASSERT_TRUE(value) << value.error().message();
  EXPECT_EQ((*value)["text"], "a\xC3\xA9\n");
  EXPECT_EQ((*value)["int"], -3);
  EXPECT_EQ((*value)["big"].get<std::uint64_t>(), 18446744073709551615ULL);
  EXPECT_EQ((*value)["low"].get<std::int64_t>(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ((*value)["float"], 1500.0);
  EXPECT_EQ((*value)["yes"], true);
  EXPECT_EQ((*value)["no"], false);
  EXPECT_TRUE((*value)["null"].is_null());
  EXPECT_EQ((*value)["list"], Json({1, Json::array({2}), Json::object()}));
  EXPECT_EQ((*value)["map"]["a"]["b"], 1);
}

TEST(ParseJsonTest, ReadsAScalarAsAWholeText) {
  EXPECT_EQ(*parse_json("\"x\""), "x");
  EXPECT_EQ(*parse_json(" 7\n"), 7);
}

TEST(ParseJsonTest, BuildsTheSameValueAsTheLibraryDoes) {
  const std::string text =
      R"([{"a":[{"b":[1,2,{"c":"d"}]},[],{}]},"e",[[[null]]],{"f":{"g":true}}])";

  EXPECT_EQ(*parse_json(text), Json::parse(text));
}

TEST(ParseJsonTest, AnIntegerBeyond64BitsBecomesADouble) {
  const auto value = parse_json("18446744073709551616");

  ASSERT_TRUE(value);
  EXPECT_TRUE(value->is_number_float());
  EXPECT_DOUBLE_EQ(value->get<double>(), 18446744073709551616.0);
}

TEST(ParseJsonTest, EscapedNulIsText) {
  EXPECT_EQ(*parse_json(R"("a\u0000b")"), std::string("a\0b", 3));
}

TEST(ParseJsonTest, RefusesWhatIsNotOneJsonText) {
  struct Case {
    const char* name;
    std::string text;
    const char* says;
  };
  const Case cases[] = {
      {"nothing", "", "at byte"},
      {"only space", " \n", "at byte"},
      {"half an object", R"({"a":)", "at byte"},
      {"trailing comma", "[1,]", "at byte 4"},
      {"trailing value", "{} {}", "at byte 4"},
      {"trailing text", "1 x", "at byte 3"},
      {"single quotes", "{'a':1}", "at byte 2"},
      {"a comment", "[1] // one", "at byte"},
      {"a leading zero", "[01]", "at byte"},
      {"NaN", "NaN", "at byte"},
      {"too large for a double", "[1e999]", "too large"},
      {"a byte-order mark", "\xEF\xBB\xBF{}", "byte-order mark"},
      {"NUL at the end", std::string("{}\0", 3), "NUL character, at byte 2"},
      {"text hidden behind a NUL", std::string("{}\0,{\"allowed\":true}", 20), "NUL"},
      {"NUL in a string", std::string("\"a\0b\"", 5), "NUL"},
      {"a raw line end in a string", "\"a\nb\"", "at byte"},
      {"a lone surrogate", R"("\ud800")", "at byte"},
      {"UTF-8: lone continuation", "\"\x80\"", "at byte 2"},
      {"UTF-8: overlong", "\"\xC0\xAF\"", "at byte 2"},
      {"UTF-8: surrogate", "\"\xED\xA0\x80\"", "at byte"},
      {"UTF-8: beyond U+10FFFF", "\"\xF4\x90\x80\x80\"", "at byte"},
      {"UTF-8: cut short", "\"\xE2\x82\"", "at byte"},
      {"UTF-8: in a key", "{\"\xFF\":1}", "at byte 3"},
      {"UTF-8: outside a string", "\xFF", "at byte 1"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const auto value = parse_json(test.text);
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(value.error().message(), HasSubstr(test.says));
  }
}

TEST(ParseJsonTest, TheErrorDoesNotQuoteValues) {
  const auto value = parse_json(R"({"password":"hunter2" "x"})");

  ASSERT_FALSE(value);
  EXPECT_THAT(value.error().message(), HasSubstr("syntax error"));
  EXPECT_THAT(value.error().message(), Not(HasSubstr("hunter2")));
}

TEST(ParseJsonTest, DepthIsAllowedUpToTheLimitAndNotBeyond) {
  EXPECT_TRUE(parse_json(nested(64)));
  const auto deeper = parse_json(nested(65));
  ASSERT_FALSE(deeper);
  EXPECT_THAT(deeper.error().message(), HasSubstr("deeper than 64"));

  JsonLimits limits;
  limits.max_depth = 2;
  EXPECT_TRUE(parse_json(R"({"a":[1]})", limits));
  EXPECT_FALSE(parse_json(R"({"a":[{}]})", limits));
  limits.max_depth = 0;
  EXPECT_TRUE(parse_json("1", limits));
  EXPECT_FALSE(parse_json("[]", limits));
}

TEST(ParseJsonTest, AMillionBracketsAreRefusedWithoutRecursion) {
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')));
  std::string maps;
  for (int i = 0; i < 100'000; ++i) maps += R"({"a":)";
  EXPECT_FALSE(parse_json(maps));
}

TEST(ParseJsonTest, SizeIsAllowedUpToTheLimitAndNotBeyond) {
  JsonLimits limits;
  limits.max_bytes = 4;
  EXPECT_TRUE(parse_json("[12]", limits));
  const auto longer = parse_json("[123]", limits);
  ASSERT_FALSE(longer);
  EXPECT_THAT(longer.error().message(), HasSubstr("5 bytes"));
}

TEST(ParseJsonTest, TheLastOfTwoMembersWinsWhereThatIsAsked) {
  const auto value = parse_json(R"({"a":{"x":1},"a":{"y":2},"b":1,"b":[3]})");

  ASSERT_TRUE(value);
  EXPECT_EQ(*value, Json::parse(R"({"a":{"y":2},"b":[3]})"));
}

TEST(ParseJsonTest, TwoMembersOfOneNameAreRefusedInSignedData) {
  JsonLimits limits;
  limits.duplicates = Duplicates::kRefuse;

  EXPECT_TRUE(parse_json(R"({"a":{"a":1},"b":[{"a":1},{"a":2}]})", limits));
  for (const char* text : {R"({"a":1,"a":1})", R"([{"b":{"a":1,"c":2,"a":3}}])",
                           R"({"a":1,"\u0061":2})", R"({"":1,"":2})"}) {
    SCOPED_TRACE(text);
    const auto value = parse_json(text, limits);
    ASSERT_FALSE(value);
    EXPECT_THAT(value.error().message(), HasSubstr("twice"));
  }
}

TEST(ParseJsonTest, AMemberNamedTwiceIsQuotedOnlyInPart) {
  JsonLimits limits;
  limits.duplicates = Duplicates::kRefuse;
  const std::string member = "\"" + std::string(10'000, 'k') + "\":1";

  const auto value = parse_json("{" + member + "," + member + "}", limits);

  ASSERT_FALSE(value);
  EXPECT_LT(value.error().message().size(), 200U);
}

TEST(DumpJsonTest, IsCompactAndInKeyOrder) {
  const Json value = {{"b", {1, 2}}, {"a", "x\"\n"}, {"c", nullptr}};

  EXPECT_EQ(dump_json(value), R"({"a":"x\"\n","b":[1,2],"c":null})");
}

TEST(DumpJsonTest, InvalidUtf8IsReplacedAndNothingIsThrown) {
  EXPECT_EQ(dump_json(Json("a\xFF"
                           "b")),
            "\"a\xEF\xBF\xBD"
            "b\"");
}

TEST(DumpJsonTest, WhatWasReadIsWrittenAgain) {
  const std::string text = R"({"a":[1,-2,18446744073709551615,"é",{"b":{}}],"z":true})";

  EXPECT_EQ(dump_json(*parse_json(text)), text);
}

TEST(FindTest, LooksIntoObjectsAndNeverThrows) {
  const Json pod = {{"spec", {{"nodeName", "n1"}, {"hostPID", true}, {"list", {1}}}}};

  ASSERT_NE(find(pod, "spec"), nullptr);
  EXPECT_EQ(find(pod, "status"), nullptr);
  EXPECT_EQ(find(Json(1), "spec"), nullptr);
  EXPECT_EQ(find(Json::array(), "spec"), nullptr);
  EXPECT_EQ(find(Json(), "spec"), nullptr);

  ASSERT_NE(find_path(pod, {"spec", "nodeName"}), nullptr);
  EXPECT_EQ(*find_path(pod, {"spec", "nodeName"}), "n1");
  EXPECT_EQ(find_path(pod, {"spec", "nodeName", "deeper"}), nullptr);
  EXPECT_EQ(find_path(pod, {"spec", "list", "0"}), nullptr);
  EXPECT_EQ(find_path(pod, {"status", "phase"}), nullptr);
  EXPECT_EQ(find_path(pod, {}), &pod);
}

TEST(FindTest, GivesAMemberOnlyInTheTypeThatIsAskedFor) {
  const Json value = {{"text", "t"},
                      {"int", -5},
                      {"big", 18446744073709551615ULL},
                      {"most", 9223372036854775807ULL},
                      {"float", 1.0},
                      {"bool", false},
                      {"null", nullptr}};

  EXPECT_EQ(find_string(value, "text"), "t");
  EXPECT_EQ(find_string(value, "int"), std::nullopt);
  EXPECT_EQ(find_string(value, "null"), std::nullopt);
  EXPECT_EQ(find_string(value, "absent"), std::nullopt);
  EXPECT_EQ(find_integer(value, "int"), -5);
  EXPECT_EQ(find_integer(value, "most"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(find_integer(value, "big"), std::nullopt);
  EXPECT_EQ(find_integer(value, "float"), std::nullopt);
  EXPECT_EQ(find_integer(value, "text"), std::nullopt);
  EXPECT_EQ(find_bool(value, "bool"), false);
  EXPECT_EQ(find_bool(value, "int"), std::nullopt);
  EXPECT_EQ(string_or_empty(value, "text"), "t");
  EXPECT_EQ(string_or_empty(value, "int"), "");
  EXPECT_EQ(string_or_empty(value, "absent"), "");
  EXPECT_EQ(string_or_empty(Json(3), "absent"), "");
}

}  // namespace
}  // namespace portcullis::codec
