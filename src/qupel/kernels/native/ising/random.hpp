// Counter-based random numbers: every draw is a function of (seed, replica, step, position), so
// results depend neither on threads nor on where a search was cut into chunks.
#pragma once
#include <cstdint>
#include <cstring>

#define QUPEL_INLINE inline __attribute__((always_inline))
#if defined(__x86_64__) && defined(__gnu_linux__)
#define QUPEL_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define QUPEL_CLONES
#endif

namespace qupel {

// Finaliser of SplitMix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195).
QUPEL_INLINE uint64_t scramble(uint64_t x) {
    x ^= x >> 30;
    x *= 0xBF58476D1CE4E5B9ull;
    x ^= x >> 27;
    x *= 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

QUPEL_INLINE uint64_t draw(uint64_t key, uint64_t counter) {
    return scramble(key + (counter + 1) * 0x9E3779B97F4A7C15ull);
}

// An integer below `bound` from the upper half of a draw (multiply-shift; bias below 2^-32 * bound).
QUPEL_INLINE int64_t below(uint64_t random, int64_t bound) {
    return int64_t(((random >> 32) * uint64_t(bound)) >> 32);
}

// Finaliser of MurmurHash3 (Appleby, public domain) over a keyed counter.
QUPEL_INLINE uint32_t mix(uint32_t x, uint32_t before, uint32_t after) {
    x ^= before;
    x ^= x >> 16;
    x *= 0x85EBCA6Bu;
    x ^= x >> 13;
    x += after;
    x *= 0xC2B2AE35u;
    return x ^ (x >> 16);
}

// Largest value `exponential` returns: 24 ln 2.
constexpr float kMostExponential = 16.6355324f;

// -ln(u) for u = (upper 24 bits + 1) / 2^24. The logarithm of the mantissa 1 + t is
// t (1 + (1 - t) r(t)), r fitted by least squares at Chebyshev nodes; absolute error below 2e-5.
// Rounded operations only, so every instruction set gives the same bits.
QUPEL_INLINE float exponential(uint32_t random) {
    const float u = float(int32_t(random >> 8) + 1);
    int32_t bits;
    std::memcpy(&bits, &u, 4);
    const float exponent = float((bits >> 23) - 127);
    const int32_t mantissa = (bits & 0x7FFFFF) | 0x3F800000;
    float m;
    std::memcpy(&m, &mantissa, 4);
    const float t = m - 1.0f;
    const float r = 0.44183587f + t * (-0.26653628f + t * (0.14701877f + t * -0.04424374f));
    return 0.69314718f * (24.0f - exponent - t * (1.0f + (1.0f - t) * r));
}

}  // namespace qupel
