#include "lib/codec/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "lib/codec/encoding.hpp"
#include "lib/codec/json.hpp"
#include "lib/codec/yaml_scalar.hpp"

namespace portcullis::codec {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kMapTag = "tag:yaml.org,2002:map";
constexpr std::string_view kSequenceTag = "tag:yaml.org,2002:seq";
constexpr std::string_view kMergeTag = "tag:yaml.org,2002:merge";

Error at_position(int line, int column, const std::string& why) {
  return {ErrorCode::kInvalidArgument, "YAML: line " + std::to_string(line + 1) + ", column " +
                                           std::to_string(column + 1) + ": " + why};
}

/// The one way to stop yaml-cpp inside a document; parse_yaml catches it.
struct Stop {
  Error error;
};

[[noreturn]] void stop(const YAML::Mark& mark, const std::string& why) {
  throw Stop{at_position(mark.line, mark.column, why)};
}

/// What a node costs when an alias repeats it.
struct Weight {
  std::size_t nodes = 1;
  std::size_t bytes = 0;
  int height = 0;  ///< Levels of collections.
};

struct Node {
  Json value;
  Weight weight;
};

/// A collection that is being read.
struct Frame {
  YAML::Mark mark;
  YAML::anchor_t anchor = 0;
  Node node;
  std::optional<std::string> key;  ///< Of a map, when its value comes next.
  bool key_is_merge = false;
  std::vector<Json> merges;  ///< Of a map: the values of `<<`, first one first.
};

/// Builds JSON values from the events of yaml-cpp. yaml-cpp recurses once per level, so stopping at
/// max_depth also bounds its stack.
class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string_view text, const YamlLimits& limits) : text_(text), limits_(limits) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    // Where a document ends early (`"a" b`), yaml-cpp starts another one with what is left.
    const auto start = static_cast<std::size_t>(std::max(mark.pos, 0));
    if (document_seen_ && !text_.substr(std::min(start, text_.size())).starts_with("---")) {
      stop(mark, "text behind the end of the document; the next one must begin with ---");
    }
    document_seen_ = true;
    anchors_.clear();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    take(mark, anchor, {Json(nullptr), {}});
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (key_is_next() && ((tag == "?" && text == "<<") || tag == kMergeTag)) {
      frames_.back().key = "<<";
      frames_.back().key_is_merge = true;
      return;
    }
    auto value = resolve_scalar(tag, text);
    if (!value) stop(mark, value.error().message());
    take(mark, anchor, {*std::move(value), {.bytes = text.size()}});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) stop(mark, "an alias to a node that contains it");
    charge(mark, found->second.weight);
    take(mark, 0, found->second);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    if (tag != "?" && tag != "!" && tag != kSequenceTag) refuse_tag(mark, tag);
    open(mark, anchor, Json::array());
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    if (tag != "?" && tag != "!" && tag != kMapTag) refuse_tag(mark, tag);
    open(mark, anchor, Json::object());
  }
  void OnMapEnd() override {
    for (const auto& merge : frames_.back().merges) {
      // insert() keeps the members that are there: the map's own, then those of earlier merges.
      frames_.back().node.value.insert(merge.begin(), merge.end());
    }
    close();
  }

  std::vector<Json> take_documents() { return std::move(documents_); }

 private:
  [[noreturn]] static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    constexpr std::size_t kQuotedBytes = 32;
    stop(mark, "the tag " + tag.substr(0, kQuotedBytes) + " is not supported here: remove it");
  }

  bool key_is_next() const {
    return !frames_.empty() && frames_.back().node.value.is_object() && !frames_.back().key;
  }

  void charge(const YAML::Mark& mark, const Weight& weight) {
    nodes_ += weight.nodes;
    repeated_bytes_ += weight.bytes;
    if (nodes_ > limits_.max_nodes) {
      stop(mark, "more than " + std::to_string(limits_.max_nodes) +
                     " nodes, repetitions by alias included");
    }
    if (repeated_bytes_ > limits_.max_bytes) {
      stop(mark,
           "anchors and aliases repeat more than " + std::to_string(limits_.max_bytes) + " bytes");
    }
  }

  void check_depth(const YAML::Mark& mark, int height) const {
    if (std::cmp_greater(frames_.size() + static_cast<std::size_t>(height), limits_.max_depth)) {
      stop(mark, "nested deeper than " + std::to_string(limits_.max_depth) + " levels");
    }
  }

  void open(const YAML::Mark& mark, YAML::anchor_t anchor, Json empty) {
    check_depth(mark, 1);
    if (key_is_next()) stop(mark, "a list or a map as key (or a bracket that is never closed)");
    Frame frame;
    frame.mark = mark;
    frame.anchor = anchor;
    frame.node = {std::move(empty), {.height = 1}};
    frames_.push_back(std::move(frame));
  }

  void close() {
    auto frame = std::move(frames_.back());
    frames_.pop_back();
    take(frame.mark, frame.anchor, std::move(frame.node));
  }

  /// A node is complete: remembers it for aliases, then puts it where it belongs.
  void take(const YAML::Mark& mark, YAML::anchor_t anchor, Node node) {
    charge(mark, {.nodes = 1});
    check_depth(mark, node.weight.height);
    if (anchor != 0) {
      charge(mark, node.weight);
      anchors_[anchor] = node;
    }
    if (frames_.empty()) {
      if (!node.value.is_null()) documents_.push_back(std::move(node.value));
      return;
    }
    auto& frame = frames_.back();
    add_weight(frame.node.weight, node.weight);
    if (frame.node.value.is_array()) {
      frame.node.value.push_back(std::move(node.value));
    } else if (!frame.key) {
      take_key(mark, frame, node.value);
    } else if (std::exchange(frame.key_is_merge, false)) {
      frame.key.reset();
      take_merge(mark, frame, std::move(node.value));
    } else {
      frame.node.value[*std::exchange(frame.key, std::nullopt)] = std::move(node.value);
    }
  }

  static void add_weight(Weight& sum, const Weight& child) {
    sum.nodes += child.nodes;
    sum.bytes += child.bytes;
    sum.height = std::max(sum.height, child.height + 1);
  }

  static void take_key(const YAML::Mark& mark, Frame& frame, const Json& key) {
    // As kubectl does: 1 and true become the text that JSON needs.
    if (key.is_null() || key.is_structured()) stop(mark, "a key that is no text: quote it");
    auto text = key.is_string() ? key.get<std::string>() : dump_json(key);
    if (frame.node.value.contains(text)) {
      stop(mark, "the key " + dump_json(text) + " stands twice in one map");
    }
    frame.key = std::move(text);
  }

  static void take_merge(const YAML::Mark& mark, Frame& frame, Json value) {
    if (value.is_object()) {
      frame.merges.push_back(std::move(value));
      return;
    }
    const auto is_map = [](const Json& item) { return item.is_object(); };
    if (!value.is_array() || !std::all_of(value.begin(), value.end(), is_map)) {
      stop(mark, "<< must have a map or a list of maps");
    }
    for (auto& item : value) frame.merges.push_back(std::move(item));
  }

  std::string_view text_;
  const YamlLimits& limits_;
  bool document_seen_ = false;
  std::size_t nodes_ = 0;
  std::size_t repeated_bytes_ = 0;
  std::map<YAML::anchor_t, Node> anchors_;
  std::vector<Frame> frames_;
  std::vector<Json> documents_;
};

Error at_offset(std::string_view text, std::size_t offset, const std::string& why) {
  const auto before = text.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return at_position(static_cast<int>(lines), static_cast<int>(offset - line_start), why);
}

/// Bytes that yaml-cpp lets pass, or takes for the end of the text (U+0004, a NUL).
Result<void> check_characters(std::string_view text) {
  if (const auto valid = valid_utf8_prefix(text); valid < text.size()) {
    return at_offset(text, valid, "not UTF-8");
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool is_control =
        (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
    if (is_control) return at_offset(text, at, "a control character; write it as \"\\x..\"");
  }
  return {};
}

/// yaml-cpp takes a quoted text that the end of the input cuts off for a whole one, but refuses a
/// document end inside it.
std::string with_document_end(std::string_view text) {
  std::string ended(text);
  if (!ended.empty() && ended.back() != '\n') ended += '\n';
  return ended + "...\n";
}

}  // namespace

Result<std::vector<Json>> parse_yaml(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return Error(ErrorCode::kInvalidArgument, "YAML: " + std::to_string(text.size()) +
                                                  " bytes, more than the allowed " +
                                                  std::to_string(limits.max_bytes));
  }
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  TRY_VOID(check_characters(text));
  try {
    std::istringstream stream{with_document_end(text)};
    YAML::Parser parser(stream);
    Builder builder(text, limits);
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.take_documents();
  } catch (const Stop& stopped) {
    return stopped.error;
  } catch (const YAML::Exception& problem) {
    return at_position(problem.mark.line, problem.mark.column, problem.msg);
  } catch (const std::exception&) {
    return Error(ErrorCode::kInternal, "YAML: the parser failed (out of memory?)");
  }
}

}  // namespace portcullis::codec
