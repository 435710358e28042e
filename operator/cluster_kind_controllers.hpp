#pragma once

#include <memory>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/result.hpp"
#include "lib/http/kube_transport.hpp"
#include "lib/kube/client.hpp"
#include "lib/metrics/registry.hpp"

namespace portcullis::controller {

/// Keeps the status of the four cluster kinds: for each a cache, a reconciler and a controller.
class ClusterKindControllers {
 public:
  /// `clock` must outlive it. kInvalidArgument as make_kube_transport().
  static Result<std::unique_ptr<ClusterKindControllers>> create(const http::KubeEndpoint& endpoint,
                                                                const Clock& clock);
  ~ClusterKindControllers();

  /// All must outlive it.
  void start(kube::Client& client, const Clock& clock, metrics::Registry& registry);
  void stop();

 private:
  struct Kind;
  ClusterKindControllers();
  std::vector<std::unique_ptr<Kind>> kinds_;
};

}  // namespace portcullis::controller
