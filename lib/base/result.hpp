#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace portcullis {

/// Why an operation could not be done. Callers branch on the code, never on the message: each code
/// is an action. Anything that only people need to tell apart (DNS from TLS) is in the message.
///
/// A policy that says "no" is not an error: it is a policy::Verdict (a value).
enum class ErrorCode {
  kInvalidArgument,    ///< The input is malformed, or not what it claims to be. Never retried.
  kNotFound,           ///< HTTP 404. The object is not there.
  kConflict,           ///< HTTP 409. Read again, then retry.
  kGone,               ///< HTTP 410. The resourceVersion is too old: list again.
  kPermissionDenied,   ///< HTTP 401, 403, or an untrusted TLS peer. Retrying alone will not help.
  kResourceExhausted,  ///< HTTP 429, or a queue of ours is full. Retried, after retry_after().
  kUnavailable,        ///< Transport failure, DNS, or HTTP 5xx. Retried with backoff.
  kDeadlineExceeded,   ///< The caller's time is spent.
  kInternal,           ///< A bug or a broken invariant.
};

/// The name as it stands in logs and metrics: "InvalidArgument".
std::string_view to_string(ErrorCode code);

/// True when the same call may succeed later without anybody changing anything.
bool is_transient(ErrorCode code);

/// One failure: a code for machines, a message for people. The message never holds a secret.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }

  /// How long the server asked us to wait (HTTP Retry-After); empty when it did not say.
  std::optional<std::chrono::seconds> retry_after() const { return retry_after_; }

  /// The same error with "context: " in front of the message.
  Error with_context(std::string_view context) &&;
  Error with_retry_after(std::chrono::seconds delay) &&;

 private:
  ErrorCode code_;
  std::string message_;
  std::optional<std::chrono::seconds> retry_after_;
};

/// A value, or the Error that says why there is none: tl::expected (the C++20 stand-in for
/// std::expected, whose member names it has) that must not be dropped and that an Error converts
/// to. Reading the value of a failed Result throws tl::bad_expected_access: a bug in the caller.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error)  // NOLINT(google-explicit-constructor): `return Error(...)` is the point
      : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}
};

/// Gives `result` with "context: " in front of its error's message, if it has one.
template <typename T>
Result<T> with_context(Result<T> result, std::string_view context) {
  if (!result) return std::move(result.error()).with_context(context);
  return result;
}

}  // namespace portcullis

/// Evaluates a Result; returns its error from the enclosing function, or yields its value.
///
///   const auto manifest = TRY(registry.manifest(reference, deadline));
///
/// It is a GNU statement expression (g++ and clang++ have it). It is the one macro without a
/// prefix in this repository.
#define TRY(expression)                                    \
  __extension__({                                          \
    auto try_result = (expression);                        \
    if (!try_result) return std::move(try_result.error()); \
    *std::move(try_result);                                \
  })

/// TRY for a Result<void>, or one whose value is not wanted.
#define TRY_VOID(expression)                               \
  do {                                                     \
    auto try_result = (expression);                        \
    if (!try_result) return std::move(try_result.error()); \
  } while (false)
