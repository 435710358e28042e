#include "lib/crypto/public_key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <thread>

#include "lib/codec/encoding.hpp"
#include "lib/crypto/certificate.hpp"
#include "lib/crypto/digest.hpp"
#include "tests/fakes/signer.hpp"

namespace portcullis::crypto {
namespace {

using ::testing::HasSubstr;
using testing::KeyType;
using testing::make_key;
using testing::SigningKey;
using Type = PublicKey::Type;

constexpr std::string_view kMessage = "a manifest";

struct Accepted {
  const char* name;
  KeyType made;
  Type read;
  Hash hash;
};
constexpr Accepted kAccepted[] = {
    {"P-256", KeyType::kEcdsaP256, Type::kEcdsaP256, Hash::kSha256},
    {"P-384", KeyType::kEcdsaP384, Type::kEcdsaP384, Hash::kSha384},
    {"P-521", KeyType::kEcdsaP521, Type::kEcdsaP521, Hash::kSha512},
    {"RSA-2048", KeyType::kRsa2048, Type::kRsa, Hash::kSha256},
    {"Ed25519", KeyType::kEd25519, Type::kEd25519, Hash::kSha256},
};

PublicKey read(const SigningKey& key) { return PublicKey::parse_pem(key.public_pem()).value(); }

std::string method_digest(std::string_view message, const EVP_MD* method) {
  std::string digest(static_cast<std::size_t>(EVP_MD_get_size(method)), '\0');
  EVP_Digest(message.data(), message.size(), reinterpret_cast<unsigned char*>(digest.data()),
             nullptr, method, nullptr);
  return digest;
}

TEST(PublicKeyTest, EachAcceptedKindVerifiesItsOwnSignatures) {
  for (const auto& test : kAccepted) {
    SCOPED_TRACE(test.name);
    const auto signer = make_key(test.made);
    const auto key = read(signer);
    EXPECT_EQ(key.type(), test.read);
    EXPECT_EQ(key.natural_hash(), test.hash);
    EXPECT_EQ(key.fingerprint(), signer.fingerprint());
    EXPECT_TRUE(key.verify(kMessage, signer.sign(kMessage), test.hash));
    EXPECT_TRUE(key.verify("", signer.sign(""), test.hash));
  }
}

TEST(PublicKeyTest, AnyChangeSpoilsASignature) {
  for (const auto& test : kAccepted) {
    SCOPED_TRACE(test.name);
    const auto signer = make_key(test.made);
    const auto key = read(signer);
    const std::string good = signer.sign(kMessage);
    const auto refused = [&](std::string_view message, const std::string& signature) {
      return !key.verify(message, signature, test.hash);
    };
    EXPECT_TRUE(refused("b manifest", good));
    EXPECT_TRUE(refused(std::string(kMessage) + " ", good));
    EXPECT_TRUE(refused(kMessage, ""));
    EXPECT_TRUE(refused(kMessage, good + '\0'));
    EXPECT_TRUE(refused(kMessage, good.substr(0, good.size() - 1)));
    EXPECT_TRUE(refused(kMessage, std::string(good.size(), '\0')));
    EXPECT_TRUE(refused(kMessage, std::string(good.size(), '\xff')));
    for (std::size_t i = 0; i < good.size(); i += 7) {
      std::string flipped = good;
      flipped[i] = static_cast<char>(flipped[i] ^ 1);
      EXPECT_TRUE(refused(kMessage, flipped)) << "byte " << i;
    }
    EXPECT_TRUE(refused(kMessage, make_key(test.made).sign(kMessage))) << "another key";
  }
}

TEST(PublicKeyTest, TheHashBelongsToTheSignature) {
  const auto signer = make_key(KeyType::kEcdsaP384);
  const auto key = read(signer);
  const auto legacy = signer.sign(kMessage, Hash::kSha256);
  EXPECT_TRUE(key.verify(kMessage, legacy, Hash::kSha256));
  EXPECT_FALSE(key.verify(kMessage, legacy, Hash::kSha384));
}

TEST(PublicKeyTest, ADigestIsAsGoodAsTheMessageButForEd25519) {
  for (const auto& test : kAccepted) {
    SCOPED_TRACE(test.name);
    const auto signer = make_key(test.made);
    const auto key = read(signer);
    const EVP_MD* method = test.hash == Hash::kSha384   ? EVP_sha384()
                           : test.hash == Hash::kSha512 ? EVP_sha512()
                                                        : EVP_sha256();
    const std::string signature = signer.sign(kMessage);
    const std::string digest = method_digest(kMessage, method);
    EXPECT_EQ(key.verify_digest(digest, signature, test.hash), test.made != KeyType::kEd25519);
    EXPECT_FALSE(key.verify_digest(method_digest("other", method), signature, test.hash));
    EXPECT_FALSE(key.verify_digest("", signature, test.hash));
    EXPECT_FALSE(key.verify_digest(digest.substr(1), signature, test.hash));
    EXPECT_FALSE(key.verify_digest(digest, "", test.hash));
  }
  // Ed25519 over the digest as if it were the message is another signature; it must not pass as
  // one.
  const auto signer = make_key(KeyType::kEd25519);
  const std::string digest = sha256(kMessage);
  EXPECT_FALSE(read(signer).verify_digest(digest, signer.sign(digest), Hash::kSha256));
}

TEST(PublicKeyTest, WeakAndUnknownKindsAreRefused) {
  struct Case {
    const char* name;
    KeyType type;
    const char* says;
  };
  const Case cases[] = {
      {"RSA-1024", KeyType::kRsa1024, "1024 bits"},
      {"RSA e=3", KeyType::kSmallRsa3, "exponent"},
      {"RSA-PSS", KeyType::kRsaPss, "not accepted"},
      {"secp256k1", KeyType::kSecp256k1, "secp256k1"},
      {"Ed448", KeyType::kEd448, "not accepted"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const auto key = PublicKey::parse_pem(make_key(test.type).public_pem());
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(key.error().message(), HasSubstr(test.says));
  }
}

TEST(PublicKeyTest, WhatIsNotAPublicKeyIsToldWhatItIs) {
  const auto signer = make_key();
  const std::string good = signer.public_pem();
  const auto ca =
      create_certificate_authority("ca", {"svc"}, Time(), std::chrono::hours(1)).value();
  struct Case {
    const char* name;
    std::string pem;
    const char* says;
  };
  const Case cases[] = {
      {"empty", "", ""},
      {"text", "hello", ""},
      {"certificate", ca.certificate_pem, "openssl x509 -pubkey"},
      {"private key", signer.private_pem(), "private key"},
      {"PKCS#1", codec::encode_pem("RSA PUBLIC KEY", "x"), "openssl rsa -RSAPublicKey_in"},
      {"another label", codec::encode_pem("X", signer.spki_der()), "expected \"PUBLIC KEY\""},
      {"two keys", good + good, "2 blocks"},
      {"no DER", codec::encode_pem("PUBLIC KEY", "x"), "does not decode"},
      {"trailing bytes", codec::encode_pem("PUBLIC KEY", signer.spki_der() + "x"), "after its end"},
      {"too large", codec::encode_pem("PUBLIC KEY", std::string(8193, '0')), "larger than 8 KiB"},
      {"cut", good.substr(0, good.size() / 2), ""},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    const auto key = PublicKey::parse_pem(test.pem);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(key.error().message(), HasSubstr(test.says));
  }
  const auto leaked = PublicKey::parse_pem(signer.private_pem());
  EXPECT_THAT(leaked.error().message(), Not(HasSubstr(signer.private_pem().substr(40, 20))));
}

TEST(PublicKeyTest, TextBeforeTheBlockIsSkipped) {
  const auto signer = make_key();
  EXPECT_TRUE(PublicKey::parse_pem("Curve: P-256\n" + signer.public_pem()));
}

// The same key in another spelling: by EVP's own writer, not by the code under test.
std::string respelled(const SigningKey& signer, const char* parameter, const char* value) {
  const std::string der = signer.spki_der();
  const auto* position = reinterpret_cast<const unsigned char*>(der.data());
  EVP_PKEY* key = d2i_PUBKEY(nullptr, &position, static_cast<long>(der.size()));
  EXPECT_EQ(EVP_PKEY_set_utf8_string_param(key, parameter, value), 1);
  unsigned char* encoded = nullptr;
  const int size = i2d_PUBKEY(key, &encoded);
  std::string out(reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(size));
  OPENSSL_free(encoded);
  EVP_PKEY_free(key);
  return out;
}

TEST(PublicKeyTest, ACompressedPointIsNotAnotherKey) {
  const auto signer = make_key();
  const auto der = respelled(signer, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed");
  ASSERT_LT(der.size(), signer.spki_der().size());
  EXPECT_EQ(PublicKey::parse_spki(der).value().fingerprint(), signer.fingerprint());
}

TEST(PublicKeyTest, ACurveWrittenOutIsRefused) {
  const auto der = respelled(make_key(), OSSL_PKEY_PARAM_EC_ENCODING, "explicit");
  const auto key = PublicKey::parse_spki(der);
  ASSERT_FALSE(key);
  EXPECT_THAT(key.error().message(), HasSubstr("named curve"));
}

TEST(PublicKeyTest, APointOffTheCurveIsRefused) {
  std::string der = make_key().spki_der();
  der.back() = static_cast<char>(der.back() ^ 1);
  EXPECT_FALSE(PublicKey::parse_spki(der));
}

TEST(PublicKeyTest, FailuresLeaveNothingInTheQueueOfTheThread) {
  const auto key = read(make_key());
  (void)key.verify(kMessage, "\x30\x02nonsense", Hash::kSha256);
  (void)key.verify_digest("short", "nonsense", Hash::kSha256);
  (void)PublicKey::parse_spki("nonsense");
  EXPECT_EQ(ERR_peek_error(), 0UL);
}

TEST(PublicKeyTest, OneKeyServesManyThreads) {
  const auto signer = make_key();
  const auto key = read(signer);
  const std::string signature = signer.sign(kMessage);
  std::array<int, 4> good{};
  {
    std::vector<std::jthread> threads;
    for (auto& count : good) {
      threads.emplace_back([&key, &signature, &count] {
        for (int i = 0; i < 50; ++i)
          count += key.verify(kMessage, signature, Hash::kSha256) ? 1 : 0;
      });
    }
  }
  EXPECT_THAT(good, ::testing::Each(50));
}

}  // namespace
}  // namespace portcullis::crypto
