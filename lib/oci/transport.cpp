#include "lib/oci/transport.hpp"

#include <algorithm>
#include <charconv>

namespace portcullis::oci {
namespace {

using std::chrono::seconds;

constexpr int kMaxRedirects = 3;
constexpr std::size_t kMaxRemembered = 4096;
constexpr seconds kLongestRetryAfter{3600};
// A request with less time than this was hopeless; its end says nothing about the host.
constexpr std::chrono::milliseconds kFairChance{1000};

// The name under which Docker Hub serves the distribution API; references say docker.io.
std::string_view address_of(std::string_view host) {
  return host == "docker.io" ? "registry-1.docker.io" : host;
}

std::string registry_words(const std::string& host) { return "registry " + host; }

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// The number of seconds; the date form is not worth a parser for a value that is only a hint.
std::optional<seconds> retry_after(const http::Response& response) {
  const auto text = response.header("Retry-After");
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return std::min(seconds(std::min(value, kLongestRetryAfter.count())), kLongestRetryAfter);
}

// The error that a status alone tells; empty for 2xx, 3xx and what only the caller can judge.
std::optional<Error> host_failure(const http::Response& response) {
  const auto status = response.status;
  const auto text = "it answered " + std::to_string(status);
  if (status == 429) {
    Error error(ErrorCode::kResourceExhausted, text + " (too many requests)");
    if (const auto delay = retry_after(response)) {
      return std::move(error).with_retry_after(*delay);
    }
    return error;
  }
  if (status == 408 || status >= 500) return Error(ErrorCode::kUnavailable, text);
  return std::nullopt;
}

Error status_error(const Endpoint& endpoint, const Call& call, const http::Response& response) {
  const auto where = registry_words(endpoint.config.host);
  if (auto failure = host_failure(response)) return std::move(*failure).with_context(where);
  const auto what = endpoint.repository + " (" + call.what + ")";
  const bool anonymous = endpoint.credentials.empty();
  switch (response.status) {
    case 401:
    case 403:
      if (response.status == 401 && !anonymous) {
        return {ErrorCode::kPermissionDenied,
                where + ": authentication required for " + what +
                    ": the pull secret's credentials were not accepted; renew the pull secret"};
      }
      return {
          ErrorCode::kPermissionDenied,
          where +
              (response.status == 401 ? ": authentication required for " : ": access denied to ") +
              what +
              (anonymous ? ": add its pull secret to spec.imagePullSecrets of the AIWorkload"
                         : ": the pull secret's account may not read it")};
    case 404:
      return {ErrorCode::kNotFound, where + ": not found: " + what};
    default:
      return {ErrorCode::kInvalidArgument,
              where + ": it answered " + std::to_string(response.status) + " for " + what};
  }
}

// Plain HTTP only where the registries file says so, for that very host.
bool may_go_to(const Url& target, const Endpoint& endpoint, const Url& origin) {
  if (target.scheme == "https") return true;
  if (target.authority == origin.authority) return endpoint.config.scheme == Scheme::kHttp;
  return endpoint.registries->find(target.authority).scheme == Scheme::kHttp;
}

std::string credentials_key(const Endpoint& endpoint) {
  std::string key = endpoint.config.host + "\n" + endpoint.repository;
  for (const auto& credential : endpoint.credentials) key += "\n" + credential.fingerprint();
  return key;
}

}  // namespace

Result<Url> url_of(const Endpoint& endpoint, const std::string& target) {
  const auto& config = endpoint.config;
  const std::string scheme = config.scheme == Scheme::kHttp ? "http://" : "https://";
  return with_context(parse_url(scheme + std::string(address_of(config.host)) + target),
                      registry_words(config.host));
}

Result<http::Response> Transport::send(const Endpoint& endpoint, const Call& call,
                                       Deadline deadline) {
  std::optional<Error> refused;
  for (const auto& credential : in_order(endpoint)) {
    auto response = exchange(endpoint, call, credential, deadline);
    if (response && response->status >= 200 && response->status < 300) {
      if (endpoint.credentials.size() > 1) remember(endpoint, credential);
      return response;
    }
    auto error = response ? status_error(endpoint, call, *response) : std::move(response.error());
    // Only "not with this credential" is a reason to try the next one.
    if (error.code() != ErrorCode::kPermissionDenied) return error;
    refused = std::move(error);
  }
  return *std::move(refused);
}

Result<http::Response> Transport::exchange(const Endpoint& endpoint, const Call& call,
                                           const Credential& credential, Deadline deadline) {
  const auto& host = endpoint.config.host;
  const AccessRequest access{host, endpoint.repository, credential,
                             endpoint.config.scheme == Scheme::kHttp};
  const auto fetch_token = [&](http::WebRequest request, Deadline until) -> Result<http::Response> {
    const auto realm = TRY(parse_url(request.url));
    // A private registry's token service commonly has the registry's private roots.
    request.ca_pem = endpoint.registries->find(realm.authority).ca_pem;
    if (request.ca_pem.empty()) request.ca_pem = endpoint.config.ca_pem;
    return fetch(realm.authority, 0, request, until);
  };

  auto prepared = auth_.prepare(access, fetch_token, deadline);
  if (!prepared) {
    auth_.reject(access);
    return std::move(prepared.error());
  }
  auto response = TRY(follow(endpoint, call, *prepared, deadline));
  if (response.status != 401) return response;
  if (!prepared->empty()) auth_.reject(access);
  const auto header =
      TRY(auth_.answer(access, response.header("WWW-Authenticate"), fetch_token, deadline));
  return follow(endpoint, call, header, deadline);
}

Result<http::Response> Transport::follow(const Endpoint& endpoint, const Call& call,
                                         const std::string& authorization, Deadline deadline) {
  const auto& config = endpoint.config;
  const auto where = registry_words(config.host);
  const auto origin = TRY(url_of(endpoint, call.target));
  auto url = origin;
  bool at_home = true;  // never true again once another host was asked: it chose what follows
  for (int redirects = 0; redirects <= kMaxRedirects; ++redirects) {
    http::WebRequest request;
    request.method = call.method;
    request.url = url.to_string();
    request.max_body_bytes = call.max_body_bytes;
    if (!call.accept.empty()) request.headers["Accept"] = call.accept;
    if (at_home && !authorization.empty()) request.headers["Authorization"] = authorization;
    request.ca_pem = at_home ? config.ca_pem : endpoint.registries->find(url.authority).ca_pem;
    auto response =
        TRY(with_context(fetch(at_home ? config.host : url.authority,
                               at_home ? config.requests_per_second : 0, request, deadline),
                         at_home ? where : where + ": redirected to " + url.authority));
    if (!is_redirect(response.status)) {
      if (at_home || response.status != 401) return response;
      // Its challenge must not be answered with what belongs to the registry.
      return Error(ErrorCode::kPermissionDenied,
                   where + ": it redirects to " + url.authority + ", which answers 401");
    }
    url = TRY(with_context(resolve_url(url, response.header("Location")), where + ": redirect"));
    if (!may_go_to(url, endpoint, origin)) {
      return Error(ErrorCode::kInvalidArgument,
                   where + ": it redirects to plain HTTP at " + url.authority +
                       "; allow that with scheme: http for this host in the registries file");
    }
    at_home = at_home && url.same_origin(origin);
  }
  return Error(ErrorCode::kInvalidArgument, where + ": more than 3 redirects for " + call.what);
}

Result<http::Response> Transport::fetch(const std::string& host, double per_second,
                                        const http::WebRequest& request, Deadline deadline) {
  TRY_VOID(throttle_.admit(host, per_second, deadline));
  if (deadline.expired()) {
    return Error(ErrorCode::kDeadlineExceeded, "the time was spent before it was asked");
  }
  const bool fair = deadline.remaining() >= kFairChance;
  ++requests_;
  auto response = web_.fetch(request, deadline);
  if (!response) {
    auto error = std::move(response.error());
    if (fair || error.code() != ErrorCode::kDeadlineExceeded) throttle_.failed(host, error);
    if (error.code() == ErrorCode::kPermissionDenied) {
      return Error(error.code(), error.message() +
                                     "; for a private authority set caFile of this host in the "
                                     "registries file");
    }
    return error;
  }
  if (const auto failure = host_failure(*response)) {
    throttle_.failed(host, *failure);
  } else {
    throttle_.succeeded(host);
  }
  return response;
}

std::vector<Credential> Transport::in_order(const Endpoint& endpoint) const {
  if (endpoint.credentials.empty()) return {Credential{}};
  auto credentials = endpoint.credentials;
  if (credentials.size() == 1) return credentials;
  const auto key = credentials_key(endpoint);
  const auto first = accepted_.with([&](const auto& accepted) {
    const auto found = accepted.find(key);
    return found == accepted.end() ? std::string() : found->second;
  });
  std::stable_partition(credentials.begin(), credentials.end(), [&](const Credential& credential) {
    return credential.fingerprint() == first;
  });
  return credentials;
}

void Transport::remember(const Endpoint& endpoint, const Credential& credential) {
  accepted_.with([&](auto& accepted) {
    if (accepted.size() >= kMaxRemembered) accepted.clear();
    accepted[credentials_key(endpoint)] = credential.fingerprint();
  });
}

}  // namespace portcullis::oci
