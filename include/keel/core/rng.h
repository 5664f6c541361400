// Random numbers from a counter: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC'11).
//
// The i-th number of a stream is a pure function of (seed, stream, i). So streams never disturb each other
// (drawing more for dropout does not change the shuffling), any position can be reached at once, and every
// platform gets the same integers. Distributions are our own for that reason: the standard library's differ
// between vendors.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "keel/core/shape.h"

namespace keel {

// Streams with a purpose of their own. Others are derived with Rng::substream.
enum class Stream : std::uint64_t { initialization = 1, shuffle = 2, dropout = 3, data = 4, test = 5 };

class Rng {
 public:
  Rng(std::uint64_t seed, Stream stream) : Rng(seed, static_cast<std::uint64_t>(stream)) {}
  Rng(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}

  std::uint32_t next_u32();
  std::uint64_t next_u64();
  double uniform();  // in [0, 1), 53 random bits
  double uniform(double low, double high);
  double normal();                               // mean 0, variance 1 (Box-Muller)
  Index below(Index n);                          // in [0, n), without bias. throws: ValueError if n < 1
  void shuffle(std::span<std::int32_t> values);  // Fisher-Yates

  // An independent stream, a pure function of this one's seed and stream and of `index`.
  Rng substream(std::uint64_t index) const;

  std::uint64_t seed() const { return seed_; }
  std::uint64_t stream() const { return stream_; }
  // Numbers of 32 bits drawn so far. Setting it goes to that place in the stream.
  std::uint64_t position() const { return position_; }
  void set_position(std::uint64_t position) { position_ = position; }

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t position_ = 0;
  // The block of four numbers that position_ lies in, and its index + 1 (0: none yet).
  std::array<std::uint32_t, 4> block_{};
  std::uint64_t block_index_plus_1_ = 0;
};

}  // namespace keel
