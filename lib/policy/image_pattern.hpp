#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.hpp"

namespace portcullis::policy {

/// A pattern over normalised image names ("registry.example.com/ml/app"), anchored at both ends.
/// The host is exact, or has `*` for one whole label; in the path `*` stays within one segment, `**`
/// crosses segments; `**` alone matches every image. Pure; any thread.
class ImagePattern {
 public:
  /// kInvalidArgument: empty, no path, upper case, `*` inside a host label, a tag or digest.
  static Result<ImagePattern> parse(std::string_view text);
  bool matches(std::string_view name) const;
  const std::string& text() const { return text_; }

 private:
  explicit ImagePattern(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace portcullis::policy
