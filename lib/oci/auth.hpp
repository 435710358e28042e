#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.hpp"
#include "lib/base/deadline.hpp"
#include "lib/base/result.hpp"
#include "lib/http/web_client.hpp"
#include "lib/oci/keychain.hpp"

namespace portcullis::oci {

/// One way to authenticate that a server offers (RFC 9110 section 11.6.1).
struct Challenge {
  std::string scheme;                         ///< Lower case: "bearer", "basic".
  std::map<std::string, std::string> params;  ///< Names in lower case.
};

/// Reads WWW-Authenticate, several lines joined by ", " included. What cannot be read ends the
/// list: an unknown way is no way. Pure.
std::vector<Challenge> parse_challenges(std::string_view header);

/// A token service's answer.
struct Token {
  std::string value;
  std::chrono::seconds lifetime{60};  ///< 60 s when it does not say (distribution's rule).
};
/// kInvalidArgument: not JSON, no token, or one that would not fit a header. Pure.
Result<Token> parse_token(std::string_view json);

/// Whom a request is for: the registry's host, the repository, and with what right.
struct AccessRequest {
  std::string host;
  std::string repository;
  Credential credential;    ///< Empty: anonymous.
  bool plain_http = false;  ///< The registry is plain HTTP by configuration.
};

/// Finds the Authorization header of a request and remembers what it found out: which way each host
/// wants, and tokens until they expire. Any thread; no lock is held while a token is fetched.
class Authenticator {
 public:
  /// Sends one request and gives the answer, whatever its status; adds the roots to trust.
  using Fetch = std::function<Result<http::Response>(http::WebRequest, Deadline)>;

  explicit Authenticator(const Clock& clock) : clock_(clock) {}

  /// The header to send without being asked: a token that is still good, basic credentials where
  /// the host asked for them before, a new token where it asked for tokens before. "": nothing is
  /// known. Errors: those of answer().
  Result<std::string> prepare(const AccessRequest& request, const Fetch& fetch, Deadline deadline);

  /// The header that answers a 401. Credentials go to the token realm only over https, or where the
  /// registry itself is plain HTTP. kPermissionDenied: no way that we have, no credentials, or the
  /// token service refused them; else the error of asking the token service.
  Result<std::string> answer(const AccessRequest& request, std::string_view www_authenticate,
                             const Fetch& fetch, Deadline deadline);

  /// The host did not accept what prepare() gave: forget it.
  void reject(const AccessRequest& request);

 private:
  struct Kept {
    std::string value;
    std::chrono::steady_clock::time_point expires;
  };

  Result<std::string> respond(const AccessRequest& request, const Challenge& challenge,
                              const Fetch& fetch, Deadline deadline);
  Result<std::string> fetch_token(const AccessRequest& request, const Challenge& challenge,
                                  const Fetch& fetch, Deadline deadline);
  void keep(const AccessRequest& request, const Token& token);

  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Challenge> challenges_;  // by host; guarded by mutex_
  std::map<std::string, Kept> tokens_;           // by token_key(); guarded by mutex_
};

}  // namespace portcullis::oci
