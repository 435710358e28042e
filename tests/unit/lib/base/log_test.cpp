#include "lib/base/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace portcullis::log {
namespace {

using ::testing::HasSubstr;
using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

constexpr std::string_view kNow = "2026-01-02T03:04:05.678Z";

TEST(FormatRecordTest, WritesOneJsonObject) {
  const Error error(ErrorCode::kNotFound, "no such pod");

  EXPECT_EQ(
      format_record(Format::kJson, Level::kWarning, kNow, "pod refused",
                    {{"namespace", "clinic"},
                     {"name", std::string("triage")},
                     {"retries", std::int64_t{3}},
                     {"cause", error}}),
      R"({"ts":"2026-01-02T03:04:05.678Z","level":"warning","msg":"pod refused",)"
      R"("namespace":"clinic","name":"triage","retries":"3","cause":"NotFound: no such pod"})");
}

TEST(FormatRecordTest, WritesTextForPeople) {
  EXPECT_EQ(format_record(Format::kText, Level::kInfo, kNow, "ready", {{"port", "8443"}}),
            R"(2026-01-02T03:04:05.678Z info    ready port="8443")");
}

TEST(FormatRecordTest, ARecordIsOneLineWhateverItsValuesHold) {
  for (const auto format : {Format::kJson, Format::kText}) {
    const auto record = format_record(format, Level::kError, kNow, "refused",
                                      {{"cause", "a\"b\\c\nd\re\tf\x01\x7F"}});
    EXPECT_EQ(record.find('\n'), std::string::npos);
    EXPECT_THAT(record, HasSubstr(R"(a\"b\\c\nd\u000de\u0009f\u0001\u007f)"));
  }
}

TEST(FormatRecordTest, ATenantsTextCannotForgeAKey) {
  const auto record =
      format_record(Format::kJson, Level::kInfo, kNow, "x", {{"name", R"(a","level":"debug)"}});

  EXPECT_THAT(record, HasSubstr(R"("name":"a\",\"level\":\"debug")"));
}

TEST(FormatRecordTest, NamesEveryLevel) {
  const std::pair<Level, const char*> cases[] = {{Level::kDebug, "debug"},
                                                 {Level::kInfo, "info"},
                                                 {Level::kWarning, "warning"},
                                                 {Level::kError, "error"}};
  for (const auto& [level, name] : cases) {
    EXPECT_THAT(format_record(Format::kJson, level, kNow, "x", {}),
                HasSubstr("\"level\":\"" + std::string(name) + "\""));
    const auto parsed = parse_level(name);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, level);
  }
}

TEST(ParseOptionsTest, UnknownNamesAreRefusedWithTheKnownOnes) {
  for (const char* name : {"", "Info", "warn", "trace", "INFO", "info "}) {
    const auto level = parse_level(name);
    ASSERT_FALSE(level) << name;
    EXPECT_EQ(level.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(level.error().message(), HasSubstr("debug, info, warning or error"));
  }
  const auto format = parse_format("yaml");
  ASSERT_FALSE(format);
  EXPECT_THAT(format.error().message(), HasSubstr("json or text"));
  EXPECT_EQ(*parse_format("json"), Format::kJson);
  EXPECT_EQ(*parse_format("text"), Format::kText);
}

TEST(LogTest, WritesRecordsOfItsLevelAndAboveToStandardError) {
  configure(Level::kWarning, Format::kJson);
  CaptureStderr();
  debug("not this");
  info("nor this");
  warning("this one", {{"key", "value"}});
  error("and this one");
  const auto written = GetCapturedStderr();
  configure(Level::kInfo, Format::kJson);

  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 2);
  EXPECT_THAT(written, HasSubstr(R"("level":"warning","msg":"this one","key":"value"})"));
  EXPECT_THAT(written, HasSubstr(R"("level":"error","msg":"and this one"})"));
  EXPECT_TRUE(written.starts_with("{\"ts\":\"20")) << written;
}

TEST(LogTest, ABraceInAMessageIsNoPlaceholder) {
  CaptureStderr();
  error("{} {0} {nonsense", {{"key", "{}"}});

  EXPECT_THAT(GetCapturedStderr(), HasSubstr(R"("msg":"{} {0} {nonsense","key":"{}")"));
}

}  // namespace
}  // namespace portcullis::log
