#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.hpp"
#include "lib/codec/json.hpp"

/// Strict reading of evidence: for the parsers of lib/verify. Every error is kInvalidArgument and
/// names the field by its path.
namespace portcullis::verify {

/// No evidence may be larger (verification.md §2.4), whatever the registry let through.
inline constexpr std::size_t kMaxEvidenceBytes = 16U << 20;
inline constexpr int kMaxEvidenceDepth = 64;

/// JSON with the limits above; a member given twice is refused, for two readers must not see two
/// documents in one signed text.
Result<codec::Json> parse_evidence(std::string_view bytes,
                                   std::size_t max_bytes = kMaxEvidenceBytes);

/// Text of an attacker's choosing made fit for a message: in quotes, at most 80 bytes, printable
/// ASCII.
std::string shown(std::string_view text);

/// The members of one JSON object whose members are all known. Cheap to copy. Points into the value
/// it was made of, which must outlive it. No member may be null.
class Fields {
 public:
  /// Fails when `value` is no object or has a member that is not in `known`.
  static Result<Fields> of(const codec::Json& value, std::string_view path,
                           std::initializer_list<std::string_view> known);

  const std::string& path() const { return path_; }
  std::string path_of(std::string_view name) const { return path_ + "." + std::string(name); }
  bool has(std::string_view name) const { return codec::find(*value_, name) != nullptr; }

  /// The member; fails when it is absent.
  Result<const codec::Json*> member(std::string_view name) const;
  /// The member, an object with these members; fails when it is absent or `of` does.
  Result<Fields> object(std::string_view name, std::initializer_list<std::string_view> known) const;
  /// The member as text; fails when it is absent or another type.
  Result<std::string> text(std::string_view name) const;
  /// The member decoded from strict base64; fails when it is absent, empty, or more than
  /// `max_bytes`.
  Result<std::string> bytes(std::string_view name, std::size_t max_bytes = kMaxEvidenceBytes) const;
  /// An int64 that is not negative: protobuf's JSON writes it as text and leaves a zero out.
  Result<std::int64_t> count(std::string_view name) const;
  /// `bytes` of exactly this size.
  Result<std::string> exact_bytes(std::string_view name, std::size_t size) const;
  /// The elements of an array; absent is empty. Fails with more than `max_items`.
  Result<std::vector<const codec::Json*>> items(std::string_view name, std::size_t max_items) const;

 private:
  Fields(const codec::Json& value, std::string path) : value_(&value), path_(std::move(path)) {}

  const codec::Json* value_;
  std::string path_;
};

}  // namespace portcullis::verify
