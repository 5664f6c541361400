// The side of Keel in pytorch_test.py, which runs this program.
//
//   keel_interop write DIRECTORY   for each model: NAME.safetensors, its state in PyTorch's layout, and
//                                  NAME.values.safetensors, an input and the logits
//   keel_interop check DIRECTORY   for each model: the state in NAME.torch.safetensors gives the logits in
//                                  NAME.torch.values.safetensors
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>

#include "keel/core/tensor_ops.h"
#include "keel/io/safetensors.h"
#include "keel/nn/activation.h"
#include "keel/nn/conv2d.h"
#include "keel/nn/dense.h"
#include "keel/nn/dropout.h"
#include "keel/nn/flatten.h"
#include "keel/nn/models.h"
#include "keel/nn/pool2d.h"
#include "keel/nn/pytorch_state.h"
#include "keel/nn/residual.h"

namespace keel {
namespace {

namespace fs = std::filesystem;

struct Case {
  const char* name;
  Shape example;
  std::function<std::shared_ptr<nn::Sequential>(Rng rng)> make;
};

std::shared_ptr<nn::Sequential> flattened_batch_norm(Rng rng) {
  auto model = std::make_shared<nn::Sequential>();
  model->add<nn::Conv2d>(2, 6, Pair{3, 2}, rng,
                         nn::Conv2dLayerOptions{.convolution = {.stride = 2, .groups = 2}});
  model->add<nn::Tanh>();
  model->add<nn::Flatten>();
  model->add<nn::BatchNorm>(4 * 3 * 6);
  model->add<nn::Dropout>(0.3);
  model->add<nn::Dense>(4 * 3 * 6, 7, rng);
  model->add<nn::BatchNorm>(7);
  model->add<nn::ReLU>();
  model->add<nn::Dense>(7, 7, rng, nn::DenseOptions{.bias = false});
  return model;
}

std::shared_ptr<nn::Sequential> pooled(Rng rng) {
  auto block = std::make_shared<nn::Sequential>();
  block->add<nn::Conv2d>(3, 5, 3, rng, nn::Conv2dLayerOptions{.convolution = {.padding = 1}, .bias = false});
  block->add<nn::BatchNorm>(5);
  block->add<nn::Sigmoid>();
  block->add<nn::AvgPool2d>(AvgPool2dOptions{.kernel = 2});
  auto model = std::make_shared<nn::Sequential>();
  model->add("block", block);
  model->add("pool", std::make_shared<nn::GlobalAvgPool2d>());
  model->add("head", std::make_shared<nn::Dense>(5, 4, rng));
  return model;
}

std::shared_ptr<nn::Sequential> with_residuals(Rng rng) {
  auto body = std::make_shared<nn::Sequential>(), shortcut = std::make_shared<nn::Sequential>();
  body->add<nn::Conv2d>(3, 4, 3, rng, nn::Conv2dLayerOptions{.convolution = {.stride = 2, .padding = 1}});
  body->add<nn::BatchNorm>(4);
  shortcut->add<nn::Conv2d>(3, 4, 1, rng, nn::Conv2dLayerOptions{.convolution = {.stride = 2}});
  auto model = std::make_shared<nn::Sequential>();
  model->add<nn::Residual>(body, shortcut);
  model->add<nn::ReLU>();
  model->add<nn::Flatten>();
  model->add<nn::Dense>(4 * 3 * 4, 6, rng);
  auto dense = std::make_shared<nn::Sequential>();
  dense->add<nn::Dense>(6, 6, rng);
  model->add<nn::Residual>(dense);
  model->add<nn::BatchNorm>(6);
  return model;
}

std::vector<Case> all_cases() {
  const Shape mnist = {28, 28, 1}, colour = {12, 8, 3};
  const auto before = nn::NormPosition::before_activation, after = nn::NormPosition::after_activation;
  return {
      {"mlp", mnist, [=](Rng rng) { return nn::mlp(rng, {.input = mnist}); }},
      {"mlp_colour_bn_dropout", colour,
       [=](Rng rng) {
         return nn::mlp(rng, {.input = colour, .batch_norm = true, .norm_position = after, .dropout = 0.5});
       }},
      {"cnn", mnist, [=](Rng rng) { return nn::cnn(rng, {.input = mnist}); }},
      {"cnn_bn_before", mnist,
       [=](Rng rng) { return nn::cnn(rng, {.input = mnist, .batch_norm = true, .norm_position = before}); }},
      {"cnn_bn_after_dropout", colour,
       [=](Rng rng) {
         return nn::cnn(rng, {.input = colour, .batch_norm = true, .norm_position = after, .dropout = 0.5});
       }},
      {"flattened_batch_norm", {10, 7, 2}, flattened_batch_norm},
      {"pooled", {6, 8, 3}, pooled},
      {"with_residuals", {8, 6, 3}, with_residuals},
  };
}

Tensor random_batch(const Shape& example, std::uint64_t seed) {
  std::vector<Index> extents = {5};
  extents.insert(extents.end(), example.begin(), example.end());
  Tensor batch = Tensor::empty(Shape(std::span<const Index>(extents)));
  Rng rng(seed, Stream::test);
  for (Index i = 0; i < batch.numel(); ++i) batch.data<float>()[i] = static_cast<float>(rng.uniform(-1, 1));
  return batch;
}

Tensor logits_of(nn::Module& model, const Tensor& x) {
  const NoGrad no_grad;
  nn::Context context(nn::Mode::evaluation);
  return model(Variable(x), context).value();
}

// Parameters and running statistics that are nobody's initial values.
void move_state(nn::Module& model, const Shape& example) {
  Rng rng(11, Stream::test);
  for (nn::NamedVariable& parameter : model.named_parameters()) {
    Tensor& value = parameter.variable.mutable_value();
    for (Index i = 0; i < value.numel(); ++i)
      value.data<float>()[i] += static_cast<float>(rng.uniform(-0.1, 0.1));
  }
  nn::Context context(nn::Mode::training);
  for (std::uint64_t step = 0; step < 3; ++step) model(Variable(random_batch(example, 100 + step)), context);
}

void write(const fs::path& directory, const Case& c) {
  const auto model = c.make(Rng(1, Stream::initialization));
  move_state(*model, c.example);
  const nn::PyTorchState state = nn::to_pytorch(*model, c.example);
  io::write_safetensors(directory / (std::string(c.name) + ".safetensors"),
                        {.metadata = {}, .tensors = state.tensors, .stored_as_int64 = state.stored_as_int64});
  const Tensor x = random_batch(c.example, 1);
  io::write_safetensors(directory / (std::string(c.name) + ".values.safetensors"),
                        {.metadata = {}, .tensors = {{"x", x}, {"logits", logits_of(*model, x)}}});
}

void check_case(const fs::path& directory, const Case& c) {
  const auto model = c.make(Rng(2, Stream::initialization));
  const auto read = [&](const char* ending) {
    return io::read_safetensors(directory / (std::string(c.name) + ending)).tensors;
  };
  nn::load_pytorch_state_dict(*model, c.example, read(".torch.safetensors"));
  const std::vector<NamedTensor> values = read(".torch.values.safetensors");
  const Tensor difference = subtract(logits_of(*model, values.at(0).tensor), values.at(1).tensor);
  double worst = 0;
  for (const float d : difference.values<float>()) worst = std::fmax(worst, std::fabs(d));
  fmt::print("{}: PyTorch's weights give logits that differ by {:.1e}\n", c.name, worst);
  check(worst < 1e-5, "{}: logits within 1e-5 expected, found a difference of {}", c.name, worst);
}

}  // namespace
}  // namespace keel

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    for (const keel::Case& c : keel::all_cases()) {
      if (std::strcmp(argv[1], "write") == 0) {
        keel::write(argv[2], c);
      } else {
        keel::check_case(argv[2], c);
      }
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
