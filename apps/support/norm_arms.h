// --norm of programs: one word, or the arms of a comparison.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/command_line.h"

namespace keel::apps {

// A model of a comparison: one that differs from the others in its norm.
struct NormArm {
  std::string norm;  // a word of nn::ModelDescription::norms()
  std::string
      directory;  // where its files go in the run's directory; the word, but no_bn and bn for none and batch
  std::string title;
};

// What the option holds if it is not given.
inline constexpr const char* kDefaultNorms = "none,batch";

// The arms for words with commas between them, in that order. With none and batch alone, their titles are
// "no BN" and "BN"; otherwise the words.
//   throws: UsageError naming the option, for a word that there is not (with those that there are) or that is
//   there twice
std::vector<NormArm> norm_arms(const std::string& words);

// Of all arms that there can be.
std::vector<std::filesystem::path> norm_arm_directories();

// The option as records of runs have it: not at all where it has its usual value, as in runs from before
// there was the option. The other way round for comparing two records.
nlohmann::ordered_json without_usual_norm(nlohmann::ordered_json options, const std::string& usual);
nlohmann::ordered_json with_usual_norm(nlohmann::ordered_json options, const std::string& usual);

// The words of ModelDescription::norms(), for --help: with what does not go without saying.
std::string norm_choices();

// throws: UsageError unless it is a word of ModelDescription::norms(); `others` are allowed beside these
void require_norm(const std::string& word, const std::vector<std::string>& others = {});

}  // namespace keel::apps
