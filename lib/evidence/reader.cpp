#include "lib/evidence/reader.hpp"

#include <algorithm>

#include "lib/base/log.hpp"
#include "lib/crypto/digest.hpp"

namespace portcullis::evidence {
namespace {

using std::chrono::steady_clock;

// Callers in the warm path only want to know that it is not there.
Error not_cached() { return {ErrorCode::kUnavailable, "not in the cache"}; }

std::string access_of(const oci::Reference& reference, const Asker& asker) {
  std::string access;
  if (!asker.keychain) return access;
  for (const auto& credential : asker.keychain->find(reference)) {
    access += credential.fingerprint() + ",";
  }
  return access;
}

const oci::Keychain& keychain_of(const Asker& asker) {
  static const oci::Keychain kNone;
  return asker.keychain ? *asker.keychain : kNone;
}

std::string key_of(const Place& place) {
  return std::to_string(static_cast<int>(place.kind)) + place.repository.name() + "@" +
         place.subject;
}

std::size_t cost_of(const std::vector<oci::Descriptor>& descriptors) {
  std::size_t bytes = 0;
  for (const auto& descriptor : descriptors) {
    bytes += sizeof(descriptor) + descriptor.media_type.size() + descriptor.digest.size() +
             descriptor.artifact_type.size();
    for (const auto& [name, value] : descriptor.annotations)
      bytes += name.size() + value.size() + 100;
  }
  return bytes;
}

oci::Reference at_digest(oci::Reference reference, const std::string& digest) {
  reference.tag.reset();
  reference.digest = digest;
  return reference;
}

oci::Reference at_legacy_tag(const Place& place) {
  auto tag = place.subject;
  std::ranges::replace(tag, ':', '-');
  tag += place.kind == Place::Kind::kLegacySignatures ? ".sig" : ".att";
  auto reference = place.repository;
  reference.tag = std::move(tag);
  reference.digest.reset();
  return reference;
}

// The signature of a legacy layer is in its annotations, so they are part of what is verified.
std::string key_of(const Lead& lead, const verify::Authority& authority,
                   const std::vector<std::string>& subjects) {
  std::string text = std::to_string(static_cast<int>(lead.format)) + lead.blob.digest + "\n" +
                     authority.fingerprint();
  for (const auto& subject : subjects) text += "\n" + subject;
  for (const auto& [name, value] : lead.blob.annotations) {
    text += "\n" + std::to_string(name.size()) + ":" + name + std::to_string(value.size()) + ":" +
            value;
  }
  return crypto::sha256(text);
}

// One statement may name several of the subjects, and verify() tells the first: ask again for those
// behind it.
Verified verify_each(const verify::Authority& authority, const verify::Candidate& candidate,
                     std::vector<std::string> subjects) {
  Verified verified;
  while (!subjects.empty()) {
    auto answer = authority.verify(candidate, subjects);
    if (auto* rejected = std::get_if<verify::Rejected>(&answer)) {
      if (verified.claims.empty()) verified.rejected = std::move(*rejected);
      break;
    }
    auto& claim = std::get<verify::Claim>(answer);
    const auto named = std::ranges::find(subjects, claim.subject_digest);
    subjects.erase(subjects.begin(), named == subjects.end() ? named : named + 1);
    verified.claims.push_back(std::move(claim));
  }
  return verified;
}

}  // namespace

// Shares by what fills up: evidence and its claims are the large things.
Reader::Reader(oci::RegistryClient& registry, const Clock& clock, runtime::WorkerPool& pool,
               std::size_t max_cache_bytes)
    : registry_(registry),
      clock_(clock),
      pool_(pool),
      pins_(max_cache_bytes / 32),
      images_(max_cache_bytes / 8),
      discoveries_(max_cache_bytes / 8),
      opened_(max_cache_bytes / 8),
      blobs_(max_cache_bytes / 4),
      verified_(max_cache_bytes / 4) {}

std::size_t Reader::cached_bytes() const {
  return pins_.bytes() + images_.bytes() + discoveries_.bytes() + opened_.bytes() + blobs_.bytes() +
         verified_.bytes();
}

std::chrono::nanoseconds Reader::age(steady_clock::time_point asked) const {
  return clock_.steady() - asked;
}

void Reader::refresh_behind(const std::string& key, const Asker& asker,
                            std::function<void(const Asker&)> work) {
  if (!refreshing_.with([&](auto& keys) { return keys.insert(key).second; })) return;
  const auto done = [this, key] { refreshing_.with([&](auto& keys) { keys.erase(key); }); };
  const Asker behind{asker.keychain, Deadline::after(kLongestWork), true};
  const bool submitted = pool_.submit([done, behind, work = std::move(work)] {
    try {
      work(behind);
    } catch (const std::exception& failure) {
      log::error("refreshing evidence failed", {{"error", failure.what()}});
    }
    done();
  });
  if (!submitted) done();
}

Result<std::string> Reader::resolve(const oci::Reference& reference, const Asker& asker) {
  if (reference.digest) return *reference.digest;
  const auto key = access_of(reference, asker) + reference.to_string();
  const auto pin = pins_.get(key);
  if (pin && age(pin->asked) < kPinAge) return pin->digest;
  if (!asker.may_fetch) return not_cached();
  return pin_flights_.run(key, asker.deadline, [&] { return fetch_pin(reference, key, asker); });
}

Result<std::string> Reader::fetch_pin(const oci::Reference& reference, const std::string& key,
                                      const Asker& asker) {
  const auto asked = clock_.steady();
  const auto access = access_of(reference, asker);
  const auto image_key = [&](const std::string& digest) {
    return access + at_digest(reference, digest).to_string();
  };
  std::string digest;
  const auto last = pins_.get(key);
  if (last && images_.get(image_key(last->digest))) {
    // Most likely it has not moved, and then everything about it is here.
    digest = TRY(registry_.resolve(reference, keychain_of(asker), asker.deadline));
  } else {
    // The manifest will be wanted next, and its bytes tell the digest.
    const auto manifest = TRY(registry_.manifest(reference, keychain_of(asker), asker.deadline));
    digest = manifest.digest;
    if (auto shape = shape_of(manifest)) {
      keep_image(image_key(digest), std::make_shared<const ImageShape>(*std::move(shape)), asked);
    }
  }
  Pin pin{digest, asked};
  pins_.put(key, std::make_shared<const Pin>(std::move(pin)), sizeof(Pin) + digest.size());
  return digest;
}

Result<std::shared_ptr<const ImageShape>> Reader::image(const oci::Reference& reference,
                                                        const Asker& asker) {
  const auto exact = at_digest(reference, reference.digest.value_or(""));
  const auto key = access_of(exact, asker) + exact.to_string();
  const auto seen = images_.get(key);
  if (seen && age(seen->asked) < kDiscoveryAge) {
    if (age(seen->asked) >= kRefreshAge) {
      refresh_behind("image " + key, asker, [this, exact, key](const Asker& behind) {
        (void)fetch_image(exact, key, behind);
      });
    }
    return seen->shape;
  }
  if (!asker.may_fetch) return not_cached();
  return image_flights_.run(key, asker.deadline, [&] { return fetch_image(exact, key, asker); });
}

Result<std::shared_ptr<const ImageShape>> Reader::fetch_image(const oci::Reference& reference,
                                                              const std::string& key,
                                                              const Asker& asker) {
  const auto asked = clock_.steady();
  const auto manifest = TRY(registry_.manifest(reference, keychain_of(asker), asker.deadline));
  auto shape = std::make_shared<const ImageShape>(TRY(shape_of(manifest)));
  keep_image(key, shape, asked);
  return shape;
}

void Reader::keep_image(const std::string& key, std::shared_ptr<const ImageShape> shape,
                        steady_clock::time_point asked) {
  const auto bytes =
      sizeof(ImageShape) + shape->platforms.size() * (sizeof(policy::PlatformManifest) + 100);
  SeenImage seen{std::move(shape), asked};
  images_.put(key, std::make_shared<const SeenImage>(std::move(seen)), bytes);
}

Result<std::shared_ptr<const Discovery>> Reader::discover(const Place& place,
                                                          std::chrono::seconds max_age,
                                                          const Asker& asker) {
  const auto access = access_of(place.repository, asker);
  const auto key = (place.is_home ? "" : access) + key_of(place);
  auto known = discoveries_.get(key);
  if (known && age(known->asked) < max_age) {
    if (age(known->asked) >= kRefreshAge) {
      refresh_behind("discovery " + key, asker, [this, place, key](const Asker& behind) {
        (void)fetch_discovery(place, key, behind);
      });
    }
    return known;
  }
  if (!asker.may_fetch) return not_cached();
  // One asker's refusal must not become another's: their flights are apart.
  return discovery_flights_.run(access + key, asker.deadline,
                                [&] { return fetch_discovery(place, key, asker); });
}

Result<std::shared_ptr<const Discovery>> Reader::fetch_discovery(const Place& place,
                                                                 const std::string& key,
                                                                 const Asker& asker) {
  Discovery discovery;
  discovery.asked = clock_.steady();
  if (place.kind == Place::Kind::kReferrers) {
    discovery.found = TRY(
        registry_.referrers(place.repository, place.subject, keychain_of(asker), asker.deadline));
  } else {
    auto manifest = registry_.manifest(at_legacy_tag(place), keychain_of(asker), asker.deadline);
    if (manifest) {
      discovery.found = std::move(manifest->layers);
    } else if (manifest.error().code() != ErrorCode::kNotFound) {
      return std::move(manifest.error());
    }
  }
  const auto bytes = sizeof(Discovery) + cost_of(discovery.found);
  auto kept = std::make_shared<const Discovery>(std::move(discovery));
  discoveries_.put(key, kept, bytes);
  return kept;
}

Result<std::vector<Lead>> Reader::open(const Place& place, const oci::Descriptor& referrer,
                                       const Asker& asker) {
  const auto key = referrer.digest + place.subject;
  auto opened = opened_.get(key);
  if (!opened) {
    if (!asker.may_fetch) return not_cached();
    if (!crypto::is_sha256_digest(referrer.digest)) {
      return Error(ErrorCode::kInvalidArgument, "a referrer's digest is not a sha256 one");
    }
    const auto manifest = TRY(registry_.manifest(at_digest(place.repository, referrer.digest),
                                                 keychain_of(asker), asker.deadline));
    Opened fresh;
    auto leads = leads_of_referrer(manifest, place.subject);
    if (leads) {
      fresh.leads = *std::move(leads);
    } else {
      fresh.unusable = std::move(leads.error());
    }
    const auto bytes =
        sizeof(Opened) + fresh.leads.size() * sizeof(Lead) + cost_of(manifest.layers);
    opened = std::make_shared<const Opened>(std::move(fresh));
    opened_.put(key, opened, bytes);
  }
  if (opened->unusable) return *opened->unusable;
  return opened->leads;
}

Result<Reader::Bytes> Reader::fetch_blob(const Place& place, const oci::Descriptor& blob,
                                         const Asker& asker) {
  if (auto known = blobs_.get(blob.digest)) return known;
  if (!asker.may_fetch) return not_cached();
  const auto flight = access_of(place.repository, asker) + place.repository.name() + blob.digest;
  return blob_flights_.run(flight, asker.deadline, [&]() -> Result<Bytes> {
    auto bytes = std::make_shared<const std::string>(
        TRY(registry_.blob(place.repository, blob, keychain_of(asker), asker.deadline)));
    blobs_.put(blob.digest, bytes, bytes->size());
    return bytes;
  });
}

Result<std::shared_ptr<const Verified>> Reader::verify(const Place& place, const Lead& lead,
                                                       const verify::Authority& authority,
                                                       const std::vector<std::string>& subjects,
                                                       const Asker& asker) {
  const auto key = key_of(lead, authority, subjects);
  if (auto known = verified_.get(key)) return known;
  const auto bytes = TRY(fetch_blob(place, lead.blob, asker));
  const verify::Candidate candidate{lead.format, *bytes, lead.blob.annotations, lead.blob.digest,
                                    place.repository.name()};
  auto verified = std::make_shared<const Verified>(verify_each(authority, candidate, subjects));
  // A parsed predicate takes several times its text.
  constexpr std::size_t kParsedPerByte = 4;
  const bool has_claim = !verified->claims.empty();
  verified_.put(key, verified, 500 + (has_claim ? bytes->size() * kParsedPerByte : 0));
  return verified;
}

}  // namespace portcullis::evidence
