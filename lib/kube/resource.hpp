#pragma once

#include <string>
#include <string_view>

#include "lib/api/meta.hpp"
#include "lib/base/result.hpp"

namespace portcullis::kube {

/// One kind as the API server serves it.
struct Resource {
  std::string_view group;    ///< "" is the core group.
  std::string_view version;  ///< "v1"
  std::string_view plural;   ///< "networkpolicies"
  std::string_view kind;     ///< "NetworkPolicy"
  bool namespaced = true;

  std::string api_version() const;  ///< "v1", "networking.k8s.io/v1"
  bool operator==(const Resource&) const = default;
};

/// Every kind that Portcullis reads or writes. The chart's RBAC is tested against this list.
inline constexpr Resource kAIWorkloads{"portcullis.dev", "v1alpha1", "aiworkloads", "AIWorkload",
                                       true};
inline constexpr Resource kTrustPolicies{"portcullis.dev", "v1alpha1", "trustpolicies",
                                         "TrustPolicy", false};
inline constexpr Resource kTrustedRoots{"portcullis.dev", "v1alpha1", "trustedroots", "TrustedRoot",
                                        false};
inline constexpr Resource kSecurityProfiles{"portcullis.dev", "v1alpha1", "aisecurityprofiles",
                                            "AISecurityProfile", false};
inline constexpr Resource kSecurityExceptions{"portcullis.dev", "v1alpha1", "aisecurityexceptions",
                                              "AISecurityException", false};
inline constexpr Resource kNamespaces{"", "v1", "namespaces", "Namespace", false};
inline constexpr Resource kNodes{"", "v1", "nodes", "Node", false};
inline constexpr Resource kPods{"", "v1", "pods", "Pod", true};
inline constexpr Resource kSecrets{"", "v1", "secrets", "Secret", true};
inline constexpr Resource kConfigMaps{"", "v1", "configmaps", "ConfigMap", true};
inline constexpr Resource kServices{"", "v1", "services", "Service", true};
inline constexpr Resource kServiceAccounts{"", "v1", "serviceaccounts", "ServiceAccount", true};
inline constexpr Resource kEndpointSlices{"discovery.k8s.io", "v1", "endpointslices",
                                          "EndpointSlice", true};
inline constexpr Resource kNetworkPolicies{"networking.k8s.io", "v1", "networkpolicies",
                                           "NetworkPolicy", true};
inline constexpr Resource kRoles{"rbac.authorization.k8s.io", "v1", "roles", "Role", true};
inline constexpr Resource kRoleBindings{"rbac.authorization.k8s.io", "v1", "rolebindings",
                                        "RoleBinding", true};
inline constexpr Resource kEvents{"events.k8s.io", "v1", "events", "Event", true};
inline constexpr Resource kLeases{"coordination.k8s.io", "v1", "leases", "Lease", true};
inline constexpr Resource kCustomResourceDefinitions{
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false};
inline constexpr Resource kValidatingWebhooks{"admissionregistration.k8s.io", "v1",
                                              "validatingwebhookconfigurations",
                                              "ValidatingWebhookConfiguration", false};
inline constexpr Resource kMutatingWebhooks{"admissionregistration.k8s.io", "v1",
                                            "mutatingwebhookconfigurations",
                                            "MutatingWebhookConfiguration", false};

/// The URL path of an object, or of the collection when key.name is empty; of all namespaces when
/// key.name_space is empty too. Every segment is checked (no "/", "%", ".", "..") and encoded:
/// kInvalidArgument otherwise, so that no name can leave its path.
Result<std::string> path_of(const Resource& resource, const api::ObjectKey& key,
                            std::string_view subresource = "");

}  // namespace portcullis::kube
