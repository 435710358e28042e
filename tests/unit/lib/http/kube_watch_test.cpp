#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "lib/http/kube_transport.hpp"
#include "tests/unit/lib/http/raw_peer.hpp"
#include "tests/unit/lib/http/test_certificates.hpp"

namespace portcullis::http {
namespace {

using namespace std::chrono_literals;
using testing::RawPeer;
using testing::RawServer;
using Lines = std::vector<std::string>;

const std::string kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string chunk(std::string_view bytes) {
  char size[24];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + std::string(bytes) + "\r\n";
}

/// One watch of a server that answers as the script says.
struct Watch {
  explicit Watch(const RawServer& server) { endpoint.url = server.url(); }

  Result<Response> run() {
    auto transport = make_kube_transport(endpoint);
    EXPECT_TRUE(transport) << transport.error().message();
    return (*transport)
        ->stream({"GET", "/api/v1/pods?watch=1", {}, ""}, idle, stop.get_token(),
                 [this](std::string_view line) {
                   lines.emplace_back(line);
                   return on_line ? on_line() : true;
                 });
  }

  KubeEndpoint endpoint;
  std::chrono::milliseconds idle{60s};
  std::stop_source stop;
  Lines lines;
  std::function<bool()> on_line;
};

RawServer answering(const std::string& answer) {
  return RawServer([answer](RawPeer& peer) {
    peer.read_message();
    peer.send(answer);
  });
}

TEST(KubeWatchTest, LinesAreFoundWhereverSegmentsAndChunksAreCut) {
  const std::string stream = "{\"type\":\"ADDED\"}\n{\"type\":\"\xc3\xa9\"}\r\n\n{\"last\":1}";
  const Lines expected{"{\"type\":\"ADDED\"}", "{\"type\":\"\xc3\xa9\"}", "{\"last\":1}"};
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    SCOPED_TRACE(cut);
    // Two chunks cut here; the bytes of each in a segment of its own.
    std::string answer = kChunked;
    for (const auto& part : {stream.substr(0, cut), stream.substr(cut)}) {
      if (!part.empty()) answer += chunk(part);
    }
    answer += "0\r\n\r\n";
    const RawServer server([&answer, cut](RawPeer& peer) {
      peer.read_message();
      peer.send(answer.substr(0, kChunked.size() + cut));
      peer.send(answer.substr(kChunked.size() + cut));
    });
    Watch watch(server);
    const auto result = watch.run();
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result->status, 200);
    EXPECT_TRUE(result->body.empty());
    EXPECT_EQ(watch.lines, expected);
  }
}

TEST(KubeWatchTest, AByteInEachChunkAndEachSegmentIsTheSameStream) {
  const RawServer server([](RawPeer& peer) {
    peer.read_message();
    std::string answer = kChunked;
    for (const char c : std::string_view("{\"a\":1}\n{\"b\":2}\n")) answer += chunk({&c, 1});
    answer += "0\r\n\r\n";
    for (const char c : answer) peer.send({&c, 1});
  });
  Watch watch(server);
  const auto result = watch.run();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(watch.lines, (Lines{"{\"a\":1}", "{\"b\":2}"}));
}

TEST(KubeWatchTest, AStreamMayBeFramedByItsLengthOrByTheEndOfTheConnection) {
  for (const auto* const framing : {"Content-Length: 4\r\n", "Connection: close\r\n"}) {
    const auto server = answering("HTTP/1.1 200 OK\r\n" + std::string(framing) + "\r\na\nbc");
    Watch watch(server);
    const auto result = watch.run();
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(watch.lines, (Lines{"a", "bc"}));
  }
}

TEST(KubeWatchTest, EachLineIsGivenAsSoonAsItIsThere) {
  std::latch seen{1};
  const RawServer server([&seen](RawPeer& peer) {
    peer.read_message();
    peer.send(kChunked + chunk("first\nsec"));
    seen.wait();
    peer.send(chunk("ond\n") + "0\r\n\r\n");
  });
  Watch watch(server);
  watch.on_line = [&] {
    if (watch.lines.size() == 1) seen.count_down();
    return true;
  };
  ASSERT_TRUE(watch.run());
  EXPECT_EQ(watch.lines, (Lines{"first", "second"}));
}

TEST(KubeWatchTest, TheSinkCanEndIt) {
  const auto server = answering(kChunked + chunk("1\n2\n3\n"));
  Watch watch(server);
  watch.on_line = [&watch] { return watch.lines.size() < 2; };
  const auto result = watch.run();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(watch.lines, (Lines{"1", "2"}));
}

TEST(KubeWatchTest, AnotherStatusComesBackWithItsBody) {
  const std::string body = "{\"kind\":\"Status\",\n\"code\":410}\n";
  const auto server =
      answering("HTTP/1.1 410 Gone\r\nRetry-After: 3\r\nTransfer-Encoding: chunked\r\n\r\n" +
                chunk(body) + "0\r\n\r\n");
  Watch watch(server);
  const auto result = watch.run();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->status, 410);
  EXPECT_EQ(result->header("Retry-After"), "3");
  EXPECT_EQ(result->body, body);
  EXPECT_TRUE(watch.lines.empty());
}

TEST(KubeWatchTest, ARedirectIsAnAnswer) {
  const auto server =
      answering("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  Watch watch(server);
  const auto result = watch.run();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->status, 302);
}

// Each way a stream can fail, and what is told of it.
TEST(KubeWatchTest, EachFailureHasItsCodeAndNoHalfLineIsGiven) {
  struct Case {
    const char* name;
    std::string answer;
    ErrorCode code;
    Lines lines;
  };
  const std::string long_line(8U << 20, 'x');
  const Case cases[] = {
      {"no answer", "", ErrorCode::kUnavailable, {}},
      {"half a header", "HTTP/1.1 200", ErrorCode::kUnavailable, {}},
      {"no HTTP", "nonsense\r\n\r\n", ErrorCode::kUnavailable, {}},
      {"a header without an end",
       "HTTP/1.1 200 OK\r\nA: " + std::string(70'000, 'a'),
       ErrorCode::kUnavailable,
       {}},
      {"cut within a chunk", kChunked + "9\r\na\nbc", ErrorCode::kUnavailable, {"a"}},
      {"cut between chunks", kChunked + chunk("a\nbc"), ErrorCode::kUnavailable, {"a"}},
      {"cut within a length",
       "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na\nbc",
       ErrorCode::kUnavailable,
       {"a"}},
      {"a bad chunk", kChunked + chunk("a\nbc") + "zz\r\n", ErrorCode::kUnavailable, {"a"}},
      {"a line of 8 MiB and two bytes",
       kChunked + chunk("a\n" + long_line + "yy\n"),
       ErrorCode::kInvalidArgument,
       {"a"}},
      {"a refusal without an end",
       "HTTP/1.1 500 No\r\nConnection: close\r\n\r\n" + long_line,
       ErrorCode::kInvalidArgument,
       {}},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const auto server = answering(test.answer);
    Watch watch(server);
    const auto result = watch.run();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), test.code) << result.error().message();
    EXPECT_EQ(watch.lines, test.lines);
  }
}

TEST(KubeWatchTest, ALineOfExactly8MiBIsGiven) {
  const auto server = answering(kChunked + chunk(std::string(8U << 20, 'x') + "\n") + "0\r\n\r\n");
  Watch watch(server);
  ASSERT_TRUE(watch.run());
  ASSERT_EQ(watch.lines.size(), 1U);
  EXPECT_EQ(watch.lines[0].size(), 8U << 20);
}

// A half-open connection: the server is there, but says nothing more. At every step.
TEST(KubeWatchTest, SilenceEndsItAtTheIdleTimeout) {
  for (const std::string& said : {std::string(), std::string("HTTP/1.1 2"), kChunked,
                                  kChunked + chunk("a\n"), kChunked + "5\r\nab"}) {
    SCOPED_TRACE(said);
    std::latch done{1};
    const RawServer server([&](RawPeer& peer) {
      peer.read_message();
      peer.send(said);
      done.wait();
    });
    Watch watch(server);
    watch.idle = 50ms;
    const auto result = watch.run();
    done.count_down();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), ErrorCode::kDeadlineExceeded);
  }
}

TEST(KubeWatchTest, SilenceInTheHandshakeEndsItToo) {
  std::latch done{1};
  const RawServer server([&done](RawPeer&) { done.wait(); });
  Watch watch(server);
  watch.endpoint.url = server.url("https");
  watch.idle = 50ms;
  const auto result = watch.run();
  done.count_down();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kDeadlineExceeded);
}

// At every step: a stop from another thread is a clean end, though the server never moves.
TEST(KubeWatchTest, AStopEndsItWhileItWaits) {
  struct Case {
    const char *name, *scheme;
    std::string said;
  };
  const Case cases[] = {
      {"in the handshake", "https", ""},
      {"before the answer", "http", ""},
      {"in the header", "http", "HTTP/1.1 2"},
      {"before the first line", "http", kChunked},
      {"within a line", "http", kChunked + chunk("a\nb")},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    std::latch waiting{1}, done{1};
    const RawServer server([&](RawPeer& peer) {
      if (test.scheme == std::string("http")) peer.read_message();
      peer.send(test.said);
      waiting.count_down();
      done.wait();
    });
    Watch watch(server);
    watch.endpoint.url = server.url(test.scheme);
    std::thread stopper([&] {
      waiting.wait();
      watch.stop.request_stop();
    });
    const auto result = watch.run();
    stopper.join();
    done.count_down();
    ASSERT_TRUE(result) << result.error().message();
    EXPECT_EQ(result->status, 200);
    EXPECT_TRUE(result->body.empty());
  }
}

TEST(KubeWatchTest, AStopBeforeTheStartAndOneFromTheSinkAreCleanEnds) {
  const auto server = answering(kChunked + chunk("1\n2\n"));
  Watch early(server);
  early.stop.request_stop();
  EXPECT_TRUE(early.run());
  EXPECT_TRUE(early.lines.empty());

  Watch within(server);
  within.on_line = [&within] {
    within.stop.request_stop();
    return true;
  };
  EXPECT_TRUE(within.run());
  EXPECT_EQ(within.lines, Lines{"1"});
}

TEST(KubeWatchTest, TheStreamIsReadOverTlsAndItsEndIsTheServersWord) {
  const testing::TestAuthority authority;
  const auto context = testing::server_context(authority.issue("IP:127.0.0.1"));
  std::atomic<bool> finish = true;
  const RawServer server([&](RawPeer& peer) {
    if (!peer.start_tls(context.get(), true)) return;
    peer.read_message();
    for (const char c : kChunked + chunk("{\"a\":1}\n")) peer.send({&c, 1});
    if (finish) peer.send("0\r\n\r\n");
  });
  Watch whole(server);
  whole.endpoint.url = server.url("https");
  whole.endpoint.ca_pem = authority.pem();
  const auto result = whole.run();
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(whole.lines, Lines{"{\"a\":1}"});

  finish = false;  // somebody in between cuts the connection
  Watch cut(server);
  cut.endpoint = whole.endpoint;
  const auto failed = cut.run();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), ErrorCode::kUnavailable);
}

TEST(KubeWatchTest, TheRequestIsAsAsked) {
  std::string head;
  const RawServer server([&head](RawPeer& peer) {
    head = peer.read_message().head;
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  Watch watch(server);
  watch.endpoint.token = "secret";
  watch.endpoint.url += "/prefix/";
  ASSERT_TRUE(watch.run());
  EXPECT_EQ(head, "GET /prefix/api/v1/pods?watch=1 HTTP/1.1\r\nHost: 127.0.0.1:" +
                      std::to_string(server.port()) + "\r\nAuthorization: Bearer secret\r\n\r\n");
}

}  // namespace
}  // namespace portcullis::http
