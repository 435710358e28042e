#include <algorithm>
#include <iterator>

#include "lib/crypto/digest.hpp"
#include "lib/policy/policy_set.hpp"

namespace portcullis::policy {
namespace {

Result<std::vector<ImagePattern>> parse_patterns(const std::vector<std::string>& texts,
                                                 std::string_view path) {
  std::vector<ImagePattern> out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto place = std::string(path) + "[" + std::to_string(i) + "]";
    out.push_back(TRY(with_context(ImagePattern::parse(texts[i]), place)));
  }
  return out;
}

/// A digest in another form would never be equal to one, and so would silently do nothing.
Result<void> check_digests(const std::vector<std::string>& digests, std::string_view path) {
  for (std::size_t i = 0; i < digests.size(); ++i) {
    if (crypto::is_sha256_digest(digests[i])) continue;
    return Error(ErrorCode::kInvalidArgument,
                 std::string(path) + "[" + std::to_string(i) + "]: \"" + digests[i] +
                     "\" is not sha256: and 64 lower-case hexadecimal digits");
  }
  return {};
}

Result<void> compile_authorities(const api::TrustPolicy& policy, CompiledPolicy& out) {
  for (const auto& spec : policy.authorities) {
    out.authorities.push_back(
        TRY(with_context(verify::Authority::create(spec), "spec.authorities")));
    if (!spec.builder_ids.empty()) out.builder_ids[spec.name] = spec.builder_ids;
  }
  if (out.authorities.empty()) {
    return Error(ErrorCode::kInvalidArgument, "spec.authorities: is required");
  }
  return {};
}

Result<void> compile_into(const api::TrustPolicy& policy, CompiledPolicy& out) {
  out.include = TRY(parse_patterns(policy.include, "spec.images.include"));
  out.exclude = TRY(parse_patterns(policy.exclude, "spec.images.exclude"));
  TRY_VOID(check_digests(policy.revoked_digests, "spec.revokedDigests"));
  out.revoked_digests = policy.revoked_digests;
  return compile_authorities(policy, out);
}

bool any_matches(const std::vector<ImagePattern>& patterns, std::string_view name) {
  return std::ranges::any_of(patterns, [&](const auto& pattern) { return pattern.matches(name); });
}

}  // namespace

bool CompiledPolicy::applies_to(std::string_view profile) const {
  return profiles.empty() || std::ranges::find(profiles, profile) != profiles.end();
}

bool CompiledPolicy::matches(std::string_view image_name) const {
  return any_matches(include, image_name) && !any_matches(exclude, image_name);
}

CompiledPolicy compile(const PolicySource& source) {
  CompiledPolicy out;
  out.name = source.name;
  if (const auto* error = std::get_if<Error>(&source.policy)) {
    out.profiles = source.profiles;
    out.broken = *error;
    return out;
  }
  const auto& policy = std::get<api::TrustPolicy>(source.policy);
  out.generation = policy.meta.generation;
  out.profiles = policy.profiles;
  out.mode = policy.mode;
  if (auto compiled = compile_into(policy, out); !compiled) out.broken = compiled.error();
  return out;
}

PolicySet::PolicySet(std::vector<PolicySource> sources) {
  std::ranges::transform(sources, std::back_inserter(policies_), compile);
  std::ranges::sort(policies_, {}, &CompiledPolicy::name);
}

std::vector<const CompiledPolicy*> PolicySet::select(std::string_view image_name,
                                                     std::string_view profile) const {
  std::vector<const CompiledPolicy*> out;
  for (const auto& policy : policies_) {
    // What a broken policy would have matched is not known, so it counts for every image.
    if (policy.applies_to(profile) && (policy.broken || policy.matches(image_name))) {
      out.push_back(&policy);
    }
  }
  return out;
}

}  // namespace portcullis::policy
