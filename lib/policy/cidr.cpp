#include "lib/policy/cidr.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace portcullis::policy {
namespace {

std::vector<Cidr> ranges(std::initializer_list<std::string_view> texts) {
  std::vector<Cidr> out;
  for (const auto text : texts) out.push_back(*Cidr::parse(text));
  return out;
}

bool within_any(const std::vector<Cidr>& ranges, const Cidr& range) {
  return std::ranges::any_of(ranges, [&](const Cidr& outer) { return outer.contains(range); });
}

/// True when bit `index` (0 is the first on the wire) is set.
bool bit(const std::array<std::uint8_t, 16>& bytes, int index) {
  const auto byte = bytes.at(static_cast<std::size_t>(index / 8));
  return ((byte >> (7 - index % 8)) & 1) != 0;
}

}  // namespace

Result<Cidr> Cidr::parse(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return Error(ErrorCode::kInvalidArgument, "\"" + std::string(text) + "\" " + std::string(why));
  };
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return wrong("is no CIDR: write address/prefix, 10.0.0.0/8");

  Cidr cidr;
  cidr.text_ = text;
  const std::string address(text.substr(0, slash));
  cidr.ipv6_ = address.find(':') != std::string::npos;
  if (inet_pton(cidr.ipv6_ ? AF_INET6 : AF_INET, address.c_str(), cidr.bytes_.data()) != 1) {
    return wrong("does not start with an IP address");
  }
  const auto prefix = text.substr(slash + 1);
  const auto most = cidr.ipv6_ ? 128 : 32;
  const auto [end, code] =
      std::from_chars(prefix.data(), prefix.data() + prefix.size(), cidr.prefix_);
  if (code != std::errc{} || end != prefix.data() + prefix.size() || cidr.prefix_ < 0 ||
      cidr.prefix_ > most) {
    return wrong("has no prefix length from 0 to " + std::to_string(most));
  }
  for (int index = cidr.prefix_; index < most; ++index) {
    if (bit(cidr.bytes_, index)) return wrong("has bits set behind its prefix");
  }
  return cidr;
}

bool Cidr::contains(const Cidr& other) const {
  if (ipv6_ != other.ipv6_ || prefix_ > other.prefix_) return false;
  for (int index = 0; index < prefix_; ++index) {
    if (bit(bytes_, index) != bit(other.bytes_, index)) return false;
  }
  return true;
}

const std::vector<Cidr>& metadata_ranges() {
  static const auto kRanges =
      ranges({"169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32", "192.0.0.192/32",
              "fd00:ec2::254/128", "fd20:ce::254/128"});
  return kRanges;
}

const std::vector<Cidr>& private_ranges() {
  static const auto kRanges =
      ranges({"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16",
              "127.0.0.0/8", "0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "::1/128", "fc00::/7",
              "fe80::/10", "ff00::/8"});
  return kRanges;
}

bool is_private(const Cidr& range) { return within_any(private_ranges(), range); }
bool is_metadata(const Cidr& range) { return within_any(metadata_ranges(), range); }

}  // namespace portcullis::policy
