#include "nn/description/json_text.h"

#include <set>
#include <vector>

#include "keel/core/error.h"

namespace keel::nn::description {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr int kMostDepth = 64;
// Looking for a key takes time in proportion to their number.
constexpr std::size_t kMostKeys = 256;
constexpr std::size_t kMostShown = 60;

// Printable ASCII passes; a message is one line whatever the text holds.
std::string printable(std::string text) {
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

// "[json.exception.parse_error.101] parse error at ..." without the part in brackets.
std::string reason_of(const std::exception& error) {
  const std::string text = error.what();
  const std::size_t end = text.find("] ");
  return printable(text.starts_with("[") && end != std::string::npos ? text.substr(end + 2) : text);
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  check<FileError>(text.size() <= kMostBytes, "{}: expected at most {} bytes of JSON, found {}", where,
                   kMostBytes, text.size());
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto watch = [&](int depth, Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      check<FileError>(depth < kMostDepth, "{}: expected JSON nested at most {} deep", where, kMostDepth);
    }
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      check<FileError>(keys.back().insert(key).second, "{}: the key {} is given twice in one object", where,
                       shown(parsed));
      check<FileError>(keys.back().size() <= kMostKeys, "{}: expected at most {} keys in an object", where,
                       kMostKeys);
    }
    return true;
  };
  try {
    return Json::parse(text, watch);
  } catch (const Json::exception& error) {
    throw FileError(fmt::format("{}: expected JSON: {}", where, reason_of(error)));
  }
}

std::string shown(const Json& value) {
  if (value.is_array() && value.size() > kMostShown) return fmt::format("a list of {}", value.size());
  std::string text = printable(value.dump(-1, ' ', true, Json::error_handler_t::replace));
  return text.size() <= kMostShown ? text : text.substr(0, kMostShown - 3) + "...";
}

}  // namespace keel::nn::description
