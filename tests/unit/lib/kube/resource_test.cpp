#include "lib/kube/resource.hpp"

#include <gtest/gtest.h>

namespace portcullis::kube {
namespace {

TEST(ResourceTest, CoreKindsHaveNoGroupInTheirVersion) {
  EXPECT_EQ(kPods.api_version(), "v1");
  EXPECT_EQ(kNetworkPolicies.api_version(), "networking.k8s.io/v1");
}

TEST(PathOfTest, GivesTheUrlOfEachScope) {
  struct Case {
    Resource resource;
    api::ObjectKey key;
    std::string subresource;
    std::string path;
  };
  const Case cases[] = {
      {kPods, {"", ""}, "", "/api/v1/pods"},
      {kPods, {"clinic", ""}, "", "/api/v1/namespaces/clinic/pods"},
      {kPods, {"clinic", "a"}, "", "/api/v1/namespaces/clinic/pods/a"},
      {kPods, {"clinic", "a"}, "eviction", "/api/v1/namespaces/clinic/pods/a/eviction"},
      {kNamespaces, {"", "clinic"}, "", "/api/v1/namespaces/clinic"},
      {kAIWorkloads,
       {"clinic", "triage"},
       "status",
       "/apis/portcullis.dev/v1alpha1/namespaces/clinic/aiworkloads/triage/status"},
      {kTrustPolicies, {"", "ours"}, "", "/apis/portcullis.dev/v1alpha1/trustpolicies/ours"},
      {kRoles,
       {"kube-system", "system:reader"},
       "",
       "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles/system%3Areader"},
      {kPods, {"clinic", "a?b#c"}, "", "/api/v1/namespaces/clinic/pods/a%3Fb%23c"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.path);
    const auto path = path_of(test.resource, test.key, test.subresource);
    ASSERT_TRUE(path) << path.error().message();
    EXPECT_EQ(*path, test.path);
  }
}

TEST(PathOfTest, RefusesWhatCouldLeaveItsPlace) {
  struct Case {
    const char* name;
    Resource resource;
    api::ObjectKey key;
    std::string subresource;
  };
  const Case cases[] = {
      {"slash in the name", kPods, {"clinic", "a/../../secrets/b"}, ""},
      {"parent as name", kPods, {"clinic", ".."}, ""},
      {"dot as name", kPods, {"clinic", "."}, ""},
      {"percent in the name", kPods, {"clinic", "%2e%2e"}, ""},
      {"line end in the name", kPods, {"clinic", "a\r\nX: y"}, ""},
      {"NUL in the name", kPods, {"clinic", std::string("a\0b", 3)}, ""},
      {"slash in the namespace", kPods, {"clinic/pods", "a"}, ""},
      {"parent as namespace", kPods, {"..", "a"}, ""},
      {"slash in the subresource", kPods, {"clinic", "a"}, "status/../../b"},
      {"endless name", kPods, {"clinic", std::string(300, 'a')}, ""},
      {"no namespace", kPods, {"", "a"}, ""},
      {"namespace of a cluster-scoped kind", kNamespaces, {"clinic", "clinic"}, ""},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const auto path = path_of(test.resource, test.key, test.subresource);
    ASSERT_FALSE(path) << *path;
    EXPECT_EQ(path.error().code(), ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace portcullis::kube
