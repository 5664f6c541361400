#include "keel/train/non_finite.h"

#include <vector>

#include "keel/core/tensor_ops.h"

namespace keel::train {
namespace {

std::string kind_of(nn::Module& model, const std::string& path) {
  std::string kind;
  model.visit([&](const std::string& at, nn::Module& module) {
    if (at == path) kind = module.kind();
  });
  return kind;
}

// The first layer, in the order of the forward pass, whose output is not finite; empty if there is none.
std::string first_layer(nn::Module& model, const data::Batch& batch, nn::Context context) {
  std::string found;
  const auto copy = model.clone();
  context.set_observer([&](const std::string& path, const Variable& output) {
    if (found.empty() && !all_finite(output.value())) found = path;
  });
  try {
    const NoGrad no_grad;
    copy->forward(Variable(batch.inputs), context);
  } catch (const Error&) {
    // A layer that refuses what is not finite: what was seen before that is the answer.
  }
  return found;
}

}  // namespace

std::string locate_non_finite(nn::Module& model, const data::Batch& batch, nn::Context context) {
  if (!all_finite(batch.inputs)) return "first in the input";
  const std::string layer = first_layer(model, batch, std::move(context));
  std::string place = layer.empty()
                          ? "first in the loss itself"
                          : fmt::format("first in the output of layer {} ({})", layer, kind_of(model, layer));
  std::vector<std::string> names;
  for (const auto& list : {model.named_parameters(), model.named_buffers()}) {
    for (const nn::NamedVariable& named : list) {
      if (!all_finite(named.variable.value())) names.push_back(named.name);
    }
  }
  if (!names.empty()) place += fmt::format("; not finite themselves: {}", fmt::join(names, ", "));
  return place;
}

}  // namespace keel::train
