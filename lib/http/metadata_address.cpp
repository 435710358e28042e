#include "lib/http/metadata_address.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <utility>  // before asio, which forgets it under C++20

namespace portcullis::http {
namespace {

namespace ip = boost::asio::ip;

bool is_metadata_v4(const ip::address_v4& address) {
  const auto bits = address.to_uint();
  constexpr std::uint32_t kAzure = 0xA83F8110;    // 168.63.129.16
  constexpr std::uint32_t kAlibaba = 0x646464C8;  // 100.100.100.200
  return bits >> 16 == 0xA9FE || bits == kAzure || bits == kAlibaba;
}

bool is_metadata_v6(const ip::address_v6& address) {
  static const auto kAws = ip::make_address_v6("fd00:ec2::254").to_bytes();
  static constexpr ip::address_v6::bytes_type kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  static constexpr ip::address_v6::bytes_type kCompatible{};
  static constexpr ip::address_v6::bytes_type kNat64{0, 0x64, 0xff, 0x9b};
  const auto bytes = address.to_bytes();
  if (address.is_link_local() || bytes == kAws) return true;
  const auto begins_like = [&bytes](const ip::address_v6::bytes_type& prefix) {
    return std::equal(bytes.begin(), bytes.begin() + 12, prefix.begin());
  };
  if (!begins_like(kMapped) && !begins_like(kCompatible) && !begins_like(kNat64)) return false;
  return is_metadata_v4(ip::address_v4({bytes[12], bytes[13], bytes[14], bytes[15]}));
}

}  // namespace

bool is_metadata_address(std::string_view ip) {
  boost::system::error_code ec;
  const auto address = ip::make_address(ip, ec);
  if (ec) return false;
  return address.is_v4() ? is_metadata_v4(address.to_v4()) : is_metadata_v6(address.to_v6());
}

}  // namespace portcullis::http
