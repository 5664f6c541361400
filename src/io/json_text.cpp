#include "keel/io/json_text.h"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "core/utf8.h"
#include "io/json_shown.h"
#include "keel/core/error.h"

namespace keel::io {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostShown = 60;

// "[json.exception.parse_error.101] parse error at ..." without the part in brackets.
std::string reason_of(const std::exception& error) {
  const std::string text = error.what();
  const std::size_t end = text.find("] ");
  return printable(text.starts_with("[") && end != std::string::npos ? text.substr(end + 2) : text);
}

// Takes the text event by event, so that nothing of it is built.
class Checker final : public nlohmann::json_sax<Json> {
 public:
  Checker(const std::string& where, const JsonLimits& limits) : where_(where), limits_(limits) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }

  bool start_object(std::size_t) override { return deeper(); }
  bool end_object() override { return higher(); }
  bool start_array(std::size_t) override { return deeper(); }
  bool end_array() override { return higher(); }

  bool key(string_t& name) override {
    std::set<std::string>& keys = keys_.back();
    check<FileError>(keys.insert(name).second, "{}: the key {} is given twice in one object", where_,
                     shown(Json(name)));
    check<FileError>(keys.size() <= limits_.keys, "{}: expected at most {} keys in an object", where_,
                     limits_.keys);
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    throw FileError(fmt::format("{}: expected JSON: {}", where_, reason_of(error)));
  }

 private:
  bool deeper() {
    check<FileError>(static_cast<int>(keys_.size()) < limits_.depth,
                     "{}: expected JSON nested at most {} deep", where_, limits_.depth);
    keys_.emplace_back();
    return true;
  }
  bool higher() {
    keys_.pop_back();
    return true;
  }

  const std::string& where_;
  const JsonLimits& limits_;
  std::vector<std::set<std::string>> keys_;  // of the objects and arrays that are open
};

}  // namespace

std::string printable(std::string text) {
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return text;
}

std::string shown_text(std::string_view text) {
  constexpr std::size_t kMostQuoted = 80;
  const bool fits = text.size() <= kMostQuoted;
  const std::string start(text.substr(0, kMostQuoted));
  return fmt::format("'{}{}'", is_printable_utf8(start) ? start : printable(start), fits ? "" : "...");
}

std::string shown(const Json& value) {
  if (value.is_array() && value.size() > kMostShown) return fmt::format("a list of {}", value.size());
  const std::string text = printable(value.dump(-1, ' ', true, Json::error_handler_t::replace));
  return text.size() <= kMostShown ? text : text.substr(0, kMostShown - 3) + "...";
}

void check_json(std::string_view text, const std::string& where, const JsonLimits& limits) {
  check<FileError>(text.size() <= limits.bytes, "{}: expected at most {} bytes of JSON, found {}", where,
                   limits.bytes, text.size());
  Checker checker(where, limits);
  Json::sax_parse(text, &checker);
}

}  // namespace keel::io
