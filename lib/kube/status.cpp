#include "lib/kube/status.hpp"

#include <algorithm>
#include <charconv>

#include "lib/codec/json.hpp"
#include "lib/kube/client.hpp"

namespace portcullis::kube {
namespace {

constexpr std::size_t kMaxMessageBytes = 1024;

ErrorCode code_of(int status) {
  switch (status) {
    case 401:
    case 403:
      return ErrorCode::kPermissionDenied;
    case 404:
      return ErrorCode::kNotFound;
    case 409:
      return ErrorCode::kConflict;
    case 410:
      return ErrorCode::kGone;
    case 429:
      return ErrorCode::kResourceExhausted;
    case 504:
      return ErrorCode::kDeadlineExceeded;
    default:
      return status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument;
  }
}

std::optional<std::chrono::seconds> parse_seconds(std::string_view text) {
  int seconds = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool whole = problem == std::errc() && end == text.data() + text.size();
  if (!whole || seconds < 0 || seconds > 3600) return std::nullopt;
  return std::chrono::seconds(seconds);
}

bool has_cause(const codec::Json& details, std::string_view reason) {
  const auto* causes = codec::find(details, "causes");
  if (!causes || !causes->is_array()) return false;
  return std::any_of(causes->begin(), causes->end(), [&](const auto& cause) {
    return codec::string_or_empty(cause, "reason") == reason;
  });
}

Refusal refusal(int code, const codec::Json& status) {
  auto message = codec::string_or_empty(status, "message");
  if (message.size() > kMaxMessageBytes) message.resize(kMaxMessageBytes);
  if (message.empty()) {
    const auto reason = codec::string_or_empty(status, "reason");
    message = "the API server answered " + std::to_string(code) +
              (reason.empty() ? " without saying why" : " " + reason);
  }
  Refusal out{Error(code_of(code), std::move(message)), false};

  if (const auto* details = codec::find(status, "details")) {
    const auto seconds = codec::find_integer(*details, "retryAfterSeconds");
    if (seconds && *seconds > 0 && *seconds <= 3600) {
      out.error = std::move(out.error).with_retry_after(std::chrono::seconds(*seconds));
    }
    out.version_too_large = has_cause(*details, "ResourceVersionTooLarge");
  }
  return out;
}

}  // namespace

std::optional<std::chrono::seconds> retry_after(const http::Response& response) {
  return parse_seconds(response.header("Retry-After"));
}

Refusal decode_refusal(const http::Response& response) {
  const auto parsed = parse_answer(response.body);
  const bool is_status = parsed && codec::string_or_empty(*parsed, "kind") == "Status";
  auto out = refusal(response.status, is_status ? *parsed : codec::Json());
  if (const auto delay = retry_after(response)) {
    out.error = std::move(out.error).with_retry_after(*delay);
  }
  return out;
}

Refusal decode_refusal(const codec::Json& status) {
  const auto code = codec::find_integer(status, "code").value_or(500);
  const bool sensible = code >= 400 && code < 600;
  return refusal(sensible ? static_cast<int>(code) : 500, status);
}

Error decode_status(const http::Response& response) { return decode_refusal(response).error; }

std::vector<std::string> parse_warnings(std::string_view header) {
  std::vector<std::string> out;
  std::size_t at = 0;
  while (at < header.size()) {
    const auto open = header.find('"', at);
    if (open == std::string_view::npos) break;
    const auto prefix = header.substr(at, open - at);
    std::string text;
    std::size_t end = open + 1;
    for (; end < header.size() && header[end] != '"'; ++end) {
      if (header[end] == '\\' && end + 1 < header.size()) ++end;
      text += header[end];
    }
    const auto digits = prefix.find_first_not_of(", ");
    if (digits != std::string_view::npos && prefix.substr(digits).starts_with("299 ")) {
      out.push_back(std::move(text));
    }
    at = end + 1;
  }
  return out;
}

Result<codec::Json> parse_answer(std::string_view body) {
  codec::JsonLimits limits;
  limits.max_bytes = 128U << 20;
  limits.max_depth = 512;
  return codec::parse_json(body, limits);
}

Result<ListPage> parse_list(std::string_view body, const Resource& resource) {
  auto list = TRY(parse_answer(body));
  const auto* metadata = codec::find(list, "metadata");
  const bool is_list =
      metadata && list.contains("items") && (list["items"].is_array() || list["items"].is_null());
  if (!is_list) {
    return Error(ErrorCode::kUnavailable, "the API server answered something else than a list of " +
                                              std::string(resource.plural));
  }
  ListPage page;
  page.resource_version = codec::string_or_empty(*metadata, "resourceVersion");
  page.next = codec::string_or_empty(*metadata, "continue");
  page.items.reserve(list["items"].size());
  for (auto& item : list["items"]) {
    if (!item.is_object()) {
      return Error(ErrorCode::kUnavailable, "a list of " + std::string(resource.plural) +
                                                " holds something else than objects");
    }
    if (!item.contains("apiVersion")) item["apiVersion"] = resource.api_version();
    if (!item.contains("kind")) item["kind"] = resource.kind;
    strip(item);
    page.items.push_back(std::move(item));
  }
  return page;
}

void strip(codec::Json& object) {
  if (!object.is_object()) return;
  const auto metadata = object.find("metadata");
  if (metadata != object.end() && metadata->is_object()) metadata->erase("managedFields");
}

}  // namespace portcullis::kube
