// The figures of an evaluation, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "keel/train/confusion.h"
#include "keel/train/metrics.h"

namespace keel::apps {

// Loss and accuracy, a line for each class, and the confusion matrix where it fits into 100 columns;
// otherwise the pairs that are confused most.
std::string evaluation_text(const train::Metrics& metrics, const train::ConfusionMatrix& confusion,
                            const std::vector<std::string>& class_names);

// The same with all numbers in full; null where there is none (0 / 0).
nlohmann::ordered_json evaluation_json(const train::Metrics& metrics, const train::ConfusionMatrix& confusion,
                                       const std::vector<std::string>& class_names);

}  // namespace keel::apps
