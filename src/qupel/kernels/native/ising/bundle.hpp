// A bundle: 64 replicas of one Ising model in small integers, a replica to a lane.
//
// Spins are one 64-bit word a spin, bit k set where replica k has -1. The local field of spin i,
// in the model's unit, is 2 G_i + odd_i with a parity that no flip changes; G_i is one byte a
// replica, so a flip adds bytes to the rows of its neighbours and gathers nothing.
//
// Acceptance is a comparison of integers. With u uniform in 0..2^48-1, a flip of half-cost a >= 1
// is accepted if u < 2^48 exp(-2 a unit / T), rounded down. The upper 16 bits of u are drawn for
// every replica; the lower 32 only where the upper ones tie with a threshold.
#pragma once
#include <immintrin.h>

#include "temper.hpp"

namespace qupel {

constexpr int kWidth = 64;         // replicas of a bundle
constexpr int64_t kSegment = 1024; // spins that share a key: where a sweep may be cut
constexpr int64_t kLevels = 128;   // half-costs that are told apart, for each parity

using Words64 = uint64_t __attribute__((vector_size(64)));

struct Small {  // the model, free spins only
    int64_t n;
    const int64_t* starts;   // symmetric CSR, equal weights of a row side by side
    const int32_t* columns;
    const int8_t* weights;   // in the unit
    const uint8_t* odd;      // parity of the local field in the unit
    double unit;             // energy that 1 stands for
    bool plain;              // never use AVX-512
};

struct Bundle {
    uint64_t* down;    // n
    int8_t* local;     // n rows of kWidth
    double* energies;  // kWidth
};

// exp(-x) for x >= 0 in plain rounded operations, the same on every machine.
inline double decay(double x) {
    if (!(x < 700)) return 0;
    const double whole = double(int64_t(x * 1.4426950408889634));
    const double rest = (x - whole * 0.6931471803691238) - whole * 1.9082149292705877e-10;
    double sum = 1;
    for (int k = 18; k > 0; --k) sum = 1 - sum * rest / k;
    return std::ldexp(sum, -int(whole));
}

// Thresholds of 48 bits at a temperature: `fine[odd * kLevels + c]` for the half-cost
// 2 c + 2 - odd. Returns how many levels have a threshold of 2^32 or more.
inline int64_t thresholds(double temperature, double unit, uint64_t* fine) {
    std::memset(fine, 0, 2 * kLevels * sizeof(uint64_t));
    const double step = decay(2.0 * unit / temperature);
    int64_t levels = 0;
    double paid = step;
    for (int64_t a = 1; a < 2 * kLevels; ++a, paid *= step) {
        const uint64_t bound = uint64_t(paid * 281474976710656.0);
        if (!bound) break;
        const int64_t c = (a - 1) / 2;
        fine[(a & 1) * kLevels + c] = std::min<uint64_t>(bound, (1ull << 48) - 1);
        if (bound >> 32) levels = c + 1;
    }
    return levels;
}

// What each lane pays at each level: the upper two bytes in planes, the whole number by rung.
struct Prices {
    alignas(64) uint8_t high[2 * kLevels * kWidth];
    alignas(64) uint8_t low[2 * kLevels * kWidth];
    const uint64_t* fine;  // of each rung, 2 * kLevels
    uint8_t rung[kWidth];  // of each lane
    int64_t levels;        // planes in use

    const uint64_t* of(int lane) const { return fine + int64_t(rung[lane]) * 2 * kLevels; }

    void put(int lane, uint8_t at) {
        rung[lane] = at;
        for (int odd = 0; odd < 2; ++odd)
            for (int64_t c = 0; c < levels; ++c) {
                const uint64_t bound = of(lane)[odd * kLevels + c];
                high[(odd * kLevels + c) * kWidth + lane] = uint8_t(bound >> 40);
                low[(odd * kLevels + c) * kWidth + lane] = uint8_t(bound >> 32);
            }
    }

    void put_all() {  // every lane at rung 0
        std::memset(rung, 0, sizeof(rung));
        for (int odd = 0; odd < 2; ++odd)
            for (int64_t c = 0; c < levels; ++c) {
                const uint64_t bound = fine[odd * kLevels + c];
                std::memset(high + (odd * kLevels + c) * kWidth, int(bound >> 40), kWidth);
                std::memset(low + (odd * kLevels + c) * kWidth, int(bound >> 32 & 255), kWidth);
            }
    }
};

// Where the upper 16 bits tie: decide by all 48.
inline uint64_t untie(const Prices& prices, uint64_t tied, uint64_t accepted, int odd,
                      const int8_t* costs, const uint8_t* first, const uint8_t* second,
                      uint64_t key, uint64_t place) {
    for (; tied; tied &= tied - 1) {
        const int lane = __builtin_ctzll(tied);
        if (costs[lane] < 0) continue;
        const uint64_t lower = draw(key, place * kWidth + uint64_t(lane)) >> 32;
        const uint64_t u = uint64_t(first[lane]) << 40 | uint64_t(second[lane]) << 32 | lower;
        const uint64_t one = 1ull << lane;
        accepted = u < prices.of(lane)[odd * kLevels + costs[lane]] ? accepted | one : accepted & ~one;
    }
    return accepted;
}

namespace plain {
#include "bundle_plain.inc"
#include "bundle_sweep.inc"
QUPEL_CLONES inline void sweep_all(const Small& form, const Bundle& bundle, const Prices& prices,
                                   uint64_t key, int64_t begin, int64_t end) {
    sweep_bundle(form, bundle, prices, key, begin, end);
}
}  // namespace plain

#if defined(__x86_64__) && defined(__gnu_linux__)
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq")
namespace wide {
#include "bundle_wide.inc"
#include "bundle_sweep.inc"
inline void sweep_all(const Small& form, const Bundle& bundle, const Prices& prices, uint64_t key,
                      int64_t begin, int64_t end) {
    sweep_bundle(form, bundle, prices, key, begin, end);
}
}  // namespace wide
#pragma GCC pop_options

inline bool has_wide() {
    static const bool has = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                            __builtin_cpu_supports("avx512dq");
    return has;
}
#endif

inline void sweep_spins(const Small& form, const Bundle& bundle, const Prices& prices, uint64_t key,
                        int64_t begin, int64_t end) {
#if defined(__x86_64__) && defined(__gnu_linux__)
    if (!form.plain && has_wide()) return wide::sweep_all(form, bundle, prices, key, begin, end);
#endif
    plain::sweep_all(form, bundle, prices, key, begin, end);
}

// Local fields and energies from the spins alone; G = (field - odd) / 2.
inline void prepare(const Small& form, const int16_t* fields, const Bundle& bundle) {
    int64_t twice[kWidth] = {};
    for (int64_t i = 0; i < form.n; ++i) {
        int32_t sum[kWidth] = {};
        for (int64_t e = form.starts[i]; e < form.starts[i + 1]; ++e)
            for (int k = 0; k < kWidth; ++k)
                sum[k] += form.weights[e] * (1 - 2 * int32_t(bundle.down[form.columns[e]] >> k & 1));
        for (int k = 0; k < kWidth; ++k) {
            const int32_t felt = sum[k] + fields[i];
            twice[k] += (felt + fields[i]) * (1 - 2 * int32_t(bundle.down[i] >> k & 1));
            bundle.local[i * kWidth + k] = int8_t((felt - form.odd[i]) / 2);
        }
    }
    for (int k = 0; k < kWidth; ++k) bundle.energies[k] = 0.5 * form.unit * double(twice[k]);
}

// The spins of one lane, +1 and -1.
inline void read_lane(const Small& form, const Bundle& bundle, int lane, int8_t* out) {
    for (int64_t i = 0; i < form.n; ++i) out[i] = int8_t(1 - 2 * int(bundle.down[i] >> lane & 1));
}

// Rough nanoseconds of a visit of one spin in all lanes.
inline int64_t price(const Small& form, int64_t begin, int64_t end, int64_t levels) {
    return (end - begin) * (9 + levels) + (form.starts[end] - form.starts[begin]);
}

}  // namespace qupel
