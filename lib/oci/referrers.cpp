#include "lib/oci/referrers.hpp"

#include <algorithm>
#include <iterator>
#include <set>

namespace portcullis::oci {
namespace {

// verification.md §2.4
constexpr std::size_t kMaxPages = 10;
constexpr std::size_t kMaxDescriptors = 256;
constexpr std::size_t kMaxLinkBytes = 16384;

constexpr const char* kIndexType = "application/vnd.oci.image.index.v1+json";

Error invalid(const Endpoint& endpoint, const std::string& why) {
  return {ErrorCode::kInvalidArgument, "registry " + endpoint.config.host + ": " + why};
}

// rel may hold several words, in any case: <…>; rel="next"
bool has_next(std::string_view params) {
  std::string text;
  for (const char c : params) {
    if (c != '"' && c != ' ' && c != '\t') {
      text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  const auto rel = text.find(";rel=next");
  if (rel == std::string::npos) return false;
  const auto end = rel + std::string_view(";rel=next").size();
  return end == text.size() || text[end] == ';';
}

Result<std::vector<Descriptor>> read_index(const Endpoint& endpoint, const Call& call,
                                           const http::Response& response) {
  auto index = TRY(with_context(parse_manifest(response.body, response.header("Content-Type")),
                                "registry " + endpoint.config.host + ": " + call.what));
  if (!index.is_index) return invalid(endpoint, call.what + " is not an image index");
  return std::move(index.manifests);
}

Result<void> append(std::vector<Descriptor>& all, std::vector<Descriptor> more,
                    const Endpoint& endpoint, const std::string& digest) {
  if (all.size() + more.size() > kMaxDescriptors) {
    return invalid(endpoint,
                   "more than 256 referrers of " + digest + "; delete what is not needed any more");
  }
  std::ranges::move(more, std::back_inserter(all));
  return {};
}

Result<std::vector<Descriptor>> ask_api(Transport& transport, const Endpoint& endpoint,
                                        const std::string& digest, Deadline deadline) {
  Call call;
  call.target = "/v2/" + endpoint.repository + "/referrers/" + digest;
  call.what = "referrers of " + digest;
  call.accept = kIndexType;
  std::vector<Descriptor> all;
  std::set<std::string> asked;
  while (asked.insert(call.target).second) {
    if (asked.size() > kMaxPages) return invalid(endpoint, "more than 10 pages of " + call.what);
    const auto response = TRY(transport.send(endpoint, call, deadline));
    auto page = TRY(read_index(endpoint, call, response));
    TRY_VOID(append(all, std::move(page), endpoint, digest));
    const auto next = next_link(response.header("Link"));
    if (!next) return all;
    // Only the target of the link is used, but another origin means that the list goes on
    // elsewhere.
    const auto here = TRY(url_of(endpoint, call.target));
    const auto there =
        TRY(with_context(resolve_url(here, *next), "registry " + endpoint.config.host));
    if (!there.same_origin(here)) {
      return invalid(endpoint, "the next page of " + call.what + " is on another host");
    }
    call.target = there.target;
  }
  return invalid(endpoint, "the pages of " + call.what + " go in a circle");
}

}  // namespace

std::optional<std::string> next_link(std::string_view header) {
  if (header.size() > kMaxLinkBytes) return std::nullopt;
  while (true) {
    const auto open = header.find('<');
    const auto close = header.find('>', open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) return std::nullopt;
    const auto target = header.substr(open + 1, close - open - 1);
    header.remove_prefix(close + 1);
    const auto params = header.substr(0, header.find('<'));
    // The comma that ends this link stands before the next "<".
    const auto comma = params.rfind(',');
    const bool another = params.size() < header.size() && comma != std::string_view::npos;
    if (has_next(another ? params.substr(0, comma) : params)) return std::string(target);
  }
}

std::string referrers_tag(std::string_view digest) {
  std::string tag(digest);
  std::ranges::replace(tag, ':', '-');
  return tag;
}

Result<ReferrersList> list_referrers(Transport& transport, const Endpoint& endpoint,
                                     const std::string& digest, bool skip_api, Deadline deadline) {
  if (!skip_api) {
    auto found = ask_api(transport, endpoint, digest, deadline);
    if (found) return ReferrersList{*std::move(found), false};
    if (found.error().code() != ErrorCode::kNotFound) return std::move(found.error());
  }
  Call call;
  const auto tag = referrers_tag(digest);
  call.target = "/v2/" + endpoint.repository + "/manifests/" + tag;
  call.what = "manifest " + tag;
  call.accept = kIndexType;
  const auto response = transport.send(endpoint, call, deadline);
  if (!response) {
    if (response.error().code() == ErrorCode::kNotFound) return ReferrersList{};
    return response.error();
  }
  ReferrersList list;
  list.from_tag = true;
  auto descriptors = TRY(read_index(endpoint, call, *response));
  TRY_VOID(append(list.descriptors, std::move(descriptors), endpoint, digest));
  return list;
}

}  // namespace portcullis::oci
