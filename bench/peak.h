// What this machine can do at most, measured in the same process as what is compared with it.
#pragma once

#include <cstddef>

namespace keel::bench {

// Floating point operations a second of independent multiply-adds in registers, float32, at the instruction
// set level in force.
double peak_flops(int threads);

// Bytes read plus bytes written a second by a copy that touches about `bytes` of memory, which may lie in a
// cache, but no more than two arrays of copy_bytes().
double copy_bandwidth(int threads, double bytes);

// Bytes of an array that is several times the last level of cache.
std::size_t copy_bytes();

}  // namespace keel::bench
