#include "lib/oci/auth.hpp"

#include <algorithm>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"
#include "lib/oci/url.hpp"

namespace portcullis::oci {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMaxHeaderBytes = 8192;
constexpr std::size_t kMaxChallenges = 8;
constexpr std::size_t kMaxTokenBytes = 64U << 10;
constexpr std::size_t kMaxAnswerBytes = 256U << 10;
// Both maps are filled by tenants' references.
constexpr std::size_t kMaxKept = 4096;
constexpr seconds kLongestLifetime{3600};
constexpr seconds kDefaultLifetime{60};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_token_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

/// Reads the pieces of a header from left to right.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : text_(text) {}

  bool at_end() const { return text_.empty(); }
  void skip_spaces_and_commas() { skip(" \t,"); }
  void skip_spaces() { skip(" \t"); }
  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  /// A token in lower case, "" when there is none.
  std::string token() {
    std::string word;
    while (!text_.empty() && is_token_character(text_.front())) {
      word += lower(text_.front());
      text_.remove_prefix(1);
    }
    return word;
  }
  /// A parameter's value: a quoted string, or a token with its case kept.
  std::optional<std::string> value() {
    std::string result;
    if (!take('"')) {
      while (!text_.empty() && is_token_character(text_.front())) {
        result += text_.front();
        text_.remove_prefix(1);
      }
      return result;
    }
    while (!text_.empty() && text_.front() != '"') {
      if (text_.front() == '\\') text_.remove_prefix(1);
      if (text_.empty()) return std::nullopt;
      result += text_.front();
      text_.remove_prefix(1);
    }
    if (!take('"')) return std::nullopt;
    return result;
  }

 private:
  void skip(std::string_view which) {
    text_.remove_prefix(std::min(text_.find_first_not_of(which), text_.size()));
  }
  std::string_view text_;
};

std::string token_key(const AccessRequest& request) {
  return request.host + "\n" + request.repository + "\n" + request.credential.fingerprint();
}

bool is_anonymous(const Credential& credential) { return credential.fingerprint().empty(); }

Error denied(const AccessRequest& request, const std::string& why) {
  return {ErrorCode::kPermissionDenied, "registry " + request.host + ": " + why};
}

Error authentication_required(const AccessRequest& request) {
  return denied(request, "authentication required for " + request.repository +
                             " (or it does not exist): add its pull secret to "
                             "spec.imagePullSecrets of the AIWorkload");
}

std::string basic(const Credential& credential) {
  return "Basic " + codec::encode_base64(credential.username + ":" + credential.password);
}

std::string param(const Challenge& challenge, const std::string& name) {
  const auto found = challenge.params.find(name);
  return found == challenge.params.end() ? "" : found->second;
}

// Only ever the right to pull this repository, whatever the challenge asks for.
std::string scope_of(const AccessRequest& request) {
  return "repository:" + request.repository + ":pull";
}

http::WebRequest token_request(const AccessRequest& request, const Url& realm,
                               const std::string& service) {
  http::WebRequest web;
  web.max_body_bytes = kMaxAnswerBytes;
  web.headers["Accept"] = "application/json";
  web.url = realm.to_string();
  const auto scope = codec::encode_query(scope_of(request));
  const auto& credential = request.credential;
  if (!credential.identity_token.empty()) {
    web.method = "POST";
    web.headers["Content-Type"] = "application/x-www-form-urlencoded";
    web.body =
        "grant_type=refresh_token&client_id=portcullis&service=" + codec::encode_query(service) +
        "&scope=" + scope + "&refresh_token=" + codec::encode_query(credential.identity_token);
    return web;
  }
  web.url += realm.target.find('?') == std::string::npos ? "?" : "&";
  if (!service.empty()) web.url += "service=" + codec::encode_query(service) + "&";
  web.url += "scope=" + scope;
  if (!is_anonymous(credential)) web.headers["Authorization"] = basic(credential);
  return web;
}

Result<Token> read_answer(const AccessRequest& request, const Url& realm,
                          const http::Response& response) {
  const auto service = "token service " + realm.authority;
  const auto status = response.status;
  if (status == 200) {
    auto token = parse_token(response.body);
    if (token) return token;
    return std::move(token.error()).with_context("registry " + request.host + ": " + service);
  }
  if (status == 400 || status == 401 || status == 403) {
    if (is_anonymous(request.credential)) return authentication_required(request);
    return denied(request, service +
                               " does not accept the pull secret's credentials: renew the "
                               "pull secret");
  }
  const auto text =
      "registry " + request.host + ": " + service + " answered " + std::to_string(status);
  if (status == 429) return Error(ErrorCode::kResourceExhausted, text + " (too many requests)");
  if (status >= 500) return Error(ErrorCode::kUnavailable, text);
  return Error(ErrorCode::kInvalidArgument, text);
}

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> challenges;
  if (header.size() > kMaxHeaderBytes) return challenges;
  HeaderReader reader(header);
  for (reader.skip_spaces_and_commas(); !reader.at_end(); reader.skip_spaces_and_commas()) {
    auto word = reader.token();
    if (word.empty()) return challenges;
    reader.skip_spaces();
    // A word is a parameter's name when "=" follows, else it begins the next challenge.
    if (!reader.take('=')) {
      if (challenges.size() == kMaxChallenges) return challenges;
      challenges.push_back({std::move(word), {}});
      continue;
    }
    reader.skip_spaces();
    auto value = reader.value();
    if (!value || challenges.empty()) return challenges;
    challenges.back().params.emplace(std::move(word), *std::move(value));
  }
  return challenges;
}

Result<Token> parse_token(std::string_view json) {
  const auto answer = TRY(codec::parse_json(json, {.max_bytes = kMaxAnswerBytes, .max_depth = 16}));
  Token token;
  token.value = codec::string_or_empty(answer, "token");
  if (token.value.empty()) token.value = codec::string_or_empty(answer, "access_token");
  if (token.value.empty()) return Error(ErrorCode::kInvalidArgument, "the answer holds no token");
  // Anything else could end the header and begin another.
  if (token.value.size() > kMaxTokenBytes ||
      std::ranges::any_of(token.value, [](char c) { return c <= ' ' || c > '~'; })) {
    return Error(ErrorCode::kInvalidArgument, "the token is too long or has illegal characters");
  }
  token.lifetime = kDefaultLifetime;
  if (const auto lifetime = codec::find_integer(answer, "expires_in"); lifetime && *lifetime > 0) {
    token.lifetime = std::min(seconds(std::min<std::int64_t>(*lifetime, kLongestLifetime.count())),
                              kLongestLifetime);
  }
  return token;
}

Result<std::string> Authenticator::prepare(const AccessRequest& request, const Fetch& fetch,
                                           Deadline deadline) {
  std::optional<Challenge> known;
  {
    const std::lock_guard lock(mutex_);
    const auto token = tokens_.find(token_key(request));
    if (token != tokens_.end() && clock_.steady() < token->second.expires) {
      return "Bearer " + token->second.value;
    }
    const auto found = challenges_.find(request.host);
    if (found == challenges_.end()) return std::string();
    known = found->second;
  }
  // A host that once asked for a password may still have public repositories.
  if (known->scheme == "basic" && is_anonymous(request.credential)) return std::string();
  return respond(request, *known, fetch, deadline);
}

Result<std::string> Authenticator::answer(const AccessRequest& request,
                                          std::string_view www_authenticate, const Fetch& fetch,
                                          Deadline deadline) {
  const auto challenges = parse_challenges(www_authenticate);
  auto chosen = std::ranges::find(challenges, "bearer", &Challenge::scheme);
  if (chosen == challenges.end()) {
    chosen = std::ranges::find(challenges, "basic", &Challenge::scheme);
  }
  if (chosen == challenges.end()) {
    if (is_anonymous(request.credential)) return authentication_required(request);
    return denied(request, "it asks for a way to authenticate that is not supported");
  }
  auto header = TRY(respond(request, *chosen, fetch, deadline));
  const std::lock_guard lock(mutex_);
  if (challenges_.size() >= kMaxKept) challenges_.clear();
  challenges_[request.host] = *chosen;
  return header;
}

void Authenticator::reject(const AccessRequest& request) {
  const std::lock_guard lock(mutex_);
  tokens_.erase(token_key(request));
  challenges_.erase(request.host);
}

Result<std::string> Authenticator::respond(const AccessRequest& request, const Challenge& challenge,
                                           const Fetch& fetch, Deadline deadline) {
  if (challenge.scheme == "bearer") return fetch_token(request, challenge, fetch, deadline);
  if (is_anonymous(request.credential)) return authentication_required(request);
  if (!request.credential.identity_token.empty()) {
    return denied(request, "it asks for a password, but the pull secret has an identity token");
  }
  return basic(request.credential);
}

Result<std::string> Authenticator::fetch_token(const AccessRequest& request,
                                               const Challenge& challenge, const Fetch& fetch,
                                               Deadline deadline) {
  const auto realm = parse_url(param(challenge, "realm"));
  if (!realm) return denied(request, "it names no usable token service");
  if (realm->scheme != "https" && !request.plain_http) {
    return denied(request, "its token service is not https, so it gets no credentials");
  }
  const auto response =
      TRY(with_context(fetch(token_request(request, *realm, param(challenge, "service")), deadline),
                       "registry " + request.host + ": token service " + realm->authority));
  const auto token = TRY(read_answer(request, *realm, response));
  keep(request, token);
  return "Bearer " + token.value;
}

void Authenticator::keep(const AccessRequest& request, const Token& token) {
  // Not used in its last tenth: it must still be good when the request arrives.
  const auto now = clock_.steady();
  const auto expires = now + token.lifetime - token.lifetime / 10;
  const std::lock_guard lock(mutex_);
  if (tokens_.size() >= kMaxKept) {
    std::erase_if(tokens_, [&](const auto& entry) { return entry.second.expires <= now; });
    if (tokens_.size() >= kMaxKept) tokens_.clear();
  }
  tokens_[token_key(request)] = {token.value, expires};
}

}  // namespace portcullis::oci
