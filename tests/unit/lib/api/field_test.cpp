#include "lib/api/field.hpp"

#include <gmock/gmock.h>

#include <functional>

namespace portcullis::api {
namespace {

using codec::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

enum class Colour { kRed, kBlue };
constexpr Word<Colour> kColours[] = {{Colour::kRed, "Red"}, {Colour::kBlue, "Blue"}};

Json example() {
  return Json::parse(R"({"text": "a", "empty": "", "number": 3, "big": 18446744073709551615,
    "yes": true, "list": ["a", "b"], "none": [], "null": null, "map": {"k": "v"},
    "mixed": {"k": 1}, "named": [{"name": "a"}, {"name": "b"}], "twice": [{"name": "a"}, {"name": "a"}],
    "duration": "1h30m", "time": "2026-01-02T03:04:05Z", "colour": "Red",
    "colours": ["Blue", "Red"], "same": ["Red", "Red"], "float": 1.5})");
}

TEST(FieldTest, ReadsWhatIsThere) {
  const auto object = example();
  const Field field(object, "spec");
  EXPECT_EQ(*field.at("text").text(), "a");
  EXPECT_EQ(*field.at("number").integer(1, 5), 3);
  EXPECT_EQ(*field.at("yes").boolean(), true);
  EXPECT_THAT(*field.at("list").texts(), ElementsAre("a", "b"));
  EXPECT_EQ(*field.at("map").labels(), (Labels{{"k", "v"}}));
  EXPECT_THAT(*field.at("named").names("name"), ElementsAre("a", "b"));
  EXPECT_EQ(*field.at("duration").duration(), std::chrono::seconds(5400));
  EXPECT_TRUE(field.at("time").time()->has_value());
  EXPECT_EQ(*field.at("colour").word(kColours), Colour::kRed);
  EXPECT_THAT(*field.at("colours").word_list(kColours), ElementsAre(Colour::kRed, Colour::kBlue))
      << "in enumerator order";
}

TEST(FieldTest, AbsentAndNullAreTheSame) {
  const auto object = example();
  const Field field(object, "spec");
  for (const auto* key : {"missing", "null"}) {
    const auto absent = field.at(key);
    EXPECT_FALSE(absent.present());
    EXPECT_EQ(*absent.text(), std::nullopt);
    EXPECT_EQ(*absent.at("below").text(), std::nullopt);
    EXPECT_TRUE(absent.items()->empty());
    EXPECT_TRUE(absent.labels()->empty());
    EXPECT_EQ(*absent.word_or(kColours, Colour::kBlue), Colour::kBlue);
    EXPECT_TRUE(absent.expect_object());
  }
}

// One row for each way in which a field can be wrong: all are errors that name the field.
TEST(FieldTest, NothingWrongReadsAsAbsent) {
  const auto object = example();
  const Field root(object, "spec");
  const auto failed = [](const auto& result) -> std::string {
    return result ? "" : result.error().message();
  };
  struct Row {
    const char* name;
    std::string message;
    const char* expected;
  };
  const Row rows[] = {
      {"text of a number", failed(root.at("number").text()), "spec.number: must be a text"},
      {"member of a text", failed(root.at("text").at("deep").at("er").text()),
       "spec.text: must be an object"},
      {"labels below a text", failed(root.at("text").at("deep").labels()),
       "spec.text: must be an object"},
      {"items below a text", failed(root.at("text").at("deep").items()),
       "spec.text: must be an object"},
      {"required but absent", failed(root.at("missing").required_text()),
       "spec.missing: is required"},
      {"required but empty", failed(root.at("empty").required_text()), "spec.empty: is required"},
      {"number of a text", failed(root.at("text").integer(0, 9)), "must be a whole number"},
      {"number of a fraction", failed(root.at("float").integer(0, 9)), "must be a whole number"},
      {"number too low", failed(root.at("number").integer(4, 9)), "between 4 and 9"},
      {"number too high", failed(root.at("number").integer(0, 2)), "between 0 and 2"},
      {"number past 63 bits", failed(root.at("big").integer(0, INT64_MAX)), "must be between"},
      {"boolean of a text", failed(root.at("text").boolean()), "must be true or false"},
      {"list of a text", failed(root.at("text").items()), "must be a list"},
      {"empty list of constraints", failed(root.at("none").items()), "is an empty list"},
      {"list of others", failed(root.at("named").texts()), "spec.named[0]: must be a text"},
      {"map of others", failed(root.at("mixed").labels()), "\"k\" must be a text"},
      {"map of a list", failed(root.at("list").labels()), "must be an object"},
      {"name twice", failed(root.at("twice").names("name")),
       "spec.twice[1].name: \"a\" stands twice"},
      {"no duration", failed(root.at("text").duration()), "\"a\" is no duration"},
      {"no time", failed(root.at("text").time()), "\"a\" is no RFC 3339 time"},
      {"unknown word", failed(root.at("text").word(kColours)), "\"a\" is not one of Red, Blue"},
      {"word required", failed(root.at("missing").required_word(kColours)), "is required"},
      {"word twice", failed(root.at("same").word_list(kColours)), "spec.same[1]: stands twice"},
  };
  for (const auto& row : rows) EXPECT_THAT(row.message, HasSubstr(row.expected)) << row.name;
}

TEST(FieldTest, ListsThatAreNoConstraintsMayBeEmpty) {
  const auto object = example();
  EXPECT_TRUE(Field(object, "").at("none").elements()->empty());
  EXPECT_TRUE(Field(object, "").at("none").names("name")->empty());
}

}  // namespace
}  // namespace portcullis::api
