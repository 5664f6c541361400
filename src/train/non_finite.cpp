#include "keel/train/non_finite.h"

#include <optional>
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

// The path of the first layer, in the order of the forward pass, whose output is not finite. "": the model as
// a whole, which is no container, or one that does not tell what its layers return.
std::optional<std::string> first_layer(nn::Module& model, const data::Batch& batch, nn::Context context) {
  std::optional<std::string> found;
  const auto copy = model.clone();
  context.set_observer([&](const std::string& path, const Variable&, const Variable& output) {
    if (!found && !all_finite(output.value())) found = path;
  });
  try {
    const NoGrad no_grad;
    const Variable output = copy->forward(Variable(batch.inputs), context);
    if (!found && !all_finite(output.value())) found = "";
  } catch (const Error&) {
    // A layer that refuses what is not finite: what was seen before that is the answer.
  }
  return found;
}

std::string place_of(nn::Module& model, const std::optional<std::string>& path) {
  if (!path) return "first in the loss itself";
  if (path->empty()) return fmt::format("first in the output of the model ({})", model.kind());
  return fmt::format("first in the output of layer {} ({})", *path, kind_of(model, *path));
}

}  // namespace

std::string locate_non_finite(nn::Module& model, const data::Batch& batch, nn::Context context) {
  if (!all_finite(batch.inputs)) return "first in the input";
  std::string place = place_of(model, first_layer(model, batch, std::move(context)));
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
