#include "keel/data/batches.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>
#include <utility>

#include "keel/core/error.h"
#include "keel/core/rng.h"

namespace keel::data {

Batches::Batches(DatasetPtr dataset, const BatchOptions& options)
    : dataset_(std::move(dataset)), options_(options) {
  const Index size = dataset_->size();
  check<ValueError>(options_.batch_size >= 1 && options_.batch_size <= size,
                    "[batches] a batch size between 1 and the {} examples of the data expected, found {}",
                    size, options_.batch_size);
  check<ValueError>(size <= std::numeric_limits<std::int32_t>::max(),
                    "[batches] at most 2^31 - 1 examples expected, found {}", size);
}

Index Batches::count() const {
  const Index size = dataset_->size();
  return options_.drop_last ? size / options_.batch_size
                            : (size + options_.batch_size - 1) / options_.batch_size;
}

Index Batches::size_of(Index i) const {
  check<ValueError>(i >= 0 && i < count(), "[batches] a batch between 0 and {} expected, found {}",
                    count() - 1, i);
  return std::min(options_.batch_size, dataset_->size() - i * options_.batch_size);
}

Index Batches::examples() const {
  return options_.drop_last ? count() * options_.batch_size : dataset_->size();
}

Batch Batches::batch(Index epoch, Index i) const {
  const Index size = size_of(i);
  const Order indices = cached_order(epoch);
  return dataset_->gather(std::span(*indices).subspan(static_cast<std::size_t>(i * options_.batch_size),
                                                      static_cast<std::size_t>(size)));
}

Batches Batches::in_order(Index batch_size) const {
  return Batches(dataset_, {.batch_size = std::min(batch_size, dataset_->size())});
}

std::vector<std::int32_t> Batches::order(Index epoch) const {
  check<ValueError>(epoch >= 0, "[batches] an epoch of 0 or more expected, found {}", epoch);
  std::vector<std::int32_t> indices(static_cast<std::size_t>(dataset_->size()));
  std::iota(indices.begin(), indices.end(), 0);
  if (options_.shuffle) {
    Rng rng = Rng(options_.seed, Stream::shuffle).substream(static_cast<std::uint64_t>(epoch));
    rng.shuffle(indices);
  }
  return indices;
}

Batches::Order Batches::cached_order(Index epoch) const {
  const std::lock_guard lock(mutex_);
  if (cached_ == nullptr || cached_epoch_ != epoch) {
    cached_ = std::make_shared<const std::vector<std::int32_t>>(order(epoch));
    cached_epoch_ = epoch;
  }
  return cached_;
}

}  // namespace keel::data
