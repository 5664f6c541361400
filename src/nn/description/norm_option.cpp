#include "nn/description/norm_option.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "keel/core/did_you_mean.h"
#include "nn/description/reading.h"

namespace keel::nn::description {
namespace {

constexpr const char* kNone = "none";
constexpr const char* kBatchNorm = "batch_norm";

struct Word {
  const char* word;
  const char* layer;
  bool wraps = false;
  bool replaces_bias = true;
};

// A layer that is not here can be named all the same: {"layer": ...}.
constexpr Word kWords[] = {
    {.word = "batch", .layer = kBatchNorm},
    {.word = "layer", .layer = "layer_norm"},
    {.word = "group", .layer = "group_norm"},
    {.word = "instance", .layer = "instance_norm"},
    {.word = "rms", .layer = "rms_norm", .replaces_bias = false},
    {.word = "renorm", .layer = "batch_renorm"},
    {.word = "weight", .layer = "weight_norm", .wraps = true, .replaces_bias = false},
    {.word = "bln", .layer = "batch_layer_norm"},
    {.word = "full", .layer = "full_norm"},
};

const Word* find_word(const std::string& text, const char* Word::*field) {
  const auto found = std::find_if(std::begin(kWords), std::end(kWords),
                                  [&](const Word& each) { return text == each.*field; });
  return found == std::end(kWords) ? nullptr : found;
}

Json layer_of(const std::string& name) { return {{"layer", name}}; }

Json layer_of_word(const Reading& reading, const std::string& word) {
  if (word == kNone) return {};
  const std::vector<std::string> words = norm_words();
  check<FileError>(std::find(words.begin(), words.end(), word) != words.end(),
                   "{}: norm: there is no norm {}{}; there are {}, and objects {{\"layer\": ...}}",
                   reading.place(), shown(word), did_you_mean(word, words), fmt::join(words, ", "));
  return layer_of(find_word(word, &Word::word)->layer);
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
    const Word* word = name.is_string() ? find_word(name.get<std::string>(), &Word::layer) : nullptr;
    if (word != nullptr) {
      result.wraps = word->wraps;
      result.replaces_bias = word->replaces_bias;
    }
    result.layer = canonical_norm(std::move(result.layer), result.wraps, reading);
  }
  reading.canonical["norm"] = result.layer.is_null() ? Json(kNone) : result.layer;
  return result;
}

bool has_norm_word(const std::string& layer) { return find_word(layer, &Word::layer) != nullptr; }

std::vector<std::string> norm_words() {
  const std::vector<std::string> layers = layer_names();
  std::vector<std::string> words = {kNone};
  for (const Word& each : kWords) {
    if (std::find(layers.begin(), layers.end(), each.layer) != layers.end()) words.emplace_back(each.word);
  }
  return words;
}

}  // namespace keel::nn::description
