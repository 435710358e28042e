// Templates of reflector.hpp; included by it alone.
#include "lib/codec/json.hpp"

namespace portcullis::kube {

template <typename T>
void StoreSink<T>::replace(std::vector<codec::Json> objects) {
  std::map<api::ObjectKey, std::shared_ptr<const T>> parsed;
  for (const auto& object : objects) {
    if (auto value = parse_(object)) parsed.emplace(api::parse_meta(object).key, std::move(value));
  }
  store_.replace(std::move(parsed));
}

template <typename T>
void StoreSink<T>::put(codec::Json object) {
  const auto key = api::parse_meta(object).key;
  if (auto value = parse_(object)) {
    store_.put(key, std::move(value));
  } else {
    store_.erase(key);
  }
}

template <typename T>
void StoreSink<T>::erase(const codec::Json& object) {
  store_.erase(api::parse_meta(object).key);
}

}  // namespace portcullis::kube
