#include "lib/http/web_client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <latch>
#include <thread>
#include <vector>

#include "lib/http/server.hpp"
#include "tests/unit/lib/http/raw_peer.hpp"
#include "tests/unit/lib/http/test_certificates.hpp"

namespace portcullis::http {
namespace {

using namespace std::chrono_literals;
using testing::RawPeer;
using testing::RawServer;

Deadline soon() { return Deadline::after(60s); }

WebRequest get(const std::string& url) {
  WebRequest request;
  request.url = url;
  return request;
}

class WebClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<Server> serve(Server::Security security) {
    ServerOptions options;
    options.address = "127.0.0.1";
    auto server = Server::create(options, security,
                                 [this](const Request& request) { return handler_(request); });
    EXPECT_TRUE(server) << server.error().message();
    if (security == Server::Security::kTls) {
      EXPECT_TRUE((*server)->set_certificate(authority_.issue("IP:127.0.0.1")));
    }
    (*server)->start();
    url_ = (security == Server::Security::kTls ? "https" : "http") + std::string("://127.0.0.1:") +
           std::to_string((*server)->port());
    return std::move(*server);
  }

  Error failure(const WebRequest& request, Deadline deadline = soon()) {
    const auto result = client_->fetch(request, deadline);
    EXPECT_FALSE(result) << request.url;
    return result ? Error(ErrorCode::kInternal, "no failure") : result.error();
  }
  static void expect(const Error& error, ErrorCode code, std::string_view start) {
    EXPECT_EQ(error.code(), code) << error.message();
    EXPECT_EQ(error.message().substr(0, start.size()), start);
  }

  testing::TestAuthority authority_;
  std::function<Response(const Request&)> handler_ = [](const Request&) {
    return Response{200, {}, "fine"};
  };
  std::string url_;
  std::unique_ptr<WebClient> client_ = make_web_client("portcullis/test");
};

TEST_F(WebClientTest, CarriesRequestAndAnswerUnchanged) {
  Request seen;
  handler_ = [&seen](const Request& request) {
    seen = request;
    return Response{401,
                    {{"WWW-Authenticate", "Bearer realm=\"https://auth.test/token\",service=\"r\""},
                     {"Content-Encoding", "gzip"}},
                    "not gzip"};
  };
  const auto server = serve(Server::Security::kPlain);
  WebRequest request = get(url_ + "/v2/a/manifests/b?c=d");
  request.method = "POST";
  request.headers = {{"Accept", "application/json"}, {"X-Empty", ""}};
  request.body = std::string(2'000, 'b') + '\0' + "end";
  const auto answer = client_->fetch(request, soon());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 401);
  EXPECT_EQ(answer->header("www-authenticate"),
            "Bearer realm=\"https://auth.test/token\",service=\"r\"");
  EXPECT_EQ(answer->body, "not gzip");
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/v2/a/manifests/b?c=d");
  EXPECT_EQ(seen.headers["Accept"], "application/json");
  EXPECT_EQ(seen.headers.count("X-Empty"), 1U);
  EXPECT_EQ(seen.headers["User-Agent"], "portcullis/test");
  EXPECT_EQ(seen.headers.count("Accept-Encoding"), 0U);
  EXPECT_EQ(seen.headers.count("Expect"), 0U);
  EXPECT_EQ(seen.body, request.body);
}

TEST_F(WebClientTest, AHeadAnswerTellsALengthOfAnySize) {
  const RawServer server([](RawPeer& peer) {
    peer.read_message(false);
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n");
  });
  auto request = get(server.url());
  request.method = "HEAD";
  const auto answer = client_->fetch(request, soon());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->header("Content-Length"), "99999999999");
  EXPECT_TRUE(answer->body.empty());
}

TEST_F(WebClientTest, ARedirectIsAnAnswer) {
  std::atomic<int> requests = 0;
  handler_ = [&](const Request&) {
    ++requests;
    return Response{307, {{"Location", "http://127.0.0.1:1/elsewhere"}}, ""};
  };
  const auto server = serve(Server::Security::kPlain);
  const auto answer = client_->fetch(get(url_), soon());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 307);
  EXPECT_EQ(answer->header("location"), "http://127.0.0.1:1/elsewhere");
  EXPECT_EQ(requests, 1);
}

TEST_F(WebClientTest, RepeatedHeadersAreJoinedAndAnInterimAnswersAreDropped) {
  const RawServer server([](RawPeer& peer) {
    peer.read_message(false);
    peer.send(
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nA:  1 \r\na: 2\r\n"
        "Content-Length: 0\r\n\r\n");
  });
  const auto answer = client_->fetch(get(server.url()), soon());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->header("A"), "1, 2");
  EXPECT_EQ(answer->header("Link"), "");
}

TEST_F(WebClientTest, AConnectionIsUsedAgainForItsHost) {
  const RawServer server([](RawPeer& peer) {
    while (!peer.read_message(false).head.empty()) {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
  });
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client_->fetch(get(server.url("http")), soon()));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(WebClientTest, ManyThreadsMayFetchAtOnce) {
  handler_ = [](const Request& request) { return Response{200, {}, request.target}; };
  const auto server = serve(Server::Security::kTls);
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, target = "/" + std::to_string(i)] {
        auto request = get(url_ + target);
        request.ca_pem = authority_.pem();
        const auto answer = client_->fetch(request, soon());
        if (answer && answer->body == target) ++right;
      });
    }
  }
  EXPECT_EQ(right, 8);
}

TEST_F(WebClientTest, AnAnswerOverTheCapIsCutWhileReading) {
  std::atomic<std::size_t> sent = 0;
  const RawServer server([&sent](RawPeer& peer) {
    const bool announced = peer.read_message(false).has("/announced ");
    peer.send(announced ? "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"
                        : "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    const std::string piece(64U << 10, 'x');
    while (!announced && sent < 256U << 20 && peer.send(piece)) sent += piece.size();
  });
  for (const auto* const target : {"/announced", "/endless"}) {
    auto request = get(server.url() + target);
    request.max_body_bytes = 1'000;
    expect(failure(request), ErrorCode::kInvalidArgument, "the answer is larger than the 1000 ");
  }
  EXPECT_LT(sent, 256U << 20);
}

TEST_F(WebClientTest, AnAnswerOfExactlyTheCapIsRead) {
  handler_ = [](const Request&) { return Response{200, {}, std::string(1'000, 'x')}; };
  const auto server = serve(Server::Security::kPlain);
  auto request = get(url_);
  request.max_body_bytes = 1'000;
  const auto answer = client_->fetch(request, soon());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body.size(), 1'000U);
}

TEST_F(WebClientTest, HeadersWithoutAnEndAreCut) {
  const RawServer server([](RawPeer& peer) {
    peer.read_message(false);
    peer.send("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 100'000 && peer.send("A: " + std::string(1'000, 'a') + "\r\n"); ++i)
      continue;
  });
  expect(failure(get(server.url())), ErrorCode::kInvalidArgument, "");
}

TEST_F(WebClientTest, OnlyTheGivenRootsAreTrustedAndOnlyForThatRequest) {
  const auto server = serve(Server::Security::kTls);
  auto trusting = get(url_);
  trusting.ca_pem = authority_.pem();
  const auto answer = client_->fetch(trusting, soon());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body, "fine");

  // The connection of the first request is idle now: it must serve neither of these.
  expect(failure(get(url_)), ErrorCode::kPermissionDenied, "tls: ");
  auto strange = get(url_);
  strange.ca_pem = testing::TestAuthority("Stranger CA").pem();
  expect(failure(strange), ErrorCode::kPermissionDenied, "tls: ");
  strange.ca_pem = "no PEM";
  expect(failure(strange), ErrorCode::kPermissionDenied, "tls: ");
}

TEST_F(WebClientTest, AServerWithAnotherNameIsRefused) {
  const auto server = serve(Server::Security::kTls);
  ASSERT_TRUE(server->set_certificate(authority_.issue("DNS:other.test")));
  auto request = get(url_);
  request.ca_pem = authority_.pem();
  expect(failure(request), ErrorCode::kPermissionDenied, "tls: ");
}

// Each way not to get an answer, with the step at which it failed.
TEST_F(WebClientTest, EachFailureSaysAtWhichStep) {
  const auto closed_port = [] { return RawServer([](RawPeer&) {}).url(); }();
  const RawServer mute([](RawPeer& peer) { peer.read_message(false); });
  const RawServer half([](RawPeer& peer) {
    peer.read_message(false);
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  });
  const RawServer nonsense([](RawPeer& peer) {
    peer.read_message(false);
    peer.send("nonsense\r\n\r\n");
  });
  const RawServer hangs_up([](RawPeer& peer) { peer.read_exactly(1); });
  const RawServer plain([](RawPeer& peer) {
    peer.read_exactly(1);
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  // A label has at most 63 octets: the resolver refuses it without asking the network.
  const auto no_such_host = "http://" + std::string(64, 'a') + ".invalid/";
  struct Case {
    const char* name;
    std::string url;
    ErrorCode code;
    const char* start;
  };
  const Case cases[] = {
      {"no such host", no_such_host, ErrorCode::kUnavailable, "dns: "},
      {"nobody listens", closed_port, ErrorCode::kUnavailable, "connect: "},
      {"no answer", mute.url(), ErrorCode::kUnavailable, "connect: "},
      {"half an answer", half.url(), ErrorCode::kUnavailable, "connect: "},
      {"no HTTP", nonsense.url(), ErrorCode::kUnavailable, "connect: "},
      {"hangs up in the handshake", hangs_up.url("https"), ErrorCode::kUnavailable, "connect: "},
      {"no TLS", plain.url("https"), ErrorCode::kPermissionDenied, "tls: "},
      {"link-local", "http://169.254.169.254/", ErrorCode::kUnavailable,
       "connect: refused: 169.254.169.254 "},
      {"link-local in IPv6", "http://[::ffff:169.254.169.254]/", ErrorCode::kUnavailable,
       "connect: refused: ::ffff:169.254.169.254 "},
      {"link-local as one number", "http://2852039166/", ErrorCode::kUnavailable,
       "connect: refused: 169.254.169.254 "},
      {"no URL", "", ErrorCode::kInvalidArgument, "bad URL: "},
      {"bad URL", "http://[::1", ErrorCode::kInvalidArgument, "bad URL: "},
      {"other protocol", "file:///etc/passwd", ErrorCode::kInvalidArgument, "bad URL: "},
      {"other protocol", "ftp://127.0.0.1/", ErrorCode::kInvalidArgument, "bad URL: "},
      {"credentials in the URL", "http://user:geheim@127.0.0.1/", ErrorCode::kInvalidArgument,
       "bad URL: "},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const auto error = failure(get(test.url));
    expect(error, test.code, test.start);
    EXPECT_EQ(error.message().find("geheim"), std::string::npos);
  }
}

TEST_F(WebClientTest, TheDeadlineHoldsAtEachStep) {
  for (const std::string& said :
       {std::string(), std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")}) {
    for (const auto* const scheme : {"http", "https"}) {
      std::latch done{1};
      const RawServer server([&](RawPeer& peer) {
        if (scheme == std::string("http")) {
          peer.read_message(false);
          peer.send(said);
        }
        done.wait();
      });
      const auto error = failure(get(server.url(scheme)), Deadline::after(100ms));
      done.count_down();
      EXPECT_EQ(error.code(), ErrorCode::kDeadlineExceeded) << error.message();
    }
  }
  expect(failure(get("http://127.0.0.1:1/"), Deadline::after(0ms)), ErrorCode::kDeadlineExceeded,
         "");
}

TEST_F(WebClientTest, ARequestThatCouldBecomeAnotherIsNotSent) {
  const RawServer server([](RawPeer&) {});
  auto split = get(server.url());
  split.headers = {{"A", "b\r\nC: d"}};
  expect(failure(split), ErrorCode::kInvalidArgument, "");
  auto odd = get(server.url());
  odd.method = "DELETE";
  expect(failure(odd), ErrorCode::kInvalidArgument, "");
  EXPECT_EQ(server.connections(), 0);
}

}  // namespace
}  // namespace portcullis::http
