// The loops of feature_states.cpp, included once for each instruction set (see instructions.hpp).

#include "../wide.hpp"

namespace WIDE_SPACE {

template <class T>
struct Number {
    Wide<T> re, im;
};

template <class T>
WIDE_INLINE Number<T> operator*(const Number<T>& x, const Number<T>& y) {
    return {fms(x.re, y.re, x.im * y.im), fma(x.re, y.im, x.im * y.re)};
}

template <class T>
WIDE_INLINE Number<T> take(const T* re, const T* im) {
    return {load(re), load(im)};
}

template <class T>
WIDE_INLINE void put(T* re, T* im, const Number<T>& x) {
    store(re, x.re);
    store(im, x.im);
}

// Hadamards, without their factors, on the BITS qubits from stride `h` up; all counts in vectors.
template <int BITS, class T>
WIDE_INLINE void butterflies(T* plane, size_t h, size_t size) {
    constexpr size_t lanes = Wide<T>::lanes;
    constexpr int many = 1 << BITS;
    for (size_t start = 0; start < size; start += h << BITS)
        for (size_t k = start; k < start + h; ++k) {
            Wide<T> x[many];
#pragma GCC unroll 8
            for (int m = 0; m < many; ++m) x[m] = load(plane + (k + m * h) * lanes);
#pragma GCC unroll 3
            for (int bit = 1; bit < many; bit *= 2)
#pragma GCC unroll 8
                for (int m = 0; m < many; ++m)
                    if (!(m & bit)) {
                        const Wide<T> a = x[m], b = x[m | bit];
                        x[m] = a + b;
                        x[m | bit] = a - b;
                    }
#pragma GCC unroll 8
            for (int m = 0; m < many; ++m) store(plane + (k + m * h) * lanes, x[m]);
        }
}

// The same on all qubits from stride `h` up to `size`.
template <class T>
WIDE_INLINE void hadamards(T* plane, size_t h, size_t size) {
    for (; h * 8 <= size; h *= 8) butterflies<3>(plane, h, size);
    if (h * 4 <= size)
        butterflies<2>(plane, h, size);
    else if (h * 2 <= size)
        butterflies<1>(plane, h, size);
}

// Rows of one column of blocks, copied into a tile that stays in the second cache, or back.
template <bool BACK, class T>
WIDE_INLINE void carry(T* plane, T* tile, size_t rows, size_t row, size_t wide) {
    constexpr size_t lanes = Wide<T>::lanes;
    for (size_t r = 0; r < rows; ++r)
        for (size_t k = 0; k < wide * lanes; k += lanes) {
            T* outside = plane + r * row * lanes + k;
            T* inside = tile + r * wide * lanes + k;
            if constexpr (BACK)
                store(outside, load(inside));
            else
                store(inside, load(outside));
        }
}

// Hadamards on the high qubits of a plane.
template <class T>
WIDE_INLINE void high_hadamards(T* plane, const Split& split, T* tile) {
    constexpr size_t lanes = Wide<T>::lanes;
    if (split.high <= 3) return hadamards(plane, split.block, split.states);
    const size_t wide = std::min(split.block, TILE_COLUMNS);
    for (size_t k = 0; k < split.block; k += wide) {
        carry<false>(plane + k * lanes, tile, split.blocks, split.block, wide);
        hadamards(tile, wide, split.blocks * wide);
        carry<true>(plane + k * lanes, tile, split.blocks, split.block, wide);
    }
}

// Repeats of (Hadamards, phases) on |0...0>, for the samples of one panel.
template <class T>
WIDE_TARGET void phased(const Phases<T>& phases, const Split& split, int repetitions, T* re, T* im,
                        T* tile) {
    constexpr size_t lanes = Wide<T>::lanes;
    const size_t half = split.block * lanes;  // from real to imaginary part within a block
    alignas(64) T block[2 * (size_t{1} << LOW_QUBITS) * lanes];
    for (int layer = 0; layer < repetitions; ++layer) {
        if (layer > 0) {
            high_hadamards(re, split, tile);
            high_hadamards(im, split, tile);
        }
        for (size_t high = 0; high < split.blocks; ++high) {
            // Phases of the low qubits given the high ones: one factor a qubit, by doubling.
            put(block, block + half, take(phases.high(high, 0), phases.high(high, 1)));
            for (int q = 0; q < split.low; ++q) {
                const size_t stride = (size_t{1} << q) * lanes;
                const Number<T> turn = take(phases.cross(high, q, 0), phases.cross(high, q, 1));
                for (size_t x = 0; x < stride; x += lanes) {
                    T* to = block + stride + x;
                    put(to, to + half, take(block + x, block + half + x) * turn);
                }
            }
            T* to_re = re + high * half;
            T* to_im = im + high * half;
            for (size_t x = 0; x < half; x += lanes) {
                Number<T> value = take(block + x, block + half + x) *
                                  take(phases.low_table.data() + x, phases.low_table.data() + half + x);
                if (layer > 0) value = value * take(to_re + x, to_im + x);
                put(to_re + x, to_im + x, value);
            }
            if (layer + 1 < repetitions) {
                hadamards(to_re, 1, split.block);
                hadamards(to_im, 1, split.block);
            }
        }
    }
}

// (a, -b*; b, a*) on the qubit of stride `h`, a number a sample.
template <bool REAL, class T>
WIDE_INLINE void rotate(T* re, T* im, const T* gate, size_t h, size_t size) {
    constexpr size_t lanes = Wide<T>::lanes;
    const Wide<T> ar = load(gate), ai = load(gate + lanes);
    const Wide<T> br = load(gate + 2 * lanes), bi = load(gate + 3 * lanes);
    for (size_t start = 0; start < size; start += 2 * h)
        for (size_t k = start; k < start + h; ++k) {
            const size_t zero = k * lanes, one = (k + h) * lanes;
            const Wide<T> p = load(re + zero), r = load(re + one);
            if constexpr (REAL) {
                store(re + zero, fms(ar, p, br * r));
                store(re + one, fma(br, p, ar * r));
            } else {
                const Wide<T> q = load(im + zero), s = load(im + one);
                store(re + zero, fms(ar, p, fma(ai, q, fma(br, r, bi * s))));
                store(im + zero, fma(ar, q, fma(ai, p, fms(bi, r, br * s))));
                store(re + one, fma(br, p, fma(ar, r, fms(ai, s, bi * q))));
                store(im + one, fma(br, q, fma(bi, p, fms(ar, s, ai * r))));
            }
        }
}

// Product over qubits of (a |0> + b |1>), by doubling.
template <bool REAL, class T>
WIDE_INLINE void product(T* re, T* im, const T* gates, int qubits) {
    constexpr size_t lanes = Wide<T>::lanes;
    store(re, all<T>(1));
    if constexpr (!REAL) store(im, all<T>(0));
    for (int q = 0; q < qubits; ++q) {
        const T* gate = gates + q * 4 * lanes;
        const size_t stride = (size_t{1} << q) * lanes;
        const Number<T> a = take(gate, gate + lanes), b = take(gate + 2 * lanes, gate + 3 * lanes);
        for (size_t x = 0; x < stride; x += lanes) {
            if constexpr (REAL) {
                const Wide<T> v = load(re + x);
                store(re + x, v * a.re);
                store(re + stride + x, v * b.re);
            } else {
                const Number<T> v = take(re + x, im + x);
                put(re + x, im + x, v * a);
                put(re + stride + x, im + stride + x, v * b);
            }
        }
    }
}

// out[z] = sign(z) in[source(z)] for the block that begins at `first`.
template <class T>
WIDE_INLINE void entangle(const T* from, T* to, const uint32_t* source, size_t first, size_t size) {
    constexpr size_t lanes = Wide<T>::lanes;
    for (size_t z = first; z < first + size; ++z) {
        const Wide<T> x = load(from + (source[z] & ~SIGN) * lanes);
        store(to + z * lanes, source[z] & SIGN ? all<T>(0) - x : x);
    }
}

// Layers of one gate a qubit and a signed permutation, for the samples of one panel. The first
// layer acts on |0...0>; the last ends with the permutation only if `closed`.
template <bool REAL, class T>
WIDE_TARGET void layered(const T* gates, int layers, const uint32_t* source, bool closed,
                         const Split& split, T* out, T* spare, T* tile) {
    constexpr size_t lanes = Wide<T>::lanes;
    const int qubits = split.low + split.high;
    const size_t plane = split.states * lanes;
    const int moves = layers - (closed ? 0 : 1);  // each goes from one room to the other
    T* here = moves % 2 ? spare : out;
    T* there = moves % 2 ? out : spare;
    product<REAL>(here, here + plane, gates, qubits);
    for (int move = 0; move < moves; ++move) {
        const bool turns = move + 1 < layers;
        const T* gate = gates + static_cast<size_t>(move + 1) * qubits * 4 * lanes;
        for (size_t high = 0; high < split.blocks; ++high) {
            const size_t at = high * split.block;
            entangle(here, there, source, at, split.block);
            if constexpr (!REAL) entangle(here + plane, there + plane, source, at, split.block);
            for (int q = 0; turns && q < split.low; ++q)
                rotate<REAL>(there + at * lanes, there + plane + at * lanes, gate + q * 4 * lanes,
                             size_t{1} << q, split.block);
        }
        const size_t wide = std::min(split.block, TILE_COLUMNS);
        T* tile_im = tile + split.blocks * wide * lanes;
        for (size_t k = 0; turns && split.high && k < split.block; k += wide) {
            T* column = there + k * lanes;
            carry<false>(column, tile, split.blocks, split.block, wide);
            if constexpr (!REAL)
                carry<false>(column + plane, tile_im, split.blocks, split.block, wide);
            for (int q = 0; q < split.high; ++q)
                rotate<REAL>(tile, tile_im, gate + (split.low + q) * 4 * lanes, wide << q,
                             split.blocks * wide);
            carry<true>(column, tile, split.blocks, split.block, wide);
            if constexpr (!REAL)
                carry<true>(column + plane, tile_im, split.blocks, split.block, wide);
        }
        std::swap(here, there);
    }
}

// Adds each lane to a sum in double precision.
template <class T>
WIDE_INLINE void gather(double* sum, const Wide<T>& x) {
    alignas(64) T lane[Wide<T>::lanes];
    store(lane, x);
    for (int k = 0; k < Wide<T>::lanes; ++k) sum[k] += static_cast<double>(lane[k]);
}

// <X>, <Y>, <Z> of one qubit, for the samples of one panel: three rows of lanes.
template <bool REAL, class T>
WIDE_TARGET void bloch(const T* re, const T* im, size_t states, int qubit, double* out) {
    constexpr size_t lanes = Wide<T>::lanes;
    const size_t h = size_t{1} << qubit;
    for (size_t k = 0; k < 3 * lanes; ++k) out[k] = 0;
    for (size_t first = 0; first < states / 2; first += BLOCH_RUN) {
        Wide<T> x = all<T>(0), y = x, z = x;
        for (size_t pair = first; pair < std::min(states / 2, first + BLOCH_RUN); ++pair) {
            const size_t zero = ((pair & ~(h - 1)) << 1 | (pair & (h - 1))) * lanes;
            const size_t one = zero + h * lanes;
            const Wide<T> p = load(re + zero), r = load(re + one);
            x = fma(p, r, x);
            z = fma(p, p, fnma(r, r, z));
            if constexpr (!REAL) {
                const Wide<T> q = load(im + zero), s = load(im + one);
                x = fma(q, s, x);
                y = fma(p, s, fnma(q, r, y));
                z = fma(q, q, fnma(s, s, z));
            }
        }
        gather(out, x + x);
        gather(out + lanes, y + y);
        gather(out + 2 * lanes, z);
    }
}

}  // namespace WIDE_SPACE
