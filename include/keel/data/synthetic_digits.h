// Synthetic digits: images of MNIST's shape drawn by Keel itself, for where MNIST cannot be had.
//
// A digit is one of several ways to write it, given as strokes of a pen. The strokes go through a random
// smooth distortion (after Simard, Steinkraus and Platt, "Best practices for convolutional neural networks
// applied to visual document analysis", ICDAR 2003, but on the outline, not on pixels), a random scaling,
// slant, rotation and shift; a pen of random width and pressure draws them with soft edges, and noise is
// added.
#pragma once

#include <cstdint>
#include <memory>

#include "keel/data/dataset.h"

namespace keel::data {

enum class SyntheticPart { training, test };

struct SyntheticDigitsOptions {
  Index count = 60000;
  std::uint64_t seed = 0;
  SyntheticPart part = SyntheticPart::training;
};

// `count` images [28,28,1] of the digits 0 to 9, about as many of each. Image i and its label are a pure
// function of (seed, part, i), for any count and number of threads. throws: ValueError if count < 1.
std::shared_ptr<const ImageDataset> synthetic_digits(const SyntheticDigitsOptions& options);

struct SyntheticSetsOptions {
  Index train_count = 60000;
  Index test_count = 10000;
  std::uint64_t seed = 0;
};

// Both parts, in the sizes of MNIST.
TrainTest synthetic_digits_sets(const SyntheticSetsOptions& options = {});

}  // namespace keel::data
