// Costs of all states of a quadratic form over bits, computed where they are used.
//
// cost(z) = offset + sum_i linear_i z_i + sum_{i<j} pairs_ij z_i z_j, z_i bit i of z. The lowest TILE
// bits differ inside a block: `inner` holds their own energies; what the higher bits add is a
// constant and a linear term, found once a block. All in double precision and in one order.
#include "block.cuh"

constexpr int THREADS = 256;

struct Outside {
    double constant;
    double slopes[TILE];
};

INLINE void look_outside(Outside& out, i64 high, int n, const double* linear, const double* pairs) {
    __syncthreads();
    const int i = threadIdx.x;
    if (i < TILE) {
        double slope = 0;
        for (int j = TILE; j < n; ++j)
            if (high >> (j - TILE) & 1) slope += pairs[i * n + j];
        out.slopes[i] = slope;
    }
    if (i == 0) {
        double sum = 0;
        for (int j = TILE; j < n; ++j) {
            if (!(high >> (j - TILE) & 1)) continue;
            sum += linear[j];
            for (int k = TILE; k < j; ++k)
                if (high >> (k - TILE) & 1) sum += pairs[k * n + j];
        }
        out.constant = sum;
    }
    __syncthreads();
}

INLINE double cost_of(const Outside& outside, const double* inner, int z) {
    double sum = inner[z] + outside.constant;
#pragma unroll
    for (int i = 0; i < TILE; ++i)
        if (z >> i & 1) sum += outside.slopes[i];
    return sum;
}

// Least and greatest cost of each block.
extern "C" __global__ void __launch_bounds__(THREADS)
find_range(const double* inner, const double* linear, const double* pairs, int n, i64 blocks,
           double* least, double* most) {
    __shared__ Outside outside;
    __shared__ double low[THREADS], high[THREADS];
    for (i64 block = blockIdx.x; block < blocks; block += gridDim.x) {
        look_outside(outside, block, n, linear, pairs);
        const int thread = threadIdx.x;
        double a = 0, b = 0;
        bool any = false;
        for (int z = thread; z < 1 << TILE; z += THREADS) {
            const double cost = cost_of(outside, inner, z);
            a = any ? fmin(a, cost) : cost;
            b = any ? fmax(b, cost) : cost;
            any = true;
        }
        low[thread] = a;
        high[thread] = b;
        for (int half = THREADS / 2; half > 0; half /= 2) {
            __syncthreads();
            if (thread < half && thread + half < 1 << TILE) {
                low[thread] = fmin(low[thread], low[thread + half]);
                high[thread] = fmax(high[thread], high[thread + half]);
            }
        }
        if (thread == 0) least[block] = low[0], most[block] = high[0];
    }
}

// Costs less `middle`.
extern "C" __global__ void __launch_bounds__(THREADS)
fill_numbers(const double* inner, const double* linear, const double* pairs, int n, i64 blocks,
             double middle, REAL* out) {
    __shared__ Outside outside;
    for (i64 block = blockIdx.x; block < blocks; block += gridDim.x) {
        look_outside(outside, block, n, linear, pairs);
        for (int z = threadIdx.x; z < 1 << TILE; z += THREADS)
            out[(block << TILE) + z] = REAL(cost_of(outside, inner, z) - middle);
    }
}

// Steps of `unit` above the least cost: at most 255.
extern "C" __global__ void __launch_bounds__(THREADS)
fill_levels(const double* inner, const double* linear, const double* pairs, int n, i64 blocks,
            double least, double unit, u8* out) {
    __shared__ Outside outside;
    for (i64 block = blockIdx.x; block < blocks; block += gridDim.x) {
        look_outside(outside, block, n, linear, pairs);
        for (int z = threadIdx.x; z < 1 << TILE; z += THREADS)
            out[(block << TILE) + z] = u8(rint((cost_of(outside, inner, z) - least) / unit));
    }
}
