// In the place of libFuzzer: gives every file of a directory to a fuzz target, in a process whose memory and
// time are bounded.
//
// usage: keel-fuzz-TARGET DIRECTORY
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "support/target.h"

namespace {

namespace fs = std::filesystem;

// The corpus holds small files. None may take longer, or more memory than this beside what the program is.
constexpr unsigned kSecondsPerFile = 20;
constexpr rlim_t kMemory = rlim_t{1} << 30;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEL_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KEEL_SANITIZED
#endif
#endif

void bound_memory() {
#ifndef KEEL_SANITIZED  // sanitizers reserve terabytes of addresses
  const rlimit limit = {kMemory, kMemory};
  keel::fuzz::expect(setrlimit(RLIMIT_AS, &limit) == 0, "memory can be bounded");
#endif
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || !fs::is_directory(argv[1])) {
    std::fprintf(stderr, "error: expected one directory, found %s\n", argc > 1 ? argv[1] : "nothing");
    return 2;
  }
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(argv[1])) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) {
    std::fprintf(stderr, "error: %s: expected files to replay, found none\n", argv[1]);
    return 1;
  }
  bound_memory();
  for (const fs::path& file : files) {
    // The last line before a crash names its input.
    std::printf("%s\n", file.c_str());
    std::fflush(stdout);
    std::ifstream in(file, std::ios::binary);
    const std::vector<char> bytes(std::istreambuf_iterator<char>(in), {});
    alarm(kSecondsPerFile);  // its signal ends the program
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    alarm(0);
  }
  std::printf("%zu files replayed\n", files.size());
  return 0;
}
