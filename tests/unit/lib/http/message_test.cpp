#include "lib/http/message.hpp"

#include <gtest/gtest.h>

namespace portcullis::http {
namespace {

TEST(HeadersTest, NamesAreTheSameInAnyCase) {
  Response response{200, {{"Content-Type", "text/plain"}}, ""};
  EXPECT_EQ(response.header("content-type"), "text/plain");
  EXPECT_EQ(response.header("CONTENT-TYPE"), "text/plain");
  EXPECT_EQ(response.header("Content-Typ"), "");
  EXPECT_EQ(response.header("Accept"), "");
}

TEST(HeadersTest, RepeatedLinesAreJoinedInTheirOrder) {
  Headers headers;
  add_header(headers, "Warning", "299 - \"a\"");
  add_header(headers, "warning", "299 - \"b\"");
  EXPECT_EQ(headers.size(), 1U);
  EXPECT_EQ(headers["WARNING"], "299 - \"a\", 299 - \"b\"");
}

TEST(HeadersTest, ALineThatCouldSmuggleAnotherIsNotValid) {
  EXPECT_TRUE(is_valid_header("X-Any_1", "text with \t tab and \xc3\xa9"));
  EXPECT_TRUE(is_valid_header("Empty", ""));
  const std::pair<std::string, std::string> bad[] = {
      {"", "x"},
      {"A B", "x"},
      {"A:", "x"},
      {"A\r\nB", "x"},
      {"A", "x\r\nB: y"},
      {"A", "x\ny"},
      {"A", std::string("x\0y", 3)},
      {"A", "x\x7f"},
      {"\xc3\xa9", "x"},
  };
  for (const auto& [name, value] : bad) EXPECT_FALSE(is_valid_header(name, value)) << name << value;
}

TEST(TargetTest, PathIsWhatComesBeforeTheQuery) {
  EXPECT_EQ(path_of("/validate?timeout=10s"), "/validate");
  EXPECT_EQ(path_of("/validate"), "/validate");
  EXPECT_EQ(path_of("?a=b"), "");
}

TEST(TargetTest, QueryValuesAreDecoded) {
  struct Case {
    const char *target, *name, *value;
  };
  const Case cases[] = {
      {"/v?timeout=10s", "timeout", "10s"},
      {"/v?a=1&timeout=10s&b", "timeout", "10s"},
      {"/v?a=1&timeout=10s", "b", ""},
      {"/v?a=1&b", "b", ""},
      {"/v?a=x%2Fy+z%3d", "a", "x/y z="},
      {"/v?a%20b=1", "a b", "1"},
      {"/v?a=100%&b=%zz&c=%2", "a", "100%"},
      {"/v?a=100%&b=%zz&c=%2", "b", "%zz"},
      {"/v?a=100%&b=%zz&c=%2", "c", "%2"},
      {"/v?a=b=c", "a", "b=c"},
      {"/v?&&a=1&", "a", "1"},
      {"/v?", "a", ""},
      {"/v", "v", ""},
      {"/v?timeoutx=1", "timeout", ""},
  };
  for (const auto& [target, name, value] : cases) {
    EXPECT_EQ(query_value(target, name), value) << target << " " << name;
  }
}

}  // namespace
}  // namespace portcullis::http
