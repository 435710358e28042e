#include "operator/network_watch.hpp"

#include <algorithm>

#include "lib/codec/json.hpp"

namespace portcullis::controller {
namespace {

/// The array member `key`, or an empty one.
const codec::Json& list_of(const codec::Json& value, std::string_view key) {
  static const codec::Json kEmpty = codec::Json::array();
  const auto* found = codec::find(value, key);
  return found != nullptr && found->is_array() ? *found : kEmpty;
}

std::vector<std::int32_t> tcp_ports(const codec::Json& ports) {
  std::vector<std::int32_t> numbers;
  for (const auto& port : ports) {
    const auto protocol = codec::find_string(port, "protocol").value_or("TCP");
    const auto number = codec::find_integer(port, "port");
    if (protocol == "TCP" && number) numbers.push_back(static_cast<std::int32_t>(*number));
  }
  return numbers;
}

std::string cidr_of(const std::string& ip) {
  return ip + (ip.find(':') == std::string::npos ? "/32" : "/128");
}

}  // namespace

std::vector<ApiServerAddress> addresses_of_slice(const codec::Json& slice) {
  std::vector<ApiServerAddress> addresses;
  const auto ports = tcp_ports(list_of(slice, "ports"));
  for (const auto& endpoint : list_of(slice, "endpoints")) {
    const auto* conditions = codec::find(endpoint, "conditions");
    // An absent `ready` counts as ready (discovery.k8s.io/v1).
    if (conditions != nullptr && codec::find_bool(*conditions, "ready") == false) continue;
    for (const auto& ip : list_of(endpoint, "addresses")) {
      if (!ip.is_string()) continue;
      for (const auto port : ports) addresses.push_back({ip.get<std::string>(), port});
    }
  }
  return addresses;
}

std::vector<ApiServerAddress> addresses_of_service(const codec::Json& service) {
  std::vector<ApiServerAddress> addresses;
  const auto* spec = codec::find(service, "spec");
  if (spec == nullptr) return addresses;
  const auto ports = tcp_ports(list_of(*spec, "ports"));
  for (const auto& ip : list_of(*spec, "clusterIPs")) {
    if (!ip.is_string() || ip == "None") continue;
    for (const auto port : ports) addresses.push_back({ip.get<std::string>(), port});
  }
  return addresses;
}

Result<std::unique_ptr<NetworkWatch>> NetworkWatch::create(const http::KubeEndpoint& endpoint,
                                                           DnsSettings dns, const Clock& clock) {
  auto watch = std::unique_ptr<NetworkWatch>(new NetworkWatch(std::move(dns)));
  const auto keep_slice = [](const codec::Json& slice) {
    return std::make_shared<const Addresses>(addresses_of_slice(slice));
  };
  const auto keep_service = [](const codec::Json& service) {
    ServiceAddresses kept;
    if (const auto* selector = codec::find_path(service, {"spec", "selector"})) {
      for (const auto& [key, value] : selector->items()) {
        if (value.is_string()) kept.selector[key] = value.get<std::string>();
      }
    }
    kept.addresses = addresses_of_service(service);
    return std::make_shared<const ServiceAddresses>(std::move(kept));
  };
  watch->endpoint_slices_ = TRY(kube::Informer<Addresses>::create(
      endpoint, kube::kEndpointSlices,
      {.name_space = "default", .label_selector = "kubernetes.io/service-name=kubernetes"},
      keep_slice, clock));
  watch->api_service_ = TRY(kube::Informer<ServiceAddresses>::create(
      endpoint, kube::kServices,
      {.name_space = "default", .field_selector = "metadata.name=kubernetes"}, keep_service,
      clock));
  watch->dns_services_ = TRY(kube::Informer<ServiceAddresses>::create(
      endpoint, kube::kServices, {.name_space = watch->dns_.name_space}, keep_service, clock));
  return watch;
}

void NetworkWatch::on_change(std::function<void()> changed) {
  endpoint_slices_->store().on_change([changed](const auto&) { changed(); });
  api_service_->store().on_change([changed](const auto&) { changed(); });
  dns_services_->store().on_change([changed](const auto&) { changed(); });
}

void NetworkWatch::start() {
  endpoint_slices_->start();
  api_service_->start();
  dns_services_->start();
}

void NetworkWatch::stop() {
  endpoint_slices_->stop();
  api_service_->stop();
  dns_services_->stop();
}

std::string NetworkWatch::why_not_synced() const {
  for (const auto& problem : {endpoint_slices_->why_not_synced(), api_service_->why_not_synced(),
                              dns_services_->why_not_synced()}) {
    if (!problem.empty()) return problem;
  }
  return "";
}

NetworkFacts NetworkWatch::facts() const {
  NetworkFacts facts{dns_, {}};
  for (const auto& slice : endpoint_slices_->store().list()) {
    facts.api_server.insert(facts.api_server.end(), slice->begin(), slice->end());
  }
  for (const auto& service : api_service_->store().list()) {
    facts.api_server.insert(facts.api_server.end(), service->addresses.begin(),
                            service->addresses.end());
  }
  std::ranges::sort(facts.api_server);
  const auto repeated = std::ranges::unique(facts.api_server);
  facts.api_server.erase(repeated.begin(), repeated.end());
  // A node-local cache answers on the Service's address too, and no pod selector matches it there.
  for (const auto& service : dns_services_->store().list()) {
    if (!api::matches(dns_.selector, service->selector)) continue;
    for (const auto& address : service->addresses) facts.dns.cidrs.push_back(cidr_of(address.ip));
  }
  std::ranges::sort(facts.dns.cidrs);
  const auto same = std::ranges::unique(facts.dns.cidrs);
  facts.dns.cidrs.erase(same.begin(), same.end());
  return facts;
}

}  // namespace portcullis::controller
