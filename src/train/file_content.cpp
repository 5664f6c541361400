#include "train/file_content.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/utf8.h"
#include "keel/core/error.h"
#include "keel/core/tensor_ops.h"
#include "keel/io/json_text.h"

namespace keel::train {

using nlohmann::json;

namespace {

// Cut short, and in ASCII: escaped, a name does no harm to whoever reads the message.
std::string shown(const std::string& name) {
  return json(name.substr(0, 60)).dump(-1, ' ', true, json::error_handler_t::replace);
}

}  // namespace

std::string class_names_to_json(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    check<ValueError>(is_printable_utf8(name),
                      "names of classes in UTF-8 without control characters expected, found {}", shown(name));
  }
  return json(names).dump();
}

std::vector<std::string> class_names_from_json(const std::string& text, const std::string& where) {
  io::check_json(text, where);
  const json list = json::parse(text);
  std::vector<std::string> names;
  const auto is_text = [](const json& name) { return name.is_string(); };
  check<FileError>(list.is_array() && std::all_of(list.begin(), list.end(), is_text),
                   "{}: a list of names expected, found something else", where);
  for (const json& name : list) {
    names.push_back(name.get<std::string>());
    check<FileError>(is_printable_utf8(names.back()),
                     "{}: names without control characters expected, found {}", where, shown(names.back()));
  }
  return names;
}

std::vector<std::string> non_finite_names(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> names;
  for (const NamedTensor& named : tensors) {
    if (!all_finite(named.tensor)) names.push_back(named.name);
  }
  return names;
}

void require_finite(const std::vector<NamedTensor>& tensors, const std::string& where) {
  constexpr std::size_t kMostListed = 8;
  std::vector<std::string> names = non_finite_names(tensors);
  if (names.empty()) return;
  const std::size_t more = names.size() - std::min(names.size(), kMostListed);
  names.resize(names.size() - more);
  throw FileError(fmt::format("{}: finite weights and statistics expected, found others in {}{}", where,
                              fmt::join(names, ", "), more == 0 ? "" : fmt::format(" and {} more", more)));
}

}  // namespace keel::train
