// Batches: the order of the examples in each epoch, cut into batches.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "keel/data/dataset.h"

namespace keel::data {

struct BatchOptions {
  Index batch_size = 32;
  bool shuffle = false;    // else in the dataset's own order, every epoch
  bool drop_last = false;  // leave out a last batch that is smaller than the others
  std::uint64_t seed = 0;  // of the shuffling
};

class Batches {
 public:
  // throws: ValueError naming both numbers if batch_size is outside [1, dataset->size()].
  Batches(DatasetPtr dataset, const BatchOptions& options);

  const Dataset& dataset() const { return *dataset_; }
  const BatchOptions& options() const { return options_; }

  // Batches in an epoch.
  Index count() const;
  // Examples in batch i, and in the last one: 1 to batch_size. throws: ValueError if there is no batch i.
  Index size_of(Index i) const;
  Index size_of_last() const { return size_of(count() - 1); }
  // Examples in all batches of an epoch: those of the dataset but for what drop_last leaves out.
  Index examples() const;

  // Batch i of an epoch: a pure function of the dataset, the options, epoch and i, so that a resumed run
  // meets the batches it would have met. Any number of threads may ask. throws: ValueError if epoch is
  // negative or there is no batch i.
  Batch batch(Index epoch, Index i) const;

  // The whole dataset in its own order, as for evaluation; in one batch if it has fewer examples than asked
  // for.
  Batches in_order(Index batch_size) const;

  // All indices of the dataset in the order of an epoch: Fisher-Yates on 0, 1, 2, ... by the numbers of
  // Rng(seed, Stream::shuffle).substream(epoch).
  std::vector<std::int32_t> order(Index epoch) const;

 private:
  using Order = std::shared_ptr<const std::vector<std::int32_t>>;
  Order cached_order(Index epoch) const;

  DatasetPtr dataset_;
  BatchOptions options_;
  // The order of the epoch asked for last, as batches are asked for one after the other.
  mutable std::mutex mutex_;
  mutable Index cached_epoch_ = -1;
  mutable Order cached_;
};

}  // namespace keel::data
