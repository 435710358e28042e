#include "lib/base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>

namespace portcullis::log {
namespace {

std::atomic<Format> g_format{Format::kJson};

spdlog::logger& sink() {
  // The record is formatted by us; spdlog brings the levels, the lock and the flushing.
  static const auto kLogger = [] {
    auto logger = spdlog::stderr_logger_mt("portcullis");
    logger->set_pattern("%v");
    logger->flush_on(spdlog::level::trace);
    return logger;
  }();
  return *kLogger;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::string_view name_of(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "error";
}

std::string timestamp_now() {
  const auto now = std::chrono::system_clock::now();
  const auto seconds = std::chrono::system_clock::to_time_t(now);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(
                          now.time_since_epoch())
                          .count() %
                      1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, millis);
}

/// JSON string content (RFC 8259 section 7). Bytes that are no ASCII pass through: a log line must
/// not fail on a tenant's broken UTF-8, so they are replaced by '?' in the escaped form.
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
}

void write(Level level, std::string_view message, Fields fields) {
  const auto spd_level = to_spdlog(level);
  if (!sink().should_log(spd_level)) return;
  sink().log(spd_level, "{}", format_record(g_format, level, timestamp_now(), message, fields));
}

}  // namespace

void configure(Level level, Format format) {
  g_format = format;
  sink().set_level(to_spdlog(level));
}

Result<Level> parse_level(std::string_view name) {
  for (const auto level : {Level::kDebug, Level::kInfo, Level::kWarning, Level::kError}) {
    if (name == name_of(level)) return level;
  }
  return Error(ErrorCode::kInvalidArgument, "log level \"" + std::string(name) +
                                                "\": use debug, info, warning or error");
}

Result<Format> parse_format(std::string_view name) {
  if (name == "json") return Format::kJson;
  if (name == "text") return Format::kText;
  return Error(ErrorCode::kInvalidArgument,
               "log format \"" + std::string(name) + "\": use json or text");
}

std::string format_record(Format format, Level level, std::string_view timestamp,
                          std::string_view message, Fields fields) {
  std::string out;
  if (format == Format::kText) {
    out = fmt::format("{} {:<7} {}", timestamp, name_of(level), message);
    for (const auto& field : fields) {
      out += fmt::format(" {}=\"", field.key);
      append_escaped(out, field.value);
      out += '"';
    }
    return out;
  }
  out = fmt::format(R"({{"ts":"{}","level":"{}","msg":")", timestamp, name_of(level));
  append_escaped(out, message);
  out += '"';
  for (const auto& field : fields) {
    out += fmt::format(R"(,"{}":")", field.key);
    append_escaped(out, field.value);
    out += '"';
  }
  out += '}';
  return out;
}

void debug(std::string_view message, Fields fields) { write(Level::kDebug, message, fields); }
void info(std::string_view message, Fields fields) { write(Level::kInfo, message, fields); }
void warning(std::string_view message, Fields fields) { write(Level::kWarning, message, fields); }
void error(std::string_view message, Fields fields) { write(Level::kError, message, fields); }

}  // namespace portcullis::log
