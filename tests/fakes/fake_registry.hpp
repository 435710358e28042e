#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lib/codec/json.hpp"
#include "lib/http/web_client.hpp"

namespace portcullis::testing {

inline constexpr const char* kManifestType = "application/vnd.oci.image.manifest.v1+json";
inline constexpr const char* kIndexType = "application/vnd.oci.image.index.v1+json";
inline constexpr const char* kBundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// One layer of a cosign `.sig` or `.att` manifest.
struct FakeLayer {
  std::string media_type;
  std::string bytes;
  std::map<std::string, std::string> annotations;
};

/// An OCI registry in memory, with its token service (auth.HOST) and its storage (storage.HOST), as
/// the web client sees them; every other host has no address. Keeps state, remembers every request,
/// and misbehaves where told to. Any thread; change behaviour only between requests.
class FakeRegistry final : public http::WebClient {
 public:
  enum class Auth { kNone, kBasic, kToken };

  /// What it does; defaults are a good registry that everybody may read.
  struct Behaviour {
    Auth auth = Auth::kNone;
    bool referrers_api = true;       ///< Off: 404, and attach_bundle keeps the fall-back tag.
    bool annotate_referrers = true;  ///< The list carries the manifests' annotations.
    std::size_t page_size = 1000;    ///< Referrers per page.
    bool head_has_digest = true;     ///< Docker-Content-Digest on HEAD.
    bool blobs_redirect = false;     ///< Blobs: 307 to https://storage.HOST/….
    std::string realm;               ///< Of the token service; "": https://auth.HOST/token.
    /// Which of the known users may read which repository ("" is nobody in particular).
    std::function<bool(const std::string& user, const std::string& repository)> may_pull;
  };

  explicit FakeRegistry(std::string host = "registry.example.com") : host_(std::move(host)) {}

  const std::string& host() const { return host_; }
  Behaviour behaviour;
  std::map<std::string, std::string> users;  ///< Passwords by name.
  /// Called for each request before it is answered, without a lock held.
  std::function<void(const http::WebRequest&)> on_request;

  // ---- Contents. All give the digest. ----
  std::string put_blob(const std::string& repository, std::string bytes);
  std::string put_manifest(const std::string& repository, const std::string& bytes,
                           const std::string& media_type, const std::string& tag = "");
  /// An image; `seed` makes it differ from others.
  std::string add_image(const std::string& repository, const std::string& seed,
                        const std::string& tag = "");
  /// An index of (platform "os/architecture[/variant]", child digest).
  std::string add_index(const std::string& repository,
                        const std::vector<std::pair<std::string, std::string>>& children,
                        const std::string& tag = "");
  /// A bundle as cosign v3 attaches it; gives the digest of the referrer's manifest.
  std::string attach_bundle(const std::string& repository, const std::string& subject,
                            const std::string& bundle, const std::string& predicate_type,
                            const std::string& created = "2026-01-01T00:00:00Z");
  /// Layers under the tag sha256-<hex><suffix>, as cosign v2 attaches them.
  std::string attach_legacy(const std::string& repository, const std::string& subject,
                            const std::string& suffix, const std::vector<FakeLayer>& layers);
  /// A referrer manifest, whatever it says.
  std::string attach_manifest(const std::string& repository, const std::string& subject,
                              const codec::Json& manifest);
  void set_tag(const std::string& repository, const std::string& tag, const std::string& digest);
  void remove(const std::string& repository, const std::string& digest);

  // ---- Misbehaviour. ----
  /// Answers requests whose "METHOD URL" contains `part` with `answer`, the first `times` of them.
  void fail(const std::string& part, Result<http::Response> answer, int times = 1'000'000);
  void heal();  ///< Forgets all of them.
  /// Serves these bytes for a digest.
  void corrupt(const std::string& digest, std::string bytes);
  /// Tokens given so far are not accepted any more.
  void expire_tokens();

  // ---- What was asked. ----
  std::vector<http::WebRequest> requests() const;
  /// "GET https://registry.example.com/v2/…" of each request.
  std::vector<std::string> log() const;
  std::size_t count(std::string_view part) const;  ///< Of log() lines that contain `part`.
  void clear_log();

  Result<http::Response> fetch(const http::WebRequest& request, Deadline deadline) override;

 private:
  struct Content {
    std::string bytes, media_type;
  };
  struct Failure {
    std::string part;
    Result<http::Response> answer;
    int left;
  };
  struct Target {
    std::string repository, kind, reference, query;
  };

  Result<http::Response> answer(const http::WebRequest& request);
  http::Response serve(const http::WebRequest& request, const std::string& target);
  http::Response serve_token(const http::WebRequest& request, const std::string& target);
  http::Response serve_manifest(const http::WebRequest& request, const Target& target);
  http::Response serve_blob(const Target& target);
  http::Response serve_referrers(const Target& target);
  std::optional<http::Response> refuse(const http::WebRequest& request,
                                       const std::string& repository);
  bool knows(const http::WebRequest& request, std::string& user) const;
  void list_under_tag(const std::string& repository, const std::string& subject);
  codec::Json referrer_descriptor(const std::string& key, const std::string& digest) const;

  const std::string host_;
  mutable std::mutex mutex_;                                   // guards all below
  std::map<std::string, Content> manifests_;                   // by "repository@digest"
  std::map<std::string, std::string> blobs_;                   // by "repository@digest"
  std::map<std::string, std::string> tags_;                    // digest by "repository:tag"
  std::map<std::string, std::vector<std::string>> referrers_;  // by "repository@subject"
  std::map<std::string, std::string> corrupted_;               // by digest
  std::vector<Failure> failures_;
  std::set<std::string> tokens_;
  std::vector<http::WebRequest> requests_;
};

/// An answer for FakeRegistry::fail.
http::Response web_answer(int status, std::string body = "", http::Headers headers = {});

}  // namespace portcullis::testing
