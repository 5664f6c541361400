// Golden values: what PyTorch computed (scripts/make_golden.py writes tests/golden/*.json), and the same
// inputs.
//
// A file names its tensors by a specification, {"shape": [...], ...} with one of
//   "stream", "bound"     uniform in [-bound, bound), by the formula in `random_bits`
//   "stream", "classes"   labels in [0, classes), int32
//   "constant"            one value
//   "values"              stored elements
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "keel/core/error.h"
#include "keel/core/tensor.h"

namespace keel::golden {

using Json = nlohmann::json;

// tests/golden/TOPIC.json.
inline Json load(const std::string& topic) {
  const std::string path = fmt::format("{}/tests/golden/{}.json", KEEL_SOURCE_DIR, topic);
  std::ifstream file(path);
  if (!file) throw FileError(fmt::format("[golden] cannot open {}", path));
  return Json::parse(file);
}

// The cases of a topic, by value: a range-based for keeps them alive. Never none.
inline Json cases(const std::string& topic) {
  Json found = load(topic).at("cases");
  check(!found.empty(), "[golden] no case in {}", topic);
  return found;
}

// Element i of a stream: splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
// OOPSLA 2014) of stream * 2^32 + i, its upper 24 bits.
inline std::uint64_t random_bits(std::uint64_t stream, std::uint64_t i) {
  std::uint64_t z = (stream << 32) + i + 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return (z ^ (z >> 31)) >> 40;
}

inline Shape shape_of(const Json& specification) {
  const auto extents = specification.at("shape").get<std::vector<Index>>();
  return Shape(std::span<const Index>(extents));
}

inline Tensor make_labels(const Json& specification) {
  const Shape shape = shape_of(specification);
  const std::uint64_t stream = specification.at("stream");
  const std::uint64_t classes = specification.at("classes");
  std::vector<std::int32_t> values(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<std::int32_t>(random_bits(stream, i) % classes);
  }
  return Tensor::from<std::int32_t>(shape, values);
}

// The tensor of a specification, rounded to `dtype`.
inline Tensor make(const Json& specification, DType dtype) {
  const Shape shape = shape_of(specification);
  if (specification.contains("constant")) return Tensor::full(shape, specification.at("constant"), dtype);
  if (specification.contains("values")) {
    return Tensor::from<double>(shape, specification.at("values").get<std::vector<double>>()).to(dtype);
  }
  const std::uint64_t stream = specification.at("stream");
  const double bound = specification.at("bound");
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = (static_cast<double>(random_bits(stream, i)) / 0x1p23 - 1.0) * bound;
  }
  return Tensor::from<double>(shape, values).to(dtype);
}

// Whether every element differs by at most tolerance * (the largest expected magnitude). Not by its own
// magnitude: an element that is small because large terms cancel has as many wrong digits in PyTorch as here.
inline ::testing::AssertionResult is_close(const Tensor& found, const Json& expected, double tolerance) {
  const Shape shape = shape_of(expected);
  const auto values = expected.at("values").get<std::vector<double>>();
  if (!found.defined()) return ::testing::AssertionFailure() << "there is no tensor";
  if (found.shape() != shape) {
    return ::testing::AssertionFailure()
           << fmt::format("shape is {}, expected {}", found.shape().to_string(), shape.to_string());
  }
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  const Tensor exact = found.to(DType::float64);
  double worst = 0;
  std::size_t where = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double error = std::abs(exact.values<double>()[i] - values[i]);
    if (error <= worst) continue;  // NaN does not pass here
    worst = error;
    where = i;
    if (std::isnan(error)) break;
  }
  if (worst <= tolerance * largest) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << fmt::format(
             "element {} of {} is {:.17g}, expected {:.17g}: off by {:.2g} of the largest expected magnitude "
             "{:.3g}, allowed is {:.2g}",
             where, shape.to_string(), exact.values<double>()[where], values[where], worst / largest, largest,
             tolerance);
}

// Whether |found / expected - 1| <= tolerance.
inline ::testing::AssertionResult is_close(double found, double expected, double tolerance) {
  const double error = std::abs(found / expected - 1);
  if (error <= tolerance) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << fmt::format("{:.17g}, expected {:.17g}: off by {:.2g} of it, allowed is {:.2g}", found, expected,
                        error, tolerance);
}

// How close results must be. The stored values have 13 digits. In float32 a result of a few hundred roundings
// of 6e-8 each stays below 1e-5.
inline double tolerance_of(DType dtype) { return dtype == DType::float64 ? 1e-11 : 1e-5; }

}  // namespace keel::golden
