// Hints for names that nobody knows.
#pragma once

#include <string>
#include <vector>

namespace keel {

// ": did you mean 'conv2d'?" with the known name that takes the fewest changed letters (Levenshtein
// distance; none for capitals and for _ or a space in place of -), or nothing if more than half of them would
// change. `shown` is how a name is written, {} its place.
std::string did_you_mean(const std::string& name, const std::vector<std::string>& known,
                         const std::string& shown = "'{}'");

}  // namespace keel
