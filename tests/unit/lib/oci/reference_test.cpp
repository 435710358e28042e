#include "lib/oci/reference.hpp"

#include <gtest/gtest.h>

namespace portcullis::oci {
namespace {

const std::string kHex(64, 'a');
const std::string kDigest = "sha256:" + kHex;

struct Valid {
  std::string written;
  std::string host;
  std::string repository;
  std::string normal;  // to_string()
};

TEST(ReferenceTest, IsNormalisedAsTheRuntimesDo) {
  const Valid cases[] = {
      {"nginx", "docker.io", "library/nginx", "docker.io/library/nginx:latest"},
      {"nginx:1.25", "docker.io", "library/nginx", "docker.io/library/nginx:1.25"},
      {"nginx@" + kDigest, "docker.io", "library/nginx", "docker.io/library/nginx@" + kDigest},
      {"nginx:1.25@" + kDigest, "docker.io", "library/nginx",
       "docker.io/library/nginx:1.25@" + kDigest},
      {"acme/app", "docker.io", "acme/app", "docker.io/acme/app:latest"},
      {"acme/team/app:v1", "docker.io", "acme/team/app", "docker.io/acme/team/app:v1"},
      {"library/nginx", "docker.io", "library/nginx", "docker.io/library/nginx:latest"},
      {"docker.io/nginx", "docker.io", "library/nginx", "docker.io/library/nginx:latest"},
      {"index.docker.io/nginx", "docker.io", "library/nginx", "docker.io/library/nginx:latest"},
      {"index.docker.io/acme/app", "docker.io", "acme/app", "docker.io/acme/app:latest"},
      // Not a name of docker.io, whatever it serves.
      {"registry-1.docker.io/library/nginx", "registry-1.docker.io", "library/nginx",
       "registry-1.docker.io/library/nginx:latest"},
      {"docker.io.example.com/nginx", "docker.io.example.com", "nginx",
       "docker.io.example.com/nginx:latest"},
      {"example.com/docker.io/nginx", "example.com", "docker.io/nginx",
       "example.com/docker.io/nginx:latest"},
      {"registry.example.com/app", "registry.example.com", "app",
       "registry.example.com/app:latest"},
      {"registry.example.com:5000/app:v1", "registry.example.com:5000", "app",
       "registry.example.com:5000/app:v1"},
      {"registry:5000/app", "registry:5000", "app", "registry:5000/app:latest"},
      {"10.0.0.1/app", "10.0.0.1", "app", "10.0.0.1/app:latest"},
      // Only the first element can be a host, and only with a dot, a colon or this very word.
      {"localhost/app", "localhost", "app", "localhost/app:latest"},
      {"localhost:5000/app", "localhost:5000", "app", "localhost:5000/app:latest"},
      {"localhost", "docker.io", "library/localhost", "docker.io/library/localhost:latest"},
      {"localhost:5000", "docker.io", "library/localhost", "docker.io/library/localhost:5000"},
      {"registry.example.com", "docker.io", "library/registry.example.com",
       "docker.io/library/registry.example.com:latest"},
      {"localhosts/app", "docker.io", "localhosts/app", "docker.io/localhosts/app:latest"},
      // An element with upper case cannot be a path, so it is a host; hosts have no case.
      {"Foo/bar", "foo", "bar", "foo/bar:latest"},
      {"EXAMPLE.com/app", "example.com", "app", "example.com/app:latest"},
      {"LOCALHOST/app", "localhost", "app", "localhost/app:latest"},
      {"xn--n3h.com/app", "xn--n3h.com", "app", "xn--n3h.com/app:latest"},
      {"[2001:DB8::1]/app", "[2001:db8::1]", "app", "[2001:db8::1]/app:latest"},
      {"[2001:db8::1]:5000/a/b:v1", "[2001:db8::1]:5000", "a/b", "[2001:db8::1]:5000/a/b:v1"},
      // Separators of a path component: one dot, one or two underscores, any number of dashes.
      {"x/a.b_c__d-e---f", "docker.io", "x/a.b_c__d-e---f", "docker.io/x/a.b_c__d-e---f:latest"},
      {"app:A_b.C-9", "docker.io", "library/app", "docker.io/library/app:A_b.C-9"},
      {"app:" + std::string(128, 'T'), "docker.io", "library/app",
       "docker.io/library/app:" + std::string(128, 'T')},
      // 64 hexadecimal digits are only refused where they are the whole reference.
      {"x/" + kHex, "docker.io", "x/" + kHex, "docker.io/x/" + kHex + ":latest"},
      {kHex.substr(1), "docker.io", "library/" + kHex.substr(1),
       "docker.io/library/" + kHex.substr(1) + ":latest"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.written);
    const auto reference = parse_reference(test.written);
    ASSERT_TRUE(reference) << reference.error().message();
    EXPECT_EQ(reference->host, test.host);
    EXPECT_EQ(reference->repository, test.repository);
    EXPECT_EQ(reference->to_string(), test.normal);
    EXPECT_EQ(reference->name(), test.host + "/" + test.repository);
  }
}

TEST(ReferenceTest, NormalisingTwiceChangesNothing) {
  // A host without a dot ("Foo/bar") does not survive as text: it would be a path of docker.io.
  for (const auto& written : std::vector<std::string>{"nginx", "localhost/app:v1", "a/b/c:v1",
                                                      "EXAMPLE.com/x", "[::1]:5000/x@" + kDigest}) {
    const auto once = parse_reference(written);
    ASSERT_TRUE(once);
    EXPECT_EQ(parse_reference(once->to_string()), *once) << written;
  }
}

TEST(ReferenceTest, WhatTheRuntimesRefuseIsRefused) {
  const std::string cases[] = {
      "",
      ":latest",
      "@" + kDigest,
      "/nginx",
      "nginx/",
      "a//b",
      "Nginx",
      "acme/App",
      "registry.example.com/App",
      "https://registry.example.com/app",
      "nginx:",
      "nginx:tag:tag",
      "nginx:.tag",
      "nginx:-tag",
      "nginx:ta g",
      "nginx:" + std::string(129, 't'),
      "nginx@",
      "nginx@sha256:" + std::string(63, 'a'),
      "nginx@sha256:" + std::string(65, 'a'),
      "nginx@sha256:" + std::string(64, 'A'),
      "nginx@SHA256:" + kHex,
      "nginx@sha512:" + std::string(128, 'a'),
      "nginx@md5:" + std::string(32, 'a'),
      "nginx@" + kDigest + "@" + kDigest,
      "nginx@" + kDigest + ":v1",
      kHex,
      "-a/b",
      "a/-b",
      "a/b-",
      "a/b..c",
      "a/b___c",
      "a/b._c",
      "a/_b",
      "example.com:/app",
      "example.com:port/app",
      "-example.com/app",
      "example-.com/app",
      "example..com/app",
      ".example.com/app",
      "example.com./app",
      "a_b.example.com/app",
      "user@example.com/app",
      "[]/app",
      "[::1/app",
      "[::g]/app",
      "[::1]x/app",
      "[::1]:/app",
      "b\xC3\xBC"
      "cher.example.com/app",
      "exa\xD0\xBCple.com/app",
      "app\n",
      " app",
      "app\t:v1",
      std::string("app\0x", 5),
      "x/" + std::string(254, 'a'),
      std::string(300, 'a') + ".com/app",
      // The runtimes ask another repository for these than for docker.io's own name.
      "DOCKER.IO/nginx",
      "Index.Docker.io/nginx",
  };
  for (const auto& written : cases) {
    SCOPED_TRACE(written);
    const auto reference = parse_reference(written);
    ASSERT_FALSE(reference) << reference->to_string();
    EXPECT_EQ(reference.error().code(), ErrorCode::kInvalidArgument);
  }
}

TEST(ReferenceTest, ErrorsQuoteNoControlCharacters) {
  const auto reference = parse_reference("bad\r\nname");
  ASSERT_FALSE(reference);
  EXPECT_EQ(reference.error().message().find_first_of("\r\n"), std::string::npos);
}

TEST(ReferenceTest, PinningKeepsWhatTheUserWrote) {
  const std::string other = "sha256:" + std::string(64, 'b');
  EXPECT_EQ(pin("nginx", kDigest), "nginx@" + kDigest);
  EXPECT_EQ(pin("nginx:1.25", kDigest), "nginx:1.25@" + kDigest);
  EXPECT_EQ(pin("localhost:5000/app", kDigest), "localhost:5000/app@" + kDigest);
  EXPECT_EQ(pin("app:v1@" + other, kDigest), "app:v1@" + kDigest);
  EXPECT_EQ(parse_reference(pin("Foo/bar:v1", kDigest))->digest, kDigest);
}

}  // namespace
}  // namespace portcullis::oci
