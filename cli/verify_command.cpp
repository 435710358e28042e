#include "cli/verify_command.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>

#include "lib/base/version.hpp"
#include "lib/codec/encoding.hpp"
#include "lib/evidence/registry_gatherer.hpp"
#include "lib/http/web_client.hpp"

namespace portcullis::cli {
namespace {

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(ErrorCode::kNotFound, path + " cannot be read");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<oci::Registries> read_registries(const std::string& path) {
  if (path.empty()) return oci::Registries();
  const auto text = TRY(read_file(path));
  return with_context(
      oci::Registries::parse(text, std::filesystem::path(path).parent_path().string()), path);
}

/// The file that `docker login` writes; none is no error unless it was named.
Result<std::shared_ptr<const oci::Keychain>> read_keychain(const std::string& named) {
  auto keychain = std::make_shared<oci::Keychain>();
  const char* home = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe): one thread so far
  auto path = named;
  if (path.empty() && home != nullptr) {
    path = std::string(home) + "/.docker/config.json";
    if (!std::filesystem::exists(path)) path.clear();
  }
  if (!path.empty()) {
    const auto config = TRY(read_file(path));
    TRY_VOID(with_context(keychain->add_docker_config(config), path));
  }
  return std::shared_ptr<const oci::Keychain>(std::move(keychain));
}

Result<std::vector<api::EvidenceRequirement>> parse_required(const VerifyOptions& options) {
  std::vector<api::EvidenceRequirement> required;
  for (const auto& word : options.evidence) {
    api::EvidenceRequirement one;
    one.type = TRY(api::parse_evidence_type(word));
    if (one.type == api::EvidenceType::kScan && !options.max_age.empty()) {
      one.max_age = TRY(codec::parse_duration(options.max_age));
    }
    required.push_back(one);
  }
  return required;
}

/// A policy with the one key, for every image.
Result<std::shared_ptr<const policy::PolicySet>> policy_of(
    const std::string& key_pem, const std::vector<api::EvidenceRequirement>& required) {
  api::Authority authority;
  authority.name = "key";
  authority.public_key_pem = key_pem;
  for (const auto& one : required) authority.vouches_for.push_back(one.type);
  api::TrustPolicy trust;
  trust.meta.key.name = "command-line";
  trust.include = {"**"};
  trust.authorities = {authority};
  auto set = std::make_shared<const policy::PolicySet>(
      std::vector<policy::PolicySource>{{trust.meta.key.name, trust}});
  if (const auto& broken = set->policies().front().broken) return Error(*broken);
  return std::shared_ptr<const policy::PolicySet>(std::move(set));
}

ExitCode usage(const Error& error, std::ostream& err) {
  err << "portcullis verify: " << error.message() << "\n";
  return kUsage;
}

ExitCode tell(const policy::ImageVerdict& verdict, const policy::ImageFacts& facts,
              std::ostream& out, std::ostream& err) {
  for (const auto& violation : verdict.violations) {
    err << (violation.could_not_decide ? "could not decide: " : "refused: ") << violation.cause
        << (violation.remedy.empty() ? "" : "; " + violation.remedy) << "\n";
  }
  if (verdict.violations.empty() && !verdict.evidence.empty()) {
    out << "verified: " << facts.name << "@" << facts.digest << "\n";
    for (const auto& evidence : verdict.evidence) {
      out << "  " << evidence.check << " by " << evidence.authority;
      if (evidence.scan_time) out << ", scanned " << codec::format_time(*evidence.scan_time);
      out << "\n";
    }
    return kAllowed;
  }
  for (const auto& violation : verdict.violations) {
    if (!violation.could_not_decide) return kDenied;
  }
  return kUndecided;
}

}  // namespace

ExitCode verify_image(const VerifyOptions& options, const std::string& key_pem,
                      std::shared_ptr<const oci::Keychain> keychain, evidence::Gatherer& gatherer,
                      const Clock& clock, std::ostream& out, std::ostream& err) {
  const auto reference = oci::parse_reference(options.image);
  if (!reference) return usage(reference.error(), err);
  const auto required = parse_required(options);
  if (!required) return usage(required.error(), err);
  const auto policies = policy_of(key_pem, *required);
  if (!policies) return usage(policies.error(), err);

  evidence::Question question{"image", options.image, *reference, {}, {}, {}};
  for (const auto& authority : (*policies)->policies().front().authorities) {
    question.authorities.push_back(&authority);
  }
  for (const auto& one : *required) question.required.push_back(one.type);
  const auto facts =
      gatherer.gather({question}, *policies, std::move(keychain), Deadline::after(options.timeout));
  const auto verdict = policy::evaluate(facts.front(), (*policies)->select(reference->name(), ""),
                                        *required, clock.now());
  return tell(verdict, facts.front(), out, err);
}

ExitCode run_verify(const VerifyOptions& options, std::ostream& out, std::ostream& err) {
  const auto key = read_file(options.key_file);
  if (!key) return usage(key.error(), err);
  auto registries = read_registries(options.registries_file);
  if (!registries) return usage(registries.error(), err);
  auto keychain = read_keychain(options.docker_config);
  if (!keychain) return usage(keychain.error(), err);

  const SystemClock clock;
  metrics::Registry metrics;
  const auto web = http::make_web_client("portcullis/" + release());
  oci::RegistryClient client(*web, std::make_shared<const oci::Registries>(std::move(*registries)),
                             clock);
  const auto gatherer = evidence::make_gatherer(client, clock, metrics);
  return verify_image(options, *key, std::move(*keychain), *gatherer, clock, out, err);
}

}  // namespace portcullis::cli
