#include "operator/cluster_kind_controllers.hpp"

#include "lib/kube/informer.hpp"
#include "operator/cluster_kinds.hpp"

namespace portcullis::controller {
namespace {

using Judge = ClusterObject (*)(const codec::Json&);
struct Row {
  kube::Resource resource;
  Judge judge;
};
constexpr Row kRows[] = {{kube::kTrustPolicies, judge_trust_policy},
                         {kube::kTrustedRoots, judge_trusted_root},
                         {kube::kSecurityProfiles, judge_security_profile},
                         {kube::kSecurityExceptions, judge_security_exception}};

}  // namespace

struct ClusterKindControllers::Kind {
  kube::Resource resource;
  std::unique_ptr<kube::Informer<ClusterObject>> informer;
  std::unique_ptr<ClusterKindReconciler> reconciler;
  std::unique_ptr<kube::Controller> controller;
};

ClusterKindControllers::ClusterKindControllers() = default;
ClusterKindControllers::~ClusterKindControllers() = default;

Result<std::unique_ptr<ClusterKindControllers>> ClusterKindControllers::create(
    const http::KubeEndpoint& endpoint, const Clock& clock) {
  auto all = std::unique_ptr<ClusterKindControllers>(new ClusterKindControllers);
  for (const auto& row : kRows) {
    const auto keep = [judge = row.judge](const codec::Json& object) {
      return std::make_shared<const ClusterObject>(judge(object));
    };
    auto kind = std::make_unique<Kind>();
    kind->resource = row.resource;
    kind->informer =
        TRY(kube::Informer<ClusterObject>::create(endpoint, row.resource, {}, keep, clock));
    all->kinds_.push_back(std::move(kind));
  }
  return all;
}

void ClusterKindControllers::start(kube::Client& client, const Clock& clock,
                                   metrics::Registry& registry) {
  for (const auto& kind : kinds_) {
    auto& store = kind->informer->store();
    kind->reconciler =
        std::make_unique<ClusterKindReconciler>(kind->resource, store, client, clock);
    kind->controller = kube::Controller::create({std::string(kind->resource.plural), 1},
                                                *kind->reconciler, registry);
    store.on_change([controller = kind->controller.get()](const auto& change) {
      controller->enqueue(change.key);
    });
    kind->informer->start();
    kind->controller->start();
  }
}

void ClusterKindControllers::stop() {
  for (const auto& kind : kinds_) {
    if (kind->controller) kind->controller->stop();
    kind->informer->stop();
  }
}

}  // namespace portcullis::controller
