// Embedding layer: PyTorch's (https://pytorch.org/docs/stable/generated/torch.nn.Embedding.html). As a
// trained table for words: Bengio et al., "A Neural Probabilistic Language Model", JMLR 3, 2003.
#pragma once

#include <optional>

#include "keel/nn/init.h"
#include "keel/nn/module.h"

namespace keel::nn {

struct EmbeddingOptions {
  // The id of padding: its row starts as zeros and is not trained, as in PyTorch.
  std::optional<Index> padding_idx = {};
  Initializer weight_init = normal(0, 1);  // PyTorch's
};

// A trained vector for each id: y[...,:] = weight[x[...],:]
//   shapes:     [...] -> [...,embedding_dim]; x holds ids in [0, num_embeddings), as int32 or as whole
//               numbers in float32 or float64, which is how data sets give inputs
//   parameters: weight [num_embeddings, embedding_dim]: PyTorch's names
//   gradient:   weight (see keel/ops/embedding.h); none for x
//   throws:     ValueError unless both sizes are at least 1 and padding_idx is an id;
//               forward: ValueError naming the first element that is no id, DTypeError
class Embedding final : public Layer<Embedding> {
 public:
  Embedding(Index num_embeddings, Index embedding_dim, Rng& rng, const EmbeddingOptions& options = {});
  Variable forward(const Variable& x, Context& context) override;
  std::string kind() const override { return "embedding"; }
  PyTorchLayout pytorch_layout() const override;

  Parameter weight;

 private:
  std::optional<Index> padding_idx_;
};

}  // namespace keel::nn
