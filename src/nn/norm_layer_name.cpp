#include "keel/nn/norm_layer_name.h"

#include "nn/description/norm_words.h"

namespace keel::nn {

std::optional<std::string> norm_layer_name(const std::string& word) {
  const auto* const found = description::find_norm_word(word, &description::NormWord::word);
  return found == nullptr ? std::nullopt : std::optional<std::string>(found->layer);
}

}  // namespace keel::nn
