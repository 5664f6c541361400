#include "keel/train/confusion.h"

#include <algorithm>
#include <limits>

#include "keel/core/tensor_ops.h"

namespace keel::train {
namespace {

double ratio(Index part, Index whole) {
  return whole == 0 ? std::numeric_limits<double>::quiet_NaN()
                    : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(Index classes) : classes_(classes) {
  check<ValueError>(classes >= 2, "[confusion_matrix] at least 2 classes expected, found {}", classes);
  counts_.resize(static_cast<std::size_t>(classes * classes));
}

void ConfusionMatrix::add(const Tensor& logits, const Tensor& labels) {
  check<ShapeError>(logits.rank() == 2 && logits.size(1) == classes_ && labels.rank() == 1 &&
                        labels.size(0) == logits.size(0),
                    "[confusion_matrix] logits [N,{}] and labels [N] expected, found {} and {}", classes_,
                    logits.shape(), labels.shape());
  const auto actual = labels.values<std::int32_t>();
  for (const std::int32_t label : actual) {
    check<ValueError>(label >= 0 && label < classes_, "[confusion_matrix] label {} is outside [0, {})", label,
                      classes_);
  }
  const Tensor predicted = argmax(logits);
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ++counts_[static_cast<std::size_t>(actual[i] * classes_ + predicted.data<std::int32_t>()[i])];
  }
}

Index ConfusionMatrix::count(Index actual, Index predicted) const {
  check<ValueError>(std::min(actual, predicted) >= 0 && std::max(actual, predicted) < classes_,
                    "[confusion_matrix] classes between 0 and {} expected, found {} and {}", classes_ - 1,
                    actual, predicted);
  return counts_[static_cast<std::size_t>(actual * classes_ + predicted)];
}

Index ConfusionMatrix::examples() const {
  Index sum = 0;
  for (const Index count : counts_) sum += count;
  return sum;
}

Index ConfusionMatrix::support(Index actual) const {
  Index sum = 0;
  for (Index k = 0; k < classes_; ++k) sum += count(actual, k);
  return sum;
}

Index ConfusionMatrix::predictions(Index predicted) const {
  Index sum = 0;
  for (Index k = 0; k < classes_; ++k) sum += count(k, predicted);
  return sum;
}

double ConfusionMatrix::accuracy() const {
  Index correct = 0;
  for (Index k = 0; k < classes_; ++k) correct += count(k, k);
  return ratio(correct, examples());
}

double ConfusionMatrix::precision(Index k) const { return ratio(count(k, k), predictions(k)); }
double ConfusionMatrix::recall(Index k) const { return ratio(count(k, k), support(k)); }
double ConfusionMatrix::f1(Index k) const { return ratio(2 * count(k, k), support(k) + predictions(k)); }

ConfusionMatrix::Means ConfusionMatrix::macro() const {
  Means sums{0, 0, 0};
  Index n = 0;
  for (Index k = 0; k < classes_; ++k) {
    if (support(k) == 0) continue;
    ++n;
    sums.precision += predictions(k) == 0 ? 0 : precision(k);
    sums.recall += recall(k);
    sums.f1 += f1(k);
  }
  const double scale = ratio(1, n);
  return {sums.precision * scale, sums.recall * scale, sums.f1 * scale};
}

std::vector<ConfusionMatrix::Confusion> ConfusionMatrix::most_frequent(Index n) const {
  std::vector<Confusion> all;
  for (Index actual = 0; actual < classes_; ++actual) {
    for (Index predicted = 0; predicted < classes_; ++predicted) {
      const Index found = count(actual, predicted);
      if (actual != predicted && found > 0) all.push_back({actual, predicted, found});
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.count > b.count; });
  all.resize(std::min(all.size(), static_cast<std::size_t>(std::max<Index>(n, 0))));
  return all;
}

}  // namespace keel::train
