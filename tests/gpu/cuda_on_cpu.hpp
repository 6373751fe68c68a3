// CUDA's words for g++: a block's threads are fibers that take turns on one processor.
//
// A fiber runs until it waits at a barrier; the next one, in a chosen order, goes on. Results that
// depend on that order, barriers that not all threads reach, and shuffles of half a warp are
// mistakes, and the last two are reported. Shared memory holds no numbers when a block starts.
#pragma once
#include <ucontext.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

// Where the linker puts the ends of shared memory, if there is any.
extern "C" {
extern char __start_cuda_shared[] __attribute__((weak, visibility("hidden")));
extern char __stop_cuda_shared[] __attribute__((weak, visibility("hidden")));
}

namespace cuda_on_cpu {

struct Index {
    unsigned x = 0, y = 0, z = 0;
};

struct Barrier {
    int expected = 0, arrived = 0;
    long generation = 0;
};

struct Warp {
    Barrier barrier;
    unsigned char slots[2][32][16];
};

struct Fiber {
    ucontext_t context;
    Index thread;
    int parity = 0;
    bool done = false;
    std::vector<char> stack;
};

struct Machine {
    Index block_index, block_size, grid_size;
    std::vector<Fiber> fibers;
    std::vector<Warp> warps;
    Barrier barrier;
    ucontext_t scheduler;
    Fiber* running = nullptr;
    std::function<void()> body;
    long progress = 0;
    std::string fault;
};
inline Machine machine;

inline void give_way() { swapcontext(&machine.running->context, &machine.scheduler); }

inline void wait(Barrier& barrier) {
    const long generation = barrier.generation;
    if (++barrier.arrived == barrier.expected) {
        barrier.arrived = 0;
        ++barrier.generation;
        ++machine.progress;
        return;
    }
    while (barrier.generation == generation) give_way();
}

inline void run_fiber() {
    ++machine.progress;
    machine.body();
    machine.running->done = true;
    ++machine.progress;
    give_way();
}

inline void run_block(int threads, bool backwards) {
    constexpr size_t stack = 64 << 10;
    if (__start_cuda_shared)
        std::memset(__start_cuda_shared, 0xFF, size_t(__stop_cuda_shared - __start_cuda_shared));
    if (machine.fibers.size() < size_t(threads)) machine.fibers.resize(size_t(threads));
    machine.warps.assign(size_t(threads + 31) / 32, Warp{});
    for (int w = 0; w < int(machine.warps.size()); ++w)
        machine.warps[w].barrier.expected = std::min(32, threads - 32 * w);
    machine.barrier = {threads, 0, 0};
    for (int t = 0; t < threads; ++t) {
        Fiber& fiber = machine.fibers[t];
        fiber.thread = {unsigned(t), 0, 0};
        fiber.parity = 0;
        fiber.done = false;
        fiber.stack.resize(stack);
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.data();
        fiber.context.uc_stack.ss_size = stack;
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, run_fiber, 0);
    }
    for (int left = threads; left > 0;) {
        const long before = machine.progress;
        for (int k = 0; k < threads; ++k) {
            Fiber& fiber = machine.fibers[backwards ? threads - 1 - k : k];
            if (fiber.done) continue;
            machine.running = &fiber;
            swapcontext(&machine.scheduler, &fiber.context);
            if (fiber.done) --left;
        }
        if (machine.progress == before) {
            machine.fault = "a barrier that not all threads of its block or warp reach";
            return;
        }
        if (!machine.fault.empty()) return;
    }
    if (machine.barrier.arrived) machine.fault = "threads ended while others waited";
}

template <class T>
T exchange(unsigned mask, T value, int from) {
    const int lane = int(machine.running->thread.x & 31);
    Warp& warp = machine.warps[machine.running->thread.x >> 5];
    if (mask != 0xFFFFFFFFu || warp.barrier.expected != 32)
        machine.fault = "a shuffle of part of a warp";
    const int parity = machine.running->parity;
    machine.running->parity ^= 1;
    static_assert(sizeof(T) <= 16);
    std::memcpy(warp.slots[parity][lane], &value, sizeof(T));
    wait(warp.barrier);
    T out;
    std::memcpy(&out, warp.slots[parity][from & 31], sizeof(T));
    return out;
}

inline int lane() { return int(machine.running->thread.x & 31); }

template <class... A, size_t... K>
void call(void (*kernel)(A...), void** arguments, std::index_sequence<K...>) {
    kernel(*static_cast<std::remove_cv_t<A>*>(arguments[K])...);
}

// Run a grid; the blocks too in either order. Returns null or what went wrong.
template <class... A>
const char* launch(void (*kernel)(A...), long blocks, int threads, int backwards, void** arguments,
                   int count) {
    machine.fault.clear();
    if (count != int(sizeof...(A))) return "wrong number of arguments";
    machine.block_size = {unsigned(threads), 1, 1};
    machine.grid_size = {unsigned(blocks), 1, 1};
    machine.body = [=] { call(kernel, arguments, std::index_sequence_for<A...>{}); };
    for (long k = 0; k < blocks; ++k) {
        machine.block_index = {unsigned(backwards ? blocks - 1 - k : k), 0, 0};
        run_block(threads, backwards != 0);
        if (!machine.fault.empty()) return machine.fault.c_str();
    }
    return nullptr;
}

// Bytes of each argument, to be compared with what the host passes.
template <class... A>
int sizes(void (*)(A...), int* out) {
    int k = 0;
    ((out[k++] = std::is_pointer_v<A> ? -int(sizeof(A)) : int(sizeof(A))), ...);
    return k;
}

}  // namespace cuda_on_cpu

#define __device__
#define __global__
#define __forceinline__ inline __attribute__((always_inline))
#define __shared__ static __attribute__((section("cuda_shared")))
#define __align__(bytes) alignas(bytes)
#define __launch_bounds__(...)
#define threadIdx (cuda_on_cpu::machine.running->thread)
#define blockIdx (cuda_on_cpu::machine.block_index)
#define blockDim (cuda_on_cpu::machine.block_size)
#define gridDim (cuda_on_cpu::machine.grid_size)

inline void __syncthreads() { cuda_on_cpu::wait(cuda_on_cpu::machine.barrier); }
inline void __syncwarp() {
    cuda_on_cpu::wait(
        cuda_on_cpu::machine.warps[cuda_on_cpu::machine.running->thread.x >> 5].barrier);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits) {
    return cuda_on_cpu::exchange(mask, value, cuda_on_cpu::lane() ^ bits);
}
template <class T>
T __shfl_sync(unsigned mask, T value, int from) {
    return cuda_on_cpu::exchange(mask, value, from);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
    unsigned word = 0;
    const unsigned mine = predicate ? 1u << cuda_on_cpu::lane() : 0u;
    word = mine;
    for (int step = 16; step > 0; step >>= 1)
        word |= cuda_on_cpu::exchange(mask, word, cuda_on_cpu::lane() ^ step);
    return word;
}
inline int __ffs(int word) { return __builtin_ffs(word); }
inline int __popc(unsigned word) { return __builtin_popcount(word); }
inline int __float_as_int(float x) {
    int out;
    std::memcpy(&out, &x, 4);
    return out;
}
inline float __int_as_float(int x) {
    float out;
    std::memcpy(&out, &x, 4);
    return out;
}
inline unsigned atomicXor(unsigned* at, unsigned value) {
    const unsigned old = *at;
    *at ^= value;
    return old;
}
