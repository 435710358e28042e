#include "lib/http/kube_transport.hpp"

#include <algorithm>

#include "lib/base/clock.hpp"
#include "lib/base/guarded.hpp"
#include "lib/base/log.hpp"
#include "lib/http/cpprest_client.hpp"
#include "lib/http/kube_address.hpp"
#include "lib/http/kube_connection.hpp"
#include "lib/http/kube_credentials.hpp"
#include "lib/http/kube_watch.hpp"
#include "lib/http/tls.hpp"

namespace portcullis::http {
namespace {

constexpr std::size_t kMaxBodyBytes = 128U << 20;

/// What would let one request become two, or a path another path.
Result<void> check(const Request& request) {
  const bool clean_target =
      request.target.starts_with('/') &&
      std::ranges::all_of(request.target, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
  if (!clean_target || !is_valid_header(request.method, "")) {
    return Error(ErrorCode::kInvalidArgument, "'" + request.method + " " + request.target +
                                                  "' is not a method and a percent-encoded path");
  }
  for (const auto& [name, value] : request.headers) {
    if (is_valid_header(name, value)) continue;
    return Error(ErrorCode::kInvalidArgument, "the header '" + name + "' has a control character");
  }
  return {};
}

class Transport final : public KubeTransport {
 public:
  Transport(KubeAddress address, ClientTls tls, std::unique_ptr<KubeCredentials> credentials)
      : address_(std::move(address)), tls_(std::move(tls)), credentials_(std::move(credentials)) {}

  Result<Response> send(const Request& request, Deadline deadline) override {
    TRY_VOID(check(request));
    return with_token(request, [this, deadline](const Request& authorized) -> Result<Response> {
      if (deadline.expired()) {
        return Error(ErrorCode::kDeadlineExceeded, "no time left to ask the API server");
      }
      const auto [ca, client] = session();
      if (client) return client->send(authorized, address_.prefix, deadline);
      KubeConnection connection({deadline.remaining(), deadline}, {});
      TRY_VOID(connection.open(address_, trusting(*ca)));
      return fetch_whole(connection, authorized, address_, kMaxBodyBytes);
    });
  }

  Result<Response> stream(const Request& request, std::chrono::milliseconds idle,
                          std::stop_token stop, const LineSink& sink) override {
    TRY_VOID(check(request));
    const LineSink until_stopped = [&stop, &sink](std::string_view line) {
      return !stop.stop_requested() && sink(line);
    };
    return with_token(request, [&](const Request& authorized) -> Result<Response> {
      KubeConnection connection({idle, std::nullopt}, stop);
      const auto ca = session().ca;
      auto opened = connection.open(address_, trusting(*ca));
      auto answer = opened ? watch_lines(connection, authorized, address_, until_stopped)
                           : Result<Response>(std::move(opened.error()));
      if (!answer && connection.stopped()) return Response{200, {}, {}};
      return answer;
    });
  }

 private:
  /// One CA, and the client that trusts it (none for IPv6 literals, see CpprestClient).
  struct Session {
    std::shared_ptr<const std::string> ca;
    std::shared_ptr<const CpprestClient> client;
  };

  ClientTls trusting(const std::string& ca) const {
    auto tls = tls_;
    tls.ca_pem = ca;
    return tls;
  }

  Session session() {
    const auto ca = credentials_->ca();
    auto current = session_.copy();
    if (current.ca == ca) return current;
    Session next{ca, nullptr};
    if (!address_.is_ipv6()) {
      next.client = std::make_shared<const CpprestClient>(address_, trusting(*ca));
    }
    if (current.ca) log::info("the API server's CA has changed", {{"server", address_.origin()}});
    session_.set(next);
    return next;
  }

  /// Calls with the current token, and once more when the server refuses it and there is a new one.
  template <typename Call>
  Result<Response> with_token(const Request& request, Call&& call) {
    auto answer = call(authorized(request));
    const bool refused = answer && answer->status == 401;
    if (refused && credentials_->reload_token()) answer = call(authorized(request));
    return answer;
  }

  Request authorized(const Request& request) {
    auto copy = request;
    const auto token = credentials_->token();
    if (!token.empty()) copy.headers.insert_or_assign("Authorization", "Bearer " + token);
    return copy;
  }

  const KubeAddress address_;
  const ClientTls tls_;  // without the CA
  const std::unique_ptr<KubeCredentials> credentials_;
  Guarded<Session> session_;
};

const Clock& system_clock() {
  static const SystemClock kClock;
  return kClock;
}

}  // namespace

void initialize_kube_transport() { initialize_cpprest_pool(); }

Result<std::unique_ptr<KubeTransport>> make_kube_transport(const KubeEndpoint& endpoint) {
  auto address = TRY(parse_kube_address(endpoint.url));
  ClientTls tls{"", endpoint.client_certificate_pem, endpoint.client_key_pem,
                endpoint.tls_server_name.empty() ? address.host : endpoint.tls_server_name,
                endpoint.insecure_skip_tls_verify};
  const auto context = "credentials for " + address.origin();
  auto credentials = TRY(with_context(KubeCredentials::create(endpoint, system_clock()), context));
  if (address.tls) {
    auto whole = tls;
    whole.ca_pem = *credentials->ca();
    TlsContext trial(TlsContext::tls_client);
    TRY_VOID(with_context(configure_client(trial, whole), context));
  }
  return std::unique_ptr<KubeTransport>(
      std::make_unique<Transport>(std::move(address), std::move(tls), std::move(credentials)));
}

}  // namespace portcullis::http
