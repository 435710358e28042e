#include "lib/http/kube_watch.hpp"

#include <string>
#include <vector>

#include "lib/http/line_splitter.hpp"

namespace portcullis::http {
namespace {

/// An object may be 3 MiB, and an event holds it with its old managedFields; see specs: ≥ 3 MiB.
constexpr std::size_t kMaxLineBytes = 8U << 20;
/// A metav1.Status is a few hundred bytes.
constexpr std::size_t kMaxRefusalBytes = 1U << 20;
constexpr std::size_t kPieceBytes = 64U << 10;

Result<std::string> read_whole(KubeConnection& connection, std::size_t max_bytes) {
  std::string body;
  std::vector<char> piece(kPieceBytes);
  for (;;) {
    const auto size = TRY(connection.read(piece.data(), piece.size()));
    if (size == 0) return body;
    if (size > max_bytes - body.size()) {
      return Error(ErrorCode::kInvalidArgument, "the API server's answer is larger than " +
                                                    std::to_string(max_bytes >> 20) + " MiB");
    }
    body.append(piece.data(), size);
  }
}

}  // namespace

Result<Response> watch_lines(KubeConnection& connection, const Request& request,
                             const KubeAddress& address, const KubeTransport::LineSink& sink) {
  auto response = TRY(connection.exchange(request, address));
  if (response.status != 200) {
    response.body = TRY(read_whole(connection, kMaxRefusalBytes));
    return response;
  }
  LineSplitter splitter(kMaxLineBytes);
  std::vector<char> piece(kPieceBytes);
  for (;;) {
    const auto size = TRY(connection.read(piece.data(), piece.size()));
    const auto outcome =
        size == 0 ? splitter.finish(sink) : splitter.feed({piece.data(), size}, sink);
    if (outcome == LineSplitter::Outcome::kTooLong) {
      return Error(ErrorCode::kInvalidArgument, "a line of the watch is longer than 8 MiB");
    }
    if (size == 0 || outcome == LineSplitter::Outcome::kStopped) return response;
  }
}

Result<Response> fetch_whole(KubeConnection& connection, const Request& request,
                             const KubeAddress& address, std::size_t max_body_bytes) {
  auto response = TRY(connection.exchange(request, address));
  response.body = TRY(read_whole(connection, max_body_bytes));
  return response;
}

}  // namespace portcullis::http
