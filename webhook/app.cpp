#include "webhook/app.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "lib/admission/endpoint.hpp"
#include "lib/base/version.hpp"
#include "lib/evidence/registry_gatherer.hpp"
#include "lib/kube/config.hpp"
#include "lib/kube/informer.hpp"
#include "lib/kube/probes.hpp"
#include "lib/runtime/periodic_task.hpp"
#include "webhook/ai_workload_handler.hpp"
#include "webhook/certificate_keeper.hpp"
#include "webhook/pin_handler.hpp"
#include "webhook/policy_handler.hpp"
#include "webhook/registries_file.hpp"
#include "webhook/workload_handler.hpp"

namespace portcullis::webhook {
namespace {

constexpr std::chrono::seconds kRefreshInterval{10};
/// A replica that has not heard from the API server for so long judges by old policies: it must
/// not.
constexpr std::chrono::minutes kMaxSilence{6};
constexpr std::chrono::seconds kDrain{15};

std::shared_ptr<const api::ObjectMeta> keep_meta(const codec::Json& object) {
  return std::make_shared<const api::ObjectMeta>(api::parse_meta(object));
}

/// A policy that cannot be read stays, and denies in the profiles that can be read of it.
std::shared_ptr<const policy::PolicySource> keep_policy(const codec::Json& object) {
  policy::PolicySource source{api::parse_meta(object).key.name, Error(ErrorCode::kInternal, "")};
  if (auto parsed = api::parse_trust_policy(object)) {
    source.policy = std::move(*parsed);
  } else {
    source.policy = parsed.error();
    source.profiles = api::readable_profiles(object);
  }
  return std::make_shared<const policy::PolicySource>(std::move(source));
}

/// The cached kinds.
struct Informers {
  std::unique_ptr<kube::Informer<api::ObjectMeta>> namespaces, nodes;
  std::unique_ptr<kube::Informer<api::Parsed<api::AIWorkload>>> workloads;
  std::unique_ptr<kube::Informer<api::Parsed<api::AISecurityProfile>>> profiles;
  std::unique_ptr<kube::Informer<policy::PolicySource>> policies;
};

Result<Informers> create_informers(const http::KubeEndpoint& endpoint, const Clock& clock) {
  Informers all;
  kube::ReflectorOptions labelled{.label_selector = api::kProfileLabel, .metadata_only = true};
  kube::ReflectorOptions metadata{.metadata_only = true};
  all.namespaces = TRY(kube::Informer<api::ObjectMeta>::create(endpoint, kube::kNamespaces,
                                                               labelled, keep_meta, clock));
  all.nodes = TRY(
      kube::Informer<api::ObjectMeta>::create(endpoint, kube::kNodes, metadata, keep_meta, clock));
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
  all.policies = TRY(kube::Informer<policy::PolicySource>::create(endpoint, kube::kTrustPolicies,
                                                                  {}, keep_policy, clock));
  return all;
}

/// Members in start order: destruction is the stop order.
class RealApp final : public App {
 public:
  RealApp(const Options& options, std::unique_ptr<http::KubeTransport> transport,
          Informers informers)
      : options_(options),
        transport_(std::move(transport)),
        client_(*transport_, "portcullis-webhook/" + release()),
        informers_(std::move(informers)),
        stores_{informers_.namespaces->store(), informers_.nodes->store(),
                informers_.workloads->store(), informers_.profiles->store(),
                [this] { return why_stale(); }},
        policies_(informers_.policies->store()),
        web_(http::make_web_client("portcullis/" + release())),
        registry_client_(*web_, std::make_shared<const oci::Registries>(), clock_),
        registries_file_(options.registries_file, registry_client_),
        gatherer_(evidence::make_gatherer(registry_client_, clock_, metrics_)),
        pull_secrets_(client_, clock_),
        binder_(stores_, client_),
        judge_(informers_.nodes->store(), *gatherer_, pull_secrets_, clock_),
        workload_handler_(binder_, judge_, policies_),
        pin_handler_(binder_, *gatherer_, pull_secrets_, policies_),
        ai_workload_handler_(stores_, binder_) {
    informers_.policies->store().on_change([this](const auto&) { policies_.invalidate(); });
  }

  Result<void> create_servers() {
    TRY_VOID(registries_file_.reload());
    http::ServerOptions server_options;
    server_options.address = options_.address;
    server_options.port = options_.port;
    server_options.workers = options_.workers != 0
                                 ? options_.workers
                                 : 2 * std::max(1U, std::thread::hardware_concurrency());
    server_ =
        TRY(http::Server::create(server_options, http::Server::Security::kTls,
                                 [this](const http::Request& request) { return route(request); }));
    const auto service = options_.service_name + "." + options_.name_space + ".svc";
    keeper_ = std::make_unique<CertificateKeeper>(
        CertificateKeeper::Options{{options_.name_space, options_.ca_secret}, {service}}, client_,
        *server_, clock_, metrics_);
    probes_ =
        TRY(kube::serve_probes(options_.address, options_.metrics_port, readiness(), metrics_));
    return {};
  }

  void start() override {
    informers_.namespaces->start();
    informers_.nodes->start();
    informers_.workloads->start();
    informers_.profiles->start();
    informers_.policies->start();
    server_->start();
    refresh_ = std::make_unique<runtime::PeriodicTask>(kRefreshInterval, [this] {
      keeper_->refresh();
      registries_file_.reload_if_changed();
    });
    log::info("webhook started", {{"version", version_text()}, {"port", server_->port()}});
  }

  void stop() override {
    stopping_ = true;
    log::info("webhook stops", {{"delay_seconds", options_.shutdown_delay.count()}});
    std::this_thread::sleep_for(options_.shutdown_delay);
    server_->drain(Deadline::after(kDrain));
    refresh_.reset();
    probes_.reset();
    server_.reset();
    // Their listeners reach into members that are destroyed before them.
    informers_.namespaces->stop();
    informers_.nodes->stop();
    informers_.workloads->stop();
    informers_.profiles->stop();
    informers_.policies->stop();
  }

 private:
  std::string why_stale() const {
    const auto oldest = std::min({informers_.workloads->reflector().last_contact(),
                                  informers_.profiles->reflector().last_contact(),
                                  informers_.policies->reflector().last_contact(),
                                  informers_.namespaces->reflector().last_contact()});
    return clock_.steady() - oldest < kMaxSilence ? ""
                                                  : "has not heard from the API server for 6 min";
  }

  std::vector<kube::ReadinessCheck> readiness() {
    return {{"namespaces", [this] { return informers_.namespaces->why_not_synced(); }},
            {"nodes", [this] { return informers_.nodes->why_not_synced(); }},
            {"aiworkloads", [this] { return informers_.workloads->why_not_synced(); }},
            {"aisecurityprofiles", [this] { return informers_.profiles->why_not_synced(); }},
            {"trustpolicies", [this] { return informers_.policies->why_not_synced(); }},
            {"certificate", [this] { return keeper_->why_not_valid(); }},
            {"shutdown", [this] { return std::string(stopping_ ? "has begun" : ""); }}};
  }

  http::Response route(const http::Request& request) {
    const auto path = http::path_of(request.target);
    for (const auto& [route, endpoint] : endpoints_) {
      if (path == route) return endpoint.answer(request);
    }
    return {404, {}, "no such webhook\n"};
  }

  const Options options_;
  const SystemClock clock_;
  metrics::Registry metrics_;
  std::unique_ptr<http::KubeTransport> transport_;
  kube::Client client_;
  Informers informers_;
  Stores stores_;
  PolicySetCache policies_;
  std::unique_ptr<http::WebClient> web_;
  oci::RegistryClient registry_client_;
  RegistriesFile registries_file_;
  std::unique_ptr<evidence::Gatherer> gatherer_;
  PullSecrets pull_secrets_;
  Binder binder_;
  ImageJudge judge_;
  WorkloadHandler workload_handler_;
  PinHandler pin_handler_;
  AIWorkloadHandler ai_workload_handler_;
  PolicyHandler policy_handler_;
  const std::map<std::string, admission::Endpoint, std::less<>> endpoints_{
      {"/validate/workloads", admission::Endpoint("workloads", workload_handler_, metrics_)},
      {"/validate/aiworkloads", admission::Endpoint("aiworkloads", ai_workload_handler_, metrics_)},
      {"/validate/policies", admission::Endpoint("policies", policy_handler_, metrics_)},
      {"/mutate/pods", admission::Endpoint("pins", pin_handler_, metrics_)}};
  std::atomic<bool> stopping_{false};
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<CertificateKeeper> keeper_;
  std::unique_ptr<http::Server> probes_;
  std::unique_ptr<runtime::PeriodicTask> refresh_;
};

}  // namespace

Result<std::unique_ptr<App>> App::create(const Options& options) {
  auto config = TRY(kube::load_config({options.kubeconfig, options.context}));
  auto complete = options;
  if (complete.name_space.empty()) complete.name_space = config.name_space;
  static const SystemClock kClock;
  auto informers = TRY(create_informers(config.endpoint, kClock));
  auto transport = TRY(http::make_kube_transport(config.endpoint));
  auto app = std::make_unique<RealApp>(complete, std::move(transport), std::move(informers));
  TRY_VOID(app->create_servers());
  return std::unique_ptr<App>(std::move(app));
}

}  // namespace portcullis::webhook
