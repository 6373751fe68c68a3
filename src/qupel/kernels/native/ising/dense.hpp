// Dense Ising models in fixed point: couplings of 16 bits, local fields of 32, several chains in
// step.
//
// Spins are visited in blocks of 64. Inside a block a flip updates the block's local fields alone;
// when the block is done, all its flips are added to the other local fields at once, so that these
// are loaded and stored once a block instead of once a flip, and rows are shared by the chains
// while they are in cache. Sums of integers do not depend on their order: the chain is exactly the
// sequential one.
#pragma once
#include "temper.hpp"

#if defined(__x86_64__) && defined(__gnu_linux__)
#define QUPEL_WIDE_CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define QUPEL_WIDE_CLONES
#endif

namespace qupel {

constexpr int64_t kVisited = 64;  // spins of a block
using Shorts = int16_t __attribute__((vector_size(64)));
using Halves = int16_t __attribute__((vector_size(32)));

struct Dense {
    int64_t n, stride;       // stride: a multiple of kVisited
    const int16_t* weights;  // n rows of `stride`, symmetric, in the unit
    const int32_t* fields;
    double unit;
    int64_t run;  // rows whose sum fits 16 bits
};

struct DenseChain {
    int32_t* minus;   // 0 for spin +1, -1 for spin -1
    int32_t* local;   // local field in the unit
    int64_t* energy;  // in the unit
};

struct Flips {
    int32_t up[kVisited], down[kVisited];  // spins that went to +1 and to -1
    int64_t ups = 0, downs = 0;
};

// Metropolis visits of spins begin..begin+63 in order. Returns the flips, which the block's own
// local fields know already.
QUPEL_INLINE void visit_block(const Dense& form, const DenseChain& chain, float half, uint64_t key,
                              int64_t begin, Flips& flips) {
    const uint32_t before = uint32_t(key), after = uint32_t(key >> 32);
    const Words lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const float most = std::min(half * kMostExponential, 1073741824.0f);
    const int32_t dearest = int32_t(most);
    int32_t* minus = chain.minus + begin;
    int32_t* local = chain.local + begin;
    for (int64_t b = 0; b < kVisited && begin + b < form.n; b += kLanes) {
        const int64_t left = form.n - begin - b;
        const uint32_t inside = left >= kLanes ? 0xFFFFu : (1u << left) - 1;
        Ints s, f;
        load(s, minus + b);
        load(f, local + b);
        Ints cost = (f ^ ~s) - ~s;
        if (!(mask_of(cost <= dearest) & inside)) continue;
        Words random = lane + uint32_t(begin + b);
        mix(random, before, after);
        Floats drawn;
        exponential<Floats, Ints>(drawn, random);
        Floats money = half * drawn;
        money = money < most ? money : most - Floats{};
        const Ints pay = __builtin_convertvector(money, Ints);
        uint32_t mask = mask_of(cost <= pay) & inside;
        while (mask) {
            const int k = __builtin_ctz(mask);
            const int64_t i = begin + b + k;
            const int32_t old = minus[b + k];
            *chain.energy += 2 * int64_t(old ? local[b + k] : -local[b + k]);
            if (old) {
                flips.up[flips.ups++] = int32_t(i);
            } else {
                flips.down[flips.downs++] = int32_t(i);
            }
            minus[b + k] = ~old;
            const int16_t* row = form.weights + i * form.stride + begin;
            if (old) {
                for (int64_t j = 0; j < kVisited; ++j) local[j] += 2 * row[j];
            } else {
                for (int64_t j = 0; j < kVisited; ++j) local[j] -= 2 * row[j];
            }
            load(s, minus + b);
            load(f, local + b);
            cost = (f ^ ~s) - ~s;
            mask = mask_of(cost <= pay) & inside & ~((2u << k) - 1);
        }
    }
}

// Add a block's flips to all local fields but the block's own.
QUPEL_INLINE void apply_flips(const Dense& form, const DenseChain& chain, int64_t begin,
                              const Flips& flips) {
    if (flips.ups + flips.downs == 0) return;
    constexpr int64_t kColumns = 32;
    for (int64_t j = 0; j < form.stride; j += kColumns) {
        if (j >= begin && j < begin + kVisited) continue;
        Ints sums[2] = {};  // of ups less downs
        const auto gather = [&](const int32_t* list, int64_t size, bool up) {
            for (int64_t from = 0; from < size; from += form.run) {
                const int64_t until = std::min(size, from + form.run);
                Shorts sum = {};
                for (int64_t t = from; t < until; ++t) {
                    Shorts row;
                    load(row, form.weights + int64_t(list[t]) * form.stride + j);
                    sum += row;
                }
                Halves parts[2];
                std::memcpy(parts, &sum, sizeof(sum));
                for (int half = 0; half < 2; ++half) {
                    const Ints wide = __builtin_convertvector(parts[half], Ints);
                    sums[half] = up ? sums[half] + wide : sums[half] - wide;
                }
            }
        };
        gather(flips.up, flips.ups, true);
        gather(flips.down, flips.downs, false);
        for (int half = 0; half < 2; ++half) {
            Ints felt;
            load(felt, chain.local + j + kLanes * half);
            felt += 2 * sums[half];
            std::memcpy(chain.local + j + kLanes * half, &felt, sizeof(felt));
        }
    }
}

// One block of one chain; returns how many spins flipped.
QUPEL_WIDE_CLONES inline int64_t sweep_block(const Dense& form, const DenseChain& chain, float half,
                                             uint64_t key, int64_t begin) {
    Flips flips;
    visit_block(form, chain, half, key, begin, flips);
    apply_flips(form, chain, begin, flips);
    return flips.ups + flips.downs;
}

inline void prepare(const Dense& form, const DenseChain& chain) {
    std::memset(chain.local, 0, size_t(form.stride) * sizeof(int32_t));
    std::memcpy(chain.local, form.fields, size_t(form.n) * sizeof(int32_t));
    for (int64_t i = 0; i < form.n; ++i) {
        const int16_t* row = form.weights + i * form.stride;
        const int32_t sign = chain.minus[i] ? -1 : 1;
        for (int64_t j = 0; j < form.stride; ++j) chain.local[j] += sign * row[j];
    }
    int64_t twice = 0;
    for (int64_t i = 0; i < form.n; ++i)
        twice += (chain.minus[i] ? -1 : 1) * (int64_t(chain.local[i]) + form.fields[i]);
    *chain.energy = twice / 2;
}

}  // namespace qupel
