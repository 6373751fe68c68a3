// Layers forward, one visit of every tile at a time; see tile.cuh.
#include "tile.cuh"

template <class Cost>
INLINE void forward_tile(Complex* state, const Cost& cost, bool phased, int first, int bits,
                         int before, REAL t_before, int after, REAL t_after, int flags,
                         REAL amplitude, i64 live, i64 states, double* sums) {
    __shared__ REAL room[ROOM];
    __shared__ double totals[32];
    const int last = last_round(bits);
    for (i64 tile = blockIdx.x; tile < states >> TILE; tile += gridDim.x) {
        const i64 base = base_of(tile, first);
        Complex v[AMPLITUDES];
        int shift = shift_of(0);
#pragma unroll
        for (int r = 0; r < AMPLITUDES; ++r) {
            const i64 at = address(base, first, place(r, shift));
            if (flags & START) v[r] = {at < live ? amplitude : REAL(0), REAL(0)};
            else v[r] = state[at];
        }
        if (before) {
#pragma unroll 1
            for (int round = 0; round <= last; ++round) {
                if (round) regroup(v, room, shift, shift_of(round));
                shift = shift_of(round);
                turn(v, turned_in(round, bits), before, t_before);
            }
        }
        if (phased) {
#pragma unroll
            for (int r = 0; r < AMPLITUDES; ++r)
                v[r] = times(v[r], cost.phase(address(base, first, place(r, shift))));
        }
        if (after) {
            // From wherever the registers are: back to the first round, or on to the last.
#pragma unroll 1
            for (int k = 0; k <= last; ++k) {
                const int round = before ? last - k : k;
                if (k) regroup(v, room, shift, shift_of(round));
                shift = shift_of(round);
                turn(v, turned_in(round, bits), after, t_after);
            }
        }
        if (flags & WEIGH) {
            REAL sum = 0;
#pragma unroll
            for (int r = 0; r < AMPLITUDES; ++r) {
                const REAL weight = fused(v[r].x, v[r].x, v[r].y * v[r].y);
                sum = fused(cost.value(address(base, first, place(r, shift))), weight, sum);
            }
            const double total = block_sum(double(sum), totals);
            if (threadIdx.x == 0) sums[tile] = total;
        }
        if (flags & STORE) {
            if (shift != shift_of(0)) regroup(v, room, shift, shift_of(0));
            shift = shift_of(0);
#pragma unroll
            for (int r = 0; r < AMPLITUDES; ++r) state[address(base, first, place(r, shift))] = v[r];
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 2)
forward_levels(Complex* state, const u8* levels, const Complex* phases, const REAL* values,
               int phased, int first, int bits, int before, REAL t_before, int after, REAL t_after,
               int flags, REAL amplitude, i64 live, i64 states, double* sums) {
    forward_tile(state, Levels{levels, phases, values}, phased, first, bits, before, t_before, after,
                 t_after, flags, amplitude, live, states, sums);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2)
forward_numbers(Complex* state, const REAL* costs, REAL turns, REAL scale, int phased, int first,
                int bits, int before, REAL t_before, int after, REAL t_after, int flags,
                REAL amplitude, i64 live, i64 states, double* sums) {
    forward_tile(state, Numbers{costs, turns, scale}, phased, first, bits, before, t_before, after,
                 t_after, flags, amplitude, live, states, sums);
}
