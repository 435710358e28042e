#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"
#include "lib/codec/yaml.hpp"
#include "lib/crypto/digest.hpp"
#include "lib/policy/policy_set.hpp"
#include "lib/policy/requirements.hpp"
#include "tests/fakes/signer.hpp"

/// Runs every folder of tests/cases; README.md there says what the files mean. Whatever a file says
/// wrongly throws, so that a misspelt case fails instead of passing.
namespace portcullis::policy {
namespace {

using codec::Json;
namespace fs = std::filesystem;

const fs::path kFolder = PORTCULLIS_SOURCE_DIR "/tests/cases";

std::vector<Json> read_documents(const fs::path& file) {
  std::ifstream stream(file);
  if (!stream) throw std::runtime_error("cannot read " + file.string());
  std::stringstream text;
  text << stream.rdbuf();
  auto documents = codec::parse_yaml(text.str());
  if (!documents) throw std::runtime_error(file.string() + ": " + documents.error().message());
  return std::move(*documents);
}
Json read_document(const fs::path& file) { return read_documents(file).at(0); }

/// Names the first member that the format does not have.
void check_members(const Json& object, std::initializer_list<std::string_view> known) {
  for (auto member = object.begin(); member != object.end(); ++member) {
    if (std::ranges::count(known, member.key()) == 0) {
      throw std::runtime_error("unknown member " + member.key());
    }
  }
}

const testing::SigningKey& key_of(const std::string& name) {
  static std::map<std::string, testing::SigningKey> keys;
  const auto found = keys.find(name);
  return (found != keys.end() ? found : keys.emplace(name, testing::make_key()).first)->second;
}

std::string digest_of(const Json& word) { return crypto::sha256_digest(word.get<std::string>()); }

void replace_keys_and_digests(Json& policy) {
  auto& spec = policy.at("spec");
  if (spec.contains("revokedDigests")) {
    for (auto& digest : spec["revokedDigests"]) digest = digest_of(digest);
  }
  for (auto& authority : spec.at("authorities")) {
    if (authority.contains("publicKey")) {
      auto& pem = authority["publicKey"]["pem"];
      pem = key_of(pem.get<std::string>()).public_pem();
    }
    if (authority.contains("digests")) {
      for (auto& digest : authority["digests"]) digest = digest_of(digest);
    }
  }
}

/// What policy.yaml says.
struct Setting {
  api::AISecurityProfile profile;
  std::vector<PolicySource> policies;
  std::optional<api::AIWorkload> workload;
};

Setting read_setting(const fs::path& file) {
  Setting out;
  for (auto& object : read_documents(file)) {
    const auto kind = object.at("kind").get<std::string>();
    if (kind == "AISecurityProfile") {
      out.profile = api::parse_security_profile(object).value();
    } else if (kind == "AIWorkload") {
      out.workload = api::parse_ai_workload(object).value();
    } else if (kind == "TrustPolicy") {
      replace_keys_and_digests(object);
      const auto name = object.at("metadata").at("name").get<std::string>();
      auto policy = api::parse_trust_policy(object);
      if (policy) {
        out.policies.push_back({name, std::move(*policy)});
      } else {
        out.policies.push_back({name, policy.error(), api::readable_profiles(object)});
      }
    } else {
      throw std::runtime_error("unknown kind " + kind);
    }
  }
  return out;
}

Json trivy_report(const Json& found) {
  auto vulnerabilities = Json::array();
  for (const auto& each : found.value("vulnerabilities", Json::array())) {
    check_members(each, {"id", "severity", "published", "fixed"});
    vulnerabilities.push_back({{"VulnerabilityID", each.at("id")},
                               {"PkgName", "openssl"},
                               {"InstalledVersion", "3.0.1"},
                               {"FixedVersion", each.value("fixed", "")},
                               {"Severity", each.at("severity")},
                               {"PublishedDate", each.value("published", "")}});
  }
  const auto platform = found.value("platform", "linux/amd64");
  const auto slash = platform.find('/');
  const Json config = {{"os", platform.substr(0, slash)},
                       {"architecture", platform.substr(slash + 1)}};
  return {{"SchemaVersion", 2},
          {"CreatedAt", found.at("finished")},
          {"ArtifactType", "container_image"},
          {"Metadata", {{"ImageConfig", config}}},
          {"Results", {{{"Class", "os-pkgs"}, {"Vulnerabilities", std::move(vulnerabilities)}}}}};
}

/// The bundle that cosign would have pushed.
verify::Candidate make_candidate(const Json& found, const std::string& image_digest) {
  check_members(found,
                {"type", "by", "about", "tampered", "finished", "platform", "vulnerabilities"});
  const auto& key = key_of(found.at("by").get<std::string>());
  const auto subject = found.contains("about") ? digest_of(found["about"]) : image_digest;
  const auto type = found.at("type").get<std::string>();
  auto predicate_type = testing::kSignPredicate;
  auto predicate = Json::object();
  if (type == "Scan") {
    predicate_type = testing::kVulnPredicate;
    predicate =
        testing::vuln_predicate(trivy_report(found), found.at("finished").get<std::string>());
  } else if (type != "Signature") {
    throw std::runtime_error("unknown type " + type);
  }
  auto bundle = Json::parse(testing::sign_bundle(key, predicate_type, predicate, subject));
  if (found.value("tampered", false)) {
    auto statement = testing::make_statement(predicate_type, predicate, {subject});
    statement["tampered"] = true;
    bundle["dsseEnvelope"]["payload"] = codec::encode_base64(statement.dump());
  }
  verify::Candidate out;
  out.bytes = bundle.dump();
  out.digest = crypto::sha256_digest(out.bytes);
  return out;
}

ErrorCode code_of(std::string_view name) {
  for (const auto code :
       {ErrorCode::kInvalidArgument, ErrorCode::kNotFound, ErrorCode::kPermissionDenied,
        ErrorCode::kResourceExhausted, ErrorCode::kUnavailable, ErrorCode::kDeadlineExceeded,
        ErrorCode::kInternal}) {
    if (to_string(code) == name) return code;
  }
  throw std::runtime_error("unknown code " + std::string(name));
}

std::vector<PlatformManifest> read_platforms(const Json& image) {
  std::vector<PlatformManifest> out;
  for (const auto& each : image.value("platforms", Json::array())) {
    check_members(each, {"platform", "digest"});
    const auto platform = each.at("platform").get<std::string>();
    const auto slash = platform.find('/');
    out.push_back(
        {digest_of(each.at("digest")), platform.substr(0, slash), platform.substr(slash + 1), ""});
  }
  return out;
}

/// What the gatherer would have found for the authorities of these policies.
ImageFacts read_facts(const Json& image, const std::vector<const CompiledPolicy*>& policies) {
  check_members(image, {"field", "reference", "digest", "platforms", "found", "failure"});
  ImageFacts out;
  out.field = image.at("field").get<std::string>();
  out.reference = image.at("reference").get<std::string>();
  out.name = out.reference.substr(0, out.reference.rfind(':'));
  if (image.contains("failure")) {
    const auto& failure = image["failure"];
    out.failure = Error(code_of(failure.at("code").get<std::string>()),
                        failure.at("message").get<std::string>());
    return out;
  }
  out.digest = digest_of(image.at("digest"));
  out.platforms = read_platforms(image);
  std::vector<std::string> subjects = {out.digest};
  for (const auto& platform : out.platforms) subjects.push_back(platform.digest);
  std::map<std::string, const verify::Authority*> authorities;
  for (const auto* policy : policies) {
    for (const auto& authority : policy->authorities) {
      authorities.emplace(authority.fingerprint(), &authority);
    }
  }
  for (const auto& found : image.value("found", Json::array())) {
    const auto candidate = make_candidate(found, out.digest);
    ++out.candidates;
    for (const auto& [fingerprint, authority] : authorities) {
      auto verified = authority->verify(candidate, subjects);
      auto& facts = out.by_authority[fingerprint];
      if (auto* claim = std::get_if<verify::Claim>(&verified)) {
        facts.claims.push_back(std::move(*claim));
      } else {
        facts.rejected.push_back(std::get<verify::Rejected>(verified));
      }
    }
  }
  return out;
}

struct Judged {
  Verdict verdict;
  std::vector<Violation> audited;
};

Judged judge_case(const Setting& setting, const Json& facts) {
  check_members(facts, {"now", "images"});
  const auto now = codec::parse_rfc3339(facts.at("now").get<std::string>()).value();
  const auto effective = setting.workload ? policy::effective(setting.profile, *setting.workload)
                                          : effective_unselected(setting.profile);
  const PolicySet policies(setting.policies);
  ImageVerdict all;
  const auto append = [](auto& to, const auto& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (const auto& image : facts.at("images")) {
    const auto reference = image.at("reference").get<std::string>();
    const auto selected =
        policies.select(reference.substr(0, reference.rfind(':')), setting.profile.meta.key.name);
    const auto is_model =
        image.at("field").get<std::string>().find("volumes[") != std::string::npos;
    const auto& required =
        is_model ? effective.requirements.models.evidence : effective.requirements.images.evidence;
    const auto verdict = evaluate(read_facts(image, selected), selected, required, now);
    append(all.evidence, verdict.evidence);
    append(all.violations, verdict.violations);
    append(all.audited, verdict.audited);
  }
  auto verdict = Verdict::of(all.evidence, all.violations);
  if (effective.requirements.mode == api::Mode::kAudit) {
    verdict = std::move(verdict).audited();
    append(all.audited, verdict.audited_violations());
  }
  return {std::move(verdict), all.audited};
}

std::string decision_of(const Verdict& verdict) {
  if (verdict.allowed()) return "Allowed";
  return verdict.violations()[0].outcome == Outcome::kRefused ? "Refused" : "Undecided";
}

void expect_violations(const Json& expected, const std::vector<Violation>& found) {
  std::string causes;
  for (const auto& violation : found) causes += "\n  " + violation.cause;
  ASSERT_EQ(found.size(), expected.size()) << "found:" << causes;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& want = expected[i];
    check_members(want, {"field", "policy", "check", "cause", "remedy"});
    EXPECT_EQ(want.value("field", found[i].field), found[i].field);
    EXPECT_EQ(want.value("policy", found[i].policy), found[i].policy);
    EXPECT_EQ(want.value("check", found[i].check), found[i].check);
    EXPECT_THAT(found[i].cause, ::testing::HasSubstr(want.value("cause", "")));
    EXPECT_THAT(found[i].remedy, ::testing::HasSubstr(want.value("remedy", "")));
  }
}

std::vector<std::string> case_names() {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(kFolder)) {
    if (entry.is_directory()) out.push_back(entry.path().filename().string());
  }
  std::ranges::sort(out);
  return out;
}

class CaseTest : public ::testing::TestWithParam<std::string> {};

TEST_P(CaseTest, GetsItsAnswer) {
  const auto folder = kFolder / GetParam();
  const auto answer = read_document(folder / "answer.yaml");
  check_members(answer, {"decision", "violations", "audited"});
  const auto judged =
      judge_case(read_setting(folder / "policy.yaml"), read_document(folder / "facts.yaml"));
  EXPECT_EQ(decision_of(judged.verdict), answer.at("decision").get<std::string>());
  expect_violations(answer.value("violations", Json::array()), judged.verdict.violations());
  expect_violations(answer.value("audited", Json::array()), judged.audited);
}

std::string test_name(const ::testing::TestParamInfo<std::string>& folder) {
  auto name = folder.param;
  std::ranges::replace(name, '-', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Cases, CaseTest, ::testing::ValuesIn(case_names()), test_name);

}  // namespace
}  // namespace portcullis::policy
