#include "lib/crypto/certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include <set>

#include "lib/codec/encoding.hpp"

namespace portcullis::crypto {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kService = "portcullis-webhook.portcullis-system.svc";

Time at(std::string_view text) { return codec::parse_rfc3339(text).value(); }
const Time kNow = at("2026-03-01T12:00:00Z");
constexpr auto kYear = 24h * 365;

Credential authority(const std::vector<std::string>& permitted = {"portcullis-system.svc"}) {
  return create_certificate_authority("portcullis webhook CA", permitted, kNow, kYear).value();
}
Credential leaf(const Credential& issuer, std::vector<std::string> names = {kService}) {
  return issue_server_certificate(issuer, names, kNow, 24h * 90).value();
}

// RFC 5280 4.2: what another reader sees in the DER, byte for byte.
bool der_holds(const std::string& pem, std::string_view hex) {
  const auto der = codec::parse_pem(pem).value().front().der;
  return codec::encode_hex(der).find(hex) != std::string::npos;
}

TEST(CertificateTest, TheAuthorityIsNarrow) {
  const auto ca = authority();
  const auto info = parse_certificate(ca.certificate_pem).value();

  EXPECT_EQ(info.subject_common_name, "portcullis webhook CA");
  EXPECT_TRUE(info.is_ca);
  EXPECT_EQ(info.not_before, kNow - 5min);
  EXPECT_EQ(info.not_after, kNow + kYear);
  EXPECT_EQ(info.fingerprint.size(), 64U);
  EXPECT_EQ(info.serial.size(), 32U) << "128 bits";
  EXPECT_TRUE(key_belongs_to(ca.private_key_pem, ca.certificate_pem));
  // basicConstraints, critical (0101FF), CA TRUE, pathlen 0.
  EXPECT_TRUE(der_holds(ca.certificate_pem, "0603551d130101ff040830060101ff020100"));
  // nameConstraints, critical.
  EXPECT_TRUE(der_holds(ca.certificate_pem, "0603551d1e0101ff"));
  // keyUsage, critical, keyCertSign and cRLSign.
  EXPECT_TRUE(der_holds(ca.certificate_pem, "0603551d0f0101ff040403020106"));
}

TEST(CertificateTest, SerialsAndKeysAreNeverReused) {
  const auto ca = authority();
  std::set<std::string> serials;
  std::set<std::string> keys;
  for (int i = 0; i < 8; ++i) {
    const auto issued = leaf(ca);
    serials.insert(parse_certificate(issued.certificate_pem).value().serial);
    keys.insert(issued.private_key_pem);
  }
  EXPECT_EQ(serials.size(), 8U);
  EXPECT_EQ(keys.size(), 8U);
}

TEST(CertificateTest, ALeafServesItsNamesOnly) {
  const auto ca = authority();
  const auto issued = leaf(ca, {kService, "other.portcullis-system.svc"});
  const auto info = parse_certificate(issued.certificate_pem).value();

  EXPECT_FALSE(info.is_ca);
  EXPECT_THAT(info.dns_names, ElementsAre(kService, "other.portcullis-system.svc"));
  EXPECT_EQ(info.not_after, kNow + 24h * 90);
  EXPECT_TRUE(key_belongs_to(issued.private_key_pem, issued.certificate_pem));
  EXPECT_FALSE(key_belongs_to(ca.private_key_pem, issued.certificate_pem));
  EXPECT_TRUE(check_server_certificate(issued.certificate_pem, ca.certificate_pem, kService, kNow));

  const auto foreign = check_server_certificate(issued.certificate_pem, ca.certificate_pem,
                                                "third.portcullis-system.svc", kNow);
  ASSERT_FALSE(foreign);
  EXPECT_THAT(foreign.error().message(), HasSubstr("it names portcullis-webhook"));
}

TEST(CertificateTest, ALeafDoesNotOutliveItsAuthority) {
  const auto ca = authority();
  const auto issued = issue_server_certificate(ca, {kService}, kNow + kYear - 1h, 24h * 90).value();
  EXPECT_EQ(parse_certificate(issued.certificate_pem).value().not_after, kNow + kYear);
}

TEST(CertificateTest, ANameTooLongForTheSubjectStandsInTheExtension) {
  const std::string longest = std::string(63, 'a') + "." + std::string(63, 'b') + ".svc";
  const auto ca = authority({"svc"});
  const auto issued = leaf(ca, {longest});
  EXPECT_EQ(parse_certificate(issued.certificate_pem).value().subject_common_name, "");
  EXPECT_TRUE(check_server_certificate(issued.certificate_pem, ca.certificate_pem, longest, kNow));
  EXPECT_TRUE(der_holds(issued.certificate_pem, "0603551d110101ff"))
      << "critical, RFC 5280 4.2.1.6";
}

TEST(CertificateTest, ACertificateCountsFromItsFirstSecondUntilItsLast) {
  const auto ca = authority();
  const auto issued = leaf(ca);
  const auto check = [&](Time now) {
    return check_server_certificate(issued.certificate_pem, ca.certificate_pem, kService, now)
        .has_value();
  };
  EXPECT_TRUE(check(kNow - 5min));
  EXPECT_FALSE(check(kNow - 5min - 1s));
  EXPECT_TRUE(check(kNow + 24h * 90 - 1s));
  EXPECT_FALSE(check(kNow + 24h * 90));
}

TEST(CertificateTest, ARotationBundleServesOldAndNew) {
  // The same name, two keys: the reader must find the right one.
  const auto old_ca = authority();
  const auto new_ca = authority();
  const std::string bundle = old_ca.certificate_pem + new_ca.certificate_pem;
  EXPECT_TRUE(check_server_certificate(leaf(old_ca).certificate_pem, bundle, kService, kNow));
  EXPECT_TRUE(check_server_certificate(leaf(new_ca).certificate_pem, bundle, kService, kNow));
  EXPECT_FALSE(check_server_certificate(leaf(new_ca).certificate_pem, old_ca.certificate_pem,
                                        kService, kNow));
}

TEST(CertificateTest, WhatCannotBeIssuedIsSaid) {
  const auto ca = authority();
  const auto other = authority();
  const auto not_an_authority = leaf(ca);
  struct Case {
    const char* name;
    Credential issuer;
    std::vector<std::string> dns_names;
    Time now;
    const char* says;
  };
  const Case cases[] = {
      {"no name", ca, {}, kNow, "needs a DNS name"},
      {"foreign name", ca, {"kubernetes.default.svc"}, kNow, "permitted subtree violation"},
      {"name that only ends alike", ca, {"evilportcullis-system.svc"}, kNow, "permitted subtree"},
      {"one good, one foreign", ca, {kService, "example.com"}, kNow, "permitted subtree"},
      {"extension syntax", ca, {"a,IP:10.0.0.1"}, kNow, "is not a DNS name"},
      {"new line", ca, {"a.portcullis-system.svc\nIP:1.1.1.1"}, kNow, "is not a DNS name"},
      {"an address", ca, {"10.0.0.1"}, kNow, "permitted subtree"},
      {"authority expired", ca, {kService}, kNow + kYear + 1s, "expired"},
      {"authority not yet valid", ca, {kService}, kNow - 1h, "not yet valid"},
      {"leaf as authority", not_an_authority, {kService}, kNow, "CA certificate"},
      {"key of another authority",
       {ca.certificate_pem, other.private_key_pem},
       {kService},
       kNow,
       "do not belong together"},
      {"no key", {ca.certificate_pem, ""}, {kService}, kNow, "do not belong together"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const auto issued = issue_server_certificate(test.issuer, test.dns_names, test.now, 1h);
    ASSERT_FALSE(issued);
    EXPECT_EQ(issued.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(issued.error().message(), HasSubstr(test.says));
    EXPECT_THAT(issued.error().message(), Not(HasSubstr("PRIVATE KEY")));
  }
}

TEST(CertificateTest, AnAuthorityNeedsNames) {
  EXPECT_FALSE(create_certificate_authority("", {"svc"}, kNow, kYear));
  EXPECT_FALSE(create_certificate_authority("ca", {}, kNow, kYear));
  EXPECT_FALSE(create_certificate_authority("ca", {"svc,permitted;DNS:com"}, kNow, kYear));
  EXPECT_FALSE(create_certificate_authority(std::string(65, 'a'), {"svc"}, kNow, kYear));
}

TEST(CertificateTest, WhatIsNotAServerCertificateIsRefused) {
  const auto ca = authority();
  const auto issued = leaf(ca);
  struct Case {
    const char* name;
    std::string leaf_pem, bundle_pem, dns_name;
  };
  const Case cases[] = {
      {"no leaf", "", ca.certificate_pem, kService},
      {"a key as leaf", issued.private_key_pem, ca.certificate_pem, kService},
      {"no bundle", issued.certificate_pem, "", kService},
      {"foreign bundle", issued.certificate_pem, authority().certificate_pem, kService},
      {"empty name", issued.certificate_pem, ca.certificate_pem, ""},
      {"broken base64", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
       ca.certificate_pem, kService},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    EXPECT_FALSE(check_server_certificate(test.leaf_pem, test.bundle_pem, test.dns_name, kNow));
  }
  EXPECT_FALSE(key_belongs_to("", issued.certificate_pem));
  EXPECT_FALSE(key_belongs_to(issued.private_key_pem, ""));
  EXPECT_FALSE(parse_certificate("hello"));
}

TEST(CertificateTest, ErrorsLeaveNothingInTheQueueOfTheThread) {
  (void)parse_certificate("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  (void)key_belongs_to("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "");
  EXPECT_EQ(ERR_peek_error(), 0UL);
}

}  // namespace
}  // namespace portcullis::crypto
