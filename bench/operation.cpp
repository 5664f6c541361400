#include "operation.h"

#include <fmt/format.h>

#include <memory>

#include "keel/core/rng.h"

namespace keel::bench {
namespace {

// The operation measured last, whose tensors may be large: repetitions and numbers of threads share them.
const Operation& cached(const OperationCase& wanted) {
  static std::string key;
  static Operation operation;
  const std::string name = wanted.name + "/" + wanted.sizes;
  if (key != name) {
    operation = {};
    operation = wanted.make();
    key = name;
  }
  return operation;
}

void run_forward(benchmark::State& state, const OperationCase& wanted, int threads) {
  const Operation& operation = cached(wanted);
  measure(state, threads, wanted.forward, [&] { benchmark::DoNotOptimize(operation.forward()); });
}

void run_backward(benchmark::State& state, const OperationCase& wanted, int threads) {
  const Operation& operation = cached(wanted);
  const Tensor seed = random_tensor(operation.forward().shape());
  Variable y;
  const auto prepare = [&] {
    for (Variable input : operation.inputs) input.clear_grad();
    y = operation.forward();
  };
  measure_prepared(state, threads, wanted.backward, prepare, [&] { y.backward(seed); });
}

bool is_any(const Work& work) { return work.flops > 0 || work.bytes > 0; }

}  // namespace

void add_operation(const OperationCase& operation_case) {
  const auto shared = std::make_shared<const OperationCase>(operation_case);
  for_threads([&](int threads) {
    const auto name = [&](const char* pass) {
      return fmt::format("op/{}_{}/{}/threads:{}", shared->name, pass, shared->sizes, threads);
    };
    add_benchmark(name("forward"), Clock::wall, [=](auto& state) { run_forward(state, *shared, threads); });
    if (!is_any(shared->backward)) return;
    add_benchmark(name("backward"), Clock::manual,
                  [=](auto& state) { run_backward(state, *shared, threads); });
  });
}

Tensor random_tensor(const Shape& shape) {
  Tensor tensor = Tensor::empty(shape);
  Rng rng(1, Stream::test);
  float* x = tensor.data<float>();
  constexpr double kToUnit = 1.0 / (1U << 31);
  for (Index i = 0; i < tensor.numel(); ++i) x[i] = static_cast<float>(rng.next_u32() * kToUnit - 1);
  return tensor;
}

Variable random_variable(const Shape& shape) { return Variable(random_tensor(shape), true); }

double bytes_of_floats(Index numbers) {
  return static_cast<double>(sizeof(float)) * static_cast<double>(numbers);
}

}  // namespace keel::bench
