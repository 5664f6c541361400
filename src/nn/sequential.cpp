#include "keel/nn/sequential.h"

namespace keel::nn {
void Sequential::add(std::shared_ptr<Module> layer) {
  add(std::to_string(children().size()), std::move(layer));
}

void Sequential::add(std::string name, std::shared_ptr<Module> layer) {
  add_child(std::move(name), std::move(layer));
}

// A layer may take over the activation behind it, unless somebody wants to see what the layer itself returns.
Variable Sequential::forward(const Variable& x, Context& context) {
  Variable y = x;
  const std::vector<NamedChild>& parts = children();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto& [name, module] = parts[i];
    const Activation next = i + 1 < parts.size() ? parts[i + 1].module->as_activation() : Activation::none;
    if (next != Activation::none && !context.observer()) {
      if (const auto activated = run_activated_part(*module, name, y, next, context)) {
        y = *activated;
        ++i;
        continue;
      }
    }
    y = run_part(*module, name, y, context);
  }
  return y;
}

}  // namespace keel::nn
