#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lib/evidence/registry_gatherer.hpp"
#include "tests/fakes/fake_clock.hpp"
#include "tests/fakes/fake_registry.hpp"
#include "tests/fakes/signer.hpp"

namespace portcullis::evidence {

/// A door in the way of requests: closed, it holds every request that reaches it.
class Gate {
 public:
  void close() { set(true); }
  void open() { set(false); }
  /// What FakeRegistry::on_request calls.
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !closed_; });
  }
  /// Blocks until so many requests have come to the gate, in all.
  void wait_for(int arrived) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= arrived; });
  }

 private:
  void set(bool closed) {
    const std::lock_guard lock(mutex_);
    closed_ = closed;
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  int arrived_ = 0;
};

/// A registry with one image, keys, and a gatherer that asks it.
class EvidenceTest : public ::testing::Test {
 protected:
  using Types = std::vector<api::EvidenceType>;
  static constexpr auto kSignature = api::EvidenceType::kSignature;
  static constexpr auto kScan = api::EvidenceType::kScan;
  static constexpr auto kSBOM = api::EvidenceType::kSBOM;
  static constexpr const char* kName = "registry.example.com/team/app";

  EvidenceTest() {
    registry_.on_request = [this](const http::WebRequest&) { gate_.pass(); };
  }

  /// An authority for the key; it lives as long as the test.
  const verify::Authority* trust(const testing::SigningKey& key, const Types& types = {kSignature},
                                 std::vector<api::SignatureFormat> formats = {
                                     api::SignatureFormat::kBundle}) {
    api::Authority spec;
    spec.name = "authority-" + std::to_string(authorities_.size());
    spec.vouches_for = types;
    spec.public_key_pem = key.public_pem();
    spec.formats = std::move(formats);
    spec.evidence_repositories = evidence_repositories_;
    return add(spec);
  }
  const verify::Authority* trust_pins(std::vector<std::string> digests, const Types& types) {
    api::Authority spec;
    spec.name = "pins";
    spec.vouches_for = types;
    spec.digests = std::move(digests);
    return add(spec);
  }

  static Question ask_about(const std::string& image,
                            std::vector<const verify::Authority*> authorities,
                            const Types& required = {kSignature},
                            std::vector<std::string> platforms = {}) {
    Question question;
    question.field = "spec.containers[0].image";
    question.written = image;
    question.reference = *oci::parse_reference(image);
    question.authorities = std::move(authorities);
    question.required = required;
    question.platforms = std::move(platforms);
    return question;
  }

  policy::ImageFacts gather(const Question& question,
                            std::chrono::milliseconds budget = std::chrono::seconds(20)) {
    return gatherer_->gather({question}, nullptr, keychain_, Deadline::after(budget)).at(0);
  }
  static const policy::AuthorityFacts& said(const policy::ImageFacts& facts,
                                            const verify::Authority* authority) {
    return facts.by_authority.at(authority->fingerprint());
  }

  std::string sign(const testing::SigningKey& key, const std::string& digest) {
    return registry_.attach_bundle("team/app", digest, testing::sign_image(key, digest),
                                   testing::kSignPredicate);
  }
  std::string attest(const testing::SigningKey& key, const std::string& digest,
                     const std::string& type = testing::kVulnPredicate,
                     const codec::Json& predicate = {{"n", 1}}) {
    return registry_.attach_bundle("team/app", digest,
                                   testing::sign_bundle(key, type, predicate, digest), type);
  }
  static std::vector<testing::FakeLayer> layers(
      const std::vector<testing::LegacyLayer>& signed_layers) {
    std::vector<testing::FakeLayer> layers;
    for (const auto& layer : signed_layers) {
      layers.push_back({layer.media_type, layer.bytes, layer.annotations});
    }
    return layers;
  }

  void rebuild(const GathererOptions& options) {
    gatherer_.reset();
    gatherer_ = make_gatherer(client_, clock_, metrics_, options);
  }

  testing::FakeClock clock_;
  Gate gate_;
  testing::FakeRegistry registry_;
  oci::RegistryClient client_{registry_, nullptr, clock_};
  metrics::Registry metrics_;
  std::vector<std::string> evidence_repositories_;
  std::vector<std::unique_ptr<verify::Authority>> authorities_;
  std::shared_ptr<const oci::Keychain> keychain_ = std::make_shared<const oci::Keychain>();
  std::unique_ptr<Gatherer> gatherer_ = make_gatherer(client_, clock_, metrics_, {.threads = 4});

  const testing::SigningKey key_ = testing::make_key();
  const std::string image_ = registry_.add_image("team/app", "one", "v1");
  const std::string by_digest_ = std::string(kName) + "@" + image_;
  const std::string by_tag_ = std::string(kName) + ":v1";

 private:
  const verify::Authority* add(const api::Authority& spec) {
    auto authority = verify::Authority::create(spec);
    if (!authority) throw std::runtime_error(authority.error().message());
    authorities_.push_back(std::make_unique<verify::Authority>(*std::move(authority)));
    return authorities_.back().get();
  }
};

}  // namespace portcullis::evidence
