#pragma once

#include <memory>
#include <string>
#include <utility>

#include "lib/base/clock.hpp"
#include "lib/http/kube_transport.hpp"
#include "lib/kube/reflector.hpp"
#include "lib/kube/store.hpp"

namespace portcullis::kube {

/// A reflector, its transport and the store it feeds: one cached kind. Register listeners on
/// store() before start(); the destructor stops the reflector.
template <typename T>
class Informer {
 public:
  using Parse = typename StoreSink<T>::Parse;

  /// `clock` must outlive the informer. kInvalidArgument as make_kube_transport().
  static Result<std::unique_ptr<Informer>> create(const http::KubeEndpoint& endpoint,
                                                  const Resource& resource,
                                                  ReflectorOptions options, Parse parse,
                                                  const Clock& clock) {
    auto transport = TRY(http::make_kube_transport(endpoint));
    return std::unique_ptr<Informer>(
        new Informer(std::move(transport), resource, std::move(options), std::move(parse), clock));
  }

  MutableStore<T>& store() { return store_; }
  /// Pre: not stopped.
  const Reflector& reflector() const { return *reflector_; }
  void start() { reflector_->start(); }
  /// Ends the reflector and with it every call of a listener. The store keeps what it has.
  void stop() { reflector_.reset(); }

  /// For readiness: "" once the store has synced.
  std::string why_not_synced() const { return store_.synced() ? "" : "is not loaded yet"; }

 private:
  Informer(std::unique_ptr<http::KubeTransport> transport, const Resource& resource,
           ReflectorOptions options, Parse parse, const Clock& clock)
      : transport_(std::move(transport)),
        sink_(store_, std::move(parse)),
        reflector_(Reflector::create(*transport_, resource, std::move(options), sink_, clock)) {}

  std::unique_ptr<http::KubeTransport> transport_;
  MutableStore<T> store_;
  StoreSink<T> sink_;
  std::unique_ptr<Reflector> reflector_;
};

}  // namespace portcullis::kube
