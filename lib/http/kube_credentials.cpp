#include "lib/http/kube_credentials.hpp"

#include <fstream>
#include <iterator>

#include "lib/base/log.hpp"
#include "lib/http/message.hpp"
#include "lib/http/tls.hpp"

namespace portcullis::http {
namespace {

constexpr std::chrono::seconds kTokenInterval{60};
constexpr std::chrono::seconds kCaInterval{300};
/// A bundle of every public root is 0.3 MiB; more is no credential but a wrong path.
constexpr std::size_t kMaxFileBytes = 1U << 20;

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string content(kMaxFileBytes + 1, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (!file.is_open() || file.bad() || content.empty()) {
    return Error(ErrorCode::kInvalidArgument, "cannot read '" + path + "', or it is empty");
  }
  if (content.size() <= kMaxFileBytes) return content;
  return Error(ErrorCode::kInvalidArgument, "'" + path + "' is larger than 1 MiB");
}

Result<std::string> usable_token(std::string text) {
  constexpr const char* kSpace = " \t\r\n";
  text.erase(text.find_last_not_of(kSpace) + 1);
  text.erase(0, text.find_first_not_of(kSpace));
  if (!text.empty() && is_valid_header("Authorization", text)) return text;
  return Error(ErrorCode::kInvalidArgument, "the token is empty or has a line break in it");
}

Result<std::string> usable_ca(std::string text) {
  TlsContext context(TlsContext::tls_client);
  TRY_VOID(configure_client(context, {text, {}, {}, "name.invalid", false}));
  return text;
}

}  // namespace

Result<std::unique_ptr<KubeCredentials>> KubeCredentials::create(const KubeEndpoint& endpoint,
                                                                 const Clock& clock) {
  std::unique_ptr<KubeCredentials> credentials(new KubeCredentials(clock));
  const auto load = [&clock](const std::string& content, const std::string& path,
                             std::chrono::seconds interval, Check check) -> Result<Watched> {
    Watched watched{content.empty() ? path : "", interval, nullptr, clock.steady() + interval};
    auto text = content;
    if (!watched.path.empty()) text = TRY(read_file(path));
    if (!text.empty()) text = TRY(check(std::move(text)));
    watched.content = std::make_shared<const std::string>(std::move(text));
    return watched;
  };
  credentials->token_.set(
      TRY(load(endpoint.token, endpoint.token_file, kTokenInterval, usable_token)));
  credentials->ca_.set(TRY(load(endpoint.ca_pem, endpoint.ca_file, kCaInterval, usable_ca)));
  return credentials;
}

std::string KubeCredentials::token() { return *current(token_, usable_token); }

std::shared_ptr<const std::string> KubeCredentials::ca() { return current(ca_, usable_ca); }

bool KubeCredentials::reload_token() {
  const auto before = token_.copy().content;
  reload(token_, usable_token);
  return *token_.copy().content != *before;
}

std::shared_ptr<const std::string> KubeCredentials::current(Guarded<Watched>& watched,
                                                            Check check) {
  const auto now = clock_.steady();
  const bool due = watched.with([now](Watched& it) {
    if (it.path.empty() || now < it.next_read) return false;
    it.next_read = now + it.interval;  // one thread reads, the others go on with what there is
    return true;
  });
  if (due) reload(watched, check);
  return watched.copy().content;
}

void KubeCredentials::reload(Guarded<Watched>& watched, Check check) {
  const auto path = watched.copy().path;
  if (path.empty()) return;
  auto text = read_file(path);
  if (text) text = check(std::move(*text));
  if (!text) {
    log::warning("cannot reload a credential of the API server; the last one stays",
                 {{"file", path}, {"error", text.error()}});
    return;
  }
  watched.with([&text](Watched& it) {
    if (*it.content != *text) it.content = std::make_shared<const std::string>(std::move(*text));
  });
}

}  // namespace portcullis::http
