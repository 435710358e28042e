#include "lib/http/kube_transport.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <atomic>
#include <filesystem>
#include <fstream>
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

// A name that the resolver refuses by itself (RFC 1035: a label has at most 63 octets), so that no
// test asks the network.
const std::string kUnresolvable = std::string(64, 'a') + ".invalid";

Deadline soon() { return Deadline::after(60s); }
Request get(std::string target) { return {"GET", std::move(target), {}, ""}; }

std::unique_ptr<KubeTransport> transport_to(const KubeEndpoint& endpoint) {
  auto transport = make_kube_transport(endpoint);
  EXPECT_TRUE(transport) << transport.error().message();
  return std::move(*transport);
}
std::unique_ptr<KubeTransport> transport_to(const RawServer& server) {
  KubeEndpoint endpoint;
  endpoint.url = server.url();
  return transport_to(endpoint);
}

/// Our own server as the API server, with a certificate for 127.0.0.1 and "api.test".
class KubeTransportTest : public ::testing::Test {
 protected:
  KubeTransportTest() {
    ServerOptions options;
    options.address = "127.0.0.1";
    auto server = Server::create(options, Server::Security::kTls,
                                 [this](const Request& request) { return handler_(request); });
    EXPECT_TRUE(server) << server.error().message();
    server_ = std::move(*server);
    serve_as("IP:127.0.0.1,DNS:api.test");
    server_->start();
    endpoint_.url = "https://127.0.0.1:" + std::to_string(server_->port());
    endpoint_.ca_pem = authority_.pem();
  }
  void serve_as(const std::string& names) {
    EXPECT_TRUE(server_->set_certificate(authority_.issue(names)));
  }

  /// The error of both ways to the server; they must agree.
  Error refusal(const KubeEndpoint& endpoint) {
    const auto transport = transport_to(endpoint);
    const auto sent = transport->send(get("/"), soon());
    const auto streamed =
        transport->stream(get("/"), 60s, {}, [](std::string_view) { return true; });
    EXPECT_FALSE(sent);
    EXPECT_FALSE(streamed);
    if (sent || streamed) return Error(ErrorCode::kInternal, "not refused");
    EXPECT_EQ(sent.error().code(), streamed.error().code());
    EXPECT_EQ(sent.error().message(), streamed.error().message());
    return sent.error();
  }

  testing::TestAuthority authority_, stranger_{"Stranger CA"};
  std::function<Response(const Request&)> handler_ = [](const Request&) {
    return Response{200, {}, "{}"};
  };
  std::unique_ptr<Server> server_;
  KubeEndpoint endpoint_;
};

TEST_F(KubeTransportTest, CarriesRequestAndAnswerUnchanged) {
  Request seen;
  handler_ = [&seen](const Request& request) {
    seen = request;
    return Response{409, {{"Warning", "299 - \"old\""}, {"Content-Encoding", "gzip"}}, "not gzip"};
  };
  endpoint_.url += "/k8s/clusters/c-1/";
  endpoint_.token = "secret";
  const auto answer = transport_to(endpoint_)->send(
      {"PATCH",
       "/api/v1/namespaces/a%2Fb/pods?fieldManager=x&labelSelector=app%3Dy%2Cz!%3D1&force=true",
       {{"content-type", "application/apply-patch+yaml"}, {"Accept", "application/json"}},
       "{\"a\":\"\xc3\xa9\"}"},
      soon());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 409);
  EXPECT_EQ(answer->header("warning"), "299 - \"old\"");
  EXPECT_EQ(answer->body, "not gzip");
  EXPECT_EQ(seen.method, "PATCH");
  EXPECT_EQ(
      seen.target,
      "/k8s/clusters/c-1/api/v1/namespaces/a%2Fb/pods?fieldManager=x&labelSelector=app%3Dy%2Cz"
      "!%3D1&force=true");
  EXPECT_EQ(seen.headers["Content-Type"], "application/apply-patch+yaml");
  EXPECT_EQ(seen.headers["Accept"], "application/json");
  EXPECT_EQ(seen.headers["Authorization"], "Bearer secret");
  EXPECT_EQ(seen.headers.count("Accept-Encoding"), 0U);
  EXPECT_EQ(seen.body, "{\"a\":\"\xc3\xa9\"}");
}

TEST_F(KubeTransportTest, ABodyOfAnyBytesIsJsonUnlessTheRequestSaysOtherwise) {
  Request seen;
  handler_ = [&seen](const Request& request) {
    seen = request;
    return Response{200, {}, request.body};
  };
  const std::string bytes = std::string("\0\xff\xfe", 3) + std::string(100'000, '\x80');
  const auto answer = transport_to(endpoint_)->send({"POST", "/", {}, bytes}, soon());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body, bytes);
  EXPECT_EQ(seen.headers["Content-Type"], "application/json");
}

TEST_F(KubeTransportTest, ABigAnswerIsReadWholeAndManyThreadsMayAskAtOnce) {
  const std::string big(12U << 20, 'x');
  handler_ = [&big](const Request& request) {
    return Response{200, {}, request.target == "/big" ? big : request.target};
  };
  const auto transport = transport_to(endpoint_);
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, target = i == 0 ? std::string("/big") : "/" + std::to_string(i)] {
        const auto answer = transport->send(get(target), soon());
        if (answer && answer->body == (target == "/big" ? big : target)) ++right;
      });
    }
  }
  EXPECT_EQ(right, 8);
}

TEST_F(KubeTransportTest, ARedirectIsAnAnswer) {
  std::atomic<int> requests = 0;
  handler_ = [&](const Request&) {
    ++requests;
    return Response{307, {{"Location", endpoint_.url + "/elsewhere"}}, ""};
  };
  endpoint_.token = "secret";
  const auto answer = transport_to(endpoint_)->send(get("/"), soon());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 307);
  EXPECT_EQ(answer->header("Location"), endpoint_.url + "/elsewhere");
  EXPECT_EQ(requests, 1);
}

// Each way the server can be somebody else.
TEST_F(KubeTransportTest, AServerThatDoesNotProveItsNameIsRefused) {
  auto other_ca = endpoint_;
  other_ca.ca_pem = stranger_.pem();
  const auto untrusted = refusal(other_ca);
  EXPECT_EQ(untrusted.code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(untrusted.message(),
            "tls: certificate verify failed (unable to get local issuer certificate)");

  auto other_name = endpoint_;
  other_name.tls_server_name = "other.test";
  const auto misnamed = refusal(other_name);
  EXPECT_EQ(misnamed.code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(misnamed.message(), "tls: certificate verify failed (hostname mismatch)");

  serve_as("DNS:127.0.0.1");  // a name is no address
  const auto by_address = refusal(endpoint_);
  EXPECT_EQ(by_address.code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(by_address.message(), "tls: certificate verify failed (IP address mismatch)");

  auto system = endpoint_;
  system.ca_pem.clear();
  EXPECT_EQ(refusal(system).code(), ErrorCode::kPermissionDenied);
}

TEST_F(KubeTransportTest, TheServerNameCanBeGivenApartFromTheAddress) {
  serve_as("DNS:api.test");
  endpoint_.tls_server_name = "api.test";
  const auto transport = transport_to(endpoint_);
  EXPECT_TRUE(transport->send(get("/"), soon()));
  EXPECT_TRUE(transport->stream(get("/"), 60s, {}, [](std::string_view) { return true; }));
}

TEST_F(KubeTransportTest, VerificationCanBeSwitchedOff) {
  serve_as("DNS:other.test");
  endpoint_.ca_pem.clear();
  endpoint_.insecure_skip_tls_verify = true;
  const auto transport = transport_to(endpoint_);
  EXPECT_TRUE(transport->send(get("/"), soon()));
  EXPECT_TRUE(transport->stream(get("/"), 60s, {}, [](std::string_view) { return true; }));
}

TEST_F(KubeTransportTest, AfterA401AChangedTokenFileIsTriedOnce) {
  const auto path = std::filesystem::path(::testing::TempDir()) / "kube_transport_token";
  const auto write = [&path](std::string_view token) {
    std::ofstream(path, std::ios::trunc) << token;
  };
  std::vector<std::string> tokens;
  handler_ = [&](const Request& request) {
    tokens.push_back(request.headers.at("Authorization"));
    if (tokens.size() == 1) write("new");
    return Response{tokens.back() == "Bearer new" ? 200 : 401, {}, ""};
  };
  write("old");
  endpoint_.token_file = path;
  const auto transport = transport_to(endpoint_);
  const auto answer = transport->send(get("/"), soon());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(tokens, (std::vector<std::string>{"Bearer old", "Bearer new"}));

  handler_ = [&](const Request& request) {
    tokens.push_back(request.headers.at("Authorization"));
    return Response{401, {}, ""};
  };
  tokens.clear();
  const auto refused = transport->send(get("/"), soon());
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 401);
  EXPECT_EQ(tokens.size(), 1U);  // the file is the same: asking again is of no use
  std::filesystem::remove(path);
}

TEST_F(KubeTransportTest, WhatMissesItsDeadlineIsGivenUpAndTheNextRequestIsServed) {
  // Shared: the handler of the request that is given up may wake up after this body has ended.
  const auto released = std::make_shared<std::latch>(1);
  handler_ = [released](const Request& request) {
    if (request.target == "/slow") released->wait();
    return Response{200, {}, ""};
  };
  const auto transport = transport_to(endpoint_);
  const auto late = transport->send(get("/slow"), Deadline::after(50ms));
  const auto fast = transport->send(get("/fast"), soon());
  released->count_down();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), ErrorCode::kDeadlineExceeded);
  EXPECT_TRUE(fast);
  const auto spent = transport->send(get("/fast"), Deadline::after(0ms));
  ASSERT_FALSE(spent);
  EXPECT_EQ(spent.error().code(), ErrorCode::kDeadlineExceeded);
}

TEST_F(KubeTransportTest, WhoCannotBeReachedIsUnavailableAndTheMessageSaysAtWhichStep) {
  const auto closed_port = [] { return RawServer([](RawPeer&) {}).url(); }();
  KubeEndpoint closed;
  closed.url = closed_port;
  for (const auto& [url, step] :
       {std::pair(closed_port, "connect: "), std::pair("http://" + kUnresolvable, "dns: ")}) {
    KubeEndpoint endpoint;
    endpoint.url = url;
    const auto transport = transport_to(endpoint);
    const auto sent = transport->send(get("/"), soon());
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(sent.error().message().rfind(step, 0), 0U) << sent.error().message();
    const auto streamed =
        transport->stream(get("/"), 60s, {}, [](std::string_view) { return true; });
    ASSERT_FALSE(streamed);
    EXPECT_EQ(streamed.error().code(), ErrorCode::kUnavailable);
    EXPECT_EQ(streamed.error().message().rfind(step, 0), 0U) << streamed.error().message();
  }
}

// Each way an answer can break off.
TEST(KubeTransportRawTest, ABrokenAnswerIsUnavailableNeverHalfAnAnswer) {
  for (const std::string& answer :
       {std::string(), std::string("HTTP/1.1 200 OK\r\nContent-"), std::string("nonsense\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")}) {
    SCOPED_TRACE(answer);
    const RawServer server([&answer](RawPeer& peer) {
      peer.read_message();
      peer.send(answer);
    });
    const auto result = transport_to(server)->send(get("/"), soon());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), ErrorCode::kUnavailable);
  }
}

TEST(KubeTransportRawTest, AHalfOpenConnectionEndsAtTheDeadline) {
  std::latch done{1};
  const RawServer server([&done](RawPeer& peer) {
    peer.read_message();
    done.wait();
  });
  const auto result = transport_to(server)->send(get("/"), Deadline::after(50ms));
  done.count_down();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kDeadlineExceeded);
}

TEST(KubeTransportRawTest, AnAnswerWithoutAnEndIsCutAt128MiB) {
  std::atomic<std::size_t> sent = 0;
  const RawServer server([&sent](RawPeer& peer) {
    peer.read_message();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "100000\r\n" + std::string(1U << 20, 'x') + "\r\n";
    while (sent < 200U << 20 && peer.send(chunk)) sent += 1U << 20;
  });
  const auto result = transport_to(server)->send(get("/"), soon());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_LT(sent, 200U << 20);
}

TEST(KubeTransportRawTest, AConnectionIsUsedAgain) {
  const RawServer server([](RawPeer& peer) {
    while (!peer.read_message().head.empty()) {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
  });
  const auto transport = transport_to(server);
  for (int i = 0; i < 3; ++i) {
    const auto answer = transport->send(get("/"), soon());
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->body, "ok");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(KubeTransportRawTest, AClientCertificateIsShown) {
  const testing::TestAuthority authority;
  const auto context = testing::server_context(authority.issue("IP:127.0.0.1"));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     [](int, X509_STORE_CTX*) { return 1; });
  std::vector<long> serials;
  const RawServer server([&](RawPeer& peer) {
    if (!peer.start_tls(context.get(), true)) return;
    X509* const shown = SSL_get1_peer_certificate(peer.tls());
    serials.push_back(ASN1_INTEGER_get(X509_get0_serialNumber(shown)));
    X509_free(shown);
    peer.read_message();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  const auto identity = authority.issue("DNS:operator.test", 42);
  KubeEndpoint endpoint;
  endpoint.url = server.url("https");
  endpoint.ca_pem = authority.pem();
  endpoint.client_certificate_pem = identity.certificate_chain_pem;
  endpoint.client_key_pem = identity.private_key_pem;
  const auto transport = transport_to(endpoint);
  EXPECT_TRUE(transport->stream(get("/"), 60s, {}, [](std::string_view) { return true; }));
  const auto sent = transport->send(get("/"), soon());
  EXPECT_TRUE(sent) << sent.error().message();
  EXPECT_EQ(serials, (std::vector<long>{42, 42}));
}

TEST(KubeTransportRawTest, AnIpv6AddressIsReachedThoughCpprestsdkCannot) {
  const int probe = ::socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 loopback{};
  loopback.sin6_family = AF_INET6;
  loopback.sin6_addr = in6addr_loopback;
  const bool there = probe >= 0 && ::bind(probe, reinterpret_cast<const sockaddr*>(&loopback),
                                          sizeof loopback) == 0;
  ::close(probe);
  if (!there) GTEST_SKIP() << "this machine has no IPv6 loopback";

  const testing::TestAuthority authority;
  ServerOptions options;
  options.address = "::1";
  const auto server = Server::create(options, Server::Security::kTls, [](const Request& request) {
    return Response{200, {}, request.method + request.headers.at("Host") + request.body};
  });
  ASSERT_TRUE(server) << server.error().message();
  ASSERT_TRUE((*server)->set_certificate(authority.issue("IP:::1")));
  (*server)->start();
  const auto port = std::to_string((*server)->port());
  KubeEndpoint endpoint;
  endpoint.url = "https://[::1]:" + port;
  endpoint.ca_pem = authority.pem();
  const auto answer = transport_to(endpoint)->send({"POST", "/", {}, "body"}, soon());
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->body, "POST[::1]:" + port + "body");
}

TEST(KubeTransportConfigurationTest, WhatDoesNotParseIsAnError) {
  const testing::TestAuthority authority;
  const auto good = authority.issue("DNS:a.test"), other = authority.issue("DNS:b.test");
  KubeEndpoint fine;
  fine.url = "https://127.0.0.1:6443";
  EXPECT_TRUE(make_kube_transport(fine));
  const std::pair<const char*, std::function<void(KubeEndpoint&)>> cases[] = {
      {"no URL", [](KubeEndpoint& endpoint) { endpoint.url.clear(); }},
      {"a URL with a query", [](KubeEndpoint& endpoint) { endpoint.url += "/?a=b"; }},
      {"a CA that is no PEM", [](KubeEndpoint& endpoint) { endpoint.ca_pem = "x"; }},
      {"a CA file that is not there", [](KubeEndpoint& endpoint) { endpoint.ca_file = "/absent"; }},
      {"a token file that is not there",
       [](KubeEndpoint& endpoint) { endpoint.token_file = "/absent"; }},
      {"a token with a line break", [](KubeEndpoint& endpoint) { endpoint.token = "a\nb"; }},
      {"a certificate without its key",
       [&](KubeEndpoint& endpoint) {
         endpoint.client_certificate_pem = good.certificate_chain_pem;
       }},
      {"another certificate's key",
       [&](KubeEndpoint& endpoint) {
         endpoint.client_certificate_pem = good.certificate_chain_pem;
         endpoint.client_key_pem = other.private_key_pem;
       }},
  };
  for (const auto& [name, spoil] : cases) {
    auto endpoint = fine;
    spoil(endpoint);
    const auto transport = make_kube_transport(endpoint);
    ASSERT_FALSE(transport) << name;
    EXPECT_EQ(transport.error().code(), ErrorCode::kInvalidArgument) << name;
  }
}

TEST(KubeTransportConfigurationTest, ARequestThatCouldBecomeAnotherIsNotSent) {
  const RawServer server([](RawPeer&) {});
  const auto transport = transport_to(server);
  const Request bad[] = {
      get(""),
      get("api/v1"),
      get("/a b"),
      get("/a\r\nX: y"),
      get("/a#b"),
      get("/\xc3\xa9"),
      {"", "/", {}, ""},
      {"GET /x HTTP/1.1\r\nA:", "/", {}, ""},
      {"GET", "/", {{"A", "b\r\nC: d"}}, ""},
      {"GET", "/", {{"A b", "c"}}, ""},
  };
  for (const auto& request : bad) {
    const auto sent = transport->send(request, soon());
    ASSERT_FALSE(sent) << request.target;
    EXPECT_EQ(sent.error().code(), ErrorCode::kInvalidArgument);
    const auto streamed =
        transport->stream(request, 60s, {}, [](std::string_view) { return true; });
    ASSERT_FALSE(streamed) << request.target;
    EXPECT_EQ(streamed.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(server.connections(), 0);
}

}  // namespace
}  // namespace portcullis::http
