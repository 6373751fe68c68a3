// Simulated bifurcation (Goto et al. 2021, doi:10.1126/sciadv.abe7953), ballistic and discrete.
//
// Element i * runs + r is oscillator i of run r; one thread each, so that reads of a neighbour are
// unbroken. A step reads the old positions and writes new ones. Single precision, every operation
// rounded by itself and in the order of native/ising/bifurcate.hpp.
#include "block.cuh"

INLINE float seen_of(float x, int discrete) {
    if (!discrete) return x;
    return x >= 0 ? 1.0f : -1.0f;
}

// What a group's sum is above its quota, for each run.
extern "C" __global__ void __launch_bounds__(256)
sum_groups(const float* x, int runs, int discrete, const int* edges, const int* counts, int groups,
           float* excess) {
    const int at = blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= groups * runs) return;
    const int g = at / runs, r = at % runs;
    float sum = -float(edges[g + 1] - edges[g] - 2 * counts[g]);
    for (int i = edges[g]; i < edges[g + 1]; ++i) sum += seen_of(x[i64(i) * runs + r], discrete);
    excess[at] = sum;
}

// What the couplings see, for a matrix product.
extern "C" __global__ void __launch_bounds__(256)
look(const float* x, i64 size, int discrete, float* seen) {
    const i64 at = i64(blockIdx.x) * blockDim.x + threadIdx.x;
    if (at < size) seen[at] = seen_of(x[at], discrete);
}

// Momentum, quota and walls of one oscillator that feels `force`.
INLINE void move(float x, float* y, float* out, i64 at, float force, float slack, float step,
                 float strength, float pull, float excess, bool grouped) {
    float momentum = y[at];
    momentum -= step * (slack * x + strength * force);
    if (grouped) momentum -= step * pull * excess;
    const float moved = x + step * momentum;
    const bool hit = moved > 1.0f || moved < -1.0f;
    out[at] = moved > 1.0f ? 1.0f : (moved < -1.0f ? -1.0f : moved);
    y[at] = hit ? 0.0f : momentum;
}

INLINE float slack_of(i64 t, i64 steps) { return 1.0f - float(t) / float(steps > 1 ? steps - 1 : 1); }

// A step by sparse rows.
extern "C" __global__ void __launch_bounds__(256)
step_sparse(const float* x, float* y, float* out, int n, int runs, const i64* starts,
            const int* columns, const float* weights, const float* fields, const int* group_of,
            const float* excess, i64 t, i64 steps, float step, float strength, float pull,
            int discrete) {
    const i64 at = i64(blockIdx.x) * blockDim.x + threadIdx.x;
    if (at >= i64(n) * runs) return;
    const int i = int(at / runs), r = int(at % runs);
    float force = fields[i];
    for (i64 e = starts[i]; e < starts[i + 1]; ++e)
        force += weights[e] * seen_of(x[i64(columns[e]) * runs + r], discrete);
    const int g = group_of[i];
    move(x[at], y, out, at, force, slack_of(t, steps), step, strength, pull,
         g < 0 ? 0.0f : excess[g * runs + r], g >= 0);
}

// A step by forces that a matrix product found.
extern "C" __global__ void __launch_bounds__(256)
step_dense(const float* x, float* y, float* out, int n, int runs, const float* forces,
           const float* fields, const int* group_of, const float* excess, i64 t, i64 steps,
           float step, float strength, float pull) {
    const i64 at = i64(blockIdx.x) * blockDim.x + threadIdx.x;
    if (at >= i64(n) * runs) return;
    const int i = int(at / runs), r = int(at % runs);
    const int g = group_of[i];
    move(x[at], y, out, at, fields[i] + forces[at], slack_of(t, steps), step, strength, pull,
         g < 0 ? 0.0f : excess[g * runs + r], g >= 0);
}
