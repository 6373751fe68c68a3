// The loops over a tile, included once for each instruction set (see instructions.hpp).

#include "../wide.hpp"

namespace WIDE_SPACE {

using namespace qupel::cube;

// 64 bytes' worth of amplitudes.
template <class T>
struct Chunk {
    Wide<T> re, im;
};

template <class T>
WIDE_INLINE Chunk<T> fetch(const T* from) {
    return {load(from), load(from + Wide<T>::lanes)};
}

template <class T>
WIDE_INLINE void put(T* to, const Chunk<T>& x) {
    store(to, x.re);
    store(to + Wide<T>::lanes, x.im);
}

// exp(-i beta X) on a pair of amplitudes, up to the factor in `Turn`.
template <bool SWAP, class T>
WIDE_INLINE void turn(Chunk<T>& x, Chunk<T>& y, const Wide<T>& t) {
    const Chunk<T> a = x, b = y;
    if constexpr (SWAP) {
        x = {fma(a.re, t, b.im), fms(a.im, t, b.re)};
        y = {fma(b.re, t, a.im), fms(b.im, t, a.re)};
    } else {
        x = {fma(b.im, t, a.re), fnma(b.re, t, a.im)};
        y = {fma(a.im, t, b.re), fnma(a.re, t, b.im)};
    }
}

// The same where `other` holds the partner of each lane.
template <bool SWAP, class T>
WIDE_INLINE Chunk<T> turned(const Chunk<T>& x, const Chunk<T>& other, const Wide<T>& t) {
    if constexpr (SWAP)
        return {fma(x.re, t, other.im), fms(x.im, t, other.re)};
    else
        return {fma(other.im, t, x.re), fnma(other.re, t, x.im)};
}

template <int MASK, class T>
WIDE_INLINE Chunk<T> flipped(const Chunk<T>& x) {
    return {flipped<MASK>(x.re), flipped<MASK>(x.im)};
}

template <class T>
WIDE_INLINE Chunk<T> reversed(const Chunk<T>& x) {
    return flipped<Wide<T>::lanes - 1>(x);
}

template <bool SWAP, class T>
WIDE_INLINE void turn_lanes(Chunk<T>& x, const Wide<T>& t, int qubits) {
    if (qubits > 0) x = turned<SWAP>(x, flipped<1>(x), t);
    if (qubits > 1) x = turned<SWAP>(x, flipped<2>(x), t);
    if (qubits > 2) x = turned<SWAP>(x, flipped<4>(x), t);
    if constexpr (Wide<T>::qubits > 3)
        if (qubits > 3) x = turned<SWAP>(x, flipped<8>(x), t);
}

template <bool SWAP, class T>
WIDE_INLINE void turn_mirror(Chunk<T>& x, Chunk<T>& y, const Wide<T>& t) {
    const Chunk<T> a = reversed(y), b = reversed(x);
    x = turned<SWAP>(x, a, t);
    y = turned<SWAP>(y, b, t);
}

// Turns the row qubits `first` … `first + BITS - 1` of a tile, all of them in registers at once.
// `ahead`: what lies so far from each row is wanted next.
template <bool SWAP, int BITS, class T>
WIDE_INLINE void sweep_of(T* x, ptrdiff_t step, size_t rows, int first, T t, ptrdiff_t ahead) {
    constexpr int COUNT = 1 << BITS;
    const Wide<T> by = all<T>(t);
    const size_t inner = size_t{1} << first;
    const ptrdiff_t apart = step * static_cast<ptrdiff_t>(inner);
    for (size_t block = 0; block < rows; block += inner * COUNT)
        for (size_t row = block; row < block + inner; ++row) {
            T* at = x + step * static_cast<ptrdiff_t>(row);
            Chunk<T> c[COUNT];
#pragma GCC unroll 8
            for (int k = 0; k < COUNT; ++k) {
                c[k] = fetch(at + k * apart);
                if (ahead) {
                    __builtin_prefetch(at + k * apart + ahead, 1, 2);
                    __builtin_prefetch(at + k * apart + ahead + Wide<T>::lanes, 1, 2);
                }
            }
#pragma GCC unroll 3
            for (int bit = 1; bit < COUNT; bit *= 2)
#pragma GCC unroll 8
                for (int k = 0; k < COUNT; ++k)
                    if (!(k & bit)) turn<SWAP>(c[k], c[k | bit], by);
#pragma GCC unroll 8
            for (int k = 0; k < COUNT; ++k) put(at + k * apart, c[k]);
        }
}

// Entries of a table by number: one for each lane of a chunk.
#if WIDE_BYTES == 64
template <int KIND>
WIDE_INLINE Wide<float> looked_up(const float* table, const uint8_t* level) {
    const __m512i index = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(level)));
    const auto two = [&](const float* from) WIDE_TARGET {
        return _mm512_permutex2var_ps(_mm512_loadu_ps(from), index, _mm512_loadu_ps(from + 16));
    };
    if constexpr (KIND == 32) return {two(table)};
    const __mmask16 upper = _mm512_test_epi32_mask(index, _mm512_set1_epi32(32));
    return {_mm512_mask_blend_ps(upper, two(table), two(table + 32))};
}
template <int KIND>
WIDE_INLINE Wide<double> looked_up(const double* table, const uint8_t* level) {
    const __m512i index = _mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(level)));
    const auto two = [&](const double* from) WIDE_TARGET {
        return _mm512_permutex2var_pd(_mm512_loadu_pd(from), index, _mm512_loadu_pd(from + 8));
    };
    const __mmask8 upper = _mm512_test_epi64_mask(index, _mm512_set1_epi64(16));
    const __m512d low = _mm512_mask_blend_pd(upper, two(table), two(table + 16));
    if constexpr (KIND == 32) return {low};
    const __m512d high = _mm512_mask_blend_pd(upper, two(table + 32), two(table + 48));
    return {_mm512_mask_blend_pd(_mm512_test_epi64_mask(index, _mm512_set1_epi64(32)), low, high)};
}
#else
template <int KIND, class T>
WIDE_INLINE Wide<T> looked_up(const T* table, const uint8_t* level) {
    Wide<T> out;
    for (int k = 0; k < Wide<T>::parts; ++k)
        for (int lane = 0; lane < Wide<T>::each; ++lane)
            out.part[k][lane] = table[level[k * Wide<T>::each + lane]];
    return out;
}
#endif

// Costs of a chunk.
template <int KIND, class T>
WIDE_INLINE Wide<T> costs_of(const T* values, const uint8_t* level, const T* cost) {
    if constexpr (KIND == 0)
        return load(cost);
    else
        return looked_up<KIND>(values, level);
}

// factor * cos and factor * sin of a chunk's phase.
template <int KIND, class T>
WIDE_INLINE Chunk<T> phase_of(const Phase<T>& phase, const uint8_t* level, const T* cost) {
    if constexpr (KIND == 0) {
        Chunk<T> out;
        circle(load(cost) * all<T>(phase.turns), out.re, out.im);
        const Wide<T> factor = all<T>(phase.factor);
        return {out.re * factor, out.im * factor};
    } else {
        return {looked_up<KIND>(phase.cosine, level), looked_up<KIND>(phase.sine, level)};
    }
}

// x * (cosine - i sine)
template <class T>
WIDE_INLINE Chunk<T> shifted(const Chunk<T>& x, const Chunk<T>& by) {
    return {fma(x.im, by.im, x.re * by.re), fnma(x.re, by.im, x.im * by.re)};
}

template <class T>
WIDE_INLINE Wide<T> squared(const Chunk<T>& x) {
    return fma(x.im, x.im, x.re * x.re);
}

// Turns the core's own qubits of ROWS rows: those inside a chunk, and the lowest of the rows'.
template <bool SWAP, int ROWS, class T>
WIDE_INLINE void turn_core(Chunk<T>* x, T t, int lanes) {
    const Wide<T> by = all<T>(t);
#pragma GCC unroll 4
    for (int k = 0; k < ROWS; ++k) turn_lanes<SWAP>(x[k], by, lanes);
#pragma GCC unroll 2
    for (int bit = 1; bit < ROWS; bit *= 2)
#pragma GCC unroll 4
        for (int k = 0; k < ROWS; ++k)
            if (!(k & bit)) turn<SWAP>(x[k], x[k | bit], by);
}

// The core of a pass forward: turns of the layer before, its mirror turn, the phase, turns of the
// phase's own layer; or instead of the phase the energy, which is returned.
template <int KIND, bool MIRROR, int ROWS, class T>
WIDE_INLINE double forward_of(const Tile<T>& tile, const Core<T>& core) {
    constexpr int lanes = Wide<T>::lanes;
    const Wide<T> last = all<T>(core.last.t);
    const ptrdiff_t costs = tile.step / 2;
    double energy = 0;
    for (size_t begin = 0; begin < tile.rows;) {
        Wide<T> sum = all<T>(0);
        const size_t end = std::min<size_t>(tile.rows, begin + 64);
        for (; begin < end; begin += ROWS) {
            const auto row = static_cast<ptrdiff_t>(begin);
            Chunk<T> x[ROWS], y[ROWS];
            if (core.fresh) {
#pragma GCC unroll 4
                for (int k = 0; k < ROWS; ++k) x[k] = y[k] = {all<T>(1), all<T>(0)};
            } else {
#pragma GCC unroll 4
                for (int k = 0; k < ROWS; ++k) {
                    x[k] = fetch(tile.state + (row + k) * tile.step);
                    if constexpr (MIRROR) y[k] = fetch(tile.mirror - (row + k) * tile.step);
                }
                if (core.last.swap) {
                    if (core.before) turn_core<true, ROWS>(x, core.last.t, core.lanes);
                    if constexpr (MIRROR) {
                        if (core.before) turn_core<true, ROWS>(y, core.last.t, core.lanes);
#pragma GCC unroll 4
                        for (int k = 0; k < ROWS; ++k) turn_mirror<true>(x[k], y[k], last);
                    }
                } else {
                    if (core.before) turn_core<false, ROWS>(x, core.last.t, core.lanes);
                    if constexpr (MIRROR) {
                        if (core.before) turn_core<false, ROWS>(y, core.last.t, core.lanes);
#pragma GCC unroll 4
                        for (int k = 0; k < ROWS; ++k) turn_mirror<false>(x[k], y[k], last);
                    }
                }
            }
            const uint8_t* level = tile.levels + row * lanes;
            const uint8_t* mirror_level = tile.mirror_levels - row * lanes;
            const T* cost = tile.costs + row * costs;
            const T* mirror_cost = tile.mirror_costs - row * costs;
            if (core.finish) {
#pragma GCC unroll 4
                for (int k = 0; k < ROWS; ++k) {
                    sum = fma(costs_of<KIND>(core.values, level + k * lanes, cost + k * costs), squared(x[k]), sum);
                    if constexpr (MIRROR)
                        sum = fma(costs_of<KIND>(core.values, mirror_level - k * lanes, mirror_cost - k * costs), squared(y[k]), sum);
                }
            } else {
#pragma GCC unroll 4
                for (int k = 0; k < ROWS; ++k) {
                    x[k] = shifted(x[k], phase_of<KIND>(core.phase, level + k * lanes, cost + k * costs));
                    if constexpr (MIRROR)
                        y[k] = shifted(y[k], phase_of<KIND>(core.phase, mirror_level - k * lanes, mirror_cost - k * costs));
                }
                if (core.after) {
                    if (core.next.swap) {
                        turn_core<true, ROWS>(x, core.next.t, core.lanes);
                        if constexpr (MIRROR) turn_core<true, ROWS>(y, core.next.t, core.lanes);
                    } else {
                        turn_core<false, ROWS>(x, core.next.t, core.lanes);
                        if constexpr (MIRROR) turn_core<false, ROWS>(y, core.next.t, core.lanes);
                    }
                }
            }
            if (core.keep) {
#pragma GCC unroll 4
                for (int k = 0; k < ROWS; ++k) {
                    put(tile.state + (row + k) * tile.step, x[k]);
                    if constexpr (MIRROR) put(tile.mirror - (row + k) * tile.step, y[k]);
                }
            }
        }
        energy += total(sum);
    }
    return energy;
}

// l* p, imaginary part, added to `sum`.
template <class T>
WIDE_INLINE Wide<T> crossed(const Chunk<T>& l, const Chunk<T>& p, const Wide<T>& sum) {
    return fnma(l.im, p.re, fma(l.re, p.im, sum));
}

template <class T>
WIDE_INLINE Chunk<T> added(const Chunk<T>& x, const Chunk<T>& y) {
    return {x.re + y.re, x.im + y.im};
}

// `sweep_of` on a state and its adjoint; returns Im <l| sum of X over these qubits |p>.
template <bool SWAP, int BITS, class T>
WIDE_INLINE double unsweep_of(T* p, T* l, ptrdiff_t step, size_t rows, int first, T t, ptrdiff_t ahead) {
    constexpr int COUNT = 1 << BITS;
    const Wide<T> by = all<T>(t);
    const size_t inner = size_t{1} << first;
    const ptrdiff_t apart = step * static_cast<ptrdiff_t>(inner);
    double slope = 0;
    int many = 0;
    Wide<T> sum = all<T>(0);
    for (size_t block = 0; block < rows; block += inner * COUNT)
        for (size_t row = block; row < block + inner; ++row) {
            const ptrdiff_t at = step * static_cast<ptrdiff_t>(row);
            Chunk<T> c[COUNT], d[COUNT];
#pragma GCC unroll 4
            for (int k = 0; k < COUNT; ++k) {
                c[k] = fetch(p + at + k * apart);
                d[k] = fetch(l + at + k * apart);
                if (ahead) {
                    __builtin_prefetch(p + at + k * apart + ahead, 1, 2);
                    __builtin_prefetch(p + at + k * apart + ahead + Wide<T>::lanes, 1, 2);
                    __builtin_prefetch(l + at + k * apart + ahead, 1, 2);
                    __builtin_prefetch(l + at + k * apart + ahead + Wide<T>::lanes, 1, 2);
                }
            }
            if constexpr (BITS == 2) {
                // l0 meets p1 + p2, as does l3; l1 and l2 meet p0 + p3.
                sum = crossed(added(d[0], d[3]), added(c[1], c[2]), sum);
                sum = crossed(added(d[1], d[2]), added(c[0], c[3]), sum);
            } else {
                sum = crossed(d[0], c[1], sum);
                sum = crossed(d[1], c[0], sum);
            }
#pragma GCC unroll 2
            for (int bit = 1; bit < COUNT; bit *= 2)
#pragma GCC unroll 4
                for (int k = 0; k < COUNT; ++k)
                    if (!(k & bit)) {
                        turn<SWAP>(c[k], c[k | bit], by);
                        turn<SWAP>(d[k], d[k | bit], by);
                    }
#pragma GCC unroll 4
            for (int k = 0; k < COUNT; ++k) {
                put(p + at + k * apart, c[k]);
                put(l + at + k * apart, d[k]);
            }
            if (++many == 64) {
                slope += total(sum);
                sum = all<T>(0);
                many = 0;
            }
        }
    return slope + total(sum);
}

// Sum over the flips of the core's own qubits of row k.
template <int ROWS, class T>
WIDE_INLINE Chunk<T> core_flips(const Chunk<T>* x, int k, int lanes) {
    Chunk<T> sum = ROWS > 1 ? x[k ^ 1] : Chunk<T>{all<T>(0), all<T>(0)};
    if (lanes > 0) sum = added(sum, flipped<1>(x[k]));
    if (lanes > 1) sum = added(sum, flipped<2>(x[k]));
    if (lanes > 2) sum = added(sum, flipped<4>(x[k]));
    if constexpr (Wide<T>::qubits > 3)
        if (lanes > 3) sum = added(sum, flipped<8>(x[k]));
    return sum;
}

// The core of a pass backward, on a state and its adjoint: turns of the phase's layer taken back,
// the phase, the mirror turn and the turns of the layer before. With `finish` it starts from the
// state before the last layer's turns, sums up the energy, makes the adjoint, and goes back.
template <int KIND, bool MIRROR, int ROWS, class T>
WIDE_INLINE double backward_of(const Tile<T>& tile, const Core<T>& core, Slopes& slopes) {
    constexpr int lanes = Wide<T>::lanes;
    const Wide<T> last = all<T>(core.last.t), forth = all<T>(-core.last.t);
    const Wide<T> factor = all<T>(core.phase.factor);
    const ptrdiff_t costs = tile.step / 2;
    double energy = 0;
    for (size_t begin = 0; begin < tile.rows;) {
        Wide<T> sum = all<T>(0), gamma = all<T>(0), after = all<T>(0), before = all<T>(0);
        const size_t end = std::min<size_t>(tile.rows, begin + 64);
        for (; begin < end; begin += ROWS) {
            const auto row = static_cast<ptrdiff_t>(begin);
            Chunk<T> x[ROWS], y[ROWS], l[ROWS], m[ROWS];
#pragma GCC unroll 2
            for (int k = 0; k < ROWS; ++k) {
                x[k] = fetch(tile.state + (row + k) * tile.step);
                if constexpr (MIRROR) y[k] = fetch(tile.mirror - (row + k) * tile.step);
            }
            const uint8_t* level = tile.levels + row * lanes;
            const uint8_t* mirror_level = tile.mirror_levels - row * lanes;
            const T* cost = tile.costs + row * costs;
            const T* mirror_cost = tile.mirror_costs - row * costs;
            if (core.finish) {
                if (core.last.swap) {
                    if (core.before) turn_core<true, ROWS>(x, -core.last.t, core.lanes);
                    if constexpr (MIRROR) {
                        if (core.before) turn_core<true, ROWS>(y, -core.last.t, core.lanes);
#pragma GCC unroll 2
                        for (int k = 0; k < ROWS; ++k) turn_mirror<true>(x[k], y[k], forth);
                    }
                } else {
                    if (core.before) turn_core<false, ROWS>(x, -core.last.t, core.lanes);
                    if constexpr (MIRROR) {
                        if (core.before) turn_core<false, ROWS>(y, -core.last.t, core.lanes);
#pragma GCC unroll 2
                        for (int k = 0; k < ROWS; ++k) turn_mirror<false>(x[k], y[k], forth);
                    }
                }
#pragma GCC unroll 2
                for (int k = 0; k < ROWS; ++k) {
                    const Wide<T> c = costs_of<KIND>(core.values, level + k * lanes, cost + k * costs);
                    x[k] = {x[k].re * factor, x[k].im * factor};
                    l[k] = {x[k].re * c, x[k].im * c};
                    sum = fma(l[k].re, x[k].re, fma(l[k].im, x[k].im, sum));
                    if constexpr (MIRROR) {
                        const Wide<T> e = costs_of<KIND>(core.values, mirror_level - k * lanes, mirror_cost - k * costs);
                        y[k] = {y[k].re * factor, y[k].im * factor};
                        m[k] = {y[k].re * e, y[k].im * e};
                        sum = fma(m[k].re, y[k].re, fma(m[k].im, y[k].im, sum));
                    }
                }
            } else {
#pragma GCC unroll 2
                for (int k = 0; k < ROWS; ++k) {
                    l[k] = fetch(tile.adjoint + (row + k) * tile.step);
                    if constexpr (MIRROR) m[k] = fetch(tile.mirror_adjoint - (row + k) * tile.step);
                }
                if (core.after) {
#pragma GCC unroll 2
                    for (int k = 0; k < ROWS; ++k) {
                        after = crossed(l[k], core_flips<ROWS>(x, k, core.lanes), after);
                        if constexpr (MIRROR) after = crossed(m[k], core_flips<ROWS>(y, k, core.lanes), after);
                    }
                    if (core.next.swap) {
                        turn_core<true, ROWS>(x, core.next.t, core.lanes);
                        turn_core<true, ROWS>(l, core.next.t, core.lanes);
                        if constexpr (MIRROR) {
                            turn_core<true, ROWS>(y, core.next.t, core.lanes);
                            turn_core<true, ROWS>(m, core.next.t, core.lanes);
                        }
                    } else {
                        turn_core<false, ROWS>(x, core.next.t, core.lanes);
                        turn_core<false, ROWS>(l, core.next.t, core.lanes);
                        if constexpr (MIRROR) {
                            turn_core<false, ROWS>(y, core.next.t, core.lanes);
                            turn_core<false, ROWS>(m, core.next.t, core.lanes);
                        }
                    }
                }
#pragma GCC unroll 2
                for (int k = 0; k < ROWS; ++k) {
                    const Chunk<T> by = phase_of<KIND>(core.phase, level + k * lanes, cost + k * costs);
                    x[k] = shifted(x[k], by);
                    l[k] = shifted(l[k], by);
                    const Wide<T> c = costs_of<KIND>(core.values, level + k * lanes, cost + k * costs);
                    gamma = fma(c, crossed(l[k], x[k], all<T>(0)), gamma);
                    if constexpr (MIRROR) {
                        const Chunk<T> yby = phase_of<KIND>(core.phase, mirror_level - k * lanes, mirror_cost - k * costs);
                        y[k] = shifted(y[k], yby);
                        m[k] = shifted(m[k], yby);
                        const Wide<T> e = costs_of<KIND>(core.values, mirror_level - k * lanes, mirror_cost - k * costs);
                        gamma = fma(e, crossed(m[k], y[k], all<T>(0)), gamma);
                    }
                }
            }
            if (!core.keep) continue;
#pragma GCC unroll 2
            for (int k = 0; k < ROWS; ++k) {
                Chunk<T> s = core.undo ? core_flips<ROWS>(x, k, core.lanes) : Chunk<T>{all<T>(0), all<T>(0)};
                if constexpr (MIRROR) s = added(s, reversed(y[k]));
                before = crossed(l[k], s, before);
                if constexpr (MIRROR) {
                    Chunk<T> r = core.undo ? core_flips<ROWS>(y, k, core.lanes) : Chunk<T>{all<T>(0), all<T>(0)};
                    before = crossed(m[k], added(r, reversed(x[k])), before);
                }
            }
            if (core.last.swap) {
                if constexpr (MIRROR)
#pragma GCC unroll 2
                    for (int k = 0; k < ROWS; ++k) {
                        turn_mirror<true>(x[k], y[k], last);
                        turn_mirror<true>(l[k], m[k], last);
                    }
                if (core.undo) {
                    turn_core<true, ROWS>(x, core.last.t, core.lanes);
                    turn_core<true, ROWS>(l, core.last.t, core.lanes);
                    if constexpr (MIRROR) {
                        turn_core<true, ROWS>(y, core.last.t, core.lanes);
                        turn_core<true, ROWS>(m, core.last.t, core.lanes);
                    }
                }
            } else {
                if constexpr (MIRROR)
#pragma GCC unroll 2
                    for (int k = 0; k < ROWS; ++k) {
                        turn_mirror<false>(x[k], y[k], last);
                        turn_mirror<false>(l[k], m[k], last);
                    }
                if (core.undo) {
                    turn_core<false, ROWS>(x, core.last.t, core.lanes);
                    turn_core<false, ROWS>(l, core.last.t, core.lanes);
                    if constexpr (MIRROR) {
                        turn_core<false, ROWS>(y, core.last.t, core.lanes);
                        turn_core<false, ROWS>(m, core.last.t, core.lanes);
                    }
                }
            }
#pragma GCC unroll 2
            for (int k = 0; k < ROWS; ++k) {
                put(tile.state + (row + k) * tile.step, x[k]);
                put(tile.adjoint + (row + k) * tile.step, l[k]);
                if constexpr (MIRROR) {
                    put(tile.mirror - (row + k) * tile.step, y[k]);
                    put(tile.mirror_adjoint - (row + k) * tile.step, m[k]);
                }
            }
        }
        energy += total(sum);
        slopes.gamma += total(gamma);
        slopes.next += total(after);
        slopes.last += total(before);
    }
    return energy;
}

template <class T>
struct Loops {
    // Row qubits that a core turns itself, as far as registers reach.
    static constexpr int forward_bits = WIDE_BYTES > 16 ? 2 : 0;
    static constexpr int backward_bits = WIDE_BYTES > 16 ? 1 : 0;

    WIDE_TARGET static void sweep(T* x, ptrdiff_t step, size_t rows, int first, int bits, const Turn<T>& by, ptrdiff_t ahead) {
        switch (bits + (by.swap ? 4 : 0)) {
            case 1: return sweep_of<false, 1>(x, step, rows, first, by.t, ahead);
            case 2: return sweep_of<false, 2>(x, step, rows, first, by.t, ahead);
            case 3: return sweep_of<false, 3>(x, step, rows, first, by.t, ahead);
            case 5: return sweep_of<true, 1>(x, step, rows, first, by.t, ahead);
            case 6: return sweep_of<true, 2>(x, step, rows, first, by.t, ahead);
            default: return sweep_of<true, 3>(x, step, rows, first, by.t, ahead);
        }
    }

    WIDE_TARGET static double unsweep(T* p, T* l, ptrdiff_t step, size_t rows, int first, int bits, const Turn<T>& by, ptrdiff_t ahead) {
        switch (bits + (by.swap ? 2 : 0)) {
            case 1: return unsweep_of<false, 1>(p, l, step, rows, first, by.t, ahead);
            case 2: return unsweep_of<false, 2>(p, l, step, rows, first, by.t, ahead);
            case 3: return unsweep_of<true, 1>(p, l, step, rows, first, by.t, ahead);
            default: return unsweep_of<true, 2>(p, l, step, rows, first, by.t, ahead);
        }
    }

    template <int KIND, bool MIRROR>
    WIDE_TARGET static double forward_rows(const Tile<T>& tile, const Core<T>& core) {
        if constexpr (!MIRROR)
            if (tile.rows < 4) return forward_of<KIND, false, 1>(tile, core);
        return forward_of<KIND, MIRROR, 1 << forward_bits>(tile, core);
    }

    WIDE_TARGET static double forward(const Tile<T>& tile, const Core<T>& core) {
        const bool mirror = tile.mirror != nullptr;
#if WIDE_BYTES == 64
        if (core.kind == 32) return mirror ? forward_rows<32, true>(tile, core) : forward_rows<32, false>(tile, core);
#endif
        if (core.kind) return mirror ? forward_rows<64, true>(tile, core) : forward_rows<64, false>(tile, core);
        return mirror ? forward_rows<0, true>(tile, core) : forward_rows<0, false>(tile, core);
    }

    template <int KIND, bool MIRROR>
    WIDE_TARGET static double backward_rows(const Tile<T>& tile, const Core<T>& core, Slopes& slopes) {
        if constexpr (!MIRROR)
            if (tile.rows < 2) return backward_of<KIND, false, 1>(tile, core, slopes);
        return backward_of<KIND, MIRROR, 1 << backward_bits>(tile, core, slopes);
    }

    WIDE_TARGET static double backward(const Tile<T>& tile, const Core<T>& core, Slopes& slopes) {
        const bool mirror = tile.mirror != nullptr;
#if WIDE_BYTES == 64
        if (core.kind == 32) return mirror ? backward_rows<32, true>(tile, core, slopes) : backward_rows<32, false>(tile, core, slopes);
#endif
        if (core.kind) return mirror ? backward_rows<64, true>(tile, core, slopes) : backward_rows<64, false>(tile, core, slopes);
        return mirror ? backward_rows<0, true>(tile, core, slopes) : backward_rows<0, false>(tile, core, slopes);
    }
};

}  // namespace WIDE_SPACE
