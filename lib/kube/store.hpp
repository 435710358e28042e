#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lib/api/meta.hpp"

namespace portcullis::kube {

/// Read side of one kind's cache. Reads never touch the network; what is returned never changes.
/// Any thread.
template <typename T>
class Store {
 public:
  virtual ~Store() = default;

  /// Null when the object is not in the cache.
  virtual std::shared_ptr<const T> get(const api::ObjectKey& key) const = 0;
  /// All objects, or those of one namespace; in key order.
  virtual std::vector<std::shared_ptr<const T>> list() const = 0;
  virtual std::vector<std::shared_ptr<const T>> list(const std::string& name_space) const = 0;
  /// True once the first list is in. Before that, "not in the cache" says nothing.
  virtual bool synced() const = 0;
};

/// What happened to one object. `before` is null for a new one, `after` for one that is gone.
template <typename T>
struct Change {
  api::ObjectKey key;
  std::shared_ptr<const T> before;
  std::shared_ptr<const T> after;
};

/// The store itself, written by one reflector (or by a test). Listeners run on the writing thread,
/// without the lock, in the order of the changes; they must be quick (enqueue a key).
template <typename T>
class MutableStore final : public Store<T> {
 public:
  using Object = std::shared_ptr<const T>;
  using Listener = std::function<void(const Change<T>&)>;

  Object get(const api::ObjectKey& key) const override {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second;
  }
  std::vector<Object> list() const override {
    const std::lock_guard lock(mutex_);
    std::vector<Object> out;
    out.reserve(objects_.size());
    for (const auto& [key, object] : objects_) out.push_back(object);
    return out;
  }
  std::vector<Object> list(const std::string& name_space) const override {
    const std::lock_guard lock(mutex_);
    std::vector<Object> out;
    for (auto it = objects_.lower_bound({name_space, ""});
         it != objects_.end() && it->first.name_space == name_space; ++it) {
      out.push_back(it->second);
    }
    return out;
  }
  bool synced() const override {
    const std::lock_guard lock(mutex_);
    return synced_;
  }

  /// Register before the reflector starts.
  void on_change(Listener listener) { listeners_.push_back(std::move(listener)); }

  void put(const api::ObjectKey& key, Object object) {
    Change<T> change{key, nullptr, object};
    {
      const std::lock_guard lock(mutex_);
      auto& slot = objects_[key];
      change.before = std::move(slot);
      slot = std::move(object);
    }
    tell(change);
  }
  void erase(const api::ObjectKey& key) {
    Change<T> change{key, nullptr, nullptr};
    {
      const std::lock_guard lock(mutex_);
      const auto found = objects_.find(key);
      if (found == objects_.end()) return;
      change.before = std::move(found->second);
      objects_.erase(found);
    }
    tell(change);
  }
  /// Makes the store equal to `objects` in one step and tells every difference, deletions included.
  void replace(std::map<api::ObjectKey, Object> objects) {
    std::vector<Change<T>> changes;
    {
      const std::lock_guard lock(mutex_);
      for (auto& [key, old] : objects_) {
        if (!objects.contains(key)) changes.push_back({key, old, nullptr});
      }
      for (auto& [key, object] : objects) {
        const auto old = objects_.find(key);
        changes.push_back({key, old == objects_.end() ? nullptr : old->second, object});
      }
      objects_ = std::move(objects);
      synced_ = true;
    }
    for (const auto& change : changes) tell(change);
  }

 private:
  void tell(const Change<T>& change) const {
    for (const auto& listener : listeners_) listener(change);
  }

  std::vector<Listener> listeners_;  ///< Constant after the reflector has started.
  mutable std::mutex mutex_;
  std::map<api::ObjectKey, Object> objects_;  ///< Guarded by mutex_.
  bool synced_ = false;                       ///< Guarded by mutex_.
};

}  // namespace portcullis::kube
