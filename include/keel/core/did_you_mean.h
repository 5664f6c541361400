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

// ": did you mean 'bn-helps-rnns' or 'layer-norm-for-rnns'?", for names of several words that nobody knows by
// heart: up to three, nearest first. Those of which at most half of the letters would change stand before
// those that share the most words with the name: words in which at most a fifth of the letters would change,
// or of which one, of 3 letters or more, begins the other (rnn); initials (bln) count as a word.
std::string did_you_mean_one_of(const std::string& name, const std::vector<std::string>& known);

}  // namespace keel
