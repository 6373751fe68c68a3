// Sampling a state: the weight of each block of 2^TILE amplitudes, then, in the blocks that shots
// fall into, the state at which the running sum passes each shot's level.
//
// A thread adds 2^HELD neighbouring weights in order; the block adds its threads in order.
#include "block.cuh"

struct __align__(2 * sizeof(REAL)) Complex {
    REAL x, y;
};

constexpr int THREADS = 1 << (TILE - HELD);
static_assert(TILE - HELD >= 5, "a block is made of whole warps");

INLINE double weight_of(Complex a) {
    return double(a.x) * double(a.x) + double(a.y) * double(a.y);
}

// running[t]: weight of the threads before t; the whole block's beyond the last.
INLINE void run_up(const Complex* block, double* running) {
    const Complex* mine = block + (i64(threadIdx.x) << HELD);
    double sum = 0;
    for (int k = 0; k < 1 << HELD; ++k) sum += weight_of(mine[k]);
    __syncthreads();
    running[threadIdx.x + 1] = sum;
    __syncthreads();
    if (threadIdx.x == 0) {
        running[0] = 0;
        for (int t = 0; t < THREADS; ++t) running[t + 1] += running[t];
    }
    __syncthreads();
}

extern "C" __global__ void __launch_bounds__(THREADS)
weigh_blocks(const Complex* state, i64 blocks, double* weights) {
    __shared__ double running[THREADS + 1];
    for (i64 block = blockIdx.x; block < blocks; block += gridDim.x) {
        run_up(state + (block << TILE), running);
        if (threadIdx.x == 0) weights[block] = running[THREADS];
        __syncthreads();
    }
}

// Shots starts[k] .. starts[k+1]-1 fall into block hit[k], `levels` deep.
extern "C" __global__ void __launch_bounds__(THREADS)
draw(const Complex* state, const i64* hit, const i64* starts, i64 hits, const double* levels,
     i64* out) {
    __shared__ double running[THREADS + 1];
    for (i64 k = blockIdx.x; k < hits; k += gridDim.x) {
        const Complex* block = state + (hit[k] << TILE);
        run_up(block, running);
        for (i64 shot = starts[k] + threadIdx.x; shot < starts[k + 1]; shot += THREADS) {
            const double level = levels[shot];
            int low = 0, high = THREADS - 1;  // the first thread whose sum passes the level
            while (low < high) {
                const int middle = (low + high) / 2;
                if (running[middle + 1] > level) high = middle;
                else low = middle + 1;
            }
            int z = low << HELD;
            const int end = z + (1 << HELD);
            double sum = running[low];
            for (; z < end; ++z) {
                sum += weight_of(block[z]);
                if (sum > level) break;
            }
            // Rounding may leave a level beyond the end: the last state that has weight.
            if (z == end)
                for (z = end - 1; z > 0 && weight_of(block[z]) == 0;) --z;
            out[shot] = (hit[k] << TILE) + z;
        }
        __syncthreads();
    }
}
