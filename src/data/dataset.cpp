#include "keel/data/dataset.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "io/crc.h"
#include "keel/core/error.h"
#include "keel/core/parallel.h"
#include "kernels/gather_pixels.h"

namespace keel::data {
namespace {

std::uint32_t crc_of(std::uint32_t crc, const std::string& text) {
  return io::crc_of(std::as_bytes(std::span(text)), crc);
}

// Of many bytes, on several threads: zlib can join the checksums of neighbouring pieces.
std::uint32_t crc_of(std::uint32_t crc, const Tensor& tensor) {
  constexpr Index kPiece = 1 << 20;
  const auto size = static_cast<Index>(tensor.num_bytes());
  const std::byte* const bytes = tensor.bytes();
  std::vector<std::uint32_t> pieces(static_cast<std::size_t>((size + kPiece - 1) / kPiece));
  parallel_for(size, kPiece, [&](Index begin, Index end) {
    pieces[static_cast<std::size_t>(begin / kPiece)] = io::crc_of(std::span(bytes + begin, bytes + end));
  });
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Index length = std::min(kPiece, size - static_cast<Index>(i) * kPiece);
    crc = static_cast<std::uint32_t>(crc32_combine(crc, pieces[i], length));
  }
  return crc;
}

std::string to_hex(std::uint32_t crc) { return fmt::format("{:08x}", crc); }

void check_indices(std::span<const std::int32_t> indices, Index size) {
  for (const std::int32_t index : indices) {
    check<ValueError>(index >= 0 && index < size, "[gather] index {} is outside [0, {})", index, size);
  }
}

class Subset final : public Dataset {
 public:
  Subset(DatasetPtr dataset, Index begin, Index end)
      : dataset_(std::move(dataset)), begin_(begin), end_(end) {}

  Index size() const override { return end_ - begin_; }
  Shape example_shape() const override { return dataset_->example_shape(); }
  Index num_classes() const override { return dataset_->num_classes(); }
  std::vector<std::string> class_names() const override { return dataset_->class_names(); }

  Batch gather(std::span<const std::int32_t> indices) const override {
    check_indices(indices, size());
    std::vector<std::int32_t> shifted(indices.begin(), indices.end());
    for (std::int32_t& index : shifted) index += static_cast<std::int32_t>(begin_);
    return dataset_->gather(shifted);
  }

  std::string description() const override {
    return fmt::format("examples {} to {} of {}", begin_, end_ - 1, dataset_->description());
  }

  std::string fingerprint() const override {
    return to_hex(crc_of(0, fmt::format("{}[{},{})", dataset_->fingerprint(), begin_, end_)));
  }

 private:
  DatasetPtr dataset_;
  Index begin_;
  Index end_;
};

}  // namespace

std::vector<std::string> Dataset::class_names() const {
  std::vector<std::string> names;
  for (Index i = 0; i < num_classes(); ++i) names.push_back(std::to_string(i));
  return names;
}

Tensor inputs_of(const Tensor& pixels) {
  check<DTypeError>(pixels.dtype() == DType::uint8, "[inputs_of] uint8 pixels expected, found {}",
                    name_of(pixels.dtype()));
  Tensor inputs = Tensor::empty(pixels.shape());
  const std::int32_t all = 0;
  kernels::gather_pixels(pixels.data<std::uint8_t>(), &all, inputs.data<float>(), 1, pixels.numel());
  return inputs;
}

ImageDataset::ImageDataset(ImageDatasetOptions options)
    : images_(std::move(options.images)),
      labels_(std::move(options.labels)),
      num_classes_(options.num_classes),
      description_(std::move(options.description)),
      class_names_(std::move(options.class_names)) {
  const auto name = [this] { return description_.empty() ? std::string("images") : description_; };
  check<ValueError>(images_.defined() && labels_.defined(), "[image_dataset] {}: images and labels expected",
                    name());
  check<DTypeError>(images_.dtype() == DType::uint8 && labels_.dtype() == DType::int32,
                    "[image_dataset] {}: uint8 images and int32 labels expected, found {} and {}", name(),
                    name_of(images_.dtype()), name_of(labels_.dtype()));
  check<ShapeError>(images_.rank() == 3 || images_.rank() == 4,
                    "[image_dataset] {}: images [N,H,W] or [N,H,W,C] expected, found {}", name(),
                    images_.shape());
  check<ShapeError>(labels_.rank() == 1 && labels_.size(0) == images_.size(0),
                    "[image_dataset] {}: images {} need labels [{}], found {}", name(), images_.shape(),
                    images_.size(0), labels_.shape());
  check<ValueError>(images_.numel() > 0, "[image_dataset] {}: no pixels in images {}", name(),
                    images_.shape());
  check<ValueError>(num_classes_ >= 2, "[image_dataset] {}: at least 2 classes expected, found {}", name(),
                    num_classes_);
  check<ValueError>(class_names_.empty() || static_cast<Index>(class_names_.size()) == num_classes_,
                    "[image_dataset] {}: names of {} classes expected, found {}", name(), num_classes_,
                    class_names_.size());
  const auto values = labels_.values<std::int32_t>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    check<ValueError>(values[i] >= 0 && values[i] < num_classes_,
                      "[image_dataset] {}: label {} at index {} is outside [0, {})", name(), values[i], i,
                      num_classes_);
  }
  if (images_.rank() == 3) images_ = images_.reshape({images_.size(0), images_.size(1), images_.size(2), 1});
}

Shape ImageDataset::example_shape() const { return {images_.size(1), images_.size(2), images_.size(3)}; }

std::vector<std::string> ImageDataset::class_names() const {
  return class_names_.empty() ? Dataset::class_names() : class_names_;
}

Batch ImageDataset::gather(std::span<const std::int32_t> indices) const {
  check_indices(indices, size());
  const auto n = static_cast<Index>(indices.size());
  Batch batch{Tensor::empty(images_.shape().with(0, n)), Tensor::empty({n}, DType::int32)};
  const std::int32_t* labels = labels_.data<std::int32_t>();
  std::int32_t* batch_labels = batch.labels.data<std::int32_t>();
  for (std::size_t i = 0; i < indices.size(); ++i) batch_labels[i] = labels[indices[i]];
  // The nearest float to the quotient by 255, as other frameworks have it.
  kernels::gather_pixels(images_.data<std::uint8_t>(), indices.data(), batch.inputs.data<float>(), n,
                         example_shape().numel());
  return batch;
}

std::string ImageDataset::fingerprint() const {
  std::call_once(fingerprint_made_, [this] {
    const std::uint32_t crc = crc_of(0, fmt::format("{}/{}", images_.shape(), num_classes_));
    fingerprint_ = to_hex(crc_of(crc_of(crc, images_), labels_));
  });
  return fingerprint_;
}

DatasetPtr subset(DatasetPtr dataset, Index begin, Index end) {
  const Index size = dataset->size();
  check<ValueError>(begin >= 0 && begin < end && end <= size,
                    "[subset] range [{}, {}) is empty or not inside the {} examples of {}", begin, end, size,
                    dataset->description());
  if (begin == 0 && end == size) return dataset;
  return std::make_shared<Subset>(std::move(dataset), begin, end);
}

DatasetPtr take(DatasetPtr dataset, Index n) {
  check<ValueError>(n >= 1 && n <= dataset->size(), "[take] between 1 and {} examples expected, found {}",
                    dataset->size(), n);
  return subset(std::move(dataset), 0, n);
}

Split split_last(const DatasetPtr& dataset, double fraction) {
  check<ValueError>(fraction > 0 && fraction < 1,
                    "[split_last] a validation fraction inside (0, 1) expected, found {}", fraction);
  const Index size = dataset->size();
  // The tolerance keeps 10 * (1 - 0.7) = 3.0000000000000004 and 10 * (1 - 0.9) = 0.9999999999999998 whole.
  const auto training = static_cast<Index>(std::floor(static_cast<double>(size) * (1 - fraction) + 1e-6));
  check<ValueError>(
      training >= 1 && training < size,
      "[split_last] a validation fraction of {} cuts {} examples into {} and {}; both parts need "
      "at least one",
      fraction, size, training, size - training);
  return {subset(dataset, 0, training), subset(dataset, training, size)};
}

}  // namespace keel::data
