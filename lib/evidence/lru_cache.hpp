#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace portcullis::evidence {

/// Immutable values by key, up to a number of bytes: the least recently used go first. A value that
/// alone is larger is not kept. Values that are given out live as long as somebody holds them.
/// Any thread.
template <typename Value>
class LruCache {
 public:
  explicit LruCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// Null when there is none.
  std::shared_ptr<const Value> get(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->value;
  }

  /// Replaces what is there. `bytes`: what the value costs; the key and our own are added.
  void put(const std::string& key, std::shared_ptr<const Value> value, std::size_t bytes) {
    const std::size_t cost = bytes + key.size() + kOverhead;
    const std::lock_guard lock(mutex_);
    erase_locked(key);
    if (cost > max_bytes_) return;
    entries_.push_front({key, std::move(value), cost});
    index_.emplace(entries_.front().key, entries_.begin());
    bytes_ += cost;
    while (bytes_ > max_bytes_) erase_locked(std::string(entries_.back().key));
  }

  std::size_t bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const Value> value;
    std::size_t cost;
  };
  // List node, map node, control block and bucket: some 200 bytes with libstdc++.
  static constexpr std::size_t kOverhead = 200;

  void erase_locked(const std::string& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return;
    const auto entry = found->second;
    bytes_ -= entry->cost;
    index_.erase(found);
    entries_.erase(entry);
  }

  const std::size_t max_bytes_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // guarded by mutex_, most recently used first
  std::unordered_map<std::string_view, typename std::list<Entry>::iterator> index_;  // as entries_
  std::size_t bytes_ = 0;  // guarded by mutex_
};

}  // namespace portcullis::evidence
