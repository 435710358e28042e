#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace portcullis::http {

/// Cuts a stream of bytes, handed over in pieces of any size, into lines. A line ends with "\n" or
/// "\r\n", which is not part of it; empty lines are skipped. Holds at most `max_line_bytes` of an
/// unfinished line. Pure; one thread.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t max_line_bytes) : max_line_bytes_(max_line_bytes) {}

  enum class Outcome {
    kMore,     ///< All bytes are used up; go on.
    kStopped,  ///< The sink said false; the rest of the bytes was dropped.
    kTooLong,  ///< A line is longer than allowed; it was not given to the sink.
  };

  /// Gives each line that `bytes` ends to `sink(std::string_view) -> bool`. The view lives for the
  /// call only. After kStopped or kTooLong the splitter must not be fed again.
  template <typename Sink>
  Outcome feed(std::string_view bytes, Sink&& sink) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      const auto part = bytes.substr(0, end);
      // One more for the "\r" that may come in front of the line end.
      if (part.size() > max_line_bytes_ + 1 - pending_.size()) return Outcome::kTooLong;
      if (end == std::string_view::npos) {
        pending_.append(part);
        return Outcome::kMore;
      }
      const auto outcome = pending_.empty() ? give(part, sink) : give_pending(part, sink);
      if (outcome != Outcome::kMore) return outcome;
      bytes.remove_prefix(end + 1);
    }
    return Outcome::kMore;
  }

  /// The stream has ended: what is left is a line, though nothing ended it.
  template <typename Sink>
  Outcome finish(Sink&& sink) {
    return give_pending({}, sink);
  }

 private:
  template <typename Sink>
  Outcome give_pending(std::string_view rest, Sink& sink) {
    std::string line = std::move(pending_);
    pending_.clear();
    line.append(rest);
    return give(line, sink);
  }

  template <typename Sink>
  Outcome give(std::string_view line, Sink& sink) const {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > max_line_bytes_) return Outcome::kTooLong;
    if (line.empty()) return Outcome::kMore;
    return sink(line) ? Outcome::kMore : Outcome::kStopped;
  }

  const std::size_t max_line_bytes_;
  std::string pending_;  // at most max_line_bytes_ + 1
};

}  // namespace portcullis::http
