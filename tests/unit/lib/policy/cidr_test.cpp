#include "lib/policy/cidr.hpp"

#include <gtest/gtest.h>

namespace portcullis::policy {
namespace {

TEST(CidrTest, AcceptsWhatNetworkPolicyAccepts) {
  for (const auto* text :
       {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.7/32", "::/0", "fd00:ec2::254/128"}) {
    EXPECT_TRUE(Cidr::parse(text)) << text;
  }
}

TEST(CidrTest, RefusesWhatIsNoRange) {
  for (const auto* text :
       {"", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.1/8", "fd00::1/64",
        "::/129", "300.0.0.0/8", "example.com/8", "10.0.0.0/"}) {
    const auto parsed = Cidr::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(CidrTest, ContainsByPrefix) {
  struct Row {
    const char* outer;
    const char* inner;
    bool contains;
  };
  for (const auto& row :
       {Row{"10.0.0.0/8", "10.20.0.0/16", true}, Row{"10.20.0.0/16", "10.0.0.0/8", false},
        Row{"0.0.0.0/0", "169.254.0.0/16", true}, Row{"0.0.0.0/0", "::/0", false},
        Row{"10.0.0.0/9", "10.128.0.0/9", false}, Row{"::/0", "fc00::/7", true},
        Row{"10.1.2.3/32", "10.1.2.3/32", true}}) {
    EXPECT_EQ(Cidr::parse(row.outer)->contains(*Cidr::parse(row.inner)), row.contains)
        << row.outer << " contains " << row.inner;
  }
}

TEST(CidrTest, TellsPublicFromPrivateAndMetadata) {
  EXPECT_TRUE(is_private(*Cidr::parse("10.20.0.0/16")));
  EXPECT_TRUE(is_private(*Cidr::parse("fd12:3456::/32")));
  EXPECT_FALSE(is_private(*Cidr::parse("0.0.0.0/0")));
  EXPECT_FALSE(is_private(*Cidr::parse("8.8.8.0/24")));
  EXPECT_FALSE(is_private(*Cidr::parse("10.0.0.0/7"))) << "half of it is public";
  EXPECT_TRUE(is_metadata(*Cidr::parse("169.254.169.254/32")));
  EXPECT_TRUE(is_metadata(*Cidr::parse("168.63.129.16/32")));
  EXPECT_FALSE(is_metadata(*Cidr::parse("168.63.0.0/16"))) << "contains one, is none";
}

}  // namespace
}  // namespace portcullis::policy
