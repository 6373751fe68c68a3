// Simulated annealing of dense Ising models: a block takes one replica and keeps its local fields.
//
// Spins are visited in order of position, THREADS at a glance: every thread knows the threshold of
// its spin beforehand, so the block looks for the next spin that pays for its flip, flips it, and
// all threads add its row to the local fields. Cold sweeps pass most spins at one comparison. The
// chain is exactly the sequential one.
//
// Set when compiled: REAL.
#include "random.cuh"

constexpr int THREADS = 256;
constexpr int NONE = THREADS;

// Local fields and energy from the spins. Thread t owns entries t, t + THREADS, ... of a row.
extern "C" __global__ void __launch_bounds__(THREADS)
weigh_dense(const signed char* spins, REAL* locals, const REAL* dense, const REAL* fields, int n,
            int stride, i64 replicas, double* energies) {
    __shared__ double totals[32];
    for (i64 replica = blockIdx.x; replica < replicas; replica += gridDim.x) {
        const signed char* spin = spins + replica * stride;
        double twice = 0;
        for (int i = threadIdx.x; i < n; i += THREADS) {
            double sum = 0;
            for (int j = 0; j < n; ++j) sum += double(dense[i64(j) * stride + i]) * double(spin[j]);
            locals[replica * stride + i] = REAL(double(fields[i]) + sum);
            twice += double(spin[i]) * (2.0 * double(fields[i]) + sum);
        }
        const double total = block_sum(twice, totals);
        if (threadIdx.x == 0) energies[replica] = 0.5 * total;
    }
}

// Sweeps from..until-1 of `sweeps` of every replica.
extern "C" __global__ void __launch_bounds__(THREADS)
anneal_dense(signed char* spins, REAL* locals, signed char* best, double* energies, double* least,
             const REAL* dense, int n, int stride, int free, const int* edges, int groups,
             int largest, int* slots, const u64* keys, double hot, double cold, i64 sweeps, i64 from,
             i64 until, i64 replicas) {
    __shared__ int firsts[THREADS / 32];
    __shared__ int shared_ones;
    const int thread = threadIdx.x;
    for (i64 replica = blockIdx.x; replica < replicas; replica += gridDim.x) {
        signed char* spin = spins + replica * stride;
        REAL* local = locals + replica * stride;
        int* slot = slots + replica * largest;
        double energy = energies[replica], lowest = least[replica];  // equal in all threads
        // Every thread has read spin and field of what flips, and waits; then the rows are added.
        const auto add_row = [&](int flipped, REAL change) {
            const REAL* row = dense + i64(flipped) * stride;
            for (int j = thread; j < n; j += THREADS) {
                local[j] += change * row[j];
                if (j == flipped) spin[j] = (signed char)-spin[j];
            }
        };
        for (i64 sweep = from; sweep < until; ++sweep) {
            const REAL temperature = REAL(temperature_of(sweep, sweeps, hot, cold));
            const REAL half = temperature / 2;
            const u64 now = draw(keys[replica], u64(sweep));
            for (int base = 0; base < free; base += THREADS) {
                const int i = base + thread;
                const REAL pay = half * REAL(exponential(mix(u32(i), now)));
                for (int last = -1;;) {
                    const bool wants =
                        i < free && thread > last && -REAL(spin[i]) * local[i] <= pay;
                    const u32 mask = __ballot_sync(WARP, wants);
                    if ((thread & 31) == 0)
                        firsts[thread >> 5] = mask ? thread + __ffs(int(mask)) - 1 : NONE;
                    __syncthreads();
                    int first = NONE;
                    for (int w = THREADS / 32; w-- > 0;)
                        if (firsts[w] != NONE) first = firsts[w];
                    REAL change = 0, felt = 0;
                    if (first != NONE) {
                        change = REAL(-2) * REAL(spin[base + first]);
                        felt = local[base + first];
                    }
                    __syncthreads();
                    if (first == NONE) break;
                    energy += double(change * felt);
                    add_row(base + first, change);
                    last = first;
                }
            }
            for (int g = 0; g < groups; ++g) {
                const int begin = edges[g], size = edges[g + 1] - begin;
                __syncthreads();
                if (thread == 0) {
                    int ones = 0;
                    for (int k = begin; k < begin + size; ++k)
                        if (spin[k] < 0) slot[ones++] = k;
                    int next = ones;
                    for (int k = begin; k < begin + size; ++k)
                        if (spin[k] > 0) slot[next++] = k;
                    shared_ones = ones;
                }
                __syncthreads();
                const int ones = shared_ones;
                if (ones == 0 || ones == size) continue;
                for (int t = 0; t < size; ++t) {
                    const u64 random = draw(now, u64(begin + t));
                    const int a = below(random, ones);
                    const int b = ones + below(scramble(random), size - ones);
                    const int i = slot[a], j = slot[b];
                    const REAL coupling = dense[i64(i) * stride + j];
                    // Slot a is -1 and slot b is +1.
                    const REAL cost_i = REAL(2) * local[i], cost_j = REAL(-2) * local[j];
                    const REAL cost = cost_i + cost_j - REAL(4) * coupling;
                    if (cost > temperature * REAL(exponential(u32(random)))) continue;
                    energy += double(cost_i);
                    energy += double(cost_j - REAL(4) * coupling);
                    __syncthreads();
                    add_row(i, REAL(2));
                    add_row(j, REAL(-2));
                    if (thread == 0) {
                        slot[a] = j;
                        slot[b] = i;
                    }
                    __syncthreads();
                }
            }
            if (energy < lowest) {
                lowest = energy;
                for (int j = thread; j < n; j += THREADS) best[replica * stride + j] = spin[j];
            }
        }
        __syncthreads();
        if (thread == 0) {
            energies[replica] = energy;
            least[replica] = lowest;
        }
    }
}
