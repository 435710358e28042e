#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.hpp"

namespace portcullis::policy {

/// A pattern over normalised image names ("registry.example.com/ml/app"), anchored at both ends.
/// The host, port included, is exact, or has `*` for one whole label. In the path, `*` stands for
/// any characters within one segment, and a segment that is `**` for one or more whole segments;
/// `**` alone matches every image. Pure; any thread.
class ImagePattern {
 public:
  /// kInvalidArgument: empty, no path, upper case, `*` inside a host label, `**` inside a segment,
  /// a tag or digest, or a host or path that no normalised name has (it would silently match
  /// nothing).
  static Result<ImagePattern> parse(std::string_view text);

  /// At most pattern × name steps, no recursion: a hostile pattern cannot stall a decision.
  bool matches(std::string_view name) const;
  const std::string& text() const { return text_; }

 private:
  explicit ImagePattern(std::string text) : text_(std::move(text)) {}

  std::string text_;
  std::vector<std::string> labels_;    ///< Of the host, split at "."; empty: every image.
  std::vector<std::string> segments_;  ///< Of the path, split at "/".
};

}  // namespace portcullis::policy
