#include "lib/crypto/digest.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

#include "lib/codec/encoding.hpp"
#include "lib/crypto/openssl.hpp"

namespace portcullis::crypto {
namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr std::size_t kSha256Bytes = 32;

// Never freed: threads may still hash while static objects are destroyed.
const EVP_MD* fetch(const char* name) {
  const EVP_MD* method = EVP_MD_fetch(nullptr, name, nullptr);
  if (method == nullptr)
    throw std::runtime_error("OpenSSL offers no SHA-2: check its configuration");
  return method;
}

}  // namespace

const EVP_MD* sha256_method() {
  static const EVP_MD* const method = fetch("SHA256");
  return method;
}
const EVP_MD* sha384_method() {
  static const EVP_MD* const method = fetch("SHA384");
  return method;
}
const EVP_MD* sha512_method() {
  static const EVP_MD* const method = fetch("SHA512");
  return method;
}

std::string sha256(std::string_view bytes) {
  std::string digest(kSha256Bytes, '\0');
  if (EVP_Digest(bytes.data(), bytes.size(), octets(digest), nullptr, sha256_method(), nullptr) !=
      1) {
    throw std::bad_alloc();
  }
  return digest;
}

std::string sha256_digest(std::string_view bytes) {
  return std::string(kPrefix) + codec::encode_hex(sha256(bytes));
}

bool is_sha256_digest(std::string_view text) {
  if (text.size() != kPrefix.size() + 2 * kSha256Bytes || !text.starts_with(kPrefix)) return false;
  text.remove_prefix(kPrefix.size());
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  auto* context = static_cast<EVP_MD_CTX*>(context_);
  if (context == nullptr || EVP_DigestInit_ex(context, sha256_method(), nullptr) != 1) {
    EVP_MD_CTX_free(context);
    throw std::bad_alloc();
  }
}

Sha256::~Sha256() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }

void Sha256::add(std::string_view bytes) {
  if (context_ == nullptr) throw std::logic_error("Sha256::add after digest()");
  if (EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()) != 1) {
    throw std::bad_alloc();
  }
}

std::string Sha256::digest() {
  // OpenSSL would go on hashing after the end and give a digest of nothing.
  const OwnedDigestContext context(static_cast<EVP_MD_CTX*>(std::exchange(context_, nullptr)));
  if (!context) throw std::logic_error("Sha256::digest called twice");
  std::string digest(kSha256Bytes, '\0');
  if (EVP_DigestFinal_ex(context.get(), octets(digest), nullptr) != 1) throw std::bad_alloc();
  return std::string(kPrefix) + codec::encode_hex(digest);
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (count > 0 && RAND_bytes(octets(bytes), static_cast<int>(count)) != 1) {
    // Going on with predictable bytes would be worse than ending the request.
    throw std::runtime_error("the system gives no random bytes");
  }
  return bytes;
}

}  // namespace portcullis::crypto
