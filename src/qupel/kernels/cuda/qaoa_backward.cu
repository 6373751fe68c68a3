// Layers undone on a state and its adjoint, and the slopes of the energy; see tile.cuh.
#include "tile.cuh"

// Im <l| sum of X |p> over the bits of `mask`, this thread's part.
INLINE REAL flips(const Complex (&p)[AMPLITUDES], const Complex (&l)[AMPLITUDES], int mask) {
    REAL sum = 0;
#pragma unroll
    for (int bit = 0; bit < HELD; ++bit) {
        if (!(mask >> bit & 1)) continue;
#pragma unroll
        for (int r = 0; r < AMPLITUDES; ++r) {
            const int other = r ^ 1 << bit;
            sum = fused(l[r].x, p[other].y, sum);
            sum = fused(-l[r].y, p[other].x, sum);
        }
    }
    return sum;
}

// One visit of the tile by the state and its adjoint, back in time. `sums` gets, for each tile, the
// energy (when forking) and Im <l|B|p> before the phase, Im <l|C|p>, Im <l|B|p> after it. Turned
// qubits miss a factor `shrink` each in these products; `weight` is what is missing already.
template <class Cost>
INLINE void backward_tile(Complex* state, Complex* adjoint, const Cost& cost, bool phased, int first,
                          int bits, int before, REAL t_before, double shrink_before, double weight,
                          int after, REAL t_after, double shrink_after, int flags, i64 states,
                          double* sums) {
    __shared__ REAL room[ROOM];
    __shared__ double totals[32];
    const int last = last_round(bits);
    for (i64 tile = blockIdx.x; tile < states >> TILE; tile += gridDim.x) {
        const i64 base = base_of(tile, first);
        Complex p[AMPLITUDES], l[AMPLITUDES];
        double energy = 0, by_before = 0, by_phase = 0, by_after = 0;
        int shift = shift_of(0);
        REAL sum = 0;
#pragma unroll
        for (int r = 0; r < AMPLITUDES; ++r) {
            const i64 at = address(base, first, place(r, shift));
            p[r] = state[at];
            if (flags & START) {  // the adjoint begins as cost times state
                const REAL value = cost.value(at);
                l[r] = {value * p[r].x, value * p[r].y};
                sum = fused(p[r].x, l[r].x, sum);
                sum = fused(p[r].y, l[r].y, sum);
            } else {
                l[r] = adjoint[at];
            }
        }
        energy = double(sum);
        if (before) {
            double missing = weight;
#pragma unroll 1
            for (int round = 0; round <= last; ++round) {
                if (round) {
                    regroup(p, room, shift, shift_of(round));
                    regroup(l, room, shift, shift_of(round));
                }
                shift = shift_of(round);
                const int mask = turned_in(round, bits);
                by_before += missing * double(flips(p, l, mask));
                turn(p, mask, before, t_before);
                turn(l, mask, before, t_before);
                for (int rest = mask; rest; rest &= rest - 1) missing *= shrink_before;
            }
        }
        if (phased) {
            sum = 0;
#pragma unroll
            for (int r = 0; r < AMPLITUDES; ++r) {
                const i64 at = address(base, first, place(r, shift));
                const Complex phase = cost.phase(at);
                p[r] = times(p[r], phase);
                l[r] = times(l[r], phase);
                sum = fused(cost.value(at), fused(l[r].x, p[r].y, -(l[r].y * p[r].x)), sum);
            }
            by_phase = double(sum);
        }
        if (after) {
            double missing = 1;
#pragma unroll 1
            for (int k = 0; k <= last; ++k) {
                const int round = before ? last - k : k;
                if (k) {
                    regroup(p, room, shift, shift_of(round));
                    regroup(l, room, shift, shift_of(round));
                }
                shift = shift_of(round);
                const int mask = turned_in(round, bits);
                by_after += missing * double(flips(p, l, mask));
                turn(p, mask, after, t_after);
                turn(l, mask, after, t_after);
                for (int rest = mask; rest; rest &= rest - 1) missing *= shrink_after;
            }
        }
        const double parts[4] = {energy, by_before, by_phase, by_after};
        for (int k = 0; k < 4; ++k) {
            const double total = block_sum(parts[k], totals);
            if (threadIdx.x == 0) sums[k * (states >> TILE) + tile] = total;
        }
        if (flags & STORE) {
            if (shift != shift_of(0)) {
                regroup(p, room, shift, shift_of(0));
                regroup(l, room, shift, shift_of(0));
            }
            shift = shift_of(0);
#pragma unroll
            for (int r = 0; r < AMPLITUDES; ++r) {
                const i64 at = address(base, first, place(r, shift));
                state[at] = p[r];
                adjoint[at] = l[r];
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 2)
backward_levels(Complex* state, Complex* adjoint, const u8* levels, const Complex* phases,
                const REAL* values, int phased, int first, int bits, int before, REAL t_before,
                double shrink_before, double weight, int after, REAL t_after, double shrink_after,
                int flags, i64 states, double* sums) {
    backward_tile(state, adjoint, Levels{levels, phases, values}, phased, first, bits, before,
                  t_before, shrink_before, weight, after, t_after, shrink_after, flags, states, sums);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2)
backward_numbers(Complex* state, Complex* adjoint, const REAL* costs, REAL turns, REAL scale,
                 int phased, int first, int bits, int before, REAL t_before, double shrink_before,
                 double weight, int after, REAL t_after, double shrink_after, int flags, i64 states,
                 double* sums) {
    backward_tile(state, adjoint, Numbers{costs, turns, scale}, phased, first, bits, before, t_before,
                  shrink_before, weight, after, t_after, shrink_after, flags, states, sums);
}
