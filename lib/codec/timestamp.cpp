#include <algorithm>
#include <cstdint>
#include <optional>

#include "lib/codec/encoding.hpp"

namespace portcullis::codec {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

Error refused(std::string_view what, std::string_view text, const std::string& why) {
  constexpr std::size_t kQuotedBytes = 64;
  return {ErrorCode::kInvalidArgument,
          std::string(what) + " \"" + std::string(text.substr(0, kQuotedBytes)) + "\": " + why};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads text from its front, one fixed-size number or character at a time.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<int> number(std::size_t digits) {
    if (text_.size() < digits) return std::nullopt;
    int value = 0;
    for (const char c : text_.substr(0, digits)) {
      if (!is_digit(c)) return std::nullopt;
      value = value * 10 + (c - '0');
    }
    text_.remove_prefix(digits);
    return value;
  }

  bool skip(std::string_view any_of) {
    if (text_.empty() || any_of.find(text_.front()) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }

  std::size_t digits_ahead() const {
    return std::min(text_.find_first_not_of("0123456789"), text_.size());
  }
  bool at_end() const { return text_.empty(); }

 private:
  std::string_view text_;
};

/// "2026-01-02"
std::optional<std::chrono::sys_days> read_date(Reader& reader) {
  const auto year = reader.number(4);
  if (!year || !reader.skip("-")) return std::nullopt;
  const auto month = reader.number(2);
  if (!month || !reader.skip("-")) return std::nullopt;
  const auto day = reader.number(2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

/// "03:04:05"
std::optional<seconds> read_time_of_day(Reader& reader) {
  const auto hour = reader.number(2);
  if (!hour || *hour > 23 || !reader.skip(":")) return std::nullopt;
  const auto minute = reader.number(2);
  if (!minute || *minute > 59 || !reader.skip(":")) return std::nullopt;
  const auto second = reader.number(2);
  if (!second || *second > 60) return std::nullopt;
  return hours(*hour) + minutes(*minute) + seconds(std::min(*second, 59));
}

/// ".5", or nothing.
std::optional<nanoseconds> read_fraction(Reader& reader) {
  if (!reader.skip(".")) return nanoseconds(0);
  const auto digits = reader.digits_ahead();
  if (digits == 0 || digits > 9) return std::nullopt;
  std::int64_t value = *reader.number(digits);
  for (auto i = digits; i < 9; ++i) value *= 10;
  return nanoseconds(value);
}

/// "Z", "+02:00"
std::optional<seconds> read_offset(Reader& reader) {
  if (reader.skip("Zz")) return seconds(0);
  const bool east = reader.skip("+");
  if (!east && !reader.skip("-")) return std::nullopt;
  const auto hour = reader.number(2);
  if (!hour || *hour > 23 || !reader.skip(":")) return std::nullopt;
  const auto minute = reader.number(2);
  if (!minute || *minute > 59) return std::nullopt;
  const seconds offset = hours(*hour) + minutes(*minute);
  return east ? offset : -offset;
}

/// A Time counts nanoseconds in 64 bits, which ends in 2262: later is the last one, earlier (Go's
/// zero time is in the year 1) the first one.
Time clamp_to_time(std::chrono::sys_seconds whole, nanoseconds fraction) {
  constexpr auto kFirst = std::chrono::ceil<seconds>(Time::min());
  constexpr auto kLast = std::chrono::floor<seconds>(Time::max()) - seconds(1);
  if (whole < kFirst) return kFirst;
  if (whole > kLast) return kLast;
  return whole + fraction;
}

void append_padded(std::string& out, int value, std::size_t width) {
  const auto digits = std::to_string(value);
  out.append(width > digits.size() ? width - digits.size() : 0, '0');
  out += digits;
}

/// "2026-01-02T03:04:05", without fraction and zone.
std::string format_seconds(Time time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<seconds>(time - day));
  std::string out;
  append_padded(out, static_cast<int>(date.year()), 4);
  out += '-';
  append_padded(out, static_cast<int>(static_cast<unsigned>(date.month())), 2);
  out += '-';
  append_padded(out, static_cast<int>(static_cast<unsigned>(date.day())), 2);
  out += 'T';
  append_padded(out, static_cast<int>(clock.hours().count()), 2);
  out += ':';
  append_padded(out, static_cast<int>(clock.minutes().count()), 2);
  out += ':';
  append_padded(out, static_cast<int>(clock.seconds().count()), 2);
  return out;
}

std::optional<Time> read_date_time(Reader& reader) {
  const auto date = read_date(reader);
  if (!date || !reader.skip("Tt")) return std::nullopt;
  const auto time_of_day = read_time_of_day(reader);
  if (!time_of_day) return std::nullopt;
  const auto fraction = read_fraction(reader);
  if (!fraction) return std::nullopt;
  const auto offset = read_offset(reader);
  if (!offset || !reader.at_end()) return std::nullopt;
  return clamp_to_time(*date + *time_of_day - *offset, *fraction);
}

}  // namespace

Result<Time> parse_rfc3339(std::string_view text) {
  Reader reader(text);
  if (const auto time = read_date_time(reader)) return *time;
  return refused("time", text, "write it as RFC 3339 does, like 2026-01-02T03:04:05Z");
}

std::string format_time(Time time) { return format_seconds(time) + "Z"; }

std::string format_micro_time(Time time) {
  const auto whole = std::chrono::floor<seconds>(time);
  const auto fraction = std::chrono::floor<microseconds>(time - whole).count();
  std::string out = format_seconds(time) + ".";
  append_padded(out, static_cast<int>(fraction), 6);
  return out + "Z";
}

Result<seconds> parse_duration(std::string_view text) {
  constexpr std::size_t kMostDigits = 5;
  constexpr int kMostParts = 3;
  Reader reader(text);
  seconds sum{0};
  int parts = 0;
  do {
    const auto digits = reader.digits_ahead();
    const auto number = digits > 0 && digits <= kMostDigits ? reader.number(digits) : std::nullopt;
    const int unit = reader.skip("h") ? 3600 : reader.skip("m") ? 60 : reader.skip("s") ? 1 : 0;
    if (!number || unit == 0 || ++parts > kMostParts) {
      return refused("duration", text, "write up to three numbers with h, m or s, like 1h30m");
    }
    sum += seconds(*number) * unit;
  } while (!reader.at_end());
  return sum;
}

std::string format_duration(seconds duration) {
  const auto whole = std::max(duration, seconds(0)).count();
  std::string out;
  if (whole >= 3600) out += std::to_string(whole / 3600) + "h";
  if (whole / 60 % 60 != 0) out += std::to_string(whole / 60 % 60) + "m";
  if (whole % 60 != 0 || out.empty()) out += std::to_string(whole % 60) + "s";
  return out;
}

}  // namespace portcullis::codec
