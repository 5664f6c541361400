// Threads that share the chunks of one loop after another.
//
// Each thread begins with a part of the chunks that is always the same part, so that what one loop leaves in
// a core's cache is there for the next: a line that another core has read costs tens of nanoseconds to write.
// Then it helps with the parts of the others. A loop is over when its chunks are done, whoever did them: a
// worker that the system has not given a processor is not waited for, so a busy machine costs no more than
// the processors it takes away. Workers look out for the next loop for a while, then sleep.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace keel::kernels {

using RunChunk = void (*)(void* context, std::int64_t chunk);

// Used by one thread, which works along. Not to be used on both sides of a fork(): the child has no workers.
class Pool {
 public:
  Pool() = default;
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Calls run_chunk(context, i) for i in [0, chunks) on up to `threads` threads; returns when all calls have
  // returned. run_chunk must not throw.   chunks: at most kMostChunks
  void run(std::int64_t chunks, int threads, void* context, RunChunk run_chunk);
  static constexpr std::int64_t kMostChunks = (std::int64_t{1} << 32) - 1;

  // Whether the calling thread is inside run().
  static bool inside();
  // Which of the threads of a run() this is: 0 for the one that called it, and outside.
  static int slot();
  // While it lives, a loop inside run() that the calling thread has to itself: slot() is 0.
  class Alone {
   public:
    Alone();
    ~Alone();
    Alone(const Alone&) = delete;
    Alone& operator=(const Alone&) = delete;

   private:
    int outer_;
  };

 private:
  // One thread's part: generation of the loop (upper half) and how many of its chunks nobody has claimed
  // (lower half). A chunk can be claimed only as long as its loop is the current one.
  struct alignas(64) Part {
    std::atomic<std::uint64_t> ticket = 0;
  };

  void set_workers(std::size_t workers);
  void work(int slot, std::uint32_t generation);
  void take_chunks(std::size_t first_part, std::uint32_t generation);
  std::uint32_t take_chunks_of(std::size_t part, std::uint32_t generation);
  void wait_until_finished(std::uint32_t chunks);
  // The chunk behind the last one of a part.
  static std::uint32_t end_of(std::size_t part, std::size_t parts, std::uint32_t chunks) {
    return static_cast<std::uint32_t>(std::uint64_t{chunks} * (part + 1) / parts);
  }

  std::vector<Part> parts_ = std::vector<Part>(1);       // the caller's, then the workers'
  alignas(64) std::atomic<std::uint32_t> finished_ = 0;  // chunks
  // The loop. Read before a chunk is claimed, so that what was read belongs to the claim's generation.
  alignas(64) std::atomic<std::uint32_t> chunks_ = 0;
  std::atomic<void*> context_ = nullptr;
  std::atomic<RunChunk> run_ = nullptr;
  // Changes with every loop: what workers look out for.
  alignas(64) std::atomic<std::uint32_t> generation_ = 0;
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> workers_;
};

}  // namespace keel::kernels
