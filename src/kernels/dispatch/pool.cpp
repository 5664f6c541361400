#include "kernels/dispatch/pool.h"

#include <chrono>

namespace keel::kernels {
namespace {

thread_local bool inside_loop = false;
thread_local int slot_in_loop = 0;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Looks whether done() for as long as a step of training takes to come to its next loop, at first without
// pause, then leaving the processor to whoever wants it. Then it is time to sleep: returns false.
template <class Done>
bool look_out(const Done& done) {
  constexpr int kLooks = 200;
  constexpr auto kPatience = std::chrono::microseconds(300);
  for (int i = 0; i < kLooks; ++i) {
    if (done()) return true;
    pause();
  }
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace

Pool::~Pool() { set_workers(0); }

bool Pool::inside() { return inside_loop; }
int Pool::slot() { return slot_in_loop; }

Pool::Alone::Alone() : outer_(slot_in_loop) { slot_in_loop = 0; }
Pool::Alone::~Alone() { slot_in_loop = outer_; }

void Pool::set_workers(std::size_t workers) {
  if (workers_.size() == workers) return;
  stop_ = true;
  const std::uint32_t generation = ++generation_;
  generation_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
  stop_ = false;
  parts_ = std::vector<Part>(workers + 1);
  while (workers_.size() < workers) {
    workers_.emplace_back(&Pool::work, this, static_cast<int>(workers_.size()) + 1, generation);
  }
}

void Pool::run(std::int64_t chunks, int threads, void* context, RunChunk run_chunk) {
  set_workers(static_cast<std::size_t>(threads - 1));
  const std::uint32_t last = static_cast<std::uint32_t>(chunks);
  chunks_.store(last, std::memory_order_relaxed);
  context_.store(context, std::memory_order_relaxed);
  run_.store(run_chunk, std::memory_order_relaxed);
  finished_.store(0, std::memory_order_relaxed);
  const std::uint32_t generation = generation_.load(std::memory_order_relaxed) + 1;
  std::uint32_t begin = 0;
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    const std::uint32_t end = end_of(part, parts_.size(), last);
    parts_[part].ticket.store(std::uint64_t{generation} << 32 | (end - begin), std::memory_order_release);
    begin = end;
  }
  // Sequentially consistent: the processor must not look for sleepers before others see the new generation,
  // or a worker that falls asleep in between is not woken.
  generation_.store(generation);
  generation_.notify_all();
  inside_loop = true;
  take_chunks(0, generation);
  inside_loop = false;
  wait_until_finished(last);
}

// Works on the loop of this generation until it has no chunk left.
void Pool::take_chunks(std::size_t first_part, std::uint32_t generation) {
  std::uint32_t done = 0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    done += take_chunks_of((first_part + i) % parts_.size(), generation);
  }
  // Once a loop, as the other threads have to fetch the count anew each time.
  if (done > 0) {
    finished_.fetch_add(done, std::memory_order_acq_rel);
    finished_.notify_one();
  }
}

// What is read of the loop belongs to this generation if the claim succeeds: the next loop is not written
// before all chunks of this one are done.
std::uint32_t Pool::take_chunks_of(std::size_t part, std::uint32_t generation) {
  std::atomic<std::uint64_t>& part_ticket = parts_[part].ticket;
  std::uint64_t ticket = part_ticket.load(std::memory_order_acquire);
  std::uint32_t done = 0;
  while (ticket >> 32 == generation) {
    const std::uint32_t left = static_cast<std::uint32_t>(ticket);
    if (left == 0) break;
    const std::uint32_t chunks = chunks_.load(std::memory_order_relaxed);
    void* const context = context_.load(std::memory_order_relaxed);
    const RunChunk run_chunk = run_.load(std::memory_order_relaxed);
    if (!part_ticket.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel)) continue;
    run_chunk(context, end_of(part, parts_.size(), chunks) - left);
    ++done;
    ticket = part_ticket.load(std::memory_order_acquire);
  }
  return done;
}

void Pool::wait_until_finished(std::uint32_t chunks) {
  const auto all = [&] { return finished_.load(std::memory_order_acquire) == chunks; };
  if (look_out(all)) return;
  for (std::uint32_t seen = finished_; seen != chunks; seen = finished_) finished_.wait(seen);
}

void Pool::work(int slot, std::uint32_t generation) {
  inside_loop = true;
  slot_in_loop = slot;
  while (true) {
    const auto next = [&] { return generation_.load(std::memory_order_acquire) != generation; };
    if (!look_out(next)) generation_.wait(generation);
    generation = generation_.load(std::memory_order_acquire);
    if (stop_) return;
    take_chunks(static_cast<std::size_t>(slot), generation);
  }
}

}  // namespace keel::kernels
