#pragma once

#include <string>
#include <string_view>

#include "lib/base/result.hpp"

namespace portcullis::crypto {

/// 32 raw bytes.
std::string sha256(std::string_view bytes);
/// "sha256:" and 64 lower-case hexadecimal digits: a digest as OCI writes it.
std::string sha256_digest(std::string_view bytes);
/// True for exactly that form; every other algorithm or spelling is not accepted.
bool is_sha256_digest(std::string_view text);

/// SHA-256 over a stream: add() any number of times, then digest() once; another call throws
/// std::logic_error. Not shared between threads.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void add(std::string_view bytes);
  std::string digest();  ///< "sha256:…"

 private:
  void* context_;  ///< EVP_MD_CTX; null once digest() was called.
};

/// Cryptographically strong random bytes. Throws std::runtime_error when the system has none.
std::string random_bytes(std::size_t count);

}  // namespace portcullis::crypto
