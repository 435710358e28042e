#include <gtest/gtest.h>

#include "lib/http/server.hpp"
#include "tests/unit/lib/http/raw_peer.hpp"
#include "tests/unit/lib/http/test_certificates.hpp"

namespace portcullis::http {
namespace {

using namespace std::chrono_literals;
using testing::RawPeer;

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

class ServerTlsTest : public ::testing::Test {
 protected:
  void start() {
    options_.address = "127.0.0.1";
    auto server = Server::create(options_, Server::Security::kTls, [](const Request&) {
      return Response{200, {}, "secret"};
    });
    ASSERT_TRUE(server) << server.error().message();
    server_ = std::move(*server);
    server_->start();
  }
  void start_with_certificate() {
    start();
    const auto set = server_->set_certificate(authority_.issue("DNS:webhook.test", 7));
    ASSERT_TRUE(set) << set.error().message();
  }

  /// A connection after its handshake; `connected()` is false when that failed.
  RawPeer connect() const {
    auto peer = RawPeer::connect(server_->port());
    if (!peer.start_tls(context_.get())) peer.close();
    return peer;
  }

  static long serial_of(const RawPeer& peer) {
    X509* const certificate = SSL_get1_peer_certificate(peer.tls());
    const long serial = ASN1_INTEGER_get(X509_get0_serialNumber(certificate));
    X509_free(certificate);
    return serial;
  }

  testing::TestAuthority authority_;
  testing::RawContext context_ = testing::client_context();
  ServerOptions options_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTlsTest, ServesHttps) {
  start_with_certificate();
  auto peer = connect();
  ASSERT_TRUE(peer.connected());
  peer.send(kGet);
  EXPECT_EQ(peer.read_message().body, "secret");
  peer.send(kGet);
  EXPECT_EQ(peer.read_message().body, "secret");
}

TEST_F(ServerTlsTest, WithoutACertificateHandshakesFailAndAfterwardsTheyDoNot) {
  start();
  EXPECT_FALSE(connect().connected());
  ASSERT_TRUE(server_->set_certificate(authority_.issue("DNS:webhook.test")));
  EXPECT_TRUE(connect().connected());
}

TEST_F(ServerTlsTest, ANewCertificateIsForNewConnectionsAndOpenOnesGoOn) {
  start_with_certificate();
  auto old = connect();
  EXPECT_EQ(serial_of(old), 7);
  ASSERT_TRUE(server_->set_certificate(authority_.issue("DNS:webhook.test", 8)));
  old.send(kGet);
  EXPECT_EQ(old.read_message().body, "secret");
  EXPECT_EQ(serial_of(connect()), 8);
}

TEST_F(ServerTlsTest, ACertificateThatCannotServeIsRefusedAndTheOldOneStays) {
  start_with_certificate();
  const auto good = authority_.issue("DNS:webhook.test", 9);
  const auto other = authority_.issue("DNS:webhook.test", 10);
  const ServerCertificate bad[] = {
      {"", ""},
      {"no PEM", good.private_key_pem},
      {good.certificate_chain_pem, "no PEM"},
      {good.certificate_chain_pem, ""},
      {good.certificate_chain_pem, other.private_key_pem},
  };
  for (const auto& certificate : bad) {
    const auto set = server_->set_certificate(certificate);
    ASSERT_FALSE(set);
    EXPECT_EQ(set.error().code(), ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(serial_of(connect()), 7);
}

TEST_F(ServerTlsTest, AnythingBelowTls12IsRefused) {
  start_with_certificate();
  SSL_CTX_set_security_level(context_.get(), 0);
  SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0");
  SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context_.get(), TLS1_1_VERSION);
  EXPECT_FALSE(connect().connected());
  SSL_CTX_set_max_proto_version(context_.get(), TLS1_2_VERSION);
  EXPECT_TRUE(connect().connected());
}

TEST_F(ServerTlsTest, Http11IsChosenAndAnythingElseIsLeftUnanswered) {
  struct Case {
    std::string offered, chosen;
  };
  const Case cases[] = {
      {std::string("\x02h2\x08http/1.1"), "http/1.1"},
      {std::string("\x02h2"), ""},
      {std::string("\x08http/1.0\x02h3"), ""},
  };
  start_with_certificate();
  for (const auto& [offered, chosen] : cases) {
    SSL_CTX_set_alpn_protos(context_.get(), reinterpret_cast<const unsigned char*>(offered.data()),
                            static_cast<unsigned>(offered.size()));
    auto peer = connect();
    ASSERT_TRUE(peer.connected()) << offered;
    const unsigned char* name = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(peer.tls(), &name, &length);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(name), length), chosen);
    peer.send(kGet);
    EXPECT_EQ(peer.read_message().status(), 200);
  }
}

TEST_F(ServerTlsTest, AClientThatNeverShakesHandsIsCutOff) {
  options_.header_timeout = 50ms;
  start_with_certificate();
  EXPECT_TRUE(RawPeer::connect(server_->port()).ended());
  auto half = RawPeer::connect(server_->port());
  half.send(std::string("\x16\x03\x01\x02\x00\x01", 6));
  EXPECT_TRUE(half.ended());
}

TEST_F(ServerTlsTest, AClientWithoutTlsGetsNoAnswer) {
  start_with_certificate();
  auto plain = RawPeer::connect(server_->port());
  plain.send(kGet);
  EXPECT_EQ(plain.read_to_end().find("secret"), std::string::npos);
}

TEST_F(ServerTlsTest, TheLastAnswerEndsWithCloseNotify) {
  start_with_certificate();
  auto peer = connect();
  peer.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(peer.read_message().body, "secret");
  EXPECT_TRUE(peer.ended());
  EXPECT_NE(SSL_get_shutdown(peer.tls()) & SSL_RECEIVED_SHUTDOWN, 0);
}

TEST_F(ServerTlsTest, ARefusedBodyIsAnsweredThoughTheClientIsStillSending) {
  options_.max_body_bytes = 1'000;
  start_with_certificate();
  auto peer = connect();
  peer.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n");
  peer.send(std::string(300'000, 'b'));
  EXPECT_EQ(peer.read_message().status(), 413);
}

}  // namespace
}  // namespace portcullis::http
