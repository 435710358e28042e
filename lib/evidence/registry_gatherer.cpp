#include "lib/evidence/registry_gatherer.hpp"

#include <algorithm>

#include "lib/base/log.hpp"
#include "lib/evidence/collector.hpp"
#include "lib/evidence/flights.hpp"
#include "lib/evidence/reader.hpp"
#include "lib/runtime/worker_pool.hpp"

namespace portcullis::evidence {
namespace {

using Facts = std::shared_ptr<const policy::ImageFacts>;

Error too_busy() {
  return {ErrorCode::kResourceExhausted, "too many images are being checked at once"};
}

Error too_late() {
  return {ErrorCode::kDeadlineExceeded,
          "checking the image took longer than the time allowed; it goes on, so try again"};
}

// Questions with one key have one answer, but for the field and the spelling of the reference.
std::string key_of(const Question& question, const oci::Keychain* keychain) {
  std::string key = question.reference.to_string() + (question.fresh ? "\nfresh" : "\n");
  if (keychain != nullptr) {
    for (const auto& credential : keychain->find(question.reference)) {
      key += "\n" + credential.fingerprint();
    }
  }
  std::vector<std::string> authorities;
  for (const auto* authority : question.authorities) {
    auto text = authority->fingerprint();
    for (const auto format : {verify::Format::kBundle, verify::Format::kLegacySignature}) {
      text += authority->allows(format) ? "+" : "-";
    }
    for (const auto type : authority->evidence_types()) text += api::to_string(type);
    for (const auto& repository : authority->evidence_repositories()) text += "," + repository;
    authorities.push_back(std::move(text));
  }
  std::ranges::sort(authorities);
  for (const auto& authority : authorities) key += "\na" + authority;
  for (const auto type : question.required) key += "\nt" + std::string(api::to_string(type));
  for (const auto& platform : question.platforms) key += "\np" + platform;
  return key;
}

class RegistryGatherer final : public Gatherer {
 public:
  RegistryGatherer(oci::RegistryClient& registry, const Clock& clock, metrics::Registry& metrics,
                   const GathererOptions& options)
      : clock_(clock),
        cached_(result_counter(metrics, "cached")),
        fetched_(result_counter(metrics, "fetched")),
        failed_(result_counter(metrics, "failed")),
        late_(result_counter(metrics, "late")),
        seconds_(metrics.histogram("portcullis_gather_seconds",
                                   "Time to gather the facts of one image from registries.")),
        cache_bytes_(metrics.gauge("portcullis_evidence_cache_bytes",
                                   "Memory that cached evidence takes, estimated.")),
        reader_(registry, clock, pool_, options.max_cache_bytes),
        collector_(reader_, pool_),
        pool_(options.threads, options.max_queued) {}

  std::vector<policy::ImageFacts> gather(const std::vector<Question>& questions,
                                         std::shared_ptr<const policy::PolicySet> policies,
                                         std::shared_ptr<const oci::Keychain> keychain,
                                         Deadline deadline) override {
    // All are begun before the first is waited for.
    std::vector<Started> started;
    for (const auto& question : questions) started.push_back(start(question, policies, keychain));
    std::vector<policy::ImageFacts> all;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      all.push_back(finish(questions[i], started[i], deadline));
    }
    return all;
  }

  Result<std::string> resolve(const oci::Reference& reference,
                              std::shared_ptr<const oci::Keychain> keychain,
                              Deadline deadline) override {
    if (auto known = reader_.resolve(reference, {keychain, deadline, false})) return *known;
    auto key = reference.to_string();
    if (keychain) {
      for (const auto& credential : keychain->find(reference)) key += credential.fingerprint();
    }
    const auto [flight, is_mine] = pin_flights_.join(key);
    if (is_mine) {
      // The time runs from now, not from when a thread is free: the queue drains by itself.
      submit(pin_flights_, key,
             [this, reference, asker = Asker{keychain, Deadline::after(kLongestWork), true}] {
               return reader_.resolve(reference, asker);
             });
    }
    auto digest = flight->wait(deadline);
    if (digest) return *std::move(digest);
    return too_late();
  }

 private:
  struct Started {
    std::optional<policy::ImageFacts> known;
    std::shared_ptr<Flight<Facts>> flight;
  };

  static metrics::Counter result_counter(metrics::Registry& metrics, const std::string& result) {
    return metrics.counter("portcullis_gather_total", "Images whose facts were gathered.",
                           {{"result", result}});
  }

  /// Runs `work` on the pool and gives the flight its result, whatever happens.
  template <typename T, typename Work>
  void submit(Flights<T>& flights, const std::string& key, Work work) {
    const bool accepted = pool_.submit([&flights, key, work = std::move(work)] {
      Result<T> result = Error(ErrorCode::kInternal, "the work was given up");
      try {
        result = work();
      } catch (const std::exception& failure) {
        log::error("gathering evidence failed", {{"error", failure.what()}});
        result = Error(ErrorCode::kInternal, failure.what());
      }
      flights.finish(key, std::move(result));
    });
    if (!accepted) flights.finish(key, too_busy());
  }

  Started start(const Question& question, const std::shared_ptr<const policy::PolicySet>& policies,
                const std::shared_ptr<const oci::Keychain>& keychain) {
    const auto max_age = question.fresh ? kMissingAge : kDiscoveryAge;
    const Asker caches{keychain, Deadline::after(std::chrono::milliseconds(0)), false};
    auto known = collector_.collect(question, max_age, caches);
    if (known && !is_stale(question, *known)) {
      cached_.add();
      return {std::move(known->facts), nullptr};
    }
    const auto key = key_of(question, keychain.get());
    auto [flight, is_mine] = facts_flights_.join(key);
    if (is_mine) {
      // `policies` keeps the authorities alive that the copy of the question points to.
      submit(
          facts_flights_, key,
          [this, question, policies, asker = Asker{keychain, Deadline::after(kLongestWork), true}] {
            return fetch(question, asker);
          });
    }
    return {std::nullopt, std::move(flight)};
  }

  Result<Facts> fetch(const Question& question, const Asker& asker) {
    const auto begin = clock_.steady();
    const auto max_age = question.fresh ? kMissingAge : kDiscoveryAge;
    auto collected = collector_.collect(question, max_age, asker);
    if (collected && is_stale(question, *collected)) {
      collected = collector_.collect(question, kMissingAge, asker);
    }
    seconds_.observe(std::chrono::duration<double>(clock_.steady() - begin).count());
    cache_bytes_.set(static_cast<double>(reader_.cached_bytes()));
    if (!collected) {
      failed_.add();
      return std::move(collected.error());
    }
    fetched_.add();
    return std::make_shared<const policy::ImageFacts>(std::move(collected->facts));
  }

  /// Evidence is missing, and may have been added since it was looked for.
  bool is_stale(const Question& question, const Collected& collected) const {
    return Collector::misses_something(question, collected.facts) &&
           clock_.steady() - collected.oldest >= kMissingAge;
  }

  policy::ImageFacts finish(const Question& question, Started& started, Deadline deadline) {
    policy::ImageFacts facts;
    if (started.known) {
      facts = *std::move(started.known);
    } else {
      const auto result = started.flight->wait(deadline);
      if (result && *result) {
        facts = ***result;
      } else if (result) {
        facts.failure = result->error();
      } else {
        late_.add();
        facts.failure = too_late();
      }
    }
    facts.field = question.field;
    facts.reference = question.written;
    facts.name = question.reference.name();
    return facts;
  }

  const Clock& clock_;
  const metrics::Counter cached_, fetched_, failed_, late_;
  const metrics::Histogram seconds_;
  const metrics::Gauge cache_bytes_;
  Flights<std::string> pin_flights_;
  Flights<Facts> facts_flights_;
  Reader reader_;
  Collector collector_;
  runtime::WorkerPool pool_;  // last: its jobs use all of the above
};

}  // namespace

std::unique_ptr<Gatherer> make_gatherer(oci::RegistryClient& registry, const Clock& clock,
                                        metrics::Registry& metrics,
                                        const GathererOptions& options) {
  return std::make_unique<RegistryGatherer>(registry, clock, metrics, options);
}

}  // namespace portcullis::evidence
