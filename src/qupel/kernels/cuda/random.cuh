// Counter-based random numbers: every draw is a function of (key, sweep, position), the same as in
// native/ising/random.hpp, so chains depend neither on the grid nor on where a launch ends.
#pragma once
#include "block.cuh"

// Finaliser of SplitMix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195).
INLINE u64 scramble(u64 x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
    return x ^ (x >> 31);
}

INLINE u64 draw(u64 key, u64 counter) {
    return scramble(key + (counter + 1) * 0x9E3779B97F4A7C15ull);
}

// An integer below `bound` from the upper half of a draw.
INLINE int below(u64 random, int bound) { return int(((random >> 32) * u64(bound)) >> 32); }

// Finaliser of MurmurHash3 (Appleby, public domain) over a counter, keyed before and within.
INLINE u32 mix(u32 x, u64 key) {
    x ^= u32(key);
    x ^= x >> 16;
    x *= 0x85EBCA6Bu;
    x ^= x >> 13;
    x += u32(key >> 32);
    x *= 0xC2B2AE35u;
    return x ^ (x >> 16);
}

// -ln u for u = (upper 24 bits + 1) / 2^24, absolute error below 2e-5, in plain rounded operations.
INLINE float exponential(u32 random) {
    const int bits = __float_as_int(float(int(random >> 8) + 1));
    const float exponent = float((bits >> 23) - 127);
    const float t = __int_as_float((bits & 0x7FFFFF) | 0x3F800000) - 1.0f;
    const float r = 0.44183587f + t * (-0.26653628f + t * (0.14701877f + t * -0.04424374f));
    return 0.69314718f * (24.0f - exponent - t * (1.0f + (1.0f - t) * r));
}

// Temperature of a sweep: linear, the last one at `cold`.
INLINE double temperature_of(i64 sweep, i64 sweeps, double hot, double cold) {
    const double left = sweeps > 1 ? double(sweeps - 1 - sweep) / double(sweeps - 1) : 0.0;
    return cold + (hot - cold) * left;
}
