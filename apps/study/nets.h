// Settings that many experiments have in common, as JSON.
#pragma once

#include <string>

#include "study/trial.h"

namespace keel::study {

// A multilayer perceptron: `depth` times Dense, norm, activation (or with the norm behind it), dropout, and a
// Dense for the logits.
struct Net {
  Index depth = 3;
  Index width = 100;
  std::string activation = "relu";
  std::string norm = "none";  // a word of keel-mnist-bn's --norm, or the JSON of a layer
  bool norm_after = false;    // the activation
  double dropout = 0;
  bool residual = false;  // blocks x + Dense(activation(norm(x))) between a first Dense and the logits
};

// {"layers": [...]}, a model description.
Json model_of(const Net& net);

// The layer of a norm's word, with options if it has any: a claim may say norm_layer("full", {{"alpha",
// 0.1}}).
Json norm_layer(const std::string& word, const Json& options = Json::object());

// The setting that most experiments vary: a net of three layers of 100 units, He initialisation (sigmoid:
// normal with deviation 0.05), plain SGD on batches of 60, pixels / 255.
//   "steps", "lr" and all else that training.h lists may be set on the result.
Json probe(const Net& net, double learning_rate, Index steps);

}  // namespace keel::study
