// Layer Normalization in two parts, as a GRU has it for its gates and its candidate.
#pragma once

#include "keel/nn/layer_norm.h"

namespace keel::nn {

// LayerNorm over the first `first` channels, and another over the rest.
//   shapes:     [...,C] -> the same
//   parameters: weight [C], bias [C] if options.center, as if it were one
//   throws:     as LayerNorm
class SplitLayerNorm final : public Layer<SplitLayerNorm> {
 public:
  SplitLayerNorm(Index channels, Index first, const LayerNormOptions& options);
  Variable forward(const Variable& x, Context& context) override;
  std::string kind() const override { return "layer_norm"; }

  Parameter weight;
  Parameter bias;

 private:
  Index channels_;
  Index first_;
  double epsilon_;
};

}  // namespace keel::nn
