#include <algorithm>
#include <array>
#include <cmath>

#include "keel/core/parallel.h"
#include "keel/train/distributions.h"

namespace keel::train {
namespace {

constexpr Index kChunk = 1 << 16;
// The first is for the least element alone: half of what a ReLU returns is 0.
constexpr std::size_t kBins = 1025;
constexpr std::array kShares = {0.15, 0.50, 0.85};

// Elements of a tensor, looked at in chunks, whose results are combined in order.
template <class T>
class Elements {
 public:
  explicit Elements(const Tensor& values)
      : x_(values.data<T>()), n_(values.numel()), chunks_((n_ + kChunk - 1) / kChunk) {}

  Distribution distribution() {
    if (n_ == 0 || !measure()) return {};
    count();
    gather();
    return {.p15 = percentile(0),
            .p50 = percentile(1),
            .p85 = percentile(2),
            .mean = mean_,
            .deviation = deviation_};
  }

 private:
  // f(result of the chunk, its first element, the end of it)
  template <class Result, class F>
  std::vector<Result> each_chunk(const F& f) const {
    std::vector<Result> results(static_cast<std::size_t>(chunks_));
    parallel_for(n_, kChunk, [&](Index begin, Index end) {
      f(results[static_cast<std::size_t>(begin / kChunk)], x_ + begin, x_ + end);
    });
    return results;
  }

  // Mean, least and largest element. False if an element is not finite.
  bool measure() {
    struct Measured {
      double sum = 0;
      T low = std::numeric_limits<T>::infinity();
      T high = -std::numeric_limits<T>::infinity();
      bool finite = true;
    };
    const auto parts = each_chunk<Measured>([](Measured& part, const T* begin, const T* end) {
      for (const T* x = begin; x != end; ++x) {
        part.sum += static_cast<double>(*x);
        part.low = std::min(part.low, *x);
        part.high = std::max(part.high, *x);
        part.finite = part.finite && std::isfinite(*x);
      }
    });
    Measured all;
    for (const Measured& part : parts) {
      all.sum += part.sum;
      all.low = std::min(all.low, part.low);
      all.high = std::max(all.high, part.high);
      all.finite = all.finite && part.finite;
    }
    low_ = static_cast<double>(all.low);
    // Halved, so that the range of all numbers of the type is finite.
    const double half_range = static_cast<double>(all.high) / 2 - low_ / 2;
    const double bins_per_half = static_cast<double>(kBins - 1) / half_range;
    // A range too small to be divided by is one bin.
    bins_per_half_ = std::isfinite(bins_per_half) ? bins_per_half : 0;
    mean_ = all.sum / static_cast<double>(n_);
    return all.finite;
  }

  // Larger elements are never in a lower bin.
  std::size_t bin_of(T x) const {
    const double above = static_cast<double>(x) / 2 - low_ / 2;
    const double place = std::min(above * bins_per_half_, static_cast<double>(kBins - 2));
    return static_cast<std::size_t>(place) + (static_cast<double>(x) > low_ ? 1 : 0);
  }

  // The deviation, and how many elements are in each bin.
  void count() {
    struct Counted {
      double squares = 0;
      std::array<std::int32_t, kBins> bins = {};
    };
    const auto parts = each_chunk<Counted>([this](Counted& part, const T* begin, const T* end) {
      for (const T* x = begin; x != end; ++x) {
        const double distance = static_cast<double>(*x) - mean_;
        part.squares += distance * distance;
        ++part.bins[bin_of(*x)];
      }
    });
    double squares = 0;
    for (const Counted& part : parts) {
      squares += part.squares;
      for (std::size_t bin = 0; bin < kBins; ++bin) counts_[bin] += part.bins[bin];
    }
    deviation_ = std::sqrt(squares / static_cast<double>(n_));
  }

  Index rank_below(std::size_t share) const {
    return static_cast<Index>(kShares[share] * static_cast<double>(n_ - 1));
  }

  // The bin with the element of this rank, and how many elements are in lower ones.
  std::pair<std::size_t, Index> bin_of_rank(Index rank) const {
    std::size_t bin = 0;
    Index before = 0;
    while (before + counts_[bin] <= rank) before += counts_[bin++];
    return {bin, before};
  }

  // The elements of the bins that the percentiles fall into.
  void gather() {
    for (std::size_t share = 0; share < kShares.size(); ++share) {
      const Index rank = rank_below(share);
      for (const Index wanted : {rank, std::min(rank + 1, n_ - 1)}) needed_[bin_of_rank(wanted).first] = true;
    }
    needed_[0] = false;
    const auto parts = each_chunk<std::vector<T>>([this](std::vector<T>& part, const T* begin, const T* end) {
      for (const T* x = begin; x != end; ++x) {
        if (needed_[bin_of(*x)]) part.push_back(*x);
      }
    });
    for (const std::vector<T>& part : parts) {
      for (const T x : part) gathered_[bin_of(x)].push_back(x);
    }
  }

  double element_of_rank(Index rank) {
    const auto [bin, before] = bin_of_rank(rank);
    if (bin == 0) return low_;
    std::vector<T>& elements = gathered_[bin];
    const auto at = elements.begin() + (rank - before);
    std::nth_element(elements.begin(), at, elements.end());
    return static_cast<double>(*at);
  }

  double percentile(std::size_t share) {
    const Index rank = rank_below(share);
    const double position = kShares[share] * static_cast<double>(n_ - 1);
    const double low = element_of_rank(rank);
    const double high = element_of_rank(std::min(rank + 1, n_ - 1));
    return low + (position - static_cast<double>(rank)) * (high - low);
  }

  const T* x_;
  Index n_;
  Index chunks_;
  double low_ = 0, bins_per_half_ = 0, mean_ = 0, deviation_ = 0;
  std::array<Index, kBins> counts_ = {};
  std::array<bool, kBins> needed_ = {};
  std::array<std::vector<T>, kBins> gathered_;
};

}  // namespace

Distribution distribution_of(const Tensor& values) {
  return dispatch_floating("distribution_of", values.dtype(),
                           [&]<class T>(T) { return Elements<T>(values).distribution(); });
}

}  // namespace keel::train
