#include "lib/kube/config.hpp"

#include <gmock/gmock.h>

#include "lib/codec/encoding.hpp"
#include "tests/fakes/temporary_folder.hpp"
#include "tests/integration/control_plane.hpp"

namespace portcullis::kube {
namespace {

using codec::Json;

/// The kubeconfig of the run in other shapes; each must reach the same server as the same user.
class ConfigIntegrationTest : public testing::ControlPlaneTest {
 protected:
  ConfigIntegrationTest() {
    folder_.write("pki/ca.crt", config_.endpoint.ca_pem);
    folder_.write("pki/client.crt", config_.endpoint.client_certificate_pem);
    folder_.write("pki/client.key", config_.endpoint.client_key_pem);
  }
  /// Writes a kubeconfig (JSON is YAML) and asks for the test's namespace with it.
  Result<Json> ask(Json cluster, const Json& user) {
    cluster["server"] = config_.endpoint.url;
    const Json kubeconfig = {
        {"apiVersion", "v1"},
        {"kind", "Config"},
        {"current-context", "x"},
        {"clusters", {{{"name", "c"}, {"cluster", cluster}}}},
        {"users", {{{"name", "u"}, {"user", user}}}},
        {"contexts", {{{"name", "x"}, {"context", {{"cluster", "c"}, {"user", "u"}}}}}}};
    const auto config = TRY(load_config({folder_.write("kubeconfig", kubeconfig.dump()), ""}));
    const auto transport = TRY(http::make_kube_transport(config.endpoint));
    Client client(*transport, "portcullis-integration");
    return client.get(kNamespaces, {"", namespace_}, soon());
  }
  Json ca_data() const {
    return {{"certificate-authority-data", codec::encode_base64(config_.endpoint.ca_pem)}};
  }

  testing::TemporaryFolder folder_;
};

TEST_F(ConfigIntegrationTest, CertificatesMayBeInlineOrFilesBesideTheKubeconfig) {
  const Json inline_user = {
      {"client-certificate-data", codec::encode_base64(config_.endpoint.client_certificate_pem)},
      {"client-key-data", codec::encode_base64(config_.endpoint.client_key_pem)}};
  const Json user_files = {{"client-certificate", "pki/client.crt"},
                           {"client-key", "pki/client.key"}};
  for (const auto& cluster : {ca_data(), Json{{"certificate-authority", "pki/ca.crt"}}}) {
    for (const auto& user : {inline_user, user_files}) {
      const auto found = ask(cluster, user);
      ASSERT_TRUE(found) << found.error().message();
      EXPECT_EQ((*found)["metadata"]["name"], namespace_);
    }
  }
}

TEST_F(ConfigIntegrationTest, ATokenFileIsReadAgainWhenItsTokenIsRefused) {
  must_create(kServiceAccounts, {{"metadata", {{"namespace", namespace_}, {"name", "reader"}}}});
  const auto token = client_.post(*path_of(kServiceAccounts, {namespace_, "reader"}, "token"),
                                  {{"apiVersion", "authentication.k8s.io/v1"},
                                   {"kind", "TokenRequest"},
                                   {"spec", Json::object()}},
                                  soon());
  ASSERT_TRUE(token) << token.error().message();
  folder_.write("token", "an-old-one\n");
  auto endpoint = config_.endpoint;
  endpoint.client_certificate_pem.clear();
  endpoint.client_key_pem.clear();
  endpoint.token_file = folder_.path("token");
  const auto transport = connect(endpoint);
  Client reader(*transport, "portcullis-integration");
  const Json review = {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "SelfSubjectReview"}};
  const std::string path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  EXPECT_FALSE(reader.post(path, review, soon()));

  folder_.write("token", (*token)["status"]["token"].get<std::string>() + "\n");
  ASSERT_TRUE(eventually([&] { return reader.post(path, review, soon()).has_value(); }));
  const auto who = reader.post(path, review, soon());
  ASSERT_TRUE(who) << who.error().message();
  EXPECT_EQ((*who)["status"]["userInfo"]["username"],
            "system:serviceaccount:" + namespace_ + ":reader");
}

}  // namespace
}  // namespace portcullis::kube
