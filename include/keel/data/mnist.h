// MNIST and the datasets that come in its format: Fashion-MNIST, KMNIST and the like.
#pragma once

#include <filesystem>

#include "keel/data/dataset.h"

namespace keel::data {

// The training and test sets in a directory of four IDX files:
//   train-images-idx3-ubyte  train-labels-idx1-ubyte  t10k-images-idx3-ubyte  t10k-labels-idx1-ubyte
// each also under the spelling train-images.idx3-ubyte, and each also with .gz; plain files are preferred.
// The number of classes is the largest training label + 1, and at least 2.
// throws: FileError naming the files, what was expected and what was found, if a file is missing or damaged
// (idx.h), images and labels differ in number, or most classes below the largest label have no example;
// ValueError if a test label does not occur among the classes.
TrainTest load_mnist_format(const std::filesystem::path& directory);

// Whether both parts are MNIST itself, by their fingerprints, and not another set in its format.
bool is_official_mnist(const TrainTest& sets);

}  // namespace keel::data
