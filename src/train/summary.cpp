#include "keel/train/summary.h"

#include <algorithm>

namespace keel::train {
namespace {

// Two examples: a layer that takes the statistics of the batch refuses a single one.
Shape two_examples(const Shape& example_shape) {
  std::vector<Index> extents = {2};
  extents.insert(extents.end(), example_shape.begin(), example_shape.end());
  return Shape(std::span<const Index>(extents));
}

// Elements of the parameters that are not its parts'.
Index own_parameters(const nn::Module& module) {
  Index count = 0;
  for (const nn::NamedVariable& named : module.named_parameters()) {
    if (named.name.find('.') == std::string::npos) count += named.variable.value().numel();
  }
  return count;
}

// "[N,28,28,1]": the batch is as large as it may be.
std::string with_batch_axis(const Shape& shape) {
  const std::string text = shape.to_string();
  return "[N" + text.substr(std::min(text.find_first_of(",]"), text.size()));
}

}  // namespace

std::vector<LayerSummary> summarize(nn::Module& model, const Shape& example_shape) {
  std::vector<LayerSummary> layers;
  nn::Context context(nn::Mode::evaluation);
  context.set_observer([&](const std::string& path, const Variable&, const Variable& output) {
    // A layer that runs at each timestep is one layer.
    if (std::any_of(layers.begin(), layers.end(), [&](const auto& layer) { return layer.path == path; })) {
      return;
    }
    model.visit([&](const std::string& at, nn::Module& module) {
      const bool container_of_listed =
          std::any_of(layers.begin(), layers.end(),
                      [&](const LayerSummary& layer) { return layer.path.starts_with(path + "."); });
      const Index parameters = container_of_listed ? own_parameters(module) : module.num_parameters();
      if (at == path && (!container_of_listed || parameters > 0)) {
        layers.push_back({path, module.kind(), output.shape().with(0, 1), parameters});
      }
    });
  });
  const NoGrad no_grad;
  const Variable output = model.forward(Variable(Tensor::zeros(two_examples(example_shape))), context);
  if (layers.empty()) layers.push_back({"", model.kind(), output.shape().with(0, 1), model.num_parameters()});
  return layers;
}

std::string summary_table(nn::Module& model, const Shape& example_shape) {
  const std::vector<LayerSummary> layers = summarize(model, example_shape);
  std::size_t path_width = 5, kind_width = 4, shape_width = 12;
  for (const LayerSummary& layer : layers) {
    path_width = std::max(path_width, layer.path.size());
    kind_width = std::max(kind_width, layer.kind.size());
    shape_width = std::max(shape_width, with_batch_axis(layer.output_shape).size());
  }
  const auto row = [&](const auto& path, const auto& kind, const auto& shape, const auto& parameters) {
    return fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>10}\n", path, path_width, kind, kind_width, shape,
                       shape_width, parameters);
  };
  const std::string rule = std::string(path_width + kind_width + shape_width + 16, '-') + "\n";
  std::string table = row("layer", "kind", "output shape", "parameters") + rule;
  table += row("", "input", with_batch_axis(two_examples(example_shape)), "");
  for (const LayerSummary& layer : layers) {
    table += row(layer.path, layer.kind, with_batch_axis(layer.output_shape), layer.parameters);
  }
  Index buffer_elements = 0;
  for (const nn::NamedVariable& buffer : model.named_buffers())
    buffer_elements += buffer.variable.value().numel();
  return table + rule + row("", "total", "", model.num_parameters()) +
         fmt::format("buffers (not trained): {}\n", buffer_elements);
}

}  // namespace keel::train
