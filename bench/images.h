// The images that training steps are measured on.
#pragma once

#include <string>

#include "keel/data/dataset.h"

namespace keel::bench {

// Where images() finds MNIST's files; empty for synthetic digits.
void set_images(std::string directory);

// The training set, read when it is asked for first.
data::DatasetPtr images();

}  // namespace keel::bench
