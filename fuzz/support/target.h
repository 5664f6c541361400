// What the fuzz targets share.
#pragma once

#include <cstddef>
#include <cstdint>

// What every target defines: libFuzzer, or the replay of tests/corpus, calls it with the bytes of one input.
// An input that the reader refuses with the exception it promises is a good end; every other exception ends
// the program.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace keel::fuzz {

// Ends the program, as a failed assertion would, if a property of the reader does not hold.
void expect(bool holds, const char* property);

}  // namespace keel::fuzz
