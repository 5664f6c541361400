// Which classes a model takes for which.
#pragma once

#include <vector>

#include "keel/core/tensor.h"

namespace keel::train {

// Counts of examples by their class and the predicted one: that of the largest logit, as in Metrics.
//
// Of class k, with TP its examples that were predicted as k, FP other classes' that were, FN its own that
// were not:
//   precision  TP / (TP + FP)      recall  TP / (TP + FN)      F1  2 TP / (2 TP + FP + FN)
// NaN where that is 0 / 0: nothing was predicted as k; k has no examples; both.
class ConfusionMatrix {
 public:
  // throws: ValueError if classes < 2
  explicit ConfusionMatrix(Index classes);

  // shapes: logits [N,K], labels int32 [N]
  //   throws: ShapeError; ValueError if a label is outside [0, K)
  void add(const Tensor& logits, const Tensor& labels);

  Index classes() const { return classes_; }
  Index count(Index actual, Index predicted) const;
  Index examples() const;
  Index support(Index actual) const;         // examples of the class: the sum of a row
  Index predictions(Index predicted) const;  // the sum of a column

  double accuracy() const;  // NaN if there are no examples
  double precision(Index k) const;
  double recall(Index k) const;
  double f1(Index k) const;

  // Means over the classes that have examples, each as important as the other; a precision of 0 / 0 counts as
  // 0. NaN if no class has any.
  struct Means {
    double precision, recall, f1;
  };
  Means macro() const;

  struct Confusion {
    Index actual, predicted, count;
  };
  // Pairs of different classes that were confused, the most frequent first, at most n.
  std::vector<Confusion> most_frequent(Index n) const;

 private:
  Index classes_;
  std::vector<Index> counts_;  // [actual, predicted]
};

}  // namespace keel::train
