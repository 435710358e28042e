#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lib/codec/json.hpp"
#include "lib/evidence/gatherer.hpp"
#include "tests/fakes/fake_api_server.hpp"
#include "tests/fakes/signer.hpp"
#include "webhook/pin_handler.hpp"
#include "webhook/workload_handler.hpp"

namespace portcullis::webhook {

/// Answers with scripted facts, and remembers what it was asked.
class FakeGatherer final : public evidence::Gatherer {
 public:
  std::vector<policy::ImageFacts> gather(const std::vector<evidence::Question>& questions,
                                         std::shared_ptr<const policy::PolicySet>,
                                         std::shared_ptr<const oci::Keychain> keychain,
                                         Deadline) override {
    std::vector<policy::ImageFacts> all;
    for (const auto& question : questions) {
      asked.push_back(question);
      policy::ImageFacts facts;
      facts.field = question.field;
      facts.reference = question.written;
      facts.name = question.reference.name();
      facts.digest = question.reference.digest.value_or(digest);
      if (failure) facts.failure = failure;
      for (const auto* authority : question.authorities) {
        auto& by = facts.by_authority[authority->fingerprint()];
        if (unsigned_names.contains(facts.name)) continue;
        verify::Claim claim;
        claim.kind = verify::ClaimKind::kSignature;
        claim.subject_digest = facts.digest;
        by.claims.push_back(claim);
      }
      all.push_back(std::move(facts));
    }
    had_credentials = keychain && !keychain->empty();
    return all;
  }
  Result<std::string> resolve(const oci::Reference& reference, std::shared_ptr<const oci::Keychain>,
                              Deadline) override {
    resolved.push_back(reference.to_string());
    if (failure) return Error(*failure);
    return digest;
  }

  std::string digest = "sha256:" + std::string(64, 'a');
  std::set<std::string> unsigned_names;
  std::optional<Error> failure;
  bool had_credentials = false;
  std::vector<evidence::Question> asked;
  std::vector<std::string> resolved;
};

/// A protected namespace "clinic" with one AIWorkload "triage" (app=triage), a policy for
/// registry.example.com, and the webhook's parts around it.
class WebhookFixture : public ::testing::Test {
 protected:
  WebhookFixture() {
    set_profile("{}");
    api::ObjectMeta clinic;
    clinic.key = {"", "clinic"};
    clinic.labels[api::kProfileLabel] = "default";
    namespaces_.put(clinic.key, std::make_shared<const api::ObjectMeta>(clinic));
    add_workload(
        "triage",
        R"({"selector": {"matchLabels": {"app": "triage"}}, "dataClassification": "Public"})");
    set_policy(R"({"images": {"include": ["registry.example.com/**"]}})");
  }

  void set_profile(const char* spec) {
    const codec::Json object = {{"metadata", {{"name", "default"}}},
                                {"spec", codec::Json::parse(spec)}};
    profiles_.put({"", "default"},
                  api::keep<api::AISecurityProfile>(object, api::parse_security_profile));
  }
  void add_workload(const std::string& name, const char* spec) {
    const codec::Json object = {
        {"metadata", {{"namespace", "clinic"}, {"name", name}, {"uid", "uid-" + name}}},
        {"spec", codec::Json::parse(spec)}};
    server_.put(kube::kAIWorkloads, object);
    workloads_.put({"clinic", name}, api::keep<api::AIWorkload>(object, api::parse_ai_workload));
  }
  void set_policy(const char* spec) {
    codec::Json object = {{"metadata", {{"name", "ours"}}}, {"spec", codec::Json::parse(spec)}};
    object["spec"]["authorities"] =
        codec::Json::array({{{"name", "ci"},
                             {"vouchesFor", {"Signature"}},
                             {"publicKey", {{"pem", key_.public_pem()}}}}});
    auto parsed = api::parse_trust_policy(object);
    policy::PolicySource source{"ours", Error(ErrorCode::kInternal, "")};
    if (parsed)
      source.policy = *parsed;
    else
      source.policy = parsed.error();
    policies_.replace({{{"", "ours"}, std::make_shared<const policy::PolicySource>(source)}});
    policy_sets_.invalidate();
  }

  static codec::Json pod(const std::string& image = "registry.example.com/app@" +
                                                    std::string("sha256:") + std::string(64, 'a'),
                         const std::string& app = "triage") {
    return {{"metadata", {{"name", "p"}, {"namespace", "clinic"}, {"labels", {{"app", app}}}}},
            {"spec", {{"containers", codec::Json::array({{{"name", "c"}, {"image", image}}})}}}};
  }
  static api::AdmissionRequest create(codec::Json object, std::string kind = "Pod") {
    api::AdmissionRequest request;
    request.uid = "u";
    request.kind = std::move(kind);
    request.key = {"clinic", "p"};
    request.object = std::make_shared<const codec::Json>(std::move(object));
    return request;
  }
  static api::AdmissionRequest update(codec::Json before, codec::Json now,
                                      std::string kind = "Pod") {
    auto request = create(std::move(now), std::move(kind));
    request.operation = api::Operation::kUpdate;
    request.old_object = std::make_shared<const codec::Json>(std::move(before));
    return request;
  }
  static Deadline soon() { return Deadline::after(std::chrono::seconds(5)); }

  const testing::SigningKey key_ = testing::make_key();
  testing::FakeClock clock_;
  testing::FakeApiServer server_{clock_};
  kube::Client client_{server_, "test"};
  kube::MutableStore<api::ObjectMeta> namespaces_, nodes_;
  kube::MutableStore<api::Parsed<api::AIWorkload>> workloads_;
  kube::MutableStore<api::Parsed<api::AISecurityProfile>> profiles_;
  kube::MutableStore<policy::PolicySource> policies_;
  std::string stale_;
  Stores stores_{namespaces_, nodes_, workloads_, profiles_, [this] { return stale_; }};
  PolicySetCache policy_sets_{policies_};
  FakeGatherer gatherer_;
  PullSecrets pull_secrets_{client_, clock_};
  Binder binder_{stores_, client_};
  ImageJudge judge_{nodes_, gatherer_, pull_secrets_, clock_};
  WorkloadHandler workload_handler_{binder_, judge_, policy_sets_};
  PinHandler pin_handler_{binder_, gatherer_, pull_secrets_, policy_sets_};
};

}  // namespace portcullis::webhook
