#include "keel/optim/optimizer.h"

#include <fmt/format.h>

#include "keel/nn/models.h"
#include "keel/optim/adam.h"
#include "keel/optim/sgd.h"
#include "operation.h"

namespace keel::bench {
namespace {

std::shared_ptr<nn::Sequential> build(const std::string& model) {
  const Rng rng(1, Stream::initialization);
  const nn::ClassifierOptions options = {.batch_norm = true};
  return model == "mlp" ? nn::mlp(rng, options) : nn::cnn(rng, options);
}

using Make = std::function<std::unique_ptr<optim::Optimizer>(const nn::Module&)>;

// passes: how many numbers of each parameter are read and written.
void add_case(const char* optimizer, const char* model, int passes, const Make& make) {
  for_threads([&](int threads) {
    add_benchmark(fmt::format("op/{}_step/{}/threads:{}", optimizer, model, threads), Clock::wall,
                  [=](benchmark::State& state) {
                    const auto module = build(model);
                    const auto steps = make(*module);
                    for (const auto& named : module->named_parameters()) {
                      Variable parameter = named.variable;
                      parameter.set_grad(random_tensor(parameter.shape()));
                    }
                    measure(state, threads, {.bytes = passes * bytes_of_floats(module->num_parameters())},
                            [&] { steps->step(1e-3); });
                  });
  });
}

void add() {
  for (const char* model : {"mlp", "cnn"}) {
    // Reads parameter, gradient, m and v; writes parameter, m and v.
    add_case("adam", model, 7,
             [](const nn::Module& m) { return std::make_unique<optim::Adam>(m.named_parameters()); });
    // The same without v.
    add_case("sgd", model, 5, [](const nn::Module& m) {
      return std::make_unique<optim::Sgd>(m.named_parameters(), optim::SgdOptions{.momentum = 0.9});
    });
  }
}

const Registration registration(add);

}  // namespace
}  // namespace keel::bench
