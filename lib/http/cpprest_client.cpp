#include "lib/http/cpprest_client.hpp"

#include <cpprest/containerstream.h>
#include <cpprest/http_client.h>
#include <pplx/threadpool.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

namespace portcullis::http {
namespace {

namespace rest = web::http;
using rest::client::http_client_config;

/// A list of every pod of a big cluster; more than this is not an answer that we can use.
constexpr std::size_t kMaxBodyBytes = 128U << 20;
/// cpprestsdk's own timer restarts at each read. It is there to end what a deadline gave up.
constexpr std::chrono::seconds kInactivity{60};
/// OpenSSL packs the library into the upper bits; what is smaller is an errno or asio's.
constexpr int kFirstTlsCode = 1 << 16;

struct Pending {
  std::mutex mutex;
  std::condition_variable ended;
  std::optional<Result<Response>> outcome;  // guarded by mutex
  std::atomic<bool> too_long = false;
  // Bytes, not char: cpprestsdk's conversion between the two casts one streambuf to the other's
  // type.
  concurrency::streams::container_buffer<std::vector<std::uint8_t>> body;
  pplx::cancellation_token_source cancellation;

  void end(Result<Response> with) {
    const std::lock_guard lock(mutex);
    outcome.emplace(std::move(with));
    ended.notify_all();
  }
};

Error to_error(const rest::http_exception& failure, const VerifyFailures& refused) {
  const int code = failure.error_code().value();
  if (code >= kFirstTlsCode) {
    const auto why = refused.copy();
    return Error(ErrorCode::kPermissionDenied,
                 "tls: " + tls_reason(static_cast<unsigned long>(code)) +
                     (why.empty() ? "" : " (" + why + ")"));
  }
  if (code == static_cast<int>(std::errc::timed_out)) {
    return Error(ErrorCode::kUnavailable, "connect: the API server did not answer");
  }
  const std::string what = failure.what();
  if (what.find("resolving") != std::string::npos)
    return Error(ErrorCode::kUnavailable, "dns: " + what);
  // asio numbers the end of a stream 2, which as an errno is "no such file".
  const auto why = code > 2 ? std::generic_category().message(code) : "connection closed";
  return Error(ErrorCode::kUnavailable, "connect: " + what + " (" + why + ")");
}

Response to_response(const rest::http_response& answer, std::string body) {
  Response response;
  response.status = answer.status_code();
  for (const auto& [name, value] : answer.headers()) add_header(response.headers, name, value);
  response.body = std::move(body);
  return response;
}

/// Never throws: an exception that nobody reads would end the process (pplxlinux.h).
Result<Response> outcome_of(const pplx::task<rest::http_response>& task, Pending& pending,
                            const VerifyFailures& refused) {
  try {
    const auto answer = task.get();
    const auto& body = pending.body.collection();
    return to_response(answer, std::string(body.begin(), body.end()));
  } catch (const rest::http_exception& failure) {
    if (!pending.too_long) return to_error(failure, refused);
    return Error(ErrorCode::kInvalidArgument, "the API server's answer is larger than 128 MiB");
  } catch (const std::exception& failure) {
    return Error(ErrorCode::kUnavailable, std::string("connect: ") + failure.what());
  } catch (...) {
    return Error(ErrorCode::kInternal, "cpprestsdk failed without a reason");
  }
}

rest::http_request to_message(const Request& request, const std::string& target,
                              const std::shared_ptr<Pending>& pending) {
  rest::http_request message(request.method);
  message.set_request_uri(web::uri(target));
  for (const auto& [name, value] : request.headers) message.headers().add(name, value);
  if (!request.body.empty()) {
    if (!message.headers().has("Content-Type")) {
      message.headers().set_content_type("application/json");
    }
    message.set_body(std::vector<unsigned char>(request.body.begin(), request.body.end()));
  }
  message.set_response_stream(pending->body.create_ostream());
  message.set_progress_handler(
      [pending](rest::message_direction::direction direction, utility::size64_t bytes) {
        if (direction == rest::message_direction::upload || bytes <= kMaxBodyBytes) return;
        pending->too_long = true;
        throw rest::http_exception("answer too long");  // ends this request, see handle_chunk()
      });
  return message;
}

}  // namespace

struct CpprestClient::Impl {
  std::shared_ptr<VerifyFailures> refused = std::make_shared<VerifyFailures>();
  std::string host_header;
  std::optional<rest::client::http_client> client;
};

CpprestClient::CpprestClient(const KubeAddress& address, const ClientTls& tls)
    : impl_(std::make_unique<Impl>()) {
  initialize_cpprest_pool();
  http_client_config config;
  config.set_max_redirects(0);  // it would carry the token to any host it is sent to
  config.set_timeout(kInactivity);
  config.set_validate_certificates(!tls.skip_verify);
  config.set_tlsext_sni_enabled(!is_ip_address(tls.server_name));
  config.set_ssl_context_callback([tls, refused = impl_->refused](TlsContext& context) {
    const auto configured = configure_client(context, tls);
    if (!configured) throw rest::http_exception(configured.error().message());
    record_verify_failures(context, *refused);
  });
  // cpprestsdk takes the name to verify and to send as SNI from the Host header.
  impl_->host_header = tls.server_name == address.host ? "" : tls.server_name;
  impl_->client.emplace(web::uri(address.origin()), config);
}

CpprestClient::~CpprestClient() = default;

Result<Response> CpprestClient::send(const Request& request, const std::string& prefix,
                                     Deadline deadline) const {
  const auto pending = std::make_shared<Pending>();
  const auto refused = impl_->refused;
  try {
    auto message = to_message(request, prefix + request.target, pending);
    if (!impl_->host_header.empty()) message.headers().add("Host", impl_->host_header);
    // The client is copied: this request may outlive it when the CA is replaced meanwhile.
    rest::client::http_client client = *impl_->client;
    client.request(message, pending->cancellation.get_token())
        .then([](const pplx::task<rest::http_response>& headers) {
          return headers.get().content_ready();
        })
        .then([pending, refused](const pplx::task<rest::http_response>& whole) {
          pending->end(outcome_of(whole, *pending, *refused));
        });
  } catch (const std::exception& failure) {
    return Error(ErrorCode::kInvalidArgument,
                 "request for '" + std::string(path_of(request.target)) + "': " + failure.what());
  }
  std::unique_lock lock(pending->mutex);
  if (pending->ended.wait_until(lock, deadline.at(),
                                [&] { return pending->outcome.has_value(); })) {
    return *std::move(pending->outcome);
  }
  crossplat::threadpool::shared_instance().service().post([pending] {
    try {
      pending->cancellation.cancel();
    } catch (...) {  // NOLINT(bugprone-empty-catch): the request ends by its own timer then
    }
  });
  return Error(ErrorCode::kDeadlineExceeded, "the API server did not answer in time");
}

void initialize_cpprest_pool() {
  static const bool kOnce = [] {
    try {
      crossplat::threadpool::initialize_with_threads(1);
    } catch (const std::exception&) {
      return false;  // somebody used the pool already: it stays as it is
    }
    return true;
  }();
  static_cast<void>(kOnce);
}

}  // namespace portcullis::http
