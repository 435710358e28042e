#include "lib/kube/kubeconfig.hpp"

#include <gmock/gmock.h>

#include "tests/fakes/temporary_folder.hpp"

namespace portcullis::kube {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;

/// A kubeconfig with one of each; `cluster` and `user` are the bodies.
std::string kubeconfig(const std::string& cluster, const std::string& user) {
  return "current-context: x\nclusters: [{name: c, cluster: {" + cluster +
         "}}]\nusers: [{name: u, user: {" + user +
         "}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n";
}

constexpr const char* kServer = "server: \"https://one:6443/prefix\"";

class KubeconfigTest : public ::testing::Test {
 protected:
  Result<Config> load(const std::string& text) {
    Kubeconfig config;
    TRY_VOID(config.merge(folder_.path("config"), text));
    return config.resolve("");
  }

  TemporaryFolder folder_;
};

TEST_F(KubeconfigTest, ReadsDataBeforeFiles) {
  folder_.write("ca.crt", "from the file");
  const auto config = load(
      kubeconfig(std::string(kServer) + ", certificate-authority-data: Y2E=, "
                                        "certificate-authority: ca.crt, tls-server-name: kube",
                 "client-certificate-data: Y2VydA==, client-key-data: a2V5, client-key: missing"));
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->endpoint.url, "https://one:6443/prefix");
  EXPECT_EQ(config->endpoint.ca_pem, "ca");
  EXPECT_EQ(config->endpoint.ca_file, "");
  EXPECT_EQ(config->endpoint.tls_server_name, "kube");
  EXPECT_EQ(config->endpoint.client_certificate_pem, "cert");
  EXPECT_EQ(config->endpoint.client_key_pem, "key");
  EXPECT_FALSE(config->endpoint.insecure_skip_tls_verify);
}

TEST_F(KubeconfigTest, PathsAreRelativeToTheFile) {
  folder_.write("pki/client.crt", "certificate");
  folder_.write("pki/client.key", "key");
  const auto config =
      load(kubeconfig(std::string(kServer) + ", certificate-authority: ./pki/ca.crt",
                      "client-certificate: pki/client.crt, client-key: pki/client.key, "
                      "tokenFile: pki/token, token: old"));
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->endpoint.ca_file, folder_.path("pki/ca.crt"));
  EXPECT_EQ(config->endpoint.client_certificate_pem, "certificate");
  EXPECT_EQ(config->endpoint.client_key_pem, "key");
  EXPECT_EQ(config->endpoint.token_file, folder_.path("pki/token"));
  EXPECT_EQ(config->endpoint.token, "");
}

TEST_F(KubeconfigTest, AnAbsolutePathStays) {
  const auto config =
      load(kubeconfig(std::string(kServer) + ", certificate-authority: /etc/ca.crt", ""));
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->endpoint.ca_file, "/etc/ca.crt");
}

TEST_F(KubeconfigTest, AContextWithoutAUserIsAnonymous) {
  const auto config = load(
      "current-context: x\nclusters: [{name: c, cluster: {server: h, insecure-skip-tls-verify: "
      "true}}]\n"
      "contexts: [{name: x, context: {cluster: c}}]\nusers: null\n");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_TRUE(config->endpoint.insecure_skip_tls_verify);
  EXPECT_EQ(config->endpoint.token, "");
}

TEST_F(KubeconfigTest, AnEmptyFileSaysNothing) {
  Kubeconfig config;
  EXPECT_TRUE(config.merge("a", ""));
  EXPECT_TRUE(config.merge("b", kubeconfig(kServer, "token: t")));
  EXPECT_TRUE(config.resolve(""));
}

// What we cannot do is refused by the name of its field, and nothing secret is in the message.
TEST_F(KubeconfigTest, EachWayToFailNamesItsField) {
  struct Case {
    const char* name;
    std::string text;
    const char* message;
  };
  const Case cases[] = {
      {"no YAML", "a: [", "config"},
      {"no mapping", "- a", "no mapping"},
      {"several documents", "a: 1\n---\nb: 2\n", "several"},
      {"another kind", "kind: Pod", "is a Pod"},
      {"clusters no list", "clusters: {}", "clusters is no list"},
      {"nameless", "users: [{user: {}}]", "users has no name"},
      {"body no mapping", "users: [{name: u, user: 7}]", "users u"},
      {"no current context", "clusters: []", "current-context"},
      {"context missing", "current-context: y", "\"y\""},
      {"cluster missing", "current-context: x\ncontexts: [{name: x, context: {cluster: q}}]",
       "\"q\""},
      {"user missing",
       "current-context: x\nclusters: [{name: c, cluster: {server: h}}]\n"
       "contexts: [{name: x, context: {cluster: c, user: w}}]",
       "\"w\""},
      {"no server", kubeconfig("", ""), "no server"},
      {"exec", kubeconfig(kServer, "exec: {command: aws}"), "exec"},
      {"auth-provider", kubeconfig(kServer, "auth-provider: {name: gcp}"), "auth-provider"},
      {"password", kubeconfig(kServer, "username: a, password: hunter2"), "username"},
      {"impersonation", kubeconfig(kServer, "as: admin"), "as is not supported"},
      {"proxy", kubeconfig(std::string(kServer) + ", proxy-url: http://p", ""), "proxy-url"},
      {"CA not base64", kubeconfig(std::string(kServer) + ", certificate-authority-data: '?'", ""),
       "base64"},
      {"certificate file missing",
       kubeconfig(kServer, "client-certificate: gone.crt, client-key: gone.key"), "gone.crt"},
      {"certificate without key", kubeconfig(kServer, "client-certificate-data: Y2VydA=="),
       "client-key"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const auto config = load(test.text);
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(config.error().message(), HasSubstr(test.message));
    EXPECT_THAT(config.error().message(), ::testing::Not(HasSubstr("hunter2")));
  }
}

}  // namespace
}  // namespace portcullis::kube
