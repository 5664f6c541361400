// Sequential: layers one after the other.
#pragma once

#include <type_traits>

#include "keel/nn/module.h"

namespace keel::nn {

// y = last(... second(first(x)))
//
//   nn::Sequential model;
//   model.add<nn::Dense>(784, 128, rng);
//   model.add<nn::ReLU>();
//
//   throws: what a layer throws, with the layer's path and kind in front:
//           "layer 2 (dense): [dense] input ..."
class Sequential final : public Layer<Sequential> {
 public:
  // Makes a layer at the end, named by its position ("0", "1", ...), and returns it.
  template <class M, class... Args>
  M& add(Args&&... args) {
    static_assert(
        std::is_constructible_v<M, Args...>,
        "add<M>(...): M has no constructor for these arguments (an Rng must be a variable of yours)");
    const auto layer = std::make_shared<M>(std::forward<Args>(args)...);
    add(layer);
    return *layer;
  }
  void add(std::shared_ptr<Module> layer);
  void add(std::string name, std::shared_ptr<Module> layer);

  Variable forward(const Variable& x, Context& context) override;
  std::string kind() const override { return "sequential"; }
};

}  // namespace keel::nn
