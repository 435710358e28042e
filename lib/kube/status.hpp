#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.hpp"
#include "lib/codec/json_fwd.hpp"
#include "lib/http/message.hpp"
#include "lib/kube/resource.hpp"

/// Reading the API server's answers. Pure; internal to lib/kube but for decode_status (client.hpp).
namespace portcullis::kube {

/// Why the API server said no. `version_too_large`: it does not know the asked resourceVersion yet
/// (cause ResourceVersionTooLarge; a list at "" heals it, waiting alone may not).
struct Refusal {
  Error error;
  bool version_too_large = false;
};

/// A non-2xx answer, whatever its body.
Refusal decode_refusal(const http::Response& response);
/// A metav1.Status with a code that stands for an error: the object of an ERROR event.
Refusal decode_refusal(const codec::Json& status);

/// The Retry-After header in whole seconds; empty when absent or not a number up to an hour.
std::optional<std::chrono::seconds> retry_after(const http::Response& response);

/// The texts of a `Warning` header, warn-code 299 only (RFC 7234 5.5; repeated ones joined by ",
/// ").
std::vector<std::string> parse_warnings(std::string_view header);

/// JSON from the API server, which is trusted: larger and deeper than a review may be.
Result<codec::Json> parse_answer(std::string_view body);

/// One page of a list: its items with apiVersion and kind (which lists of built-in kinds leave out)
/// and without managedFields.
struct ListPage {
  std::vector<codec::Json> items;
  std::string resource_version;
  std::string next;  ///< The continue token; empty: that was all.
};
Result<ListPage> parse_list(std::string_view body, const Resource& resource);

/// Takes metadata.managedFields out: large, and read by nobody here.
void strip(codec::Json& object);

}  // namespace portcullis::kube
