#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/deadline.hpp"
#include "lib/base/guarded.hpp"
#include "lib/base/result.hpp"
#include "lib/evidence/flights.hpp"
#include "lib/evidence/image_shape.hpp"
#include "lib/evidence/leads.hpp"
#include "lib/evidence/lru_cache.hpp"
#include "lib/oci/registry_client.hpp"
#include "lib/runtime/worker_pool.hpp"
#include "lib/verify/authority.hpp"

namespace portcullis::evidence {

/// How long what is found out may be used (design §3, "Speed").
inline constexpr std::chrono::seconds kPinAge{10};
inline constexpr std::chrono::seconds kDiscoveryAge{600};  ///< Also of the right to see an image.
inline constexpr std::chrono::seconds kMissingAge{30};     ///< While required evidence is missing.
inline constexpr std::chrono::seconds kRefreshAge{300};  ///< Used after this: fetched anew behind.
inline constexpr std::chrono::milliseconds kLongestWork{30'000};

/// On whose behalf, until when, and whether registries may be asked or only caches.
struct Asker {
  std::shared_ptr<const oci::Keychain> keychain;
  Deadline deadline;
  bool may_fetch = true;
};

/// Where evidence about a digest may lie.
struct Place {
  enum class Kind { kReferrers, kLegacySignatures, kLegacyAttestations };
  Kind kind = Kind::kReferrers;
  oci::Reference repository;
  std::string subject;   ///< Digest that the evidence would be about.
  bool is_home = false;  ///< The image's own repository: seeing the image is the right to ask.
};

/// What a place held, and when that was asked.
struct Discovery {
  std::vector<oci::Descriptor> found;
  std::chrono::steady_clock::time_point asked;
};

/// What one authority says to one piece of evidence.
struct Verified {
  std::vector<verify::Claim> claims;
  std::optional<verify::Rejected> rejected;  ///< Set when there is no claim.
};

/// Reads registries through caches, each piece of work at most once at a time. What came by its
/// digest is kept until memory is needed; what can change is kept for the ages above; errors are
/// never kept. An image, and what was found for it, is given only to an asker whose own credentials
/// fetched its manifest within kDiscoveryAge. Any thread.
class Reader {
 public:
  /// All must outlive it; `pool` may die first, then nothing is refreshed any more.
  Reader(oci::RegistryClient& registry, const Clock& clock, runtime::WorkerPool& pool,
         std::size_t max_cache_bytes);

  /// The digest of the reference's tag.
  Result<std::string> resolve(const oci::Reference& reference, const Asker& asker);

  /// Pre: the reference has a digest. Shows that the asker may see the image.
  Result<std::shared_ptr<const ImageShape>> image(const oci::Reference& reference,
                                                  const Asker& asker);

  /// Pre: for places at home, image() gave the asker the image. Nothing found is an answer.
  Result<std::shared_ptr<const Discovery>> discover(const Place& place,
                                                    std::chrono::seconds max_age,
                                                    const Asker& asker);

  /// The leads in a referrer that discover() found. kInvalidArgument and kNotFound: this referrer
  /// is not usable; other errors: could not find out.
  Result<std::vector<Lead>> open(const Place& place, const oci::Descriptor& referrer,
                                 const Asker& asker);

  /// Fetches what the lead points to, as far as needed, and asks the authority. Errors as open().
  Result<std::shared_ptr<const Verified>> verify(const Place& place, const Lead& lead,
                                                 const verify::Authority& authority,
                                                 const std::vector<std::string>& subjects,
                                                 const Asker& asker);

  std::size_t cached_bytes() const;

 private:
  struct Pin {
    std::string digest;
    std::chrono::steady_clock::time_point asked;
  };
  struct SeenImage {
    std::shared_ptr<const ImageShape> shape;
    std::chrono::steady_clock::time_point asked;
  };
  struct Opened {
    std::vector<Lead> leads;
    std::optional<Error> unusable;
  };
  using Bytes = std::shared_ptr<const std::string>;

  Result<std::string> fetch_pin(const oci::Reference& reference, const std::string& key,
                                const Asker& asker);
  Result<std::shared_ptr<const ImageShape>> fetch_image(const oci::Reference& reference,
                                                        const std::string& key, const Asker& asker);
  Result<std::shared_ptr<const Discovery>> fetch_discovery(const Place& place,
                                                           const std::string& key,
                                                           const Asker& asker);
  Result<Bytes> fetch_blob(const Place& place, const oci::Descriptor& blob, const Asker& asker);
  void keep_image(const std::string& key, std::shared_ptr<const ImageShape> shape,
                  std::chrono::steady_clock::time_point asked);
  void refresh_behind(const std::string& key, const Asker& asker,
                      std::function<void(const Asker&)> work);
  std::chrono::nanoseconds age(std::chrono::steady_clock::time_point asked) const;

  oci::RegistryClient& registry_;
  const Clock& clock_;
  runtime::WorkerPool& pool_;
  LruCache<Pin> pins_;               // by credentials and name:tag
  LruCache<SeenImage> images_;       // by credentials and name@digest
  LruCache<Discovery> discoveries_;  // by place (and credentials, away from home)
  LruCache<Opened> opened_;          // by the referrer's digest and subject
  LruCache<std::string> blobs_;      // by digest
  LruCache<Verified> verified_;      // by evidence, authority and subjects
  Flights<std::string> pin_flights_;
  Flights<std::shared_ptr<const ImageShape>> image_flights_;
  Flights<std::shared_ptr<const Discovery>> discovery_flights_;
  Flights<Bytes> blob_flights_;
  Guarded<std::set<std::string>> refreshing_;
};

}  // namespace portcullis::evidence
