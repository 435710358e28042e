#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/http/line_splitter.hpp"
#include "tests/fuzz/property.hpp"

using namespace portcullis;
using Outcome = http::LineSplitter::Outcome;

namespace {

constexpr std::size_t kMaxLine = 64;

struct Found {
  std::vector<std::string> lines;
  Outcome outcome = Outcome::kMore;
};

/// What the splitter must find, written down the slow way.
Found expected(std::string_view stream) {
  Found found;
  while (!stream.empty()) {
    const auto end = std::min(stream.find('\n'), stream.size());
    auto line = stream.substr(0, end);
    stream.remove_prefix(std::min(end + 1, stream.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > kMaxLine) {
      found.outcome = Outcome::kTooLong;
      return found;
    }
    if (!line.empty()) found.lines.emplace_back(line);
  }
  return found;
}

Found split(std::string_view stream, std::size_t piece) {
  http::LineSplitter splitter(kMaxLine);
  Found found;
  const auto sink = [&found](std::string_view line) {
    found.lines.emplace_back(line);
    return true;
  };
  while (!stream.empty() && found.outcome == Outcome::kMore) {
    const auto size = std::min(piece, stream.size());
    found.outcome = splitter.feed(stream.substr(0, size), sink);
    stream.remove_prefix(size);
  }
  if (found.outcome == Outcome::kMore) found.outcome = splitter.finish(sink);
  return found;
}

}  // namespace

// The first byte is the size of the pieces; the rest is the stream. Wherever it is cut, the lines
// are the same, and a line over the limit ends it after the lines before it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto wanted = expected(stream);
  const auto found = split(stream, std::max<std::size_t>(data[0], 1));
  fuzz::require(found.outcome == wanted.outcome);
  fuzz::require(found.lines == wanted.lines);
  return 0;
}
