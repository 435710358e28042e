#include "lib/oci/url.hpp"

#include <gtest/gtest.h>

namespace portcullis::oci {
namespace {

TEST(UrlTest, IsTakenApartAndNormalised) {
  struct Case {
    std::string text, normal;
  };
  const Case cases[] = {
      {"https://registry.example.com/v2/", "https://registry.example.com/v2/"},
      {"HTTPS://Registry.Example.com:443/V2/?a=B#part", "https://registry.example.com/V2/?a=B"},
      {"http://registry.example.com:80", "http://registry.example.com/"},
      {"http://registry.example.com:443/", "http://registry.example.com:443/"},
      {"https://registry.example.com?x=/y", "https://registry.example.com/?x=/y"},
      {"https://[2001:DB8::1]:5000/x", "https://[2001:db8::1]:5000/x"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.text);
    const auto url = parse_url(test.text);
    ASSERT_TRUE(url) << url.error().message();
    EXPECT_EQ(url->to_string(), test.normal);
  }
}

TEST(UrlTest, WhatCouldGoElsewhereIsRefused) {
  const std::string cases[] = {
      "",
      "registry.example.com/v2",
      "/v2/",
      "ftp://registry.example.com/",
      "file:///etc/passwd",
      "https://",
      "https:///v2/",
      "https://user@registry.example.com/",
      "https://registry.example.com@evil.test/",
      "https://registry.example.com\\@evil.test/",
      "https://registry.example.com /",
      "https://registry.example.com/\r\nHost: x",
      "https://registry.example.com/" + std::string(8192, 'a'),
      "https://caf\xC3\xA9.test/",
  };
  for (const auto& text : cases) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(parse_url(text));
  }
}

TEST(UrlTest, LocationsAreResolvedAgainstTheDocument) {
  const auto base = *parse_url("https://registry.example.com/v2/app/referrers/x?n=1");
  struct Case {
    std::string location, result;  // "": refused
  };
  const Case cases[] = {
      {"https://storage.example.com/blob?sig=1", "https://storage.example.com/blob?sig=1"},
      {"//storage.example.com/blob", "https://storage.example.com/blob"},
      {"/v2/app/next", "https://registry.example.com/v2/app/next"},
      {"?n=2", "https://registry.example.com/v2/app/referrers/x?n=2"},
      {"y?z=/", "https://registry.example.com/v2/app/referrers/y?z=/"},
      {"/path:with:colons", "https://registry.example.com/path:with:colons"},
      {"../../up", ""},
      {"javascript:alert(1)", ""},
      {"", ""},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.location);
    const auto url = resolve_url(base, test.location);
    ASSERT_EQ(url.has_value(), !test.result.empty());
    if (url) {
      EXPECT_EQ(url->to_string(), test.result);
    }
  }
}

TEST(UrlTest, TheOriginIsSchemeHostAndPort) {
  const auto url = *parse_url("https://registry.example.com/a");
  EXPECT_TRUE(url.same_origin(*parse_url("https://REGISTRY.example.com:443/b")));
  EXPECT_FALSE(url.same_origin(*parse_url("http://registry.example.com/a")));
  EXPECT_FALSE(url.same_origin(*parse_url("https://registry.example.com:444/a")));
  EXPECT_FALSE(url.same_origin(*parse_url("https://registry.example.com.evil.test/a")));
}

}  // namespace
}  // namespace portcullis::oci
