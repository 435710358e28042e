#include "lib/http/web_client.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "lib/http/curl_handles.hpp"
#include "lib/http/metadata_address.hpp"

namespace portcullis::http {
namespace {

/// All header lines together. Registries send one or two KiB, with a long token challenge.
constexpr std::size_t kMaxHeaderBytes = 64U << 10;

struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, ListFree>;

/// What libcurl's callbacks fill in while one request runs.
struct Exchange {
  std::size_t max_body_bytes = 0;
  Response response;
  std::size_t header_bytes = 0;
  bool too_long = false;
  std::string refused_address;
  std::array<char, CURL_ERROR_SIZE> reason{};
};

/// libcurl takes "fewer bytes than given" as: abort.
std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (size > exchange.max_body_bytes - exchange.response.body.size()) {
    exchange.too_long = true;
    return 0;
  }
  exchange.response.body.append(data, size);
  return size;
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  exchange.header_bytes += size;
  if (exchange.header_bytes > kMaxHeaderBytes) {
    exchange.too_long = true;
    return 0;
  }
  const std::string_view line(data, size);
  // Each answer begins with a status line; only the last one (after a 100) counts.
  if (line.starts_with("HTTP/")) exchange.response.headers.clear();
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  constexpr const char* kSpace = " \t\r\n";
  auto value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(kSpace), value.size()));
  value = value.substr(0, value.find_last_not_of(kSpace) + 1);
  add_header(exchange.response.headers, line.substr(0, colon), value);
  return size;
}

/// After DNS, for each address that is tried: a name proves nothing.
curl_socket_t on_open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* binary = nullptr;
  if (address->family == AF_INET) {
    binary = &reinterpret_cast<const sockaddr_in*>(&address->addr)->sin_addr;
  } else if (address->family == AF_INET6) {
    binary = &reinterpret_cast<const sockaddr_in6*>(&address->addr)->sin6_addr;
  }
  if (binary == nullptr ||
      inet_ntop(address->family, binary, text.data(), text.size()) == nullptr) {
    return CURL_SOCKET_BAD;
  }
  if (is_metadata_address(text.data())) {
    static_cast<Exchange*>(user)->refused_address = text.data();
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/// As Go's registry clients do it, a proxy of the environment is never asked for loopback.
std::string no_proxy() {
  // Read once, when the client is made: nothing of ours changes the environment.
  const char* hosts = std::getenv("no_proxy");            // NOLINT(concurrency-mt-unsafe)
  if (hosts == nullptr) hosts = std::getenv("NO_PROXY");  // NOLINT(concurrency-mt-unsafe)
  std::string list = "localhost,127.0.0.0/8,::1";
  if (hosts != nullptr && *hosts != '\0') list.append(",").append(hosts);
  return list;
}

/// "https://registry.example.com:5000", and the trust with it, so that no connection that was made
/// under one set of roots serves a request with another.
std::string origin_of(const WebRequest& request) {
  const auto end = request.url.find_first_of("/?#", request.url.find("//") + 2);
  return request.url.substr(0, end) + "\n" + request.ca_pem;
}

Result<HeaderList> to_list(const Headers& headers) {
  HeaderList list;
  // Without "Expect:" libcurl would wait for a 100 before it sends a longer body.
  std::vector<std::string> lines{"Expect:"};
  for (const auto& [name, value] : headers) {
    if (!is_valid_header(name, value)) {
      return Error(ErrorCode::kInvalidArgument,
                   "the header '" + name + "' has a control character");
    }
    auto& line = lines.emplace_back(name);
    if (value.empty()) {
      line.append(";");  // libcurl would take "name:" as: leave that header out
    } else {
      line.append(": ").append(value);
    }
  }
  for (const auto& line : lines) {
    auto* const longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return Error(ErrorCode::kInternal, "out of memory for a header");
    static_cast<void>(list.release());
    list.reset(longer);
  }
  return list;
}

Result<void> set_method(CURL* curl, const WebRequest& request) {
  if (request.method == "POST") {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    return {};
  }
  if (request.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    return {};
  }
  if (request.method == "GET") {
    // Known too long before the first byte; for HEAD a length is only told, not sent.
    curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE,
                     static_cast<curl_off_t>(request.max_body_bytes));
    return {};
  }
  return Error(ErrorCode::kInvalidArgument, "'" + request.method + "' is not GET, HEAD or POST");
}

void set_safety(CURL* curl) {
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
}

void set_trust(CURL* curl, const WebRequest& request) {
  if (request.ca_pem.empty()) return;
  curl_blob roots{};
  roots.data = const_cast<char*>(request.ca_pem.data());  // libcurl copies, and does not write
  roots.len = request.ca_pem.size();
  roots.flags = CURL_BLOB_COPY;
  curl_easy_setopt(curl, CURLOPT_CAINFO, nullptr);
  curl_easy_setopt(curl, CURLOPT_CAPATH, nullptr);
  curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &roots);
}

void set_callbacks(CURL* curl, Exchange& exchange) {
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, exchange.reason.data());
}

Error unavailable(std::string_view step, const std::string& reason) {
  return Error(ErrorCode::kUnavailable, std::string(step) + ": " + reason);
}

Error to_error(CURLcode code, const Exchange& exchange) {
  const std::string reason =
      exchange.reason[0] != '\0' ? exchange.reason.data() : curl_easy_strerror(code);
  if (exchange.too_long || code == CURLE_FILESIZE_EXCEEDED) {
    return Error(ErrorCode::kInvalidArgument, "the answer is larger than the " +
                                                  std::to_string(exchange.max_body_bytes) +
                                                  " bytes that are read");
  }
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return Error(ErrorCode::kDeadlineExceeded, reason);
    case CURLE_URL_MALFORMAT:
    case CURLE_LOGIN_DENIED:  // a user name in the URL
      return Error(ErrorCode::kInvalidArgument, "bad URL: " + reason);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return unavailable("dns", reason);
    case CURLE_SSL_CONNECT_ERROR:
      // A peer that goes away in the middle of the handshake refuses nothing.
      if (reason.find("SYSCALL") != std::string::npos ||
          reason.find("reset") != std::string::npos) {
        return unavailable("connect", reason);
      }
      [[fallthrough]];
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return Error(ErrorCode::kPermissionDenied, "tls: " + reason);
    default:
      if (exchange.refused_address.empty()) return unavailable("connect", reason);
      return unavailable("connect", "refused: " + exchange.refused_address +
                                        " is a link-local or cloud metadata address");
  }
}

class CurlWebClient final : public WebClient {
 public:
  explicit CurlWebClient(std::string user_agent) : user_agent_(std::move(user_agent)) {}

  Result<Response> fetch(const WebRequest& request, Deadline deadline) override {
    if (!request.url.starts_with("https://") && !request.url.starts_with("http://")) {
      return Error(ErrorCode::kInvalidArgument, "bad URL: it is neither https:// nor http://");
    }
    const auto headers = TRY(to_list(request.headers));
    const auto origin = origin_of(request);
    auto handle = handles_.take(origin);
    if (!handle) return Error(ErrorCode::kInternal, "out of memory for a libcurl handle");
    auto result = perform(handle.get(), request, headers.get(), deadline);
    handles_.give_back(origin, std::move(handle));
    return result;
  }

 private:
  Result<Response> perform(CURL* curl, const WebRequest& request, curl_slist* headers,
                           Deadline deadline) const {
    Exchange exchange;
    exchange.max_body_bytes = request.max_body_bytes;
    set_safety(curl);
    set_trust(curl, request);
    set_callbacks(curl, exchange);
    TRY_VOID(set_method(curl, request));
    curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(curl, CURLOPT_USERAGENT, user_agent_.c_str());
    curl_easy_setopt(curl, CURLOPT_NOPROXY, no_proxy_.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    const auto left = deadline.remaining().count();
    if (left == 0) return Error(ErrorCode::kDeadlineExceeded, "no time left for the request");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(left));
    const auto code = curl_easy_perform(curl);
    if (code != CURLE_OK) return to_error(code, exchange);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    exchange.response.status = static_cast<int>(status);
    return std::move(exchange.response);
  }

  const std::string user_agent_;
  const std::string no_proxy_ = no_proxy();
  CurlHandles handles_;
};

}  // namespace

std::unique_ptr<WebClient> make_web_client(std::string user_agent) {
  return std::make_unique<CurlWebClient>(std::move(user_agent));
}

}  // namespace portcullis::http
