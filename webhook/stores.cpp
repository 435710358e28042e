#include "webhook/stores.hpp"

namespace portcullis::webhook {

std::shared_ptr<const policy::PolicySet> PolicySetCache::get() {
  if (!store_.synced()) return nullptr;
  // Under the lock, so that a change that comes while compiling waits, and then drops what we made.
  return current_.with([&](auto& current) {
    if (current) return current;
    std::vector<policy::PolicySource> sources;
    for (const auto& source : store_.list()) sources.push_back(*source);
    current = std::make_shared<const policy::PolicySet>(std::move(sources));
    return current;
  });
}

}  // namespace portcullis::webhook
