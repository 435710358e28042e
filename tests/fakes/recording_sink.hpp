#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lib/api/meta.hpp"
#include "lib/codec/json.hpp"
#include "lib/kube/reflector.hpp"

namespace portcullis::testing {

/// Keeps what a reflector brings, and the order in which it came. One thread.
class RecordingSink final : public kube::ReflectorSink {
 public:
  void replace(std::vector<codec::Json> objects) override {
    ++replaces;
    held.clear();
    for (auto& object : objects) keep(std::move(object));
    if (on_replace) on_replace();
  }
  void put(codec::Json object) override {
    versions.push_back(object["metadata"]["resourceVersion"]);
    keep(std::move(object));
  }
  void erase(const codec::Json& object) override {
    versions.push_back(object["metadata"]["resourceVersion"]);
    held.erase(api::parse_meta(object).key);
  }

  /// The objects in key order.
  std::vector<codec::Json> objects() const {
    std::vector<codec::Json> out;
    for (const auto& [key, object] : held) out.push_back(object);
    return out;
  }

  std::map<api::ObjectKey, codec::Json> held;
  std::vector<std::string> versions;  ///< The resourceVersion of each put and erase.
  int replaces = 0;
  std::function<void()> on_replace;  ///< Called after each replace, while the stream goes on.

 private:
  void keep(codec::Json object) {
    const auto key = api::parse_meta(object).key;
    held.insert_or_assign(key, std::move(object));
  }
};

}  // namespace portcullis::testing
