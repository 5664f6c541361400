#include "keel/nn/embedding.h"

#include <algorithm>
#include <cmath>

#include "keel/ops/embedding.h"

namespace keel::nn {
namespace {

// What is no id at all is told here, what is none of the table's by the operation.
Tensor ids_of(const Tensor& x) {
  if (!is_floating(x.dtype())) return x;
  dispatch_floating("embedding", x.dtype(), [&](auto zero) {
    const auto values = x.values<decltype(zero)>();
    const auto bad = std::find_if(values.begin(), values.end(), [](auto v) { return !(std::trunc(v) == v); });
    check<ValueError>(
        bad == values.end(),
        "[embedding] expected ids, which are whole numbers, found {} at place {} of {}: pixels of "
        "images are no ids",
        bad == values.end() ? 0 : *bad, bad - values.begin(), x.shape());
  });
  return x.to(DType::int32);
}

}  // namespace

Embedding::Embedding(Index num_embeddings, Index embedding_dim, Rng& rng, const EmbeddingOptions& options)
    : padding_idx_(options.padding_idx) {
  check<ValueError>(num_embeddings >= 1 && embedding_dim >= 1,
                    "[embedding] expected num_embeddings and embedding_dim of at least 1, found {} and {}",
                    num_embeddings, embedding_dim);
  check<ValueError>(!padding_idx_ || (*padding_idx_ >= 0 && *padding_idx_ < num_embeddings),
                    "[embedding] expected a padding_idx in [0,{}), found {}", num_embeddings,
                    padding_idx_.value_or(0));
  Tensor initial = Tensor::empty({num_embeddings, embedding_dim});
  options.weight_init(initial, {num_embeddings, embedding_dim}, rng);
  if (padding_idx_) initial.rows(*padding_idx_, *padding_idx_ + 1).fill(0);
  weight = parameter("weight", initial);
}

Variable Embedding::forward(const Variable& x, Context&) {
  return embedding(ids_of(x.value()), weight, padding_idx_);
}

PyTorchLayout Embedding::pytorch_layout() const {
  return {.tensors = {{"weight", {}}}, .mixes_features = true, .input_ranks = {1, 2}};
}

}  // namespace keel::nn
