// QAOA on a state of complex amplitudes, in place: passes over tiles, forward and backward.
//
// Set when compiled: REAL; TILE, bits of a tile; ROW, bits of an unbroken row of a high tile; HELD,
// bits of an index that a thread's registers cover.
//
// A tile is 2^TILE amplitudes, one block's work. The low tile (first = 0) is unbroken and covers
// qubits 0 .. TILE-1. A high tile covers ROW low bits, which make its reads and writes whole rows,
// and the TILE - ROW qubits from `first` up. A thread holds 2^HELD amplitudes, whose indices differ
// in HELD neighbouring bits: turning those qubits needs no other thread. For the next bits the block
// trades amplitudes through shared memory.
//
// One visit of a tile does up to three things: turn its qubits to the end of a layer, apply a phase,
// and turn its qubits for the layer on the other side of the phase. Turns leave out a factor of
// every qubit (see `Turn`); the phase puts in those of a whole layer.
#include "block.cuh"

struct __align__(2 * sizeof(REAL)) Complex {
    REAL x, y;
};

constexpr int THREADS = 1 << (TILE - HELD);
constexpr int AMPLITUDES = 1 << HELD;
static_assert(TILE - HELD >= 5, "a block is made of whole warps");
static_assert(ROW < TILE, "a high tile has qubits of its own");

enum Flag { START = 1, STORE = 2, WEIGH = 4 };

// exp(-i beta X) without a common factor: (1, -i t; -i t, 1), or (t, -i; -i, t).
enum Turning { NONE = 0, PLAIN = 1, SWAPPED = 2 };

INLINE i64 base_of(i64 tile, int first) {
    if (first == 0) return tile << TILE;
    const int between = first - ROW;
    const i64 low = tile & ((i64(1) << between) - 1);
    return (low << ROW) | ((tile >> between) << (first + TILE - ROW));
}

INLINE i64 address(i64 base, int first, int local) {
    if (first == 0) return base + local;
    return base + (local & ((1 << ROW) - 1)) + (i64(local >> ROW) << first);
}

// Place in the tile of a thread's amplitude r, while its registers cover bits shift .. shift+HELD-1.
INLINE int place(int r, int shift) {
    const int thread = threadIdx.x;
    return (thread & ((1 << shift) - 1)) | (r << shift) | ((thread >> shift) << (shift + HELD));
}

INLINE int shift_of(int round) {
    const int shift = TILE - HELD * (round + 1);
    return shift > 0 ? shift : 0;
}

// Which of the bits covered in a round are to be turned in it.
INLINE int turned_in(int round, int bits) {
    const int shift = shift_of(round), top = round ? shift_of(round - 1) : TILE;
    return (bits >> shift) & ((1 << (top - shift)) - 1);
}

INLINE int last_round(int bits) {
    int last = 0;
    for (int round = 1; round * HELD < TILE; ++round)
        if (turned_in(round, bits)) last = round;
    return last;
}

// One number more after every 2^HELD keeps the threads of a warp on different banks.
constexpr int ROOM = (1 << TILE) + (1 << (TILE - HELD));
INLINE int padded(int local) { return local + (local >> HELD); }

// Hold other bits of the tile: one plane after the other, so that one plane's room is enough.
INLINE void regroup(Complex (&v)[AMPLITUDES], REAL* room, int from, int to) {
#pragma unroll
    for (int r = 0; r < AMPLITUDES; ++r) room[padded(place(r, from))] = v[r].x;
    __syncthreads();
#pragma unroll
    for (int r = 0; r < AMPLITUDES; ++r) v[r].x = room[padded(place(r, to))];
    __syncthreads();
#pragma unroll
    for (int r = 0; r < AMPLITUDES; ++r) room[padded(place(r, from))] = v[r].y;
    __syncthreads();
#pragma unroll
    for (int r = 0; r < AMPLITUDES; ++r) v[r].y = room[padded(place(r, to))];
    __syncthreads();
}

template <bool SWAP>
INLINE void turn_pair(Complex& a, Complex& b, REAL t) {
    const Complex p = a, q = b;
    if (SWAP) {
        a.x = fused(t, p.x, q.y);
        a.y = fused(t, p.y, -q.x);
        b.x = fused(t, q.x, p.y);
        b.y = fused(t, q.y, -p.x);
    } else {
        a.x = fused(t, q.y, p.x);
        a.y = fused(-t, q.x, p.y);
        b.x = fused(t, p.y, q.x);
        b.y = fused(-t, p.x, q.y);
    }
}

template <bool SWAP>
INLINE void turn_bits(Complex (&v)[AMPLITUDES], int mask, REAL t) {
#pragma unroll
    for (int bit = 0; bit < HELD; ++bit) {
        if (!(mask >> bit & 1)) continue;
#pragma unroll
        for (int r = 0; r < AMPLITUDES; ++r)
            if (!(r >> bit & 1)) turn_pair<SWAP>(v[r], v[r | 1 << bit], t);
    }
}

INLINE void turn(Complex (&v)[AMPLITUDES], int mask, int how, REAL t) {
    if (how == PLAIN) turn_bits<false>(v, mask, t);
    else turn_bits<true>(v, mask, t);
}

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

// cos and sin of 2 pi `turns`, by the quarter turn nearest and a Taylor series about it: plain
// rounded operations, the same bits everywhere.
INLINE Complex circle(REAL turns) {
    constexpr bool wide = sizeof(REAL) == 8;
    const REAL magic = wide ? REAL(6755399441055744.0) : REAL(12582912.0);
    const REAL whole = (turns + magic) - magic;
    const REAL left = turns - whole;  // exact, and so is four times it
    const REAL quarters = (REAL(4) * left + magic) - magic;
    const REAL y = (left - REAL(0.25) * quarters) * REAL(6.283185307179586476925286766559);
    const REAL z = y * y;
    REAL c = wide ? REAL(4.779477332387385e-14) : REAL(0);
    REAL s = wide ? REAL(2.8114572543455206e-15) : REAL(0);
    if (wide) {
        c = fused(c, z, REAL(-1.1470745597729725e-11));
        c = fused(c, z, REAL(2.08767569878681e-09));
        s = fused(s, z, REAL(-7.647163731819816e-13));
        s = fused(s, z, REAL(1.6059043836821613e-10));
        s = fused(s, z, REAL(-2.505210838544172e-08));
    }
    c = fused(c, z, REAL(-2.755731922398589e-07));
    c = fused(c, z, REAL(2.48015873015873e-05));
    c = fused(c, z, REAL(-0.001388888888888889));
    c = fused(c, z, REAL(0.041666666666666664));
    c = fused(c, z, REAL(-0.5));
    c = fused(c, z, REAL(1));
    s = fused(s, z, REAL(2.7557319223985893e-06));
    s = fused(s, z, REAL(-0.0001984126984126984));
    s = fused(s, z, REAL(0.008333333333333333));
    s = fused(s, z, REAL(-0.16666666666666666));
    s = fused(s * z, y, y);
    const int quarter = int(quarters) & 3;
    const Complex even = {quarter & 2 ? -c : c, quarter & 2 ? -s : s};
    return quarter & 1 ? Complex{-even.y, even.x} : even;
}

INLINE Complex times(Complex a, Complex b) {
    return {fused(a.x, b.x, -(a.y * b.y)), fused(a.x, b.y, a.y * b.x)};
}

// Costs by level: a table holds each level's phase, another its cost.
struct Levels {
    const u8* of;
    const Complex* phases;
    const REAL* values;
    INLINE Complex phase(i64 at) const { return phases[of[at]]; }
    INLINE REAL value(i64 at) const { return values[of[at]]; }
};

// Costs as numbers: the phase is scale * exp(2 pi i turns cost).
struct Numbers {
    const REAL* of;
    REAL turns, scale;
    INLINE Complex phase(i64 at) const {
        const Complex unit = circle(turns * of[at]);
        return {scale * unit.x, scale * unit.y};
    }
    INLINE REAL value(i64 at) const { return of[at]; }
};

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
