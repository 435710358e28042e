#include "webhook/registries_file.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "lib/base/log.hpp"

namespace portcullis::webhook {

Result<std::string> RegistriesFile::read() const {
  std::ifstream file(path_, std::ios::binary);
  if (!file) return Error(ErrorCode::kNotFound, "registries file " + path_ + " cannot be read");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<void> RegistriesFile::reload() {
  if (path_.empty()) return {};
  content_ = TRY(read());
  const auto directory = std::filesystem::path(path_).parent_path().string();
  auto registries = TRY(with_context(oci::Registries::parse(content_, directory), path_));
  client_.set_registries(std::make_shared<const oci::Registries>(std::move(registries)));
  return {};
}

void RegistriesFile::reload_if_changed() {
  if (path_.empty()) return;
  const auto now = read();
  if (now && *now == content_) return;
  if (const auto reloaded = reload(); !reloaded) {
    log::error("registries file not taken over", {{"error", reloaded.error()}});
  } else {
    log::info("registries file taken over", {{"file", path_}});
  }
}

}  // namespace portcullis::webhook
