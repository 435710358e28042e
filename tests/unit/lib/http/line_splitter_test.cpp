#include "lib/http/line_splitter.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace portcullis::http {
namespace {

using Lines = std::vector<std::string>;
using Outcome = LineSplitter::Outcome;

struct Collector {
  Lines lines;
  std::size_t most = 100;
  bool operator()(std::string_view line) {
    lines.emplace_back(line);
    return lines.size() < most;
  }
};

TEST(LineSplitterTest, GivesTheSameLinesWhereverTheStreamIsCut) {
  const std::string stream = "{\"a\":1}\n\n{\"b\":\"\xc3\xa9\"}\r\n\r\n{}\nlast";
  const Lines expected{"{\"a\":1}", "{\"b\":\"\xc3\xa9\"}", "{}", "last"};
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    for (std::size_t second = first; second <= stream.size(); ++second) {
      LineSplitter splitter(64);
      Collector found;
      splitter.feed(stream.substr(0, first), found);
      splitter.feed(stream.substr(first, second - first), found);
      splitter.feed(stream.substr(second), found);
      EXPECT_EQ(splitter.finish(found), Outcome::kMore);
      EXPECT_EQ(found.lines, expected) << first << " " << second;
    }
  }
}

TEST(LineSplitterTest, AnEndedLineIsGivenAtOnceAndAnUnendedOneAtTheEnd) {
  LineSplitter splitter(64);
  Collector found;
  splitter.feed("one\ntw", found);
  EXPECT_EQ(found.lines, Lines{"one"});
  splitter.finish(found);
  EXPECT_EQ(found.lines, (Lines{"one", "tw"}));
}

TEST(LineSplitterTest, NothingIsGivenOfNothing) {
  LineSplitter splitter(64);
  Collector found;
  EXPECT_EQ(splitter.feed("", found), Outcome::kMore);
  EXPECT_EQ(splitter.feed("\n\r\n", found), Outcome::kMore);
  EXPECT_EQ(splitter.finish(found), Outcome::kMore);
  EXPECT_TRUE(found.lines.empty());
}

TEST(LineSplitterTest, StopsWhenTheSinkSaysSo) {
  LineSplitter splitter(64);
  Collector found{.lines = {}, .most = 2};
  EXPECT_EQ(splitter.feed("1\n2\n3\n", found), Outcome::kStopped);
  EXPECT_EQ(found.lines, (Lines{"1", "2"}));
}

TEST(LineSplitterTest, ALineOfExactlyTheLimitPassesAndOneMoreByteDoesNot) {
  struct Case {
    const char* name;
    std::vector<std::string> pieces;
    Outcome outcome;
  };
  const Case cases[] = {
      {"limit in one piece", {"12345678\n"}, Outcome::kMore},
      {"limit with carriage return", {"12345678\r\n"}, Outcome::kMore},
      {"limit in two pieces", {"1234", "5678\n"}, Outcome::kMore},
      {"limit, then the end in pieces", {"12345678", "\r", "\n"}, Outcome::kMore},
      {"over in one piece", {"123456789\n"}, Outcome::kTooLong},
      {"over in two pieces", {"12345", "6789\n"}, Outcome::kTooLong},
      {"over without an end", {"12345678", "90"}, Outcome::kTooLong},
      {"over after a good line", {"1\n123456789\n"}, Outcome::kTooLong},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    LineSplitter splitter(8);
    Collector found;
    auto outcome = Outcome::kMore;
    for (const auto& piece : test.pieces) {
      if (outcome == Outcome::kMore) outcome = splitter.feed(piece, found);
    }
    EXPECT_EQ(outcome, test.outcome);
    for (const auto& line : found.lines) EXPECT_LE(line.size(), 8U);
  }
}

TEST(LineSplitterTest, AnUnendedLineOverTheLimitIsRefusedAtTheEndToo) {
  LineSplitter splitter(8);
  Collector found;
  EXPECT_EQ(splitter.feed("123456789", found), Outcome::kMore);  // it may be a carriage return
  EXPECT_EQ(splitter.finish(found), Outcome::kTooLong);
  EXPECT_TRUE(found.lines.empty());
}

}  // namespace
}  // namespace portcullis::http
