#include "images.h"

#include "keel/data/mnist.h"
#include "keel/data/synthetic_digits.h"

namespace keel::bench {
namespace {

std::string& directory() {
  static std::string value;
  return value;
}

data::DatasetPtr load() {
  if (!directory().empty()) return data::load_mnist_format(directory()).train;
  constexpr Index kEnough = 10000;
  return data::synthetic_digits({.count = kEnough});
}

}  // namespace

void set_images(std::string value) { directory() = std::move(value); }

data::DatasetPtr images() {
  static const data::DatasetPtr dataset = load();
  return dataset;
}

}  // namespace keel::bench
