#include "nn/description/norm_option.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "keel/core/did_you_mean.h"
#include "keel/nn/norm_layer_name.h"
#include "nn/description/norm_words.h"
#include "nn/description/reading.h"
#include "nn/description/tables.h"

namespace keel::nn::description {
namespace {

constexpr const char* kNone = "none";
constexpr const char* kBatchNorm = "batch_norm";

// Norms without a word: a comparison of models has no use for them.
constexpr const char* kOthers[] = {"mean_only_batch_norm", "noisy_batch_norm"};

std::vector<std::string> norm_layers() {
  std::vector<std::string> layers;
  for (const NormWord& each : kNormWords) layers.emplace_back(each.layer);
  layers.insert(layers.end(), std::begin(kOthers), std::end(kOthers));
  return layers;
}

// Keel's own layers that are no norms. What a program has registered may be one.
void require_norm_layer(const Reading& reading, const Json& layer) {
  if (!layer.is_string() || is_norm_layer(layer)) return;
  const auto own = layer_files();
  const bool is_own =
      std::any_of(own.begin(), own.end(), [&](const auto& file) { return layer == file.name; });
  check<FileError>(!is_own, "{}: norm: expected a layer that is a norm, found {}; there are {}",
                   reading.place(), shown(layer), fmt::join(norm_layers(), ", "));
}

bool has_shift(const NormWord& word, const Json& canonical) {
  if (word.shift == kAlwaysShifts || word.shift == kNeverShifts) return word.shift == kAlwaysShifts;
  return canonical.at(std::string(word.shift)).get<bool>();
}

Json layer_of(const std::string& name) { return {{"layer", name}}; }

Json layer_of_word(const Reading& reading, const std::string& word) {
  if (word == kNone) return {};
  const std::vector<std::string> words = norm_words();
  const std::optional<std::string> name = norm_layer_name(word);
  check<FileError>(name.has_value(),
                   "{}: norm: there is no norm {}; there are {}, and objects {{\"layer\": ...}}{}",
                   reading.place(), shown(word), fmt::join(words, ", "), did_you_mean(word, words));
  Json layer = layer_of(*name);
  // By itself it has no scale and shift, and a model's norms are to differ in what they normalise over only.
  if (word == "instance") layer["affine"] = true;
  return layer;
}

// With its options spelled out.
Json canonical_norm(Json layer, bool wraps, const Reading& reading) {
  if (!wraps) return canonical_layer(layer, "norm", reading);
  check<FileError>(!layer.contains("body"),
                   "{}: norm ({}): body: expected none, as each of the model's layers takes that place",
                   reading.place(), shown(layer["layer"]));
  layer["body"] = Json::array({{{"layer", "dense"}, {"units", 1}}});
  Json canonical = canonical_layer(layer, "norm", reading);
  canonical.erase("body");
  return canonical;
}

void require_agreement(Reading& reading, bool batch_norm, const Json& layer) {
  const bool agrees = batch_norm ? layer.is_object() && layer["layer"] == kBatchNorm : layer.is_null();
  check<FileError>(agrees, "{}: norm: expected \"{}\" beside \"batch_norm\": {}, found {}", reading.place(),
                   batch_norm ? "batch" : kNone, batch_norm, shown(*reading.find("norm")));
}

}  // namespace

NormOption read_norm(LayerOptions& options, bool batch_norm) {
  Reading& reading = options.reading();
  const bool flagged = reading.object.contains("batch_norm");
  const bool flag = options.flag("batch_norm", batch_norm);
  reading.canonical.erase("batch_norm");

  const Json* norm = reading.find("norm");
  NormOption result;
  if (norm == nullptr) {
    if (flag) result.layer = layer_of(kBatchNorm);
  } else if (norm->is_string()) {
    result.layer = layer_of_word(reading, norm->get<std::string>());
    if (flagged) require_agreement(reading, flag, result.layer);
  } else if (norm->is_object() && norm->contains("layer")) {
    result.layer = *norm;
    if (flagged) require_agreement(reading, flag, result.layer);
  } else if (norm->is_object()) {
    // As descriptions said it when there was BatchNorm only: its options, whether the model has it or not.
    Json layer = layer_of(kBatchNorm);
    layer.update(*norm);
    layer = canonical_norm(std::move(layer), false, reading);
    if (flag) result.layer = std::move(layer);
  } else {
    reading.fail("norm", fmt::format("{}, or an object {{\"layer\": ...}}", fmt::join(norm_words(), ", ")));
  }

  if (result.layer.is_object()) {
    const Json& name = result.layer["layer"];
    require_norm_layer(reading, name);
    const NormWord* word =
        name.is_string() ? find_norm_word(name.get<std::string>(), &NormWord::layer) : nullptr;
    result.wraps = word != nullptr && word->wraps;
    result.layer = canonical_norm(std::move(result.layer), result.wraps, reading);
    result.replaces_bias = word != nullptr && has_shift(*word, result.layer);
  }
  reading.canonical["norm"] = result.layer.is_null() ? Json(kNone) : result.layer;
  return result;
}

bool is_norm_layer(const std::string& layer) {
  const std::vector<std::string> layers = norm_layers();
  return std::find(layers.begin(), layers.end(), layer) != layers.end();
}

std::vector<std::string> norm_words() {
  std::vector<std::string> words = {kNone};
  for (const NormWord& each : kNormWords) words.emplace_back(each.word);
  return words;
}

}  // namespace keel::nn::description
