// Penalties and constraints of parameters in descriptions.
#include <algorithm>
#include <cmath>

#include "keel/nn/constraint.h"
#include "keel/nn/regularizer.h"
#include "nn/description/reading.h"

namespace keel::nn {
namespace description {
namespace {

constexpr const char* kRegularizer = "_regularizer";
constexpr const char* kConstraint = "_constraint";

std::optional<double> number_of(const Json& value, double least) {
  if (!value.is_number()) return {};
  const double number = value.get<double>();
  return std::isfinite(number) && number >= least ? std::optional(number) : std::nullopt;
}

// An empty function if the value is none.
Regularizer regularizer_of(const Json& value) {
  if (!value.is_object() || value.empty()) return {};
  double l1_factor = 0, l2_factor = 0;
  for (const auto& [key, each] : value.items()) {
    const std::optional<double> factor = number_of(each, 0);
    if (!factor || (key != "l1" && key != "l2")) return {};
    (key == "l1" ? l1_factor : l2_factor) = *factor;
  }
  return l1_l2(l1_factor, l2_factor);
}

Constraint min_max_norm_of(const Json& value) {
  const Json& norms = value["min_max_norm"];
  if (!norms.is_array() || norms.size() != 2 || value.size() > 2) return {};
  const auto least = number_of(norms[0], 0), most = number_of(norms[1], 0);
  const auto rate = value.contains("rate") ? number_of(value["rate"], 0) : std::optional(1.0);
  if (!least || !most || !rate || value.size() != (value.contains("rate") ? 2 : 1)) return {};
  if (*least > *most || *most == 0 || *rate == 0 || *rate > 1) return {};
  return min_max_norm({.least = *least, .most = *most, .rate = *rate});
}

Constraint constraint_of(const Json& value) {
  if (value == "non_negative") return non_negative();
  if (value == "unit_norm") return unit_norm();
  if (!value.is_object()) return {};
  if (value.contains("min_max_norm")) return min_max_norm_of(value);
  if (!value.contains("max_norm") || value.size() != 1) return {};
  const std::optional<double> most = number_of(value["max_norm"], 0);
  return most && *most > 0 ? max_norm(*most) : Constraint();
}

// What `parse` makes of the option, if it is given and not null.
template <class Rule>
Rule rule_of(Reading& reading, const LayerOptions::ParameterName& name, const char* ending,
             Rule (*parse)(const Json&), const char* expected) {
  const std::string key = name.described + ending;
  const Json* value = reading.find(key);
  if (value == nullptr || value->is_null()) return {};
  if (!name.if_flag.empty() && !reading.canonical.at(name.if_flag).get<bool>()) {
    reading.fail(key,
                 fmt::format("none, as there is no {} with \"{}\": false", name.described, name.if_flag));
  }
  Rule rule = parse(*value);
  if (!rule) reading.fail(key, expected);
  reading.canonical[key] = *value;
  return rule;
}

void read_rules(Reading& reading, const LayerOptions::ParameterName& name) {
  const Regularizer regularizer =
      rule_of(reading, name, kRegularizer, regularizer_of,
              "{\"l1\": 1e-5}, {\"l2\": 1e-4} or both, with numbers of at least 0");
  const Constraint constraint = rule_of(
      reading, name, kConstraint, constraint_of,
      "\"non_negative\", \"unit_norm\", {\"max_norm\": 2} or {\"min_max_norm\": [0.5, 2], \"rate\": 1}");
  if (regularizer) {
    reading.finishing.emplace_back(
        [=, registered = name.registered](Module& layer) { layer.regularize(registered, regularizer); });
  }
  if (constraint) {
    reading.finishing.emplace_back(
        [=, registered = name.registered](Module& layer) { layer.constrain(registered, constraint); });
  }
}

}  // namespace

void read_rules_of_any_parameters(Reading& reading) {
  if (reading.names_parameters) return;
  std::vector<std::string> names;
  for (const auto& [key, value] : reading.object.items()) {
    for (const std::string_view rule : {kRegularizer, kConstraint}) {
      if (!key.ends_with(rule)) continue;
      const std::string name = key.substr(0, key.size() - rule.size());
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  for (const std::string& name : names) read_rules(reading, name.c_str());
}

}  // namespace description

void LayerOptions::parameters(const std::vector<ParameterName>& names) {
  reading_.names_parameters = true;
  for (const ParameterName& name : names) description::read_rules(reading_, name);
}

}  // namespace keel::nn
