#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace portcullis::fuzz {

/// Ends the fuzzer with this input when a property does not hold.
inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace portcullis::fuzz

/// What libFuzzer calls with each input; every *_fuzz.cpp defines it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
