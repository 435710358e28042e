#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "lib/evidence/registry_gatherer.hpp"
#include "lib/http/server.hpp"
#include "tests/fakes/fake_registry.hpp"
#include "tests/fakes/signer.hpp"

/// What the webhook's wait for a registry consists of: a new digest signed by one key, gathered
/// from a registry on this machine over real sockets; and the same once more, from the caches.
namespace portcullis::evidence {
namespace {

using std::chrono::steady_clock;

/// The registry in memory behind our own server, on a free port, plain HTTP.
class LocalRegistry {
 public:
  LocalRegistry() {
    http::ServerOptions options;
    options.address = "127.0.0.1";
    auto server =
        http::Server::create(options, http::Server::Security::kPlain,
                             [this](const http::Request& request) { return serve(request); });
    if (!server) throw std::runtime_error(server.error().message());
    server_ = *std::move(server);
    host_ = "127.0.0.1:" + std::to_string(server_->port());
    registry_ = std::make_unique<testing::FakeRegistry>(host_);
    server_->start();
  }

  const std::string& host() const { return host_; }
  testing::FakeRegistry& contents() { return *registry_; }
  std::shared_ptr<const oci::Registries> file() const {
    return std::make_shared<const oci::Registries>(
        *oci::Registries::parse("registries: [{host: '" + host_ + "', scheme: http}]", ""));
  }

 private:
  http::Response serve(const http::Request& request) {
    http::WebRequest asked;
    asked.method = request.method;
    asked.url = "http://" + host_ + request.target;
    auto answer = registry_->fetch(asked, Deadline::after(std::chrono::seconds(5)));
    return answer ? *std::move(answer) : testing::web_answer(500);
  }

  std::string host_;
  std::unique_ptr<testing::FakeRegistry> registry_;
  std::unique_ptr<http::Server> server_;  // last: it serves from the above
};

/// Everything from the gatherer down to the socket, as the webhook has it.
class GatherBench {
 public:
  GatherBench() {
    api::Authority spec;
    spec.name = "release";
    spec.vouches_for = {api::EvidenceType::kSignature};
    spec.public_key_pem = key_.public_pem();
    authority_ = std::make_unique<verify::Authority>(*verify::Authority::create(spec));
  }

  /// A question about an image that nobody has asked about, signed.
  Question new_question() {
    const auto digest = registry_.contents().add_image("team/app", std::to_string(++images_));
    registry_.contents().attach_bundle("team/app", digest, testing::sign_image(key_, digest),
                                       testing::kSignPredicate);
    Question question;
    question.written = registry_.host() + "/team/app@" + digest;
    question.reference = *oci::parse_reference(question.written);
    question.authorities = {authority_.get()};
    question.required = {api::EvidenceType::kSignature};
    return question;
  }

  bool gather(const Question& question) {
    const auto facts = gatherer_->gather({question}, nullptr, keychain_,
                                         Deadline::after(std::chrono::seconds(10)));
    const auto& said = facts[0].by_authority;
    return !facts[0].failure && said.at(authority_->fingerprint()).claims.size() == 1;
  }
  std::uint64_t requests() const { return client_.counters().requests; }

 private:
  LocalRegistry registry_;
  SystemClock clock_;
  std::unique_ptr<http::WebClient> web_ = http::make_web_client("portcullis-bench");
  oci::RegistryClient client_{*web_, registry_.file(), clock_};
  metrics::Registry metrics_;
  testing::SigningKey key_ = testing::make_key();
  std::unique_ptr<verify::Authority> authority_;
  std::shared_ptr<const oci::Keychain> keychain_ = std::make_shared<const oci::Keychain>();
  std::unique_ptr<Gatherer> gatherer_ = make_gatherer(client_, clock_, metrics_);
  int images_ = 0;
};

double percentile_ms(std::vector<double>& seconds, double share) {
  std::ranges::sort(seconds);
  const auto at = static_cast<std::size_t>(share * static_cast<double>(seconds.size() - 1));
  return seconds[at] * 1000;
}

void gather_new_digest(benchmark::State& state) {
  GatherBench bench;
  bench.gather(
      bench.new_question());  // the connection is there afterwards, as in a running webhook
  const auto before = bench.requests();
  std::vector<double> seconds;
  for (auto _ : state) {
    state.PauseTiming();
    const auto question = bench.new_question();
    state.ResumeTiming();
    const auto begin = steady_clock::now();
    if (!bench.gather(question)) state.SkipWithError("the signature was not found");
    seconds.push_back(std::chrono::duration<double>(steady_clock::now() - begin).count());
  }
  if (seconds.empty()) return;
  state.counters["requests_per_image"] =
      static_cast<double>(bench.requests() - before) / static_cast<double>(seconds.size());
  state.counters["p50_ms"] = percentile_ms(seconds, 0.5);
  state.counters["p99_ms"] = percentile_ms(seconds, 0.99);
}
BENCHMARK(gather_new_digest)->Unit(benchmark::kMillisecond)->UseRealTime();

void gather_known_digest(benchmark::State& state) {
  GatherBench bench;
  const auto question = bench.new_question();
  bench.gather(question);
  const auto before = bench.requests();
  for (auto _ : state) {
    if (!bench.gather(question)) state.SkipWithError("the signature was not found");
  }
  state.counters["requests"] = static_cast<double>(bench.requests() - before);
}
BENCHMARK(gather_known_digest)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace portcullis::evidence
