// Threads that share the chunks of one loop after another.
//
// A loop is over when its chunks are done, whoever did them: a worker that the system has not given a
// processor is not waited for, so a busy machine costs no more than the processors it takes away. Workers
// look out for the next loop for a while, then sleep.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace keel::kernels {

using RunChunk = void (*)(void* context, std::int64_t chunk);

// Used by one thread, which works along.
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

 private:
  void set_workers(std::size_t workers);
  void work(int slot, std::uint32_t generation);
  void take_chunks(std::uint32_t generation);
  void wait_until_finished(std::uint32_t chunks);

  // Generation of the loop (upper half) and how many of its chunks nobody has claimed (lower half): a chunk
  // can be claimed only as long as its loop is the current one.
  alignas(64) std::atomic<std::uint64_t> ticket_ = 0;
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
