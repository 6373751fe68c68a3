// QAOA on a state of complex amplitudes, in place: passes over tiles.
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
// every qubit (see Turning); the phase puts in those of a whole layer.
#pragma once
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
