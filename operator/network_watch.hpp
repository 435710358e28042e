#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "lib/base/result.hpp"
#include "lib/kube/informer.hpp"
#include "operator/network_plan.hpp"

namespace portcullis::controller {

/// Follows what NetworkPolicies must know of the cluster: the API server's addresses
/// (EndpointSlices and Service default/kubernetes) and the DNS Services' ClusterIPs. Any thread.
class NetworkWatch {
 public:
  /// `clock` must outlive it. `dns` is the configured part.
  static Result<std::unique_ptr<NetworkWatch>> create(const http::KubeEndpoint& endpoint,
                                                      DnsSettings dns, const Clock& clock);

  /// Calls `changed` (on a reflector's thread) whenever facts() may differ. Set before start().
  void on_change(std::function<void()> changed);
  void start();
  void stop();
  std::string why_not_synced() const;
  NetworkFacts facts() const;

 private:
  using Addresses = std::vector<ApiServerAddress>;
  struct ServiceAddresses {
    api::Labels selector;
    Addresses addresses;
  };
  explicit NetworkWatch(DnsSettings dns) : dns_(std::move(dns)) {}

  const DnsSettings dns_;
  std::unique_ptr<kube::Informer<Addresses>> endpoint_slices_;  ///< Of default/kubernetes.
  std::unique_ptr<kube::Informer<ServiceAddresses>> api_service_;
  std::unique_ptr<kube::Informer<ServiceAddresses>> dns_services_;
};

/// The ready addresses of an EndpointSlice, with each of its TCP ports. Pure.
std::vector<ApiServerAddress> addresses_of_slice(const codec::Json& slice);
/// The ClusterIPs of a Service, with each of its TCP ports; none when headless. Pure.
std::vector<ApiServerAddress> addresses_of_service(const codec::Json& service);

}  // namespace portcullis::controller
