// What every kernel shares: short names of numbers, fused multiply-add, and sums over a block.
//
// Programs are compiled without contraction of a * b + c, as the processor's kernels are: what is
// fused says so. No kernel adds with atomics, and every sum has one order, so results repeat.
#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define INLINE __device__ __forceinline__

INLINE float fused(float a, float b, float c) { return fmaf(a, b, c); }
INLINE double fused(double a, double b, double c) { return fma(a, b, c); }

constexpr u32 WARP = 0xFFFFFFFFu;

// Sum over a block of whole warps; every thread gets it. `room` holds one number for each warp.
INLINE double block_sum(double value, double* room) {
    for (int step = 16; step > 0; step >>= 1) value += __shfl_xor_sync(WARP, value, step);
    const int warps = blockDim.x >> 5;
    __syncthreads();
    if ((threadIdx.x & 31) == 0) room[threadIdx.x >> 5] = value;
    __syncthreads();
    double sum = 0;
    for (int w = 0; w < warps; ++w) sum += room[w];
    return sum;
}
