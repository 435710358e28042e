#include "lib/kube/store.hpp"

#include <gmock/gmock.h>

#include "lib/kube/reflector.hpp"

namespace portcullis::kube {
namespace {

using ::testing::ElementsAre;

std::shared_ptr<const std::string> text(const std::string& value) {
  return std::make_shared<const std::string>(value);
}

class MutableStoreTest : public ::testing::Test {
 protected:
  MutableStoreTest() {
    store_.on_change([this](const Change<std::string>& change) {
      changes_.push_back(api::to_string(change.key) + ": " +
                         (change.before ? *change.before : "-") + " > " +
                         (change.after ? *change.after : "-"));
    });
  }
  std::vector<std::string> listed(const std::vector<std::shared_ptr<const std::string>>& objects) {
    std::vector<std::string> out;
    for (const auto& object : objects) out.push_back(*object);
    return out;
  }

  MutableStore<std::string> store_;
  std::vector<std::string> changes_;
};

TEST_F(MutableStoreTest, IsSyncedByTheFirstReplaceOnly) {
  store_.put({"a", "x"}, text("1"));
  EXPECT_FALSE(store_.synced());
  store_.replace({});
  EXPECT_TRUE(store_.synced());
}

TEST_F(MutableStoreTest, ListsInKeyOrderAndByNamespace) {
  store_.put({"b", "x"}, text("bx"));
  store_.put({"a", "y"}, text("ay"));
  store_.put({"a", "x"}, text("ax"));
  store_.put({"ab", "x"}, text("abx"));
  EXPECT_THAT(listed(store_.list()), ElementsAre("ax", "ay", "abx", "bx"));
  EXPECT_THAT(listed(store_.list("a")), ElementsAre("ax", "ay"));
  EXPECT_THAT(listed(store_.list("none")), ElementsAre());
  EXPECT_EQ(*store_.get({"a", "y"}), "ay");
  EXPECT_EQ(store_.get({"a", "z"}), nullptr);
}

TEST_F(MutableStoreTest, ListenersAreToldBeforeAndAfter) {
  store_.put({"a", "x"}, text("1"));
  store_.put({"a", "x"}, text("2"));
  store_.erase({"a", "x"});
  store_.erase({"a", "x"});
  EXPECT_THAT(changes_, ElementsAre("a/x: - > 1", "a/x: 1 > 2", "a/x: 2 > -"));
}

TEST_F(MutableStoreTest, ReplaceTellsDeletionsThatNobodySaw) {
  store_.put({"a", "gone"}, text("1"));
  store_.put({"a", "kept"}, text("1"));
  changes_.clear();
  store_.replace({{{"a", "kept"}, text("2")}, {{"a", "new"}, text("1")}});
  EXPECT_THAT(changes_, ElementsAre("a/gone: 1 > -", "a/kept: 1 > 2", "a/new: - > 1"));
  EXPECT_THAT(listed(store_.list()), ElementsAre("2", "1"));
}

TEST_F(MutableStoreTest, AListenerMaySeeTheStoreAsItIsNow) {
  bool seen = false;
  store_.on_change([&](const auto& change) { seen = store_.get(change.key) == change.after; });
  store_.put({"a", "x"}, text("1"));
  EXPECT_TRUE(seen);
}

class StoreSinkTest : public ::testing::Test {
 protected:
  static codec::Json object(const std::string& name, const std::string& value) {
    return {{"metadata", {{"namespace", "a"}, {"name", name}}}, {"value", value}};
  }

  MutableStore<std::string> store_;
  /// Leaves out what says "broken".
  StoreSink<std::string> sink_{store_, [](const codec::Json& object) {
                                 const auto value = object.value("value", "");
                                 return value == "broken" ? nullptr : text(value);
                               }};
};

TEST_F(StoreSinkTest, ParsesIntoTheStore) {
  sink_.replace({object("x", "1"), object("broken", "broken")});
  EXPECT_TRUE(store_.synced());
  EXPECT_EQ(*store_.get({"a", "x"}), "1");
  EXPECT_EQ(store_.list().size(), 1U);
  sink_.put(object("y", "2"));
  EXPECT_EQ(*store_.get({"a", "y"}), "2");
  sink_.erase(object("x", ""));
  EXPECT_EQ(store_.get({"a", "x"}), nullptr);
}

TEST_F(StoreSinkTest, WhatTheParserKeepsOutLeavesNoOldValueBehind) {
  sink_.put(object("x", "1"));
  sink_.put(object("x", "broken"));
  EXPECT_EQ(store_.get({"a", "x"}), nullptr);
}

}  // namespace
}  // namespace portcullis::kube
