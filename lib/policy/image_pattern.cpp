#include "lib/policy/image_pattern.hpp"

#include <algorithm>
#include <cstddef>

namespace portcullis::policy {
namespace {

/// Longer names are refused by registries (distribution/reference: 255); patterns need no more.
constexpr std::size_t kMaxPatternBytes = 255;

using Parts = std::vector<std::string>;

Parts split(std::string_view text, char separator) {
  Parts out;
  for (;;) {
    const auto end = text.find(separator);
    out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

/// Matches a sequence against a pattern in which `is_star(element)` stands for `least` or more
/// elements. Only the last star is ever tried again, which is enough: what an earlier star took can
/// stay as short as it is.
template <typename P, typename T, typename IsStar, typename Equal>
bool glob(const P& pattern, const T& text, std::size_t least, IsStar is_star, Equal equal) {
  constexpr auto kNone = std::string_view::npos;
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = kNone;   // Where the last star stands in the pattern …
  std::size_t taken_end = 0;  // … and the end of what it has taken so far.
  while (t < text.size()) {
    if (p < pattern.size() && is_star(pattern[p])) {
      star = p++;
      taken_end = t + least;
      if (taken_end > text.size()) return false;
      t = taken_end;
    } else if (p < pattern.size() && equal(pattern[p], text[t])) {
      ++p;
      ++t;
    } else if (star != kNone) {
      p = star + 1;
      t = ++taken_end;
    } else {
      return false;
    }
  }
  // A star at the end takes nothing more; that is enough only when it may take nothing.
  while (p < pattern.size() && least == 0 && is_star(pattern[p])) ++p;
  return p == pattern.size();
}

bool segment_matches(std::string_view pattern, std::string_view segment) {
  return glob(
      pattern, segment, 0, [](char c) { return c == '*'; },
      [](char wanted, char found) { return wanted == found; });
}

bool path_matches(const Parts& pattern, const Parts& path) {
  return glob(
      pattern, path, 1, [](const std::string& segment) { return segment == "**"; },
      [](const std::string& wanted, const std::string& found) {
        return segment_matches(wanted, found);
      });
}

bool host_matches(const Parts& pattern, const Parts& host) {
  return std::ranges::equal(pattern, host, [](const auto& wanted, const auto& found) {
    return wanted == "*" || wanted == found;
  });
}

bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

Error invalid(std::string_view text, const std::string& what) {
  return {ErrorCode::kInvalidArgument, "image pattern \"" + std::string(text) + "\": " + what};
}

/// What is wrong with the host, or "".
std::string host_fault(std::string_view host, const Parts& labels) {
  if (host == "index.docker.io") return "the normalised host is docker.io";
  const bool is_host =
      host == "localhost" || host == "*" || host.find_first_of(".:") != std::string_view::npos;
  if (!is_host) {
    return "must begin with a registry host, such as docker.io/" + std::string(host) + "/…";
  }
  for (const auto& label : labels) {
    if (label == "*") continue;
    if (label.empty()) return "the host has an empty label";
    if (label.find('*') != std::string::npos) return "`*` in the host stands for one whole label";
    const auto odd = [](char c) {
      return !is_lower_alnum(c) && std::string_view("-:[]").find(c) == std::string_view::npos;
    };
    if (std::ranges::any_of(label, odd)) return "the host has a character no registry host has";
  }
  return "";
}

std::string path_fault(const Parts& segments) {
  for (const auto& segment : segments) {
    if (segment.empty()) return "the path has an empty segment";
    if (segment == "**") continue;
    if (segment.find("**") != std::string::npos) return "`**` stands for whole segments";
    const auto odd = [](char c) {
      return !is_lower_alnum(c) && std::string_view("._-*").find(c) == std::string_view::npos;
    };
    if (std::ranges::any_of(segment, odd)) {
      return "the path may hold a-z 0-9 . _ - and *, and neither tag nor digest";
    }
  }
  return "";
}

}  // namespace

Result<ImagePattern> ImagePattern::parse(std::string_view text) {
  ImagePattern pattern{std::string(text)};
  if (text == "**") return pattern;
  if (text.empty()) return invalid(text, "is empty");
  if (text.size() > kMaxPatternBytes) return invalid(text, "is longer than 255 characters");

  const auto slash = text.find('/');
  const auto host = text.substr(0, slash);
  pattern.labels_ = split(host, '.');
  if (slash == std::string_view::npos) return invalid(text, "has no path; write HOST/PATH or **");
  if (auto fault = host_fault(host, pattern.labels_); !fault.empty()) return invalid(text, fault);
  pattern.segments_ = split(text.substr(slash + 1), '/');
  if (auto fault = path_fault(pattern.segments_); !fault.empty()) return invalid(text, fault);
  if (host == "docker.io" && pattern.segments_.size() == 1 && pattern.segments_[0] != "**") {
    return invalid(
        text, "matches nothing; the normalised name is docker.io/library/" + pattern.segments_[0]);
  }
  return pattern;
}

bool ImagePattern::matches(std::string_view name) const {
  if (labels_.empty()) return true;
  const auto slash = name.find('/');
  if (slash == std::string_view::npos) return false;
  return host_matches(labels_, split(name.substr(0, slash), '.')) &&
         path_matches(segments_, split(name.substr(slash + 1), '/'));
}

}  // namespace portcullis::policy
