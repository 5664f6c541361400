#include <algorithm>
#include <cmath>
#include <limits>

#include "keel/core/did_you_mean.h"
#include "nn/description/reading.h"

namespace keel::nn {
namespace description {

std::string Reading::place() const {
  if (path.empty()) return where;
  return kind.empty() ? fmt::format("{}: {}", where, path) : fmt::format("{}: {} ({})", where, path, kind);
}

const Json* Reading::find(const std::string& key) {
  asked.push_back(key);
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

void Reading::fail(const std::string& key, const std::string& expected) const {
  const auto found = object.find(key);
  const auto alternative = alternatives.find(key);
  throw FileError(fmt::format("{}: {}: expected {}{}, found {}", place(), key,
                              alternative == alternatives.end() ? "" : alternative->second + " or ", expected,
                              found == object.end() ? "nothing" : shown(*found)));
}

void Reading::finish() const {
  for (const auto& [key, value] : object.items()) {
    if (std::find(asked.begin(), asked.end(), key) != asked.end()) continue;
    throw FileError(fmt::format("{}: unknown key {}{}", place(), shown(key), did_you_mean(key, asked)));
  }
}

namespace {

// What operations take as an extent.
constexpr Index kMostInteger = std::numeric_limits<std::int32_t>::max();

std::optional<Index> integer_of(const Json& value, Index least) {
  if (!value.is_number_integer()) return {};
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(kMostInteger)) {
    return {};
  }
  const Index integer = value.get<Index>();
  if (integer < least || integer > kMostInteger) return {};
  return integer;
}

Json json_of(const Pair& pair) { return pair.h == pair.w ? Json(pair.h) : Json{pair.h, pair.w}; }

}  // namespace
}  // namespace description

using description::Json;

Index LayerOptions::integer(const char* key, Index least, std::optional<Index> fallback) {
  const Json* value = reading_.find(key);
  const auto result = value != nullptr ? description::integer_of(*value, least) : fallback;
  if (!result) {
    reading_.fail(key, fmt::format("an integer from {} to {}", least, description::kMostInteger));
  }
  reading_.canonical[key] = *result;
  return *result;
}

double LayerOptions::real(const char* key, double least, double most, std::optional<double> fallback) {
  const Json* value = reading_.find(key);
  std::optional<double> result = fallback;
  if (value != nullptr) result = value->is_number() ? std::optional(value->get<double>()) : std::nullopt;
  if (!result || !(*result >= least && *result <= most)) {
    reading_.fail(key, std::isfinite(most)    ? fmt::format("a number from {} to {}", least, most)
                       : std::isfinite(least) ? fmt::format("a number of at least {}", least)
                                              : "a number");
  }
  reading_.canonical[key] = *result;
  return *result;
}

double LayerOptions::positive(const char* key, std::optional<double> fallback) {
  const Json* value = reading_.find(key);
  std::optional<double> result = fallback;
  if (value != nullptr) result = value->is_number() ? std::optional(value->get<double>()) : std::nullopt;
  if (!result || !(*result > 0 && std::isfinite(*result))) reading_.fail(key, "a number above 0");
  reading_.canonical[key] = *result;
  return *result;
}

bool LayerOptions::flag(const char* key, std::optional<bool> fallback) {
  const Json* value = reading_.find(key);
  std::optional<bool> result = fallback;
  if (value != nullptr) result = value->is_boolean() ? std::optional(value->get<bool>()) : std::nullopt;
  if (!result) reading_.fail(key, "true or false");
  reading_.canonical[key] = *result;
  return *result;
}

std::string LayerOptions::choice(const char* key, const std::vector<std::string>& choices,
                                 std::optional<std::string> fallback) {
  const Json* value = reading_.find(key);
  std::string result = fallback.value_or("");
  if (value != nullptr) result = value->is_string() ? value->get<std::string>() : "";
  if (std::find(choices.begin(), choices.end(), result) == choices.end()) {
    std::string expected;
    for (const std::string& choice : choices) {
      expected += fmt::format("{}\"{}\"", expected.empty() ? "" : ", ", choice);
    }
    reading_.fail(key, expected);
  }
  reading_.canonical[key] = result;
  return result;
}

Pair LayerOptions::pair(const char* key, Index least, std::optional<Pair> fallback) {
  const Json* value = reading_.find(key);
  std::optional<Pair> result = fallback;
  if (value != nullptr) {
    const bool both = value->is_array() && value->size() == 2;
    const auto down = description::integer_of(both ? (*value)[0] : *value, least);
    const auto across = both ? description::integer_of((*value)[1], least) : down;
    result = down && across ? std::optional(Pair(*down, *across)) : std::nullopt;
  }
  if (!result) {
    reading_.fail(
        key, fmt::format("an integer from {} to {}, or [down, across]", least, description::kMostInteger));
  }
  reading_.canonical[key] = description::json_of(*result);
  return *result;
}

Shape LayerOptions::shape(const char* key) {
  const Json* value = reading_.find(key);
  std::vector<Index> extents;
  if (value != nullptr && value->is_array()) {
    for (const Json& each : *value) extents.push_back(description::integer_of(each, 1).value_or(0));
  }
  // One axis less than a shape can have: the batch's comes in front.
  constexpr std::size_t kMostAxes = Shape::kMaxRank - 1;
  const bool valid = std::find(extents.begin(), extents.end(), 0) == extents.end();
  if (extents.empty() || extents.size() > kMostAxes || !valid) {
    reading_.fail(
        key, fmt::format("a list of 1 to {} integers from 1 to {}", kMostAxes, description::kMostInteger));
  }
  reading_.canonical[key] = *value;
  return Shape(std::span<const Index>(extents));
}

std::optional<std::string> LayerOptions::init() {
  if (!reading_.object.contains("init")) {
    reading_.asked.emplace_back("init");
    return {};
  }
  return choice("init", initializer_names());
}

std::function<std::shared_ptr<Sequential>(LayerSite& site)> LayerOptions::layers(const char* key) {
  const Json* value = reading_.find(key);
  if (value == nullptr) return {};
  const std::string path = reading_.path.empty() ? key : fmt::format("{}.{}", reading_.path, key);
  description::DescribedLayers described = description::read_layers(*value, path, reading_);
  reading_.canonical[key] = described.canonical;
  return [layers = std::move(described.layers)](LayerSite& site) {
    return description::build_layers(layers, site.input(), site.building()).model;
  };
}

bool LayerOptions::says(const char* key, const char* word) {
  const Json* value = reading_.find(key);
  reading_.alternatives[key] = fmt::format("\"{}\"", word);
  if (value == nullptr || *value != word) return false;
  reading_.canonical[key] = word;
  return true;
}

bool LayerOptions::is_null(const char* key, bool absent) {
  const Json* value = reading_.find(key);
  reading_.alternatives[key] = "null";
  if (value == nullptr ? !absent : !value->is_null()) return false;
  reading_.canonical[key] = nullptr;
  return true;
}

std::optional<Index> LayerOptions::count(const char* key) {
  if (says(key, "classes")) return {};
  return integer(key, 1);
}

}  // namespace keel::nn
