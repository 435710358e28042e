#include "lib/http/metadata_address.hpp"

#include <gtest/gtest.h>

namespace portcullis::http {
namespace {

TEST(MetadataAddressTest, LinkLocalAndTheProvidersOwnAddressesAreRefusedInEveryNotation) {
  for (const auto* const ip :
       {"169.254.169.254", "169.254.0.1", "169.254.255.255", "100.100.100.200", "168.63.129.16",
        "fe80::1", "febf::1", "fe80::1%1", "fd00:ec2::254", "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe", "::169.254.169.254", "64:ff9b::169.254.169.254"}) {
    EXPECT_TRUE(is_metadata_address(ip)) << ip;
  }
}

TEST(MetadataAddressTest, OtherAddressesAreNot) {
  for (const auto* const ip :
       {"127.0.0.1", "10.0.0.1", "169.253.255.255", "169.255.0.1", "192.168.1.1", "8.8.8.8", "::1",
        "fec0::1", "fd00:ec2::253", "2001:db8::a9fe:a9fe", "64:ff9b::10.0.0.1", "", "not-an-ip",
        "169.254.169.254.example.com"}) {
    EXPECT_FALSE(is_metadata_address(ip)) << ip;
  }
}

}  // namespace
}  // namespace portcullis::http
