// Dataset: examples with labels, and the parts of one.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "keel/core/tensor.h"

namespace keel::data {

struct Batch {
  Tensor inputs;  // float32 [N, ...]
  Tensor labels;  // int32 [N], each in [0, num_classes)
};

// A fixed sequence of labelled examples, at least one. Immutable, so that any number of threads may read it.
class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual Index size() const = 0;
  // Without the axis of examples; images have their channels last: [28,28,1].
  virtual Shape example_shape() const = 0;
  virtual Index num_classes() const = 0;
  // One name a class, in order of the labels; "0", "1", ... where the data name none.
  virtual std::vector<std::string> class_names() const;
  // The examples of these indices, in their order; an index may occur more than once.
  // shapes: n indices -> inputs [n, example_shape...], labels [n]
  // throws: ValueError if an index is outside [0, size()).
  virtual Batch gather(std::span<const std::int32_t> indices) const = 0;
  // For people: "synthetic digits", "MNIST-format training set, 60000 examples from data/mnist".
  virtual std::string description() const = 0;
  // Eight hexadecimal digits, a CRC-32 of the content, for run records: images and labels that are equal have
  // equal fingerprints wherever they were read from, and so have parts cut in the same way from equal sets.
  // The same examples cut in another way (a part of a part, a set of their own) have another fingerprint. The
  // first call may read every byte of the data.
  virtual std::string fingerprint() const = 0;
};

using DatasetPtr = std::shared_ptr<const Dataset>;

// A training set and the test set that belongs to it.
struct TrainTest {
  DatasetPtr train;
  DatasetPtr test;
  DatasetPtr validation = nullptr;  // of data that come with one
};

struct ImageDatasetOptions {
  Tensor images;  // uint8 [N,H,W] (one channel) or [N,H,W,C]
  Tensor labels;  // int32 [N]
  Index num_classes = 0;
  std::string description;
  std::vector<std::string> class_names = {};  // empty: "0", "1", ...
};

// Bytes as inputs: each divided by 255, in [0, 1], as ImageDataset's are.
//   shapes: uint8 [...] -> float32 [...]
//   throws: DTypeError
Tensor inputs_of(const Tensor& pixels);

// Images kept in memory as bytes. Inputs are pixels / 255, in [0, 1], [N,H,W,C].
class ImageDataset final : public Dataset {
 public:
  // throws: DTypeError or ShapeError if images or labels are not as described above or differ in number;
  // ValueError naming index and label if a label is outside [0, num_classes), if there are no examples, fewer
  // than 2 classes or another number of names.
  explicit ImageDataset(ImageDatasetOptions options);

  Index size() const override { return images_.size(0); }
  Shape example_shape() const override;
  Index num_classes() const override { return num_classes_; }
  std::vector<std::string> class_names() const override;
  Batch gather(std::span<const std::int32_t> indices) const override;
  std::string description() const override { return description_; }
  std::string fingerprint() const override;

  const Tensor& images() const { return images_; }  // uint8 [N,H,W,C]
  const Tensor& labels() const { return labels_; }  // int32 [N]

 private:
  Tensor images_;
  Tensor labels_;
  Index num_classes_;
  std::string description_;
  std::vector<std::string> class_names_;
  mutable std::once_flag fingerprint_made_;
  mutable std::string fingerprint_;
};

// Examples [begin, end) of a dataset, without copying them; the dataset itself if these are all.
// throws: ValueError if the range is empty or leaves [0, size()).
DatasetPtr subset(DatasetPtr dataset, Index begin, Index end);

// The first n examples. throws: ValueError if n is outside [1, size()].
DatasetPtr take(DatasetPtr dataset, Index n);

struct Split {
  DatasetPtr training;
  DatasetPtr validation;
};

// Holds out the LAST `fraction` of the examples for validation: 60000 and 0.2 give 48000 and 12000. Where the
// cut falls between two examples, the training part gets the lower number, as in Keras: floor(size * (1 -
// fraction)). throws: ValueError if fraction is not inside (0, 1) or leaves one part empty.
Split split_last(const DatasetPtr& dataset, double fraction);

}  // namespace keel::data
