#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.hpp"

namespace portcullis::policy {

/// An address range, IPv4 or IPv6 (RFC 4632, RFC 4291). Pure; any thread.
class Cidr {
 public:
  /// kInvalidArgument: not "address/prefix", or bits set behind the prefix (NetworkPolicy refuses
  /// it).
  static Result<Cidr> parse(std::string_view text);

  /// True when every address of `other` is in this range. IPv4 never contains IPv6.
  bool contains(const Cidr& other) const;
  const std::string& text() const { return text_; }
  bool is_ipv6() const { return ipv6_; }

 private:
  std::string text_;
  std::array<std::uint8_t, 16> bytes_{};
  int prefix_ = 0;
  bool ipv6_ = false;
};

/// Where clouds serve machine credentials: link-local (AWS, GCP, Azure, ECS), Azure's wire server,
/// Alibaba, Oracle, AWS and GCP over IPv6. No declared peer ever opens them.
const std::vector<Cidr>& metadata_ranges();

/// Ranges that are not the public internet: RFC 1918, 6598, 3927, 1122, 4193, 4291 and multicast.
const std::vector<Cidr>& private_ranges();

/// True when `range` lies wholly within one of private_ranges().
bool is_private(const Cidr& range);
/// True when `range` lies wholly within one of metadata_ranges().
bool is_metadata(const Cidr& range);

}  // namespace portcullis::policy
