// Google Benchmark's flags, checked before it sees them: it answers a wrong one with its usage and exit
// status 0.
#pragma once

#include <string>
#include <vector>

namespace keel::bench {

bool is_benchmark_flag(const std::string& argument);

// Gives it these arguments, --benchmark_... each.   throws: apps::UsageError naming the flag
void initialize_benchmark(const std::vector<std::string>& flags);

}  // namespace keel::bench
