// A model in a table.
#pragma once

#include <string>
#include <vector>

#include "keel/nn/module.h"

namespace keel::train {

struct LayerSummary {
  std::string path;    // "2"
  std::string kind;    // "batch_norm"
  Shape output_shape;  // for one example: the first axis is 1
  Index parameters = 0;
};

// The layers of a model in the order they run, found by passing one example of zeros through it in evaluation
// mode. A layer inside a container is listed, the container behind it if it has parameters of its own, which
// are its row's; a layer that runs several times is listed once. A model that is no container is one layer
// with path "".
//   example_shape: without the batch's axis, such as {28, 28, 1}
//   throws: what the model throws for an input of that shape
std::vector<LayerSummary> summarize(nn::Module& model, const Shape& example_shape);

// The same as a table for people, with totals of parameters and of the buffers' elements.
std::string summary_table(nn::Module& model, const Shape& example_shape);

}  // namespace keel::train
