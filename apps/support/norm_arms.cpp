#include "support/norm_arms.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "keel/core/did_you_mean.h"
#include "keel/nn/model_description.h"

namespace keel::apps {
namespace {

std::string directory_of(const std::string& norm) {
  if (norm == "none") return "no_bn";
  return norm == "batch" ? "bn" : norm;
}

std::vector<std::string> split(const std::string& words) {
  std::vector<std::string> result = {""};
  for (const char c : words) {
    if (c == ',') {
      result.emplace_back();
    } else {
      result.back() += c;
    }
  }
  return result;
}

}  // namespace

std::string norm_choices() {
  return fmt::format(
      "{}. batch: over the examples and positions of each channel; layer, rms: over the channels of each "
      "position by itself, in convolutional models too (over whole images: keel-train --model FILE with "
      "{{\"model\": \"cnn\", \"norm\": {{\"layer\": \"group_norm\", \"groups\": 1}}}}); group: over the "
      "positions and some channels of an example; instance: over the positions of each channel of an "
      "example, so not behind dense layers, as in mlp; renorm: batch renormalization; weight: of weights, "
      "not of values; bln: by statistics of the batch and of the example mixed; full: as batch, by moving "
      "averages in training, too",
      fmt::join(nn::ModelDescription::norms(), ", "));
}

std::vector<NormArm> norm_arms(const std::string& words) {
  std::vector<NormArm> arms;
  bool batch_norm_only = true;
  for (const std::string& word : split(words)) {
    require_norm(word);
    const bool twice =
        std::any_of(arms.begin(), arms.end(), [&](const auto& arm) { return arm.norm == word; });
    if (twice) throw UsageError(fmt::format("--norm: expected every norm once, found '{}' twice", word));
    batch_norm_only = batch_norm_only && (word == "none" || word == "batch");
    arms.push_back({word, directory_of(word), word});
  }
  if (batch_norm_only) {
    for (NormArm& arm : arms) arm.title = arm.norm == "none" ? "no BN" : "BN";
  }
  return arms;
}

std::vector<std::filesystem::path> norm_arm_directories() {
  std::vector<std::filesystem::path> all;
  for (const std::string& norm : nn::ModelDescription::norms()) all.emplace_back(directory_of(norm));
  return all;
}

nlohmann::ordered_json without_usual_norm(nlohmann::ordered_json options, const std::string& usual) {
  if (options.at("norm") == usual) options.erase("norm");
  return options;
}

nlohmann::ordered_json with_usual_norm(nlohmann::ordered_json options, const std::string& usual) {
  if (!options.contains("norm")) options["norm"] = usual;
  return options;
}

void require_norm(const std::string& word, const std::vector<std::string>& others) {
  std::vector<std::string> words = nn::ModelDescription::norms();
  words.insert(words.end(), others.begin(), others.end());
  if (std::find(words.begin(), words.end(), word) != words.end()) return;
  throw UsageError(fmt::format("--norm: expected {}, found '{}'{}", fmt::join(words, ", "), word,
                               did_you_mean(word, words)));
}

}  // namespace keel::apps
