// Counter-based random numbers: every draw is a function of (seed, replica, step, position), so
// results depend neither on threads nor on where a search was cut into chunks.
#pragma once
#include "lanes.hpp"

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

// Finaliser of MurmurHash3 (Appleby, public domain) over a keyed counter; one number or lanes.
template <class U>
QUPEL_INLINE void mix(U& x, uint32_t before, uint32_t after) {
    x ^= before;
    x ^= x >> 16;
    x *= 0x85EBCA6Bu;
    x ^= x >> 13;
    x += after;
    x *= 0xC2B2AE35u;
    x ^= x >> 16;
}

// Largest value `exponential` gives: 24 ln 2.
constexpr float kMostExponential = 16.6355324f;

// -ln(u) for u = (upper 24 bits + 1) / 2^24. The logarithm of the mantissa 1 + t is
// t (1 + (1 - t) r(t)), r fitted by least squares at Chebyshev nodes; absolute error below 2e-5.
// Plain rounded operations, so every instruction set gives the same bits.
template <class F, class I, class U>
QUPEL_INLINE void exponential(F& out, const U& random) {
    F u;
    const U upper = random >> 8;
    I whole;
    std::memcpy(&whole, &upper, sizeof(I));
    whole += 1;
    if constexpr (sizeof(F) == 4) {
        u = F(whole);
    } else {
        u = __builtin_convertvector(whole, F);
    }
    I bits;
    std::memcpy(&bits, &u, sizeof(I));
    const I power = (bits >> 23) - 127;
    const I mantissa = (bits & 0x7FFFFF) | 0x3F800000;
    F t, exponent;
    std::memcpy(&t, &mantissa, sizeof(F));
    t -= 1.0f;
    if constexpr (sizeof(F) == 4) {
        exponent = F(power);
    } else {
        exponent = __builtin_convertvector(power, F);
    }
    const F r = 0.44183587f + t * (-0.26653628f + t * (0.14701877f + t * -0.04424374f));
    out = 0.69314718f * (24.0f - exponent - t * (1.0f + (1.0f - t) * r));
}

QUPEL_INLINE float exponential(uint32_t random) {
    float out;
    exponential<float, int32_t>(out, random);
    return out;
}

}  // namespace qupel
