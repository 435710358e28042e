#include <algorithm>
#include <optional>
#include <utility>

#include "lib/codec/encoding.hpp"

namespace portcullis::codec {
namespace {

constexpr std::string_view kPemBegin = "-----BEGIN ";
constexpr std::string_view kPemEnd = "-----END ";
constexpr std::string_view kPemDashes = "-----";
constexpr std::size_t kMaxPemBytes = 1U << 20;
constexpr std::size_t kMaxPemBlocks = 64;
constexpr std::size_t kPemLine = 64;

/// Never quotes the text: it may be a private key.
Error refused(const std::string& why) { return {ErrorCode::kInvalidArgument, "PEM: " + why}; }

std::string_view trim_end(std::string_view line) {
  const auto last = line.find_last_not_of(" \t\r");
  return last == std::string_view::npos ? std::string_view() : line.substr(0, last + 1);
}

/// "-----BEGIN X-----" with the prefix "-----BEGIN " gives "X"; empty when the line is not whole.
std::optional<std::string_view> pem_label(std::string_view line, std::string_view prefix) {
  line.remove_prefix(prefix.size());
  if (!line.ends_with(kPemDashes)) return std::nullopt;
  line.remove_suffix(kPemDashes.size());
  const bool printable =
      std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (line.empty() || !printable) return std::nullopt;
  return line;
}

/// Goes through the lines; between BEGIN and END it gathers the base64 text.
class PemReader {
 public:
  Result<void> take(std::string_view line) {
    ++line_number_;
    if (line.starts_with(kPemBegin)) return begin(line);
    if (line.starts_with(kPemEnd)) return end(line);
    if (label_) base64_ += line;
    return {};
  }

  Result<std::vector<PemBlock>> finish() && {
    if (label_) return refused("the block that begins last has no END line");
    if (blocks_.empty()) return refused("no block: it starts with \"-----BEGIN\"");
    return std::move(blocks_);
  }

 private:
  Result<void> begin(std::string_view line) {
    if (label_) return broken("a block begins inside another");
    if (blocks_.size() == kMaxPemBlocks) {
      return broken("more than " + std::to_string(kMaxPemBlocks) + " blocks");
    }
    const auto label = pem_label(line, kPemBegin);
    if (!label) return broken("a BEGIN line without a label or without its closing dashes");
    label_ = std::string(*label);
    base64_.clear();
    return {};
  }

  Result<void> end(std::string_view line) {
    if (!label_) return broken("an END line without its BEGIN line");
    const auto label = pem_label(line, kPemEnd);
    if (label != label_) return broken("the END line differs from its BEGIN line");
    auto der = decode_base64(base64_);
    if (!der) return broken("the block that ends here: " + der.error().message());
    if (der->empty()) return broken("the block that ends here is empty");
    blocks_.push_back({*std::exchange(label_, std::nullopt), *std::move(der)});
    return {};
  }

  Error broken(const std::string& why) const {
    return refused("line " + std::to_string(line_number_) + ": " + why);
  }

  std::size_t line_number_ = 0;
  std::optional<std::string> label_;
  std::string base64_;
  std::vector<PemBlock> blocks_;
};

}  // namespace

Result<std::vector<PemBlock>> parse_pem(std::string_view text) {
  if (text.size() > kMaxPemBytes) return refused("more than 1 MiB");
  PemReader reader;
  while (!text.empty()) {
    const auto length = std::min(text.find('\n'), text.size());
    TRY_VOID(reader.take(trim_end(text.substr(0, length))));
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return std::move(reader).finish();
}

std::string encode_pem(std::string_view label, std::string_view der) {
  const auto base64 = encode_base64(der);
  std::string out = std::string(kPemBegin).append(label).append(kPemDashes).append("\n");
  for (std::size_t at = 0; at < base64.size(); at += kPemLine) {
    out.append(base64, at, kPemLine).append("\n");
  }
  return out.append(kPemEnd).append(label).append(kPemDashes).append("\n");
}

}  // namespace portcullis::codec
