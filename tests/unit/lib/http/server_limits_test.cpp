#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "lib/http/server.hpp"
#include "tests/unit/lib/http/raw_peer.hpp"

namespace portcullis::http {
namespace {

using namespace std::chrono_literals;
using testing::RawPeer;

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

class ServerLimitsTest : public ::testing::Test {
 protected:
  ServerLimitsTest() {
    options_.address = "127.0.0.1";
    options_.max_header_bytes = 1'024;
    options_.max_body_bytes = 1'000;
  }

  void start() {
    auto server = Server::create(options_, Server::Security::kPlain, [this](const Request&) {
      ++handled_;
      return Response{200, {}, std::string(answer_bytes_, 'x')};
    });
    ASSERT_TRUE(server) << server.error().message();
    server_ = std::move(*server);
    server_->start();
  }
  RawPeer connect() const { return RawPeer::connect(server_->port()); }

  ServerOptions options_;
  std::size_t answer_bytes_ = 2;
  std::atomic<int> handled_ = 0;
  std::unique_ptr<Server> server_;
};

std::string post(const std::string& headers, const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n" + body;
}

// Each way a request can be too much or malformed: answered, closed, and never handled.
TEST_F(ServerLimitsTest, WhatIsTooMuchOrMalformedIsRefusedBeforeTheHandler) {
  struct Case {
    const char* name;
    std::string sent;
    int status;
  };
  const Case cases[] = {
      {"long header", "GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(1'100, 'a') + "\r\n\r\n",
       431},
      {"long header without an end", "GET / HTTP/1.1\r\nA: " + std::string(1'100, 'a'), 431},
      {"long target", "GET /" + std::string(1'100, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", 431},
      {"long body announced", post("Content-Length: 1001\r\n", ""), 413},
      {"long body sent", post("Content-Length: 8000\r\n", std::string(8'000, 'b')), 413},
      {"huge body announced", post("Content-Length: 18446744073709551615\r\n", ""), 413},
      {"one long chunk", post("Transfer-Encoding: chunked\r\n", "3e9\r\n"), 413},
      {"many chunks",
       post("Transfer-Encoding: chunked\r\n",
            "1f4\r\n" + std::string(500, 'c') + "\r\n1f5\r\n" + std::string(501, 'c') + "\r\n"),
       413},
      {"long body behind expect", post("Content-Length: 1001\r\nExpect: 100-continue\r\n", ""),
       413},
      {"unknown expectation", post("Content-Length: 1\r\nExpect: miracles\r\n", "x"), 417},
      {"no HTTP", "hello\r\n\r\n", 400},
      {"bad version", "GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400},
      {"bad header line", "GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400},
      {"bad length", post("Content-Length: x\r\n", ""), 400},
      {"two lengths", post("Content-Length: 1\r\nContent-Length: 2\r\n", ""), 400},
      {"length and chunks", post("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", ""), 400},
      {"bad chunk", post("Transfer-Encoding: chunked\r\n", "zz\r\n"), 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
      {"absolute target", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"tunnel", "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
  };
  start();
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    auto peer = connect();
    peer.send(test.sent);
    const auto answer = peer.read_message();
    EXPECT_EQ(answer.status(), test.status);
    EXPECT_TRUE(answer.has("Connection: close\r\n"));
    EXPECT_TRUE(peer.ended());
  }
  EXPECT_EQ(handled_, 0);
}

TEST_F(ServerLimitsTest, WhatIsJustWithinTheLimitsIsServed) {
  start();
  auto peer = connect();
  const std::string line = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
  peer.send(line + std::string(1'024 - line.size() - 4, 'a') + "\r\n\r\n");
  EXPECT_EQ(peer.read_message().status(), 200);
  peer.send(post("Content-Length: 1000\r\n", std::string(1'000, 'b')));
  EXPECT_EQ(peer.read_message().status(), 200);
}

// Each way to hold a connection without using it: closed without an answer.
TEST_F(ServerLimitsTest, ASlowClientIsCutOff) {
  options_.header_timeout = 50ms;
  options_.body_timeout = 50ms;
  options_.idle_timeout = 50ms;
  start();
  for (const std::string& sent :
       {std::string(), std::string("G"), std::string("GET / HTTP/1.1\r\nHost: x\r\n"),
        post("Content-Length: 100\r\n", "half"),
        post("Transfer-Encoding: chunked\r\n", "5\r\nab")}) {
    auto peer = connect();
    peer.send(sent);
    EXPECT_TRUE(peer.ended()) << sent;
  }
  EXPECT_EQ(handled_, 0);

  auto idle = connect();
  idle.send(kGet);
  EXPECT_EQ(idle.read_message().status(), 200);
  EXPECT_TRUE(idle.ended());
}

TEST_F(ServerLimitsTest, AClientThatTricklesItsHeaderGetsNoMoreTimeForEachByte) {
  options_.header_timeout = 50ms;
  options_.max_header_bytes = 64U << 20;
  start();
  auto peer = connect();
  peer.send("GET / HTTP/1.1\r\nHost: x\r\nA: ");
  // Ends when the server closes; were the time renewed, the header limit would end it with 431.
  for (std::size_t sent = 0; sent < options_.max_header_bytes && peer.send("a");) ++sent;
  EXPECT_TRUE(peer.ended());
}

TEST_F(ServerLimitsTest, AClientThatDoesNotReadItsAnswerIsCutOff) {
  options_.body_timeout = 50ms;
  answer_bytes_ = 256U << 20;  // more than any socket buffer
  start();
  auto slow = connect();
  slow.send(kGet);
  slow.read_until("\r\n\r\n");
  server_->drain(Deadline::after(30s));  // the request is under way until it is cut off
  EXPECT_LT(slow.read_to_end().size(), answer_bytes_);
}

TEST_F(ServerLimitsTest, AtTheCapTheConnectionIdleLongestMakesRoom) {
  options_.max_connections = 2;
  start();
  auto oldest = connect(), newer = connect();
  for (auto* const peer : {&oldest, &newer}) {
    peer->send(kGet);
    EXPECT_EQ(peer->read_message().status(), 200);
  }
  auto third = connect();
  third.send(kGet);
  EXPECT_EQ(third.read_message().status(), 200);
  EXPECT_TRUE(oldest.ended());
  newer.send(kGet);
  EXPECT_EQ(newer.read_message().status(), 200);
}

TEST_F(ServerLimitsTest, AtTheCapWithoutAnIdleConnectionTheNewOneIsClosed) {
  options_.max_connections = 2;
  start();
  auto first = connect(), second = connect();
  first.send("GET");
  second.send("GET");
  auto third = connect();
  EXPECT_TRUE(third.ended());
  first.send(" / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(first.read_message().status(), 200);
}

}  // namespace
}  // namespace portcullis::http
