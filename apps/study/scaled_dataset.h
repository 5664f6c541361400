// A dataset whose inputs are multiplied by a number.
#pragma once

#include "keel/data/dataset.h"

namespace keel::study {

data::DatasetPtr scaled(data::DatasetPtr dataset, double factor);

}  // namespace keel::study
