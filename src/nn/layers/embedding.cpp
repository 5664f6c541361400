#include "keel/nn/embedding.h"

#include "keel/nn/layer_description.h"

namespace keel::nn::layers {

LayerMaker embedding(LayerOptions& options) {
  const Index num_embeddings = options.integer("num_embeddings", 1);
  const Index embedding_dim = options.integer("embedding_dim", 1);
  EmbeddingOptions table;
  if (!options.is_null("padding_idx", true)) table.padding_idx = options.integer("padding_idx", 0);
  check<ValueError>(table.padding_idx.value_or(0) < num_embeddings,
                    "padding_idx: expected an id below {}, found {}", num_embeddings,
                    table.padding_idx.value_or(0));
  const std::optional<std::string> init = options.init();
  return [=](LayerSite& site) {
    site.reserve_parameter({num_embeddings, embedding_dim});
    site.reserve_output({site.input().numel(), embedding_dim});
    EmbeddingOptions own = table;
    if (init) own.weight_init = site.weight_init(init);
    return std::make_shared<Embedding>(num_embeddings, embedding_dim, site.rng(), own);
  };
}

}  // namespace keel::nn::layers
