// What the benchmarks run on, for people who compare numbers.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace keel::bench {

// Bytes; 0 if the system does not say.
std::size_t last_level_cache();

// Name and value of everything that --info prints.
std::vector<std::pair<std::string, std::string>> machine_info();

}  // namespace keel::bench
