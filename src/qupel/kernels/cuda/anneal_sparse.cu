// Simulated annealing of sparse Ising models: a block takes 32 replicas, a bit each.
//
// Word i of a block holds spin i of its 32 replicas, a set bit for -1; lane r of every warp is
// replica r. Spins are visited in order of position, cut into runs of spins that do not feel each
// other: the warps of a block share a run, then meet. A visit gathers the local field from the
// neighbours' words, which all lanes read at once. The chain of each replica is the sequential one.
//
// Set when compiled: REAL.
#include "random.cuh"

constexpr int TEAMS = 8;  // warps of a block; energies are added in their order

// Spins 0..free-1 flip freely; spins edges[g]..edges[g+1]-1 are group g, whose number of -1 is kept.
struct Graph {
    const i64* starts;  // symmetric rows
    const int* columns;
    const REAL* weights;
    const REAL* fields;

    // Local field of spin i of this lane's replica. `coupling` becomes J_ij if that is met.
    template <class Word>
    INLINE REAL field(const Word* words, int i, int lane, int j, REAL& coupling) const {
        REAL sum = fields[i];
        for (i64 e = starts[i]; e < starts[i + 1]; ++e) {
            const int k = columns[e];
            const REAL weight = weights[e];
            sum += words[k] >> lane & 1 ? -weight : weight;
            if (k == j) coupling = weight;
        }
        return sum;
    }
};

// Energy of every replica; one warp a block.
extern "C" __global__ void __launch_bounds__(32)
weigh_sparse(const u32* words, const i64* starts, const int* columns, const REAL* weights,
             const REAL* fields, int n, i64 blocks, double* energies) {
    const int lane = threadIdx.x;
    for (i64 block = blockIdx.x; block < blocks; block += gridDim.x) {
        const u32* word = words + block * n;
        double twice = 0;
        for (int i = 0; i < n; ++i) {
            double sum = 0;
            for (i64 e = starts[i]; e < starts[i + 1]; ++e)
                sum += word[columns[e]] >> lane & 1 ? -double(weights[e]) : double(weights[e]);
            const double felt = 2.0 * double(fields[i]) + sum;
            twice += word[i] >> lane & 1 ? -felt : felt;
        }
        energies[block * 32 + lane] = 0.5 * twice;
    }
}

// As many offers as the group has members: a random -1 and a random +1 trade places. Returns the gain.
INLINE double sweep_group(const Graph& graph, u32* words, int begin, int end, REAL temperature,
                          u64 now, int lane, int* slots) {
    const volatile u32* seen = words;
    int ones = 0, next = 0;
    for (int i = begin; i < end; ++i)
        if (seen[i] >> lane & 1) slots[ones++ * 32 + lane] = i;
    next = ones;
    for (int i = begin; i < end; ++i)
        if (!(seen[i] >> lane & 1)) slots[next++ * 32 + lane] = i;
    const int size = end - begin;
    double gain = 0;
    if (ones == 0 || ones == size) return gain;
    for (int t = 0; t < size; ++t) {
        const u64 random = draw(now, u64(begin + t));
        const int a = below(random, ones);
        const int b = ones + below(scramble(random), size - ones);
        const int i = slots[a * 32 + lane], j = slots[b * 32 + lane];
        REAL coupling = 0, none = 0;
        // Slot a is -1 and slot b is +1: a flip costs -2 s times the field.
        const REAL cost_i = REAL(2) * graph.field(seen, i, lane, j, coupling);
        const REAL cost_j = REAL(-2) * graph.field(seen, j, lane, -1, none);
        const REAL cost = cost_i + cost_j - REAL(4) * coupling;
        if (cost > temperature * REAL(exponential(u32(random)))) continue;
        atomicXor(words + i, 1u << lane);
        atomicXor(words + j, 1u << lane);
        slots[a * 32 + lane] = j;
        slots[b * 32 + lane] = i;
        gain += double(cost_i) + double(cost_j - REAL(4) * coupling);
    }
    return gain;
}

// Sweeps from..until-1 of `sweeps` of every replica. `runs` are the bounds of the runs of free spins.
extern "C" __global__ void __launch_bounds__(32 * TEAMS)
anneal_sparse(u32* words, u32* best, double* energies, double* least, const i64* starts,
              const int* columns, const REAL* weights, const REAL* fields, int n, const int* runs,
              int run_count, const int* edges, int groups, int largest, int* slots, const u64* keys,
              double hot, double cold, i64 sweeps, i64 from, i64 until, i64 blocks) {
    __shared__ double gains[TEAMS][32];
    __shared__ u32 better;
    const Graph graph{starts, columns, weights, fields};
    const int lane = threadIdx.x & 31, team = threadIdx.x >> 5;
    for (i64 block = blockIdx.x; block < blocks; block += gridDim.x) {
        u32* word = words + block * n;
        u32* kept = best + block * n;
        const u64 key = keys[block * 32 + lane];
        double energy = energies[block * 32 + lane], lowest = least[block * 32 + lane];
        for (i64 sweep = from; sweep < until; ++sweep) {
            const REAL temperature = REAL(temperature_of(sweep, sweeps, hot, cold));
            const REAL half = temperature / 2;
            const u64 now = draw(key, u64(sweep));
            double gain = 0;
            for (int run = 0; run < run_count; ++run) {
                for (int i = runs[run] + team; i < runs[run + 1]; i += TEAMS) {
                    REAL none = 0;
                    const REAL field = graph.field(word, i, lane, -1, none);
                    const u32 mine = word[i];
                    const REAL cost = mine >> lane & 1 ? field : -field;  // half of it
                    const REAL pay = half * REAL(exponential(mix(u32(i), now)));
                    const bool flips = cost <= pay;
                    if (flips) gain += 2.0 * double(cost);
                    const u32 flipped = __ballot_sync(WARP, flips);
                    if (lane == 0 && flipped) word[i] = mine ^ flipped;
                }
                __syncthreads();
            }
            if (team == 0)
                for (int g = 0; g < groups; ++g)
                    gain += sweep_group(graph, word, edges[g], edges[g + 1], temperature, now, lane,
                                        slots + block * 32 * largest);
            gains[team][lane] = gain;
            __syncthreads();
            if (team == 0) {
                for (int k = 0; k < TEAMS; ++k) energy += gains[k][lane];
                const bool improved = energy < lowest;
                if (improved) lowest = energy;
                const u32 mask = __ballot_sync(WARP, improved);
                if (lane == 0) better = mask;
            }
            __syncthreads();
            if (better)
                for (int i = threadIdx.x; i < n; i += 32 * TEAMS)
                    kept[i] = (kept[i] & ~better) | (word[i] & better);
            __syncthreads();
        }
        if (team == 0) {
            energies[block * 32 + lane] = energy;
            least[block * 32 + lane] = lowest;
        }
    }
}
