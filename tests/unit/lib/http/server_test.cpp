#include "lib/http/server.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "tests/unit/lib/http/raw_peer.hpp"

namespace portcullis::http {
namespace {

using namespace std::chrono_literals;
using testing::RawPeer;

std::string get(std::string_view target, std::string_view more = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n" + std::string(more) + "\r\n";
}

ServerOptions local() {
  ServerOptions options;
  options.address = "127.0.0.1";
  return options;
}

std::unique_ptr<Server> serve(Handler handler, ServerOptions options = local()) {
  auto server = Server::create(std::move(options), Server::Security::kPlain, std::move(handler));
  EXPECT_TRUE(server) << server.error().message();
  (*server)->start();
  return std::move(*server);
}

/// Handles requests for "/held" only after release(); tells when such a request is being handled.
class HeldHandler {
 public:
  Response operator()(const Request& request) {
    if (request.target == "/held") {
      entered_.count_down();
      released_.wait();
    }
    return {200, {}, request.target};
  }
  void await_entry() { entered_.wait(); }
  void release() { released_.count_down(); }
  Handler handler() {
    return [this](const Request& request) { return (*this)(request); };
  }

 private:
  std::latch entered_{1}, released_{1};
};

TEST(ServerTest, TheHandlerSeesTheRequestAndItsAnswerIsSent) {
  Request seen;
  const auto server = serve([&seen](const Request& request) {
    seen = request;
    return Response{201, {{"X-Answer", "yes"}}, "body"};
  });
  auto peer = RawPeer::connect(server->port());
  peer.send(
      "POST /a/b?c=d HTTP/1.1\r\nhOsT: x\r\ncontent-TYPE: text/plain\r\nAccept: a\r\naccept: b\r\n"
      "Content-Length: 5\r\n\r\nhello");
  const auto answer = peer.read_message();
  EXPECT_EQ(answer.status(), 201);
  EXPECT_TRUE(answer.has("X-Answer: yes\r\n"));
  EXPECT_EQ(answer.body, "body");
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/a/b?c=d");
  EXPECT_EQ(seen.headers["Content-Type"], "text/plain");
  EXPECT_EQ(seen.headers["Accept"], "a, b");
  EXPECT_EQ(seen.body, "hello");
}

TEST(ServerTest, AConnectionIsKeptForTheNextRequest) {
  const auto server = serve([](const Request& request) {
    return Response{200, {}, request.target};
  });
  auto peer = RawPeer::connect(server->port());
  for (const auto* const target : {"/1", "/2", "/3"}) {
    peer.send(get(target));
    EXPECT_EQ(peer.read_message().body, target);
  }
}

TEST(ServerTest, ChunkedBodiesAreReadAndTheNextRequestIsFound) {
  const auto server = serve([](const Request& request) { return Response{200, {}, request.body}; });
  auto peer = RawPeer::connect(server->port());
  peer.send(
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e=1\r\nde\r\n"
      "0\r\n\r\n" +
      get("/"));
  EXPECT_EQ(peer.read_message().body, "abcde");
  EXPECT_EQ(peer.read_message().status(), 200);
}

TEST(ServerTest, PipelinedRequestsAreAnsweredInTheirOrder) {
  const auto server = serve([](const Request& request) {
    return Response{200, {}, request.target};
  });
  auto peer = RawPeer::connect(server->port());
  peer.send(get("/1") + get("/2") + get("/3"));
  for (const auto* const target : {"/1", "/2", "/3"}) {
    EXPECT_EQ(peer.read_message().body, target);
  }
}

TEST(ServerTest, HeadHasTheLengthButNotTheBody) {
  const auto server = serve([](const Request&) { return Response{200, {}, "12345"}; });
  auto peer = RawPeer::connect(server->port());
  peer.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + get("/"));
  EXPECT_TRUE(peer.read_message(false).has("Content-Length: 5\r\n"));
  EXPECT_EQ(peer.read_message().body, "12345");
}

TEST(ServerTest, NoContentHasNeitherLengthNorBody) {
  const auto server = serve([](const Request&) { return Response{204, {}, "dropped"}; });
  auto peer = RawPeer::connect(server->port());
  peer.send(get("/") + get("/"));
  const auto answer = peer.read_message();
  EXPECT_EQ(answer.status(), 204);
  EXPECT_FALSE(answer.has("Content-Length"));
  EXPECT_EQ(peer.read_message().status(), 204);
}

TEST(ServerTest, AClientThatAsksFirstIsToldToContinue) {
  const auto server = serve([](const Request& request) { return Response{200, {}, request.body}; });
  auto peer = RawPeer::connect(server->port());
  peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n");
  EXPECT_EQ(peer.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  peer.send("ok");
  EXPECT_EQ(peer.read_message().body, "ok");
}

TEST(ServerTest, AnOldClientIsAnsweredAndItsConnectionClosed) {
  const auto server = serve([](const Request&) { return Response{200, {}, "old"}; });
  auto peer = RawPeer::connect(server->port());
  peer.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(peer.read_message().body, "old");
  EXPECT_TRUE(peer.ended());
}

TEST(ServerTest, TheClientsWishToCloseIsGranted) {
  const auto server = serve([](const Request&) { return Response{200, {}, "last"}; });
  auto peer = RawPeer::connect(server->port());
  peer.send(get("/", "Connection: close\r\n"));
  const auto answer = peer.read_message();
  EXPECT_TRUE(answer.has("Connection: close\r\n"));
  EXPECT_EQ(answer.body, "last");
  EXPECT_TRUE(peer.ended());
}

TEST(ServerTest, AHandlerThatFailsIs500AndTheServerGoesOn) {
  const auto server = serve([](const Request& request) -> Response {
    if (request.target == "/throws") throw std::runtime_error("broken");
    if (request.target == "/odd") throw 42;
    return {request.target == "/no-status" ? 0 : 200, {}, ""};
  });
  auto peer = RawPeer::connect(server->port());
  for (const auto* const target : {"/throws", "/odd", "/no-status"}) {
    peer.send(get(target));
    const auto answer = peer.read_message();
    EXPECT_EQ(answer.status(), 500) << target;
    EXPECT_EQ(answer.body.find("broken"), std::string::npos);
  }
  peer.send(get("/fine"));
  EXPECT_EQ(peer.read_message().status(), 200);
}

TEST(ServerTest, AHandlersHeadersCanNeitherSplitNorReframeTheAnswer) {
  const auto server = serve([](const Request&) {
    return Response{200,
                    {{"X-Bad", "a\r\nX-Smuggled: b"},
                     {"content-length", "1"},
                     {"Transfer-Encoding", "chunked"},
                     {"connection", "close"},
                     {"X-Good", "c"}},
                    "12345"};
  });
  auto peer = RawPeer::connect(server->port());
  peer.send(get("/"));
  const auto answer = peer.read_message();
  EXPECT_EQ(answer.head, "HTTP/1.1 200 OK\r\nX-Good: c\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(answer.body, "12345");
}

TEST(ServerTest, AFullQueueIsAnsweredAtOnce) {
  auto options = local();
  options.workers = 1;
  options.max_queued = 1;
  HeldHandler held;
  const auto server = serve(held.handler(), options);
  auto first = RawPeer::connect(server->port());
  first.send(get("/held"));
  held.await_entry();
  // One of the next three waits in the queue, whichever comes first; the others find it full.
  std::latch refused{2};
  std::vector<std::future<RawPeer::Message>> others;
  for (int i = 0; i < 3; ++i) {
    others.push_back(std::async(std::launch::async, [&server, &refused] {
      auto peer = RawPeer::connect(server->port());
      peer.send(get("/queued"));
      auto answer = peer.read_message();
      if (answer.status() == 503 && answer.has("Retry-After: 1\r\n")) refused.count_down();
      return answer;
    }));
  }
  refused.wait();
  held.release();
  EXPECT_EQ(first.read_message().status(), 200);
  int served = 0;
  for (auto& other : others) served += other.get().status() == 200 ? 1 : 0;
  EXPECT_EQ(served, 1);
}

TEST(ServerTest, AClientThatIsGoneBeforeItsAnswerHurtsNobody) {
  std::signal(SIGPIPE, SIG_DFL);
  std::latch entered{1}, released{1};
  const auto server = serve([&](const Request& request) -> Response {
    if (request.target != "/big") return {200, {}, "alive"};
    entered.count_down();
    released.wait();
    return {200, {}, std::string(8U << 20, 'x')};
  });
  auto peer = RawPeer::connect(server->port());
  peer.send(get("/big"));
  entered.wait();
  peer.close();
  released.count_down();
  auto next = RawPeer::connect(server->port());
  next.send(get("/"));
  EXPECT_EQ(next.read_message().body, "alive");
}

TEST(ServerTest, WhatCannotBeListenedOnIsAnError) {
  const auto handler = [](const Request&) { return Response{200, {}, ""}; };
  const auto first = serve(handler);
  auto options = local();
  options.port = first->port();
  const auto taken = Server::create(options, Server::Security::kPlain, handler);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), ErrorCode::kUnavailable);
  EXPECT_NE(taken.error().message().find(std::to_string(first->port())), std::string::npos);

  options.address = "not-an-address";
  const auto bad = Server::create(options, Server::Security::kPlain, handler);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), ErrorCode::kInvalidArgument);
}

TEST(ServerDrainTest, WaitsForTheRequestUnderWayAndThenAcceptsNothing) {
  HeldHandler held;
  const auto server = serve(held.handler());
  auto under_way = RawPeer::connect(server->port());
  under_way.send(get("/held"));
  held.await_entry();
  auto drained = std::async(std::launch::async, [&server] { server->drain(Deadline::after(60s)); });

  // Still accepted while the first is under way; once drain has begun, each answer says close.
  bool closing = false;
  while (!closing) {
    auto peer = RawPeer::connect(server->port());
    ASSERT_TRUE(peer.connected());
    peer.send(get("/meanwhile"));
    const auto answer = peer.read_message();
    ASSERT_EQ(answer.status(), 200);
    closing = answer.has("Connection: close\r\n");
  }
  held.release();
  const auto answer = under_way.read_message();
  EXPECT_EQ(answer.body, "/held");
  EXPECT_TRUE(answer.has("Connection: close\r\n"));
  EXPECT_TRUE(under_way.ended());
  drained.get();
  EXPECT_FALSE(RawPeer::connect(server->port()).connected());
}

TEST(ServerDrainTest, WithoutARequestItEndsAtOnceAndClosesIdleConnections) {
  const auto server = serve([](const Request&) { return Response{200, {}, ""}; });
  auto idle = RawPeer::connect(server->port());
  idle.send(get("/"));
  EXPECT_EQ(idle.read_message().status(), 200);
  server->drain(Deadline::after(60s));
  EXPECT_TRUE(idle.ended());
  EXPECT_FALSE(RawPeer::connect(server->port()).connected());
}

TEST(ServerDrainTest, GivesUpAtTheDeadlineAndLetsTheRequestGoOn) {
  HeldHandler held;
  const auto server = serve(held.handler());
  auto peer = RawPeer::connect(server->port());
  peer.send(get("/held"));
  held.await_entry();
  server->drain(Deadline::after(1ms));
  EXPECT_FALSE(RawPeer::connect(server->port()).connected());
  held.release();
  EXPECT_EQ(peer.read_message().body, "/held");
}

TEST(ServerDrainTest, AServerThatNeverStartedCanBeDrained) {
  const auto server =
      Server::create(local(), Server::Security::kPlain, [](const Request&) { return Response{}; });
  ASSERT_TRUE(server);
  (*server)->drain(Deadline::after(60s));
  EXPECT_FALSE(RawPeer::connect((*server)->port()).connected());
}

TEST(ServerDrainTest, TheDestructorEndsConnectionsInEveryState) {
  HeldHandler held;
  std::vector<RawPeer> peers;
  {
    const auto server = serve(held.handler());
    for (const auto& sent : {std::string(), std::string("GET / HT"), get("/idle"),
                             std::string("POST / HTTP/1.1\r\n"
                                         "Host: x\r\nContent-"
                                         "Length: 9\r\n\r\nab")}) {
      peers.push_back(RawPeer::connect(server->port()));
      peers.back().send(sent);
    }
    EXPECT_EQ(peers[2].read_message().status(), 200);
  }
  for (auto& peer : peers) EXPECT_TRUE(peer.ended());
}

}  // namespace
}  // namespace portcullis::http
