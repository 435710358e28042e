#include "lib/codec/yaml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/codec/json.hpp"

namespace portcullis::codec {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// The documents as one JSON list, or the error's text.
std::string read(std::string_view text, const YamlLimits& limits = {}) {
  const auto documents = parse_yaml(text, limits);
  if (!documents) return documents.error().message();
  return dump_json(Json(*documents));
}

TEST(ParseYamlTest, ReadsMapsListsAndScalars) {
  EXPECT_EQ(read("kind: Pod\n"
                 "spec:\n"
                 "  containers:\n"
                 "  - name: a   # the first\n"
                 "    args: [\"-x\", y, {z: 1}]\n"
                 "  - {name: b, ports: []}\n"
                 "  empty: {}\n"),
            R"([{"kind":"Pod","spec":{"containers":[{"args":["-x","y",{"z":1}],"name":"a"},)"
            R"({"name":"b","ports":[]}],"empty":{}}}])");
}

TEST(ParseYamlTest, PlainScalarsAreOfTheCoreSchemaOfYaml12) {
  const std::pair<const char*, const char*> cases[] = {
      {"null", "null"},
      {"Null", "null"},
      {"NULL", "null"},
      {"~", "null"},
      {"", "null"},
      {"nULL", R"("nULL")"},
      {"true", "true"},
      {"True", "true"},
      {"TRUE", "true"},
      {"false", "false"},
      {"False", "false"},
      {"FALSE", "false"},
      {"tRUE", R"("tRUE")"},
      {"yes", R"("yes")"},
      {"no", R"("no")"},
      {"on", R"("on")"},
      {"Off", R"("Off")"},
      {"y", R"("y")"},
      {"0", "0"},
      {"-0", "0"},
      {"12", "12"},
      {"+12", "12"},
      {"-12", "-12"},
      {"9223372036854775808", "9223372036854775808"},
      {"18446744073709551615", "18446744073709551615"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"18446744073709551616", "1.8446744073709552e+19"},
      {"0o14", "12"},
      {"0x1F", "31"},
      {"0o8", R"("0o8")"},
      {"0xg", R"("0xg")"},
      {"-0x1", R"("-0x1")"},
      {"0b1", R"("0b1")"},
      {"1_000", R"("1_000")"},
      {"1.5", "1.5"},
      {"1.", "1.0"},
      {".5", "0.5"},
      {"-.5", "-0.5"},
      {"+1.5", "1.5"},
      {"1e3", "1000.0"},
      {"1.5E-3", "0.0015"},
      {"0.25", "0.25"},
      {".", R"(".")"},
      {"1e", R"("1e")"},
      {"1.2.3", R"("1.2.3")"},
      {"e3", R"("e3")"},
      {"-", R"([null])"},
      {"--1", R"("--1")"},
      {"500m", R"("500m")"},
      {"10:30", R"("10:30")"},
      {"2026-01-02", R"("2026-01-02")"},
      {"2026-01-02T03:04:05Z", R"("2026-01-02T03:04:05Z")"},
      {"a b", R"("a b")"},
      {"inf", R"("inf")"},
  };
  for (const auto& [text, json] : cases) {
    SCOPED_TRACE(text);
    EXPECT_EQ(read(std::string("- ") + text), "[[" + std::string(json) + "]]");
  }
}

TEST(ParseYamlTest, QuotedAndBlockScalarsAreAlwaysText) {
  EXPECT_EQ(read("[\"true\", '12', \"null\", \"\", '~', \"a\\tb\\u00e9\", '0644']"),
            "[[\"true\",\"12\",\"null\",\"\",\"~\",\"a\\tb\xC3\xA9\",\"0644\"]]");
  EXPECT_EQ(read("a: |\n  12\n  13\nb: >-\n  true\n  x\n"), R"([{"a":"12\n13\n","b":"true x"}])");
}

TEST(ParseYamlTest, BlockScalarsKeepTheLineEndsThatTheyAskFor) {
  EXPECT_EQ(read("a: |+\n  x\n\n"), R"([{"a":"x\n\n"}])");
  EXPECT_EQ(read("a: |-\n  x\n\n"), R"([{"a":"x"}])");
  EXPECT_EQ(read("a: |\n  x\n\n"), R"([{"a":"x\n"}])");
  EXPECT_EQ(read("a: |\n  x"), R"([{"a":"x\n"}])") << "as if the last line had an end";
}

TEST(ParseYamlTest, TagsSayTheType) {
  const std::pair<const char*, const char*> cases[] = {
      {"!!str 12", R"("12")"},     {"!!str true", R"("true")"},
      {"!!str null", R"("null")"}, {"!!str 0644", R"("0644")"},
      {"! 12", R"("12")"},         {"!!int 12", "12"},
      {"!!int \"12\"", "12"},      {"!!float 1", "1.0"},
      {"!!float 1.5", "1.5"},      {"!!bool \"true\"", "true"},
      {"!!null null", "null"},     {"!!map {a: 1}", R"({"a":1})"},
      {"!!seq [1]", "[1]"},        {"!<tag:yaml.org,2002:str> 1", R"("1")"},
  };
  for (const auto& [text, json] : cases) {
    SCOPED_TRACE(text);
    EXPECT_EQ(read(std::string("- ") + text), "[[" + std::string(json) + "]]");
  }
}

TEST(ParseYamlTest, ReadsManyDocumentsAndLeavesOutEmptyOnes) {
  EXPECT_EQ(read("---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n---\n- 3\n--- text\n"),
            R"([{"a":1},{"b":2},[3],"text"])");
  EXPECT_EQ(read("%YAML 1.2\n---\na: 1\n...\n%YAML 1.2\n---\nb: 2\n"), R"([{"a":1},{"b":2}])");
  EXPECT_EQ(read(""), "[]");
  EXPECT_EQ(read("# only a comment\n"), "[]");
  EXPECT_EQ(read("---\n"), "[]");
  EXPECT_EQ(read("\xEF\xBB\xBF---\na: 1\n---\nb: 2\n"), R"([{"a":1},{"b":2}])");
  EXPECT_EQ(read("a: 1\r\n---\r\nb: 2\r\n"), R"([{"a":1},{"b":2}])");
}

TEST(ParseYamlTest, KeysBecomeText) {
  EXPECT_EQ(read("1: a\ntrue: b\n1.5: c\n\"x\": d\n"),
            R"([{"1":"a","1.5":"c","true":"b","x":"d"}])");
}

TEST(ParseYamlTest, AliasesRepeatTheirNode) {
  EXPECT_EQ(read("a: &x {b: [1]}\nc: *x\nd: [*x, *x]\ne: &y text\n*y : key\n"),
            R"([{"a":{"b":[1]},"c":{"b":[1]},"d":[{"b":[1]},{"b":[1]}],"e":"text","text":"key"}])");
  EXPECT_EQ(read("[&x 1, &x 2, *x]"), "[[1,2,2]]") << "the anchor nearest before counts";
}

TEST(ParseYamlTest, MergeKeysAddWhatTheMapHasNot) {
  EXPECT_EQ(read("base: &base {a: 1, b: 1}\n"
                 "more: &more {b: 2, c: 2}\n"
                 "one: {<<: *base, b: 3}\n"
                 "own: {b: 3, <<: *base}\n"
                 "two: {<<: [*base, *more]}\n"
                 "inline: {<<: {z: 1}}\n"
                 "quoted: {\"<<\": 1}\n"),
            R"([{"base":{"a":1,"b":1},"inline":{"z":1},"more":{"b":2,"c":2},"one":{"a":1,"b":3},)"
            R"("own":{"a":1,"b":3},"quoted":{"<<":1},"two":{"a":1,"b":1,"c":2}}])");
  EXPECT_EQ(read("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}\n"),
            R"([{"a":{"x":1},"b":{"x":1,"y":2},"c":{"x":1,"y":2}}])");
}

TEST(ParseYamlTest, RefusesWithLineAndColumn) {
  struct Case {
    const char* name;
    std::string text;
    const char* position;
    const char* says;
  };
  const Case cases[] = {
      {"an open list", "a: [1", "line", "end of sequence"},
      {"a wrong indentation", "a:\n  b: 1\n c: 2\n", "line 3", ""},
      {"a tab as indentation", "a:\n\tb: 1\n", "line 2", ""},
      {"an unknown anchor", "a: *x\n", "line 1, column 4", "anchor"},
      {"a duplicate key", "a: 1\nb: 2\na: 3\n", "line 3, column 1", "\"a\" stands twice"},
      {"a duplicate key of another type", "1: a\n\"1\": b\n", "line 2, column 1", "twice"},
      {"a duplicate key, nested", "x:\n- {a: 1, a: 1}\n", "line 2, column 10", "twice"},
      {"a null key", "~: 1\n", "line 1, column 1", "no text"},
      {"an absent key", "{: 1}\n", "line 1", "no text"},
      {"a list as key", "? [a]\n: 1\n", "line 1, column 3", "as key"},
      {"a map as key", "? {a: 1}\n: 1\n", "line 1, column 3", "as key"},
      {"an alias to a map as key", "a: &x {b: 1}\n*x : 1\n", "line 2, column 1", "no text"},
      {"a node that contains itself", "a: &x [*x]\n", "line 1, column 8", "contains it"},
      {"infinity", "a: .inf\n", "line 1, column 4", "JSON does not have"},
      {"minus infinity", "a: -.INF\n", "line 1, column 4", "JSON does not have"},
      {"not a number", "a: .nan\n", "line 1, column 4", "JSON does not have"},
      {"a float that overflows", "a: 1e999\n", "line 1, column 4", "no double"},
      {"a hexadecimal that overflows", "a: 0x1ffffffffffffffff\n", "line 1, column 4", "64 bits"},
      {"leading zeros", "mode: 0644\n", "line 1, column 7", "leading zeros"},
      {"leading zeros and a sign", "mode: -007\n", "line 1, column 7", "leading zeros"},
      {"a tag of one's own", "a: !secret x\n", "line 1, column 4", "not supported"},
      {"a tag of one's own on a map", "a: !thing {b: 1}\n", "line 1, column 4", "not supported"},
      {"a tag of one's own on a list", "a: !thing [b]\n", "line 1, column 4", "not supported"},
      {"binary", "a: !!binary Zm9v\n", "line 1, column 4", "not supported"},
      {"a timestamp tag", "a: !!timestamp 2026-01-02\n", "line 1, column 4", "not supported"},
      {"no number", "a: !!int x\n", "line 1, column 4", "its tag says"},
      {"no integer", "a: !!int 1.5\n", "line 1, column 4", "its tag says"},
      {"no boolean", "a: !!bool yes\n", "line 1, column 4", "its tag says"},
      {"a scalar tag on a list", "a: !!str [b]\n", "line 1, column 4", "not supported"},
      {"a list tag on a map", "a: !!seq {b: 1}\n", "line 1, column 4", "not supported"},
      {"a merge of a scalar", "<<: 1\n", "line 1, column 5", "<<"},
      {"a merge of scalars", "<<: [1]\n", "line 1, column 5", "<<"},
      {"text behind a scalar", "\"a\" b\n", "line 1, column 5", "behind the end"},
      {"text behind a list", "[1]\nb: 2\n", "line 2", ""},
      {"a bracket too many", "a: 1\n]\n", "line 2", ""},
      {"a quoted text cut off", "a: \"bc", "line", "document indicator"},
      {"a quoted text cut off by its line end", "a: 'bc\n", "line", "document indicator"},
      {"an open map", "a: {b: 1\n", "line", ""},
      {"a directive without a document", "a: 1\n...\n%YAML 1.2\n", "line 4", ""},
      {"a bracket alone", "]", "line 1", ""},
      {"invalid UTF-8", "a: 1\nb: \xFF\n", "line 2, column 4", "not UTF-8"},
      {"UTF-16",
       std::string("\xFF\xFE"
                   "a\0",
                   4),
       "line 1, column 1", "not UTF-8"},
      {"a NUL", std::string("a: 1\n\0b: 2", 10), "line 2, column 1", "control character"},
      {"text hidden behind U+0004", "a: 1\n\x04z: 2\n", "line 2, column 1", "control character"},
      {"an escape character", "a: \x1B[31m\n", "line 1, column 4", "control character"},
      {"a delete character", "a: \x7F\n", "line 1, column 4", "control character"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const auto documents = parse_yaml(test.text);
    ASSERT_FALSE(documents) << dump_json(Json(*documents));
    EXPECT_EQ(documents.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(documents.error().message(), HasSubstr(test.position));
    EXPECT_THAT(documents.error().message(), HasSubstr(test.says));
  }
}

TEST(ParseYamlTest, TheErrorDoesNotQuoteValues) {
  EXPECT_THAT(read("password: 0123456789\n"), Not(HasSubstr("0123456789")));
  EXPECT_THAT(read("password: !!int hunter2\n"), Not(HasSubstr("hunter2")));
}

TEST(ParseYamlTest, AnchorsEndWithTheirDocument) {
  EXPECT_THAT(read("a: &x 1\n---\nb: *x\n"), HasSubstr("line 3"));
  EXPECT_THAT(read("a: &x 1\n---\nb: &x [*x]\n"), HasSubstr("contains it"))
      << "not the node of that name in the document before";
}

TEST(ParseYamlTest, DepthIsAllowedUpToTheLimitAndNotBeyond) {
  YamlLimits limits;
  limits.max_depth = 3;

  EXPECT_EQ(read("[[[1]]]", limits), "[[[[1]]]]");
  EXPECT_THAT(read("[[[[1]]]]", limits), HasSubstr("deeper than 3"));
  EXPECT_THAT(read("a:\n b:\n  c:\n   d: 1\n", limits), HasSubstr("deeper than 3"));
  EXPECT_EQ(read("[&x [[1]], *x]", limits), "[[[[1]],[[1]]]]");
  EXPECT_THAT(read("[&x [[1]], [*x]]", limits), HasSubstr("deeper than 3"));
}

TEST(ParseYamlTest, AHundredThousandLevelsDoNotOverflowTheStack) {
  std::string dashes;
  std::string maps;
  std::string indented;
  for (int i = 0; i < 100'000; ++i) dashes += "- ";
  for (int i = 0; i < 10'000; ++i) maps += "{a: ";
  for (std::size_t i = 0; i < 1000; ++i) indented += std::string(i, ' ') + "a:\n";

  EXPECT_THAT(read(dashes), HasSubstr("deeper than 64"));
  EXPECT_THAT(read(indented), HasSubstr("deeper than 64"));
  EXPECT_THAT(read(std::string(500, '[') + std::string(500, ']')), HasSubstr("deeper than 64"));
  EXPECT_FALSE(parse_yaml(std::string(100'000, '[')));
  EXPECT_FALSE(parse_yaml(maps));
}

TEST(ParseYamlTest, TheBillionLaughsAreRefused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const auto previous = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + previous;
    for (int j = 1; j < 10; ++j) text += ", " + previous;
    text += "]\n";
  }
  EXPECT_THAT(read(text), HasSubstr("more than 1000000 nodes"));
}

TEST(ParseYamlTest, ALongTextRepeatedOftenIsRefused) {
  YamlLimits limits;
  limits.max_bytes = 10'000;
  std::string text = "[&x " + std::string(1000, 'a');
  for (int i = 0; i < 20; ++i) text += ", *x";

  EXPECT_THAT(read(text + "]", limits), HasSubstr("repeat more than 10000 bytes"));
}

TEST(ParseYamlTest, NodesAndBytesAreLimitedWithoutAliasesToo) {
  YamlLimits limits;
  limits.max_nodes = 4;
  EXPECT_EQ(read("[1, 2, 3]", limits), "[[1,2,3]]");
  EXPECT_THAT(read("[1, 2, 3, 4]", limits), HasSubstr("more than 4 nodes"));
  limits.max_bytes = 3;
  EXPECT_EQ(read("abc", limits), R"(["abc"])");
  EXPECT_THAT(read("abcd", limits), HasSubstr("4 bytes"));
}

}  // namespace
}  // namespace portcullis::codec
