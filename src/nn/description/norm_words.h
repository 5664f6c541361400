// The words of the option "norm" of named models.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

namespace keel::nn::description {

// Whether a layer has a shift, as a bias in front of it is one.
inline constexpr std::string_view kAlwaysShifts = "always";
inline constexpr std::string_view kNeverShifts = "never";

struct NormWord {
  const char* word;
  const char* layer;
  std::string_view shift;  // one of the above, or the layer's option that says so
  bool wraps = false;
};

// A layer that is not here can be named all the same: {"layer": ...}.
inline constexpr NormWord kNormWords[] = {
    // Without `center`, too: what it makes of its input does not depend on a bias in front.
    {.word = "batch", .layer = "batch_norm", .shift = kAlwaysShifts},
    {.word = "layer", .layer = "layer_norm", .shift = "center"},
    {.word = "group", .layer = "group_norm", .shift = "center"},
    {.word = "instance", .layer = "instance_norm", .shift = "affine"},
    {.word = "rms", .layer = "rms_norm", .shift = kNeverShifts},
    {.word = "renorm", .layer = "batch_renorm", .shift = "center"},
    {.word = "weight", .layer = "weight_norm", .shift = kNeverShifts, .wraps = true},
    {.word = "bln", .layer = "batch_layer_norm", .shift = kAlwaysShifts},
    {.word = "full", .layer = "full_norm", .shift = kAlwaysShifts},
};

inline const NormWord* find_norm_word(const std::string& text, const char* NormWord::*field) {
  const auto found = std::find_if(std::begin(kNormWords), std::end(kNormWords),
                                  [&](const NormWord& each) { return text == each.*field; });
  return found == std::end(kNormWords) ? nullptr : found;
}

}  // namespace keel::nn::description
