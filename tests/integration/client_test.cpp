#include "lib/kube/client.hpp"

#include <gmock/gmock.h>

#include "tests/integration/control_plane.hpp"

namespace portcullis::kube {
namespace {

using codec::Json;
using ::testing::HasSubstr;
using testing::kWidgets;
using ::testing::SizeIs;

constexpr Resource kSelfSubjectReviews{"authentication.k8s.io", "v1", "selfsubjectreviews",
                                       "SelfSubjectReview", false};

class ClientIntegrationTest : public testing::ControlPlaneTest {
 protected:
  api::ObjectKey key(const std::string& name) const { return {namespace_, name}; }

  Json widget(int size) const {
    return {{"metadata", {{"namespace", namespace_}, {"name", "w"}}}, {"spec", {{"size", size}}}};
  }
};

TEST_F(ClientIntegrationTest, AnObjectLivesAndDies) {
  const auto created = must_create(kConfigMaps, config_map("a", "1"));
  EXPECT_FALSE(created["metadata"].contains("managedFields"));
  const auto read = client_.get(kConfigMaps, key("a"), soon());
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ((*read)["data"]["key"], "1");

  const auto patched =
      client_.merge_patch(kConfigMaps, key("a"), {{"data", {{"key", "2"}}}}, soon());
  ASSERT_TRUE(patched) << patched.error().message();
  EXPECT_EQ((*patched)["data"]["key"], "2");

  EXPECT_TRUE(client_.remove(kConfigMaps, key("a"), {}, soon()));
  EXPECT_TRUE(client_.remove(kConfigMaps, key("a"), {}, soon())) << "gone is done";
  const auto gone = client_.get(kConfigMaps, key("a"), soon());
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), ErrorCode::kNotFound);
}

TEST_F(ClientIntegrationTest, TheSecondCreateConflicts) {
  must_create(kConfigMaps, config_map("a"));
  const auto again = client_.create(kConfigMaps, config_map("a"), soon());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::kConflict);
}

TEST_F(ClientIntegrationTest, ListsAreCompleteAcrossPages) {
  constexpr int kObjects = 505;  // A page is 500.
  for (int i = 0; i < kObjects; ++i) must_create(kConfigMaps, config_map("m" + std::to_string(i)));
  const auto all = client_.list(kConfigMaps, {namespace_, "", ""}, soon());
  ASSERT_TRUE(all) << all.error().message();
  // Kubernetes puts kube-root-ca.crt into every namespace, sooner or later.
  EXPECT_THAT(all->size(), ::testing::AnyOf(kObjects, kObjects + 1));
  EXPECT_EQ((*all)[0]["kind"], "ConfigMap");
  const auto one = client_.list(kConfigMaps, {namespace_, "", "metadata.name=m7"}, soon());
  ASSERT_TRUE(one) << one.error().message();
  EXPECT_THAT(*one, SizeIs(1));
}

TEST_F(ClientIntegrationTest, ApplyOwnsWhatItSendsAndGivesBackWhatItNoLongerSends) {
  auto intent = config_map("a", "1");
  intent["data"]["other"] = "x";
  const auto first = client_.apply(kConfigMaps, intent, soon());
  ASSERT_TRUE(first) << first.error().message();
  const auto same = client_.apply(kConfigMaps, intent, soon());
  ASSERT_TRUE(same);
  EXPECT_EQ((*same)["metadata"]["resourceVersion"], (*first)["metadata"]["resourceVersion"]);
  const auto less = client_.apply(kConfigMaps, config_map("a", "1"), soon());
  ASSERT_TRUE(less);
  EXPECT_EQ((*less)["data"], (Json{{"key", "1"}}));
}

TEST_F(ClientIntegrationTest, WithoutForceAnothersFieldIsAConflictThatNamesIt) {
  ASSERT_TRUE(client_.apply(kConfigMaps, config_map("a", "1"), soon(), {"somebody-else"}));
  const ApplyOptions gentle{"portcullis-operator", Conflicts::kFail, false};
  const auto refused = client_.apply(kConfigMaps, config_map("a", "2"), soon(), gentle);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kConflict);
  EXPECT_THAT(refused.error().message(), HasSubstr("somebody-else"));
  EXPECT_TRUE(client_.apply(kConfigMaps, config_map("a", "2"), soon()));
}

TEST_F(ClientIntegrationTest, ADryRunStoresNothing) {
  const ApplyOptions dry{"portcullis-operator", Conflicts::kForce, true};
  ASSERT_TRUE(client_.apply(kConfigMaps, config_map("a"), soon(), dry));
  EXPECT_FALSE(client_.get(kConfigMaps, key("a"), soon()));
}

TEST_F(ClientIntegrationTest, StatusAndSpecAreAppliedApart) {
  define_widgets();
  const auto made = client_.apply(kWidgets, widget(1), soon());
  ASSERT_TRUE(made) << made.error().message();
  auto with_status = widget(99);
  with_status["status"] = {{"seen", 1}};
  const auto status = client_.apply_status(kWidgets, with_status, soon());
  ASSERT_TRUE(status) << status.error().message();
  EXPECT_EQ((*status)["spec"]["size"], 1) << "a status apply touches no spec";
  EXPECT_EQ((*status)["status"]["seen"], 1);
  EXPECT_EQ((*status)["metadata"]["generation"], 1);
  auto changed = widget(2);
  changed["status"] = {{"seen", 7}};
  const auto spec = client_.apply(kWidgets, changed, soon());
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ((*spec)["status"]["seen"], 1);
  EXPECT_EQ((*spec)["metadata"]["generation"], 2);
}

TEST_F(ClientIntegrationTest, DeletesOnlyTheObjectThatWasMeant) {
  const auto created = must_create(kConfigMaps, config_map("a"));
  const auto wrong =
      client_.remove(kConfigMaps, key("a"), {"00000000-0000-4000-8000-000000000000", ""}, soon());
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code(), ErrorCode::kConflict);
  EXPECT_TRUE(client_.remove(kConfigMaps, key("a"), {created["metadata"]["uid"], ""}, soon()));
}

TEST_F(ClientIntegrationTest, AStaleMergePatchConflicts) {
  const auto created = must_create(kConfigMaps, config_map("a"));
  Json patch = {
      {"metadata",
       {{"resourceVersion", created["metadata"]["resourceVersion"]}, {"labels", {{"x", "1"}}}}}};
  ASSERT_TRUE(client_.merge_patch(kConfigMaps, key("a"), patch, soon()));
  patch["metadata"]["labels"]["x"] = "2";
  const auto stale = client_.merge_patch(kConfigMaps, key("a"), patch, soon());
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code(), ErrorCode::kConflict);
}

TEST_F(ClientIntegrationTest, AFinalizerHoldsAnObjectUntilItIsTakenAway) {
  auto object = config_map("a");
  object["metadata"]["finalizers"] = {api::kFinalizer};
  must_create(kConfigMaps, object);
  ASSERT_TRUE(client_.remove(kConfigMaps, key("a"), {}, soon()));
  const auto held = client_.get(kConfigMaps, key("a"), soon());
  ASSERT_TRUE(held);
  EXPECT_TRUE((*held)["metadata"].contains("deletionTimestamp"));
  ASSERT_TRUE(client_.merge_patch(kConfigMaps, key("a"), {{"metadata", {{"finalizers", nullptr}}}},
                                  soon()));
  EXPECT_FALSE(client_.get(kConfigMaps, key("a"), soon()));
}

TEST_F(ClientIntegrationTest, MalformedObjectsAreInvalidArguments) {
  auto unknown = config_map("a");
  unknown["dta"] = {{"key", "1"}};
  const auto misspelt = client_.create(kConfigMaps, unknown, soon());
  ASSERT_FALSE(misspelt);
  EXPECT_EQ(misspelt.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(misspelt.error().message(), HasSubstr("dta"));
  const auto bad_name = client_.create(kConfigMaps, config_map("Not_A_Name"), soon());
  ASSERT_FALSE(bad_name);
  EXPECT_EQ(bad_name.error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(ClientIntegrationTest, ATokenMayDoOnlyWhatItMay) {
  must_create(kServiceAccounts, {{"metadata", {{"namespace", namespace_}, {"name", "nobody"}}}});
  const auto path = path_of(kServiceAccounts, key("nobody"), "token");
  const auto token = client_.post(*path,
                                  {{"apiVersion", "authentication.k8s.io/v1"},
                                   {"kind", "TokenRequest"},
                                   {"spec", {{"expirationSeconds", 600}}}},
                                  soon());
  ASSERT_TRUE(token) << token.error().message();
  auto endpoint = config_.endpoint;
  endpoint.client_certificate_pem.clear();
  endpoint.client_key_pem.clear();
  endpoint.token = (*token)["status"]["token"];
  const auto transport = connect(endpoint);
  Client nobody(*transport, "portcullis-integration");
  const auto refused = nobody.list(kSecrets, {namespace_, "", ""}, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(refused.error().message(),
              HasSubstr("system:serviceaccount:" + namespace_ + ":nobody"));

  endpoint.token = "not-a-token";
  const auto stranger_transport = connect(endpoint);
  Client stranger(*stranger_transport, "portcullis-integration");
  const auto unknown = stranger.list(kSecrets, {namespace_, "", ""}, soon());
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), ErrorCode::kPermissionDenied);
}

TEST_F(ClientIntegrationTest, AServerOfAnotherAuthorityIsNotTrusted) {
  auto endpoint = config_.endpoint;
  endpoint.ca_pem.clear();
  endpoint.ca_file.clear();  // The system's roots do not know this cluster.
  const auto transport = connect(endpoint);
  Client client(*transport, "portcullis-integration");
  const auto refused = client.get(kNamespaces, {"", "default"}, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied) << refused.error().message();
}

TEST_F(ClientIntegrationTest, AClientCertificateTellsWhoWeAre) {
  EXPECT_FALSE(config_.endpoint.client_certificate_pem.empty());
  const auto who = client_.post(
      *path_of(kSelfSubjectReviews, {}),
      {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "SelfSubjectReview"}}, soon());
  ASSERT_TRUE(who) << who.error().message();
  EXPECT_EQ((*who)["status"]["userInfo"]["username"], "admin");
}

}  // namespace
}  // namespace portcullis::kube
