#include "operator/app.hpp"

#include <algorithm>

#include "lib/base/version.hpp"
#include "lib/codec/json.hpp"
#include "lib/kube/config.hpp"
#include "lib/kube/informer.hpp"
#include "lib/kube/probes.hpp"
#include "lib/runtime/periodic_task.hpp"
#include "operator/certificate_authority.hpp"
#include "operator/cluster_kind_controllers.hpp"
#include "operator/network_watch.hpp"
#include "operator/workload_reconciler.hpp"

namespace portcullis::controller {
namespace {

constexpr std::chrono::seconds kAuthorityInterval{5};
constexpr std::chrono::milliseconds kSyncCheckInterval{100};

/// The cached kinds.
struct Informers {
  std::unique_ptr<kube::Informer<api::Parsed<api::AIWorkload>>> workloads;
  std::unique_ptr<kube::Informer<api::Parsed<api::AISecurityProfile>>> profiles;
  std::unique_ptr<kube::Informer<api::ObjectMeta>> namespaces;
  std::unique_ptr<kube::Informer<api::PodInfo>> pods;
  std::unique_ptr<kube::Informer<OwnedObject>> network_policies;
};

std::shared_ptr<const OwnedObject> keep_owned(const codec::Json& object) {
  OwnedObject owned{api::parse_meta(object), nullptr};
  if (const auto* spec = codec::find(object, "spec")) {
    owned.spec = std::make_shared<const codec::Json>(*spec);
  }
  return std::make_shared<const OwnedObject>(std::move(owned));
}

std::shared_ptr<const api::PodInfo> keep_pod(const codec::Json& object) {
  auto pod = api::parse_pod_info(object);
  return pod ? std::make_shared<const api::PodInfo>(std::move(*pod)) : nullptr;
}

Result<Informers> create_informers(const http::KubeEndpoint& endpoint, const Clock& clock) {
  Informers all;
  all.workloads = TRY(kube::Informer<api::Parsed<api::AIWorkload>>::create(
      endpoint, kube::kAIWorkloads, {},
      [](const codec::Json& object) {
        return api::keep<api::AIWorkload>(object, api::parse_ai_workload);
      },
      clock));
  all.profiles = TRY(kube::Informer<api::Parsed<api::AISecurityProfile>>::create(
      endpoint, kube::kSecurityProfiles, {},
      [](const codec::Json& object) {
        return api::keep<api::AISecurityProfile>(object, api::parse_security_profile);
      },
      clock));
  all.namespaces = TRY(kube::Informer<api::ObjectMeta>::create(
      endpoint, kube::kNamespaces, {.label_selector = api::kProfileLabel, .metadata_only = true},
      [](const codec::Json& object) {
        return std::make_shared<const api::ObjectMeta>(api::parse_meta(object));
      },
      clock));
  all.pods = TRY(kube::Informer<api::PodInfo>::create(
      endpoint, kube::kPods, {.field_selector = "status.phase!=Succeeded,status.phase!=Failed"},
      keep_pod, clock));
  all.network_policies = TRY(kube::Informer<OwnedObject>::create(
      endpoint, kube::kNetworkPolicies, {.label_selector = api::kWorkloadLabel}, keep_owned,
      clock));
  return all;
}

/// The label or selector owner of an object, before or after its change.
template <typename T>
const T& either(const kube::Change<T>& change) {
  return change.after ? *change.after : *change.before;
}

/// Members in start order: destruction is the stop order.
class RealApp final : public App {
 public:
  RealApp(const Options& options, std::unique_ptr<http::KubeTransport> transport,
          Informers informers, std::unique_ptr<NetworkWatch> network,
          std::unique_ptr<ClusterKindControllers> cluster_kinds)
      : options_(options),
        transport_(std::move(transport)),
        client_(*transport_, "portcullis-operator/" + release()),
        informers_(std::move(informers)),
        network_(std::move(network)),
        recorder_(kube::make_recorder(client_, "portcullis.dev/operator", options.name_space)),
        barrier_(clock_),
        reconciler_(
            {options.finalizer_timeout},
            {informers_.workloads->store(), informers_.profiles->store(),
             informers_.namespaces->store(), informers_.pods->store(),
             informers_.network_policies->store()},
            client_, *recorder_, barrier_, [this] { return network_->facts(); }, clock_),
        authority_({{options.name_space, options.ca_secret},
                    options.webhook_service + "." + options.name_space + ".svc",
                    options.validating_configuration,
                    options.mutating_configuration},
                   client_, clock_, metrics_),
        controller_(
            kube::Controller::create({"aiworkload", options.workers}, reconciler_, metrics_)),
        cluster_kinds_(std::move(cluster_kinds)) {
    listen();
  }

  Result<void> serve() {
    probes_ =
        TRY(kube::serve_probes(options_.address, options_.metrics_port, readiness(), metrics_));
    return {};
  }

  void start() override {
    informers_.profiles->start();
    informers_.namespaces->start();
    informers_.pods->start();
    informers_.network_policies->start();
    network_->start();
    informers_.workloads->start();
    cluster_kinds_->start(client_, clock_, metrics_);
    authority_task_ =
        std::make_unique<runtime::PeriodicTask>(kAuthorityInterval, [this] { authority_.keep(); });
    sync_task_ = std::make_unique<runtime::PeriodicTask>(
        kSyncCheckInterval, [this] { start_controller_when_synced(); });
    log::info("operator started", {{"version", version_text()}});
  }

  void stop() override {
    log::info("operator stops");
    sync_task_.reset();
    authority_task_.reset();
    controller_->stop();
    // Their listeners reach into members that are destroyed before them.
    informers_.workloads->stop();
    informers_.profiles->stop();
    informers_.namespaces->stop();
    informers_.pods->stop();
    informers_.network_policies->stop();
    network_->stop();
    cluster_kinds_->stop();
  }

 private:
  /// Reconciling on half a picture would undo what the other half asks for.
  void start_controller_when_synced() {
    if (running_ || !why_not_synced().empty()) return;
    running_ = true;
    controller_->start();
  }

  std::string why_not_synced() const {
    for (const auto& problem :
         {informers_.workloads->why_not_synced(), informers_.profiles->why_not_synced(),
          informers_.namespaces->why_not_synced(), informers_.pods->why_not_synced(),
          informers_.network_policies->why_not_synced(), network_->why_not_synced()}) {
      if (!problem.empty()) return problem;
    }
    return "";
  }

  void enqueue_all(const std::string& name_space = "") {
    const auto& store = informers_.workloads->store();
    for (const auto& workload : name_space.empty() ? store.list() : store.list(name_space)) {
      controller_->enqueue(workload->meta.key);
    }
  }

  /// Which event wakes which key.
  void listen() {
    informers_.workloads->store().on_change([this](const auto& change) {
      controller_->enqueue(change.key);
      // A neighbour that comes or goes changes who overlaps.
      if (!change.before || !change.after) enqueue_all(change.key.name_space);
    });
    informers_.profiles->store().on_change([this](const auto&) { enqueue_all(); });
    informers_.namespaces->store().on_change(
        [this](const auto& change) { enqueue_all(change.key.name); });
    informers_.network_policies->store().on_change([this](const auto& change) {
      const auto& meta = either(change).meta;
      barrier_.seen(change.key, meta.resource_version);
      const auto owner = meta.labels.find(api::kWorkloadLabel);
      if (owner != meta.labels.end()) controller_->enqueue({change.key.name_space, owner->second});
    });
    informers_.pods->store().on_change([this](const auto& change) {
      for (const auto& workload : informers_.workloads->store().list(change.key.name_space)) {
        const auto selects = [&](const auto& pod) {
          return pod && workload->value &&
                 api::matches(workload->value->selector, pod->meta.labels);
        };
        if (selects(change.before) != selects(change.after))
          controller_->enqueue(workload->meta.key);
      }
    });
    network_->on_change([this] { enqueue_all(); });
  }

  std::vector<kube::ReadinessCheck> readiness() {
    return {{"caches", [this] { return why_not_synced(); }},
            {"webhook-ca", [this] { return authority_.why_not_kept(); }}};
  }

  const Options options_;
  const SystemClock clock_;
  metrics::Registry metrics_;
  std::unique_ptr<http::KubeTransport> transport_;
  kube::Client client_;
  Informers informers_;
  std::unique_ptr<NetworkWatch> network_;
  std::unique_ptr<kube::Recorder> recorder_;
  WriteBarrier barrier_;
  WorkloadReconciler reconciler_;
  CertificateAuthority authority_;
  std::unique_ptr<kube::Controller> controller_;
  std::unique_ptr<ClusterKindControllers> cluster_kinds_;
  bool running_ = false;  ///< Sync task only.
  std::unique_ptr<http::Server> probes_;
  std::unique_ptr<runtime::PeriodicTask> authority_task_;
  std::unique_ptr<runtime::PeriodicTask> sync_task_;
};

}  // namespace

Result<std::unique_ptr<App>> App::create(const Options& options) {
  auto config = TRY(kube::load_config({options.kubeconfig, options.context}));
  auto complete = options;
  if (complete.name_space.empty()) complete.name_space = config.name_space;
  static const SystemClock kClock;
  auto informers = TRY(create_informers(config.endpoint, kClock));
  auto network = TRY(NetworkWatch::create(config.endpoint, options.dns, kClock));
  auto cluster_kinds = TRY(ClusterKindControllers::create(config.endpoint, kClock));
  auto transport = TRY(http::make_kube_transport(config.endpoint));
  auto app = std::make_unique<RealApp>(complete, std::move(transport), std::move(informers),
                                       std::move(network), std::move(cluster_kinds));
  TRY_VOID(app->serve());
  return std::unique_ptr<App>(std::move(app));
}

}  // namespace portcullis::controller
