#include "keel/nn/sequential.h"

namespace keel::nn {
void Sequential::add(std::shared_ptr<Module> layer) {
  add(std::to_string(children().size()), std::move(layer));
}

void Sequential::add(std::string name, std::shared_ptr<Module> layer) {
  add_child(std::move(name), std::move(layer));
}

Variable Sequential::forward(const Variable& x, Context& context) {
  Variable y = x;
  for (const NamedChild& part : children()) y = run_part(*part.module, part.name, y, context);
  return y;
}

}  // namespace keel::nn
