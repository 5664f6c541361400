#include "keel/nn/sequential.h"

namespace keel::nn {
namespace {

// Puts a layer's place in front of what it threw, keeping the type of the error. An inner container has done
// it already for its own layers.
template <class E>
[[noreturn]] void rethrow_with_place(const E& error, const std::string& path, const Module& layer) {
  const std::string message = error.what();
  if (message.starts_with("layer ")) throw error;
  throw E(fmt::format("layer {} ({}): {}", path, layer.kind(), message));
}

Variable run(Module& layer, const std::string& path, const Variable& x, Context& context) {
  try {
    return layer.forward(x, context);
  } catch (const ShapeError& error) {
    rethrow_with_place(error, path, layer);
  } catch (const ValueError& error) {
    rethrow_with_place(error, path, layer);
  } catch (const DTypeError& error) {
    rethrow_with_place(error, path, layer);
  }
}

}  // namespace

void Sequential::add(std::shared_ptr<Module> layer) {
  add(std::to_string(children().size()), std::move(layer));
}

void Sequential::add(std::string name, std::shared_ptr<Module> layer) {
  add_child(std::move(name), std::move(layer));
}

Variable Sequential::forward(const Variable& x, Context& context) {
  const std::string prefix = context.path();
  Variable y = x;
  for (const NamedChild& child : children()) {
    const std::string path = prefix + child.name;
    context.set_path(path + ".");
    y = run(*child.module, path, y, context);
    if (context.observer()) context.observer()(path, y);
  }
  context.set_path(prefix);
  return y;
}

}  // namespace keel::nn
