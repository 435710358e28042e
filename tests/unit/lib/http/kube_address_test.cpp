#include "lib/http/kube_address.hpp"

#include <gtest/gtest.h>

namespace portcullis::http {
namespace {

TEST(KubeAddressTest, ReadsTheUrlsThatKubeconfigsHave) {
  struct Case {
    const char *url, *origin, *prefix, *host;
  };
  const Case cases[] = {
      {"https://10.96.0.1:443", "https://10.96.0.1:443", "", "10.96.0.1"},
      {"https://api.example.com", "https://api.example.com:443", "", "api.example.com"},
      {"http://localhost:8001/", "http://localhost:8001", "", "localhost"},
      {"http://kind_control-plane", "http://kind_control-plane:80", "", "kind_control-plane"},
      {"https://r.example.com/k8s/clusters/c-1/", "https://r.example.com:443", "/k8s/clusters/c-1",
       "r.example.com"},
      {"https://[fd00::1]:6443/p", "https://[fd00::1]:6443", "/p", "fd00::1"},
      {"https://[::1]", "https://[::1]:443", "", "::1"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.url);
    const auto address = parse_kube_address(test.url);
    ASSERT_TRUE(address) << address.error().message();
    EXPECT_EQ(address->origin(), test.origin);
    EXPECT_EQ(address->prefix, test.prefix);
    EXPECT_EQ(address->host, test.host);
  }
}

TEST(KubeAddressTest, RefusesWhatIsNoUrlOfAServer) {
  for (const auto* const url : {"",
                                "10.96.0.1:443",
                                "ftp://x",
                                "https://",
                                "https:///p",
                                "https://:443",
                                "https://a:b",
                                "https://a:0",
                                "https://a:65536",
                                "https://a:443x",
                                "https://a b",
                                "https://[::1",
                                "https://::1",
                                "https://[10.0.0.1]",
                                "https://[::1]x",
                                "https://x]:443",
                                "https://a/p?q=1",
                                "https://a/p#f",
                                "https://a/p q",
                                "https://a\r\nX: y"}) {
    const auto address = parse_kube_address(url);
    ASSERT_FALSE(address) << url;
    EXPECT_EQ(address.error().code(), ErrorCode::kInvalidArgument) << url;
  }
}

TEST(KubeAddressTest, APasswordInTheUrlIsRefusedAndNotRepeated) {
  const auto address = parse_kube_address("https://admin:geheim@10.0.0.1");
  ASSERT_FALSE(address);
  EXPECT_EQ(address.error().message().find("geheim"), std::string::npos);
}

}  // namespace
}  // namespace portcullis::http
