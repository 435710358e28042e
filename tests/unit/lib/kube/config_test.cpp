#include "lib/kube/config.hpp"

#include <gmock/gmock.h>

#include "tests/fakes/temporary_folder.hpp"

namespace portcullis::kube {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;

constexpr const char* kOne = R"(
apiVersion: v1
kind: Config
current-context: one
clusters: [{name: c, cluster: {server: "https://one:6443"}}]
users: [{name: u, user: {token: t1}}]
contexts: [{name: one, context: {cluster: c, user: u, namespace: clinic}}]
)";
constexpr const char* kTwo = R"(
current-context: two
clusters: [{name: c, cluster: {server: "https://two:6443"}}, {name: d, cluster: {server: "https://d:6443"}}]
users: [{name: v, user: {token: t2}}]
contexts: [{name: two, context: {cluster: d, user: v}}, {name: mixed, context: {cluster: c, user: v}}]
)";

class LoadConfigTest : public ::testing::Test {
 protected:
  Result<Config> load(const ConfigSource& source = {}) {
    Surroundings surroundings;
    surroundings.environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment_.find(name);
      if (found == environment_.end()) return std::nullopt;
      return found->second;
    };
    surroundings.service_account_folder = folder_.path("account");
    return load_config(source, surroundings);
  }
  void be_a_pod(const std::string& host) {
    environment_["KUBERNETES_SERVICE_HOST"] = host;
    environment_["KUBERNETES_SERVICE_PORT"] = "443";
    folder_.write("account/token", "secret");
    folder_.write("account/namespace", "portcullis-system\n");
  }

  TemporaryFolder folder_;
  std::map<std::string, std::string> environment_;
};

TEST_F(LoadConfigTest, AnExplicitFileComesFirst) {
  environment_["KUBECONFIG"] = folder_.write("two", kTwo);
  be_a_pod("10.96.0.1");
  const auto config = load({folder_.write("one", kOne), ""});
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->endpoint.url, "https://one:6443");
  EXPECT_EQ(config->endpoint.token, "t1");
  EXPECT_EQ(config->name_space, "clinic");
  EXPECT_THAT(config->origin, HasSubstr("/one"));
}

TEST_F(LoadConfigTest, FilesOfTheListAreMergedAndTheFirstWins) {
  environment_["KUBECONFIG"] = folder_.write("one", kOne) + "::" + folder_.path("missing") + ":" +
                               folder_.write("two", kTwo);
  const auto current = load();
  ASSERT_TRUE(current) << current.error().message();
  EXPECT_EQ(current->endpoint.url, "https://one:6443");
  const auto mixed = load({"", "mixed"});
  ASSERT_TRUE(mixed) << mixed.error().message();
  EXPECT_EQ(mixed->endpoint.url, "https://one:6443") << "cluster c of the first file";
  EXPECT_EQ(mixed->endpoint.token, "t2");
  EXPECT_EQ(mixed->name_space, "default");
}

TEST_F(LoadConfigTest, TheListComesBeforeThePod) {
  be_a_pod("10.96.0.1");
  environment_["KUBECONFIG"] = folder_.write("one", kOne);
  EXPECT_EQ(load()->endpoint.url, "https://one:6443");
}

TEST_F(LoadConfigTest, APodFindsItsServiceAccount) {
  be_a_pod("10.96.0.1");
  const auto config = load();
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->endpoint.url, "https://10.96.0.1:443");
  EXPECT_EQ(config->endpoint.token_file, folder_.path("account/token"));
  EXPECT_EQ(config->endpoint.token, "") << "tokens are rotated: the file is read each time";
  EXPECT_EQ(config->endpoint.ca_file, folder_.path("account/ca.crt"));
  EXPECT_EQ(config->name_space, "portcullis-system");
  EXPECT_EQ(config->origin, "in-cluster");
}

TEST_F(LoadConfigTest, AnIpv6AddressIsBracketed) {
  be_a_pod("fd00::1");
  EXPECT_EQ(load()->endpoint.url, "https://[fd00::1]:443");
}

TEST_F(LoadConfigTest, TheHomeFolderComesLast) {
  environment_["HOME"] = folder_.path("home");
  folder_.write("home/.kube/config", kTwo);
  const auto config = load();
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->endpoint.url, "https://d:6443");
}

TEST_F(LoadConfigTest, EachWayToFailSaysWhatIsMissing) {
  struct Case {
    const char* name;
    std::map<std::string, std::string> environment;
    ConfigSource source;
    ErrorCode code;
    const char* message;
  };
  const auto one = folder_.write("one", kOne);
  const auto broken = folder_.write("broken", "clusters: [");
  const Case cases[] = {
      {"nothing", {{"HOME", folder_.path("nobody")}}, {}, ErrorCode::kNotFound, "--kubeconfig"},
      {"explicit file missing", {}, {folder_.path("none"), ""}, ErrorCode::kNotFound, "none"},
      {"no file of the list",
       {{"KUBECONFIG", folder_.path("none")}},
       {},
       ErrorCode::kNotFound,
       "$KUBECONFIG"},
      {"a broken file in the list",
       {{"KUBECONFIG", one + ":" + broken}},
       {},
       ErrorCode::kInvalidArgument,
       "broken"},
      {"a folder", {}, {folder_.path(""), ""}, ErrorCode::kInvalidArgument, "cannot be read"},
      {"unknown context", {}, {one, "other"}, ErrorCode::kInvalidArgument, "\"other\""},
      {"pod without token",
       {{"KUBERNETES_SERVICE_HOST", "h"}, {"KUBERNETES_SERVICE_PORT", "1"}},
       {},
       ErrorCode::kNotFound,
       "automountServiceAccountToken"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    environment_ = test.environment;
    const auto config = load(test.source);
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code(), test.code);
    EXPECT_THAT(config.error().message(), HasSubstr(test.message));
  }
}

TEST(ProcessSurroundingsTest, ReadTheRealEnvironment) {
  EXPECT_TRUE(process_surroundings().environment("PATH"));
  EXPECT_FALSE(process_surroundings().environment("PORTCULLIS_SURELY_NOT_SET"));
}

}  // namespace
}  // namespace portcullis::kube
