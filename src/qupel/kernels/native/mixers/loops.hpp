// The loops of mixers.cpp, included once for each instruction set (see instructions.hpp).

#include "../wide.hpp"

namespace WIDE_SPACE {

// Multiplies by exp(-2 pi i t), given cosine and sine.
template <class T>
WIDE_INLINE void shift(Wide<T>& re, Wide<T>& im, const Wide<T>& cosine, const Wide<T>& sine) {
    const Wide<T> a = re;
    re = fma(im, sine, re * cosine);
    im = fnma(a, sine, im * cosine);
}

// Im(conj(l) p)
template <class T>
WIDE_INLINE Wide<T> cross(const Wide<T>& lr, const Wide<T>& li, const Wide<T>& pr, const Wide<T>& pi) {
    return fnma(li, pr, lr * pi);
}

// exp(-i b X) on the pair (a + ib, d + ie). PLAIN leaves out the factor cos b.
template <bool PLAIN, class T>
WIDE_INLINE void turn(Wide<T>& a, Wide<T>& b, Wide<T>& d, Wide<T>& e, const Wide<T>& c, const Wide<T>& k) {
    const Wide<T> p = a, q = b, r = d, s = e;
    if constexpr (PLAIN) {
        a = fma(k, s, p);
        b = fnma(k, r, q);
        d = fma(k, q, r);
        e = fnma(k, p, s);
    } else {
        a = fma(k, s, c * p);
        b = fnma(k, r, c * q);
        d = fma(k, q, c * r);
        e = fnma(k, p, c * s);
    }
}

// The same on the lane qubit of this stride.
template <bool PLAIN, int STRIDE, class T>
WIDE_INLINE void turn_lanes(Wide<T>& re, Wide<T>& im, const Turn<T>& by) {
    const Wide<T> p = flipped<STRIDE>(re), q = flipped<STRIDE>(im), k = all<T>(by.k);
    if constexpr (!PLAIN) {
        re = all<T>(by.c) * re;
        im = all<T>(by.c) * im;
    }
    re = fma(k, q, re);
    im = fnma(k, p, im);
}

template <bool PLAIN, class T>
WIDE_INLINE void turn_lowest(Wide<T>& re, Wide<T>& im, const Turn<T>* by, int qubits) {
    if (qubits > 0) turn_lanes<PLAIN, 1>(re, im, by[0]);
    if (qubits > 1) turn_lanes<PLAIN, 2>(re, im, by[1]);
    if (qubits > 2) turn_lanes<PLAIN, 4>(re, im, by[2]);
    if constexpr (Wide<T>::lanes > 8)
        if (qubits > 3) turn_lanes<PLAIN, 8>(re, im, by[3]);
}

// Turns `qubits` qubits of strides first, 2 first … of `count` amplitudes, two at a time.
template <bool PLAIN, class T>
WIDE_INLINE void turn_strides(const Planes<T>& x, size_t count, size_t first, int qubits, const Turn<T>* by) {
    constexpr size_t lanes = Wide<T>::lanes;
    size_t stride = first;
    for (; qubits >= 2; qubits -= 2, stride *= 4, by += 2) {
        const Wide<T> c = all<T>(by[0].c), k = all<T>(by[0].k), u = all<T>(by[1].c), v = all<T>(by[1].k);
        for (size_t start = 0; start < count; start += 4 * stride)
            for (size_t z = start; z < start + stride; z += lanes) {
                T* re = x.re + z;
                T* im = x.im + z;
                Wide<T> a0 = load(re), a1 = load(re + stride);
                Wide<T> a2 = load(re + 2 * stride), a3 = load(re + 3 * stride);
                Wide<T> b0 = load(im), b1 = load(im + stride);
                Wide<T> b2 = load(im + 2 * stride), b3 = load(im + 3 * stride);
                turn<PLAIN>(a0, b0, a1, b1, c, k);
                turn<PLAIN>(a2, b2, a3, b3, c, k);
                turn<PLAIN>(a0, b0, a2, b2, u, v);
                turn<PLAIN>(a1, b1, a3, b3, u, v);
                store(re, a0);
                store(re + stride, a1);
                store(re + 2 * stride, a2);
                store(re + 3 * stride, a3);
                store(im, b0);
                store(im + stride, b1);
                store(im + 2 * stride, b2);
                store(im + 3 * stride, b3);
            }
    }
    if (qubits == 1) {
        const Wide<T> c = all<T>(by[0].c), k = all<T>(by[0].k);
        for (size_t start = 0; start < count; start += 2 * stride)
            for (size_t z = start; z < start + stride; z += lanes) {
                T* re = x.re + z;
                T* im = x.im + z;
                Wide<T> a0 = load(re), a1 = load(re + stride), b0 = load(im), b1 = load(im + stride);
                turn<PLAIN>(a0, b0, a1, b1, c, k);
                store(re, a0);
                store(re + stride, a1);
                store(im, b0);
                store(im + stride, b1);
            }
    }
}

// Four amplitudes, real and imaginary, that two qubits mix.
template <class T>
struct Four {
    Wide<T> a0, a1, a2, a3, b0, b1, b2, b3;
};

template <class T>
WIDE_INLINE Four<T> load_four(const Planes<T>& x, size_t z, size_t stride) {
    const T* re = x.re + z;
    const T* im = x.im + z;
    return {load(re), load(re + stride), load(re + 2 * stride), load(re + 3 * stride),
            load(im), load(im + stride), load(im + 2 * stride), load(im + 3 * stride)};
}

template <class T>
WIDE_INLINE void store_four(const Planes<T>& x, size_t z, size_t stride, const Four<T>& f) {
    T* re = x.re + z;
    T* im = x.im + z;
    store(re, f.a0);
    store(re + stride, f.a1);
    store(re + 2 * stride, f.a2);
    store(re + 3 * stride, f.a3);
    store(im, f.b0);
    store(im + stride, f.b1);
    store(im + 2 * stride, f.b2);
    store(im + 3 * stride, f.b3);
}

template <bool PLAIN, class T>
WIDE_INLINE void turn_four(Four<T>& f, const Wide<T>& c, const Wide<T>& k, const Wide<T>& u, const Wide<T>& v) {
    turn<PLAIN>(f.a0, f.b0, f.a1, f.b1, c, k);
    turn<PLAIN>(f.a2, f.b2, f.a3, f.b3, c, k);
    turn<PLAIN>(f.a0, f.b0, f.a2, f.b2, u, v);
    turn<PLAIN>(f.a1, f.b1, f.a3, f.b3, u, v);
}

// `turn_strides` on a state and its adjoint; adds Im <l|X|p> of each qubit to `slopes`. X of a qubit
// commutes with all turns, so the order is free; `weight` undoes the factors left out so far.
template <bool PLAIN, class T>
WIDE_INLINE void unturn_strides(
    const Planes<T>& p, const Planes<T>& l, size_t count, size_t first, int qubits, const Turn<T>* by,
    double* slopes) {
    constexpr size_t lanes = Wide<T>::lanes;
    size_t stride = first;
    for (; qubits >= 2; qubits -= 2, stride *= 4, by += 2, slopes += 2) {
        const Wide<T> c = all<T>(by[0].c), k = all<T>(by[0].k), u = all<T>(by[1].c), v = all<T>(by[1].k);
        Wide<T> one = all<T>(0), two = all<T>(0);
        for (size_t start = 0; start < count; start += 4 * stride)
            for (size_t z = start; z < start + stride; z += lanes) {
                Four<T> f = load_four(p, z, stride), g = load_four(l, z, stride);
                one = one + ((cross(g.a0, g.b0, f.a1, f.b1) + cross(g.a1, g.b1, f.a0, f.b0)) +
                             (cross(g.a2, g.b2, f.a3, f.b3) + cross(g.a3, g.b3, f.a2, f.b2)));
                two = two + ((cross(g.a0, g.b0, f.a2, f.b2) + cross(g.a2, g.b2, f.a0, f.b0)) +
                             (cross(g.a1, g.b1, f.a3, f.b3) + cross(g.a3, g.b3, f.a1, f.b1)));
                turn_four<PLAIN>(f, c, k, u, v);
                turn_four<PLAIN>(g, c, k, u, v);
                store_four(p, z, stride, f);
                store_four(l, z, stride, g);
            }
        slopes[0] += by[0].weight * total(one);
        slopes[1] += by[0].weight * total(two);
    }
    if (qubits == 1) {
        const Wide<T> c = all<T>(by[0].c), k = all<T>(by[0].k);
        Wide<T> sum = all<T>(0);
        for (size_t start = 0; start < count; start += 2 * stride)
            for (size_t z = start; z < start + stride; z += lanes) {
                const size_t o = z + stride;
                Wide<T> p0 = load(p.re + z), q0 = load(p.im + z), p1 = load(p.re + o), q1 = load(p.im + o);
                Wide<T> l0 = load(l.re + z), m0 = load(l.im + z), l1 = load(l.re + o), m1 = load(l.im + o);
                sum = sum + (cross(l0, m0, p1, q1) + cross(l1, m1, p0, q0));
                turn<PLAIN>(p0, q0, p1, q1, c, k);
                turn<PLAIN>(l0, m0, l1, m1, c, k);
                store(p.re + z, p0);
                store(p.im + z, q0);
                store(p.re + o, p1);
                store(p.im + o, q1);
                store(l.re + z, l0);
                store(l.im + z, m0);
                store(l.re + o, l1);
                store(l.im + o, m1);
            }
        slopes[0] += by[0].weight * total(sum);
    }
}

// One block forward: phase by `turns`, times `scale`, then the lowest `qubits` qubits.
template <bool PLAIN, class T>
WIDE_INLINE void forward_block_of(
    const Planes<T>& x, const T* turns, size_t count, int qubits, const Turn<T>* by, T scale) {
    constexpr int lane_qubits = Wide<T>::qubits;
    const int low = qubits < lane_qubits ? qubits : lane_qubits;
    const Wide<T> whole = all<T>(scale);
    for (size_t z = 0; z < count; z += Wide<T>::lanes) {
        Wide<T> re = load(x.re + z), im = load(x.im + z), c, s;
        circle(load(turns + z), c, s);
        shift(re, im, c * whole, s * whole);
        turn_lowest<PLAIN>(re, im, by, low);
        store(x.re + z, re);
        store(x.im + z, im);
    }
    turn_strides<PLAIN>(x, count, Wide<T>::lanes, qubits - low, by + low);
}

// One block backward on a state and its adjoint: undoes the lowest `qubits` qubits, then the phase,
// and leaves Im(conj(l) p) in `turns`.
template <bool PLAIN, class T>
WIDE_INLINE void backward_block_of(
    const Planes<T>& p, const Planes<T>& l, T* turns, size_t count, int qubits, const Turn<T>* by, T scale,
    double* slopes) {
    constexpr int lane_qubits = Wide<T>::qubits;
    const int low = qubits < lane_qubits ? qubits : lane_qubits;
    unturn_strides<PLAIN>(p, l, count, Wide<T>::lanes, qubits - low, by + low, slopes + low);
    const Wide<T> whole = all<T>(scale), opposite = all<T>(-scale);
    Wide<T> one = all<T>(0), two = one, four = one, eight = one;
    for (size_t z = 0; z < count; z += Wide<T>::lanes) {
        Wide<T> pr = load(p.re + z), pi = load(p.im + z), lr = load(l.re + z), li = load(l.im + z);
        if (low > 0) one = one + cross(lr, li, flipped<1>(pr), flipped<1>(pi));
        if (low > 1) two = two + cross(lr, li, flipped<2>(pr), flipped<2>(pi));
        if (low > 2) four = four + cross(lr, li, flipped<4>(pr), flipped<4>(pi));
        if constexpr (Wide<T>::lanes > 8)
            if (low > 3) eight = eight + cross(lr, li, flipped<8>(pr), flipped<8>(pi));
        turn_lowest<PLAIN>(pr, pi, by, low);
        turn_lowest<PLAIN>(lr, li, by, low);
        Wide<T> c, s;
        circle(load(turns + z), c, s);
        c = c * whole;
        s = s * opposite;
        shift(pr, pi, c, s);
        shift(lr, li, c, s);
        store(p.re + z, pr);
        store(p.im + z, pi);
        store(l.re + z, lr);
        store(l.im + z, li);
        store(turns + z, cross(lr, li, pr, pi));
    }
    if (low > 0) slopes[0] += by[0].weight * total(one);
    if (low > 1) slopes[1] += by[1].weight * total(two);
    if (low > 2) slopes[2] += by[2].weight * total(four);
    if constexpr (Wide<T>::lanes > 8)
        if (low > 3) slopes[3] += by[3].weight * total(eight);
}

template <class T>
struct Loops {
    static constexpr int lane_qubits = Wide<T>::qubits;

    WIDE_TARGET static void forward_block(const Planes<T>& x, const T* turns, size_t count, int qubits,
                                          const Turn<T>* by, bool plain, T scale) {
        plain ? forward_block_of<true>(x, turns, count, qubits, by, scale)
              : forward_block_of<false>(x, turns, count, qubits, by, scale);
    }

    WIDE_TARGET static void forward_tile(const Planes<T>& x, size_t count, size_t first, int qubits,
                                         const Turn<T>* by, bool plain) {
        plain ? turn_strides<true>(x, count, first, qubits, by)
              : turn_strides<false>(x, count, first, qubits, by);
    }

    WIDE_TARGET static void backward_block(const Planes<T>& p, const Planes<T>& l, T* turns, size_t count,
                                           int qubits, const Turn<T>* by, bool plain, T scale, double* slopes) {
        plain ? backward_block_of<true>(p, l, turns, count, qubits, by, scale, slopes)
              : backward_block_of<false>(p, l, turns, count, qubits, by, scale, slopes);
    }

    WIDE_TARGET static void backward_tile(const Planes<T>& p, const Planes<T>& l, size_t count, size_t first,
                                          int qubits, const Turn<T>* by, bool plain, double* slopes) {
        plain ? unturn_strides<true>(p, l, count, first, qubits, by, slopes)
              : unturn_strides<false>(p, l, count, first, qubits, by, slopes);
    }

    // out = |x|^2.
    WIDE_TARGET static void squares(const Planes<T>& x, size_t count, T* out) {
        for (size_t z = 0; z < count; z += Wide<T>::lanes) {
            const Wide<T> re = load(x.re + z), im = load(x.im + z);
            store(out + z, fma(re, re, im * im));
        }
    }

    // sum of a b.
    WIDE_TARGET static double dot(const T* a, const T* b, size_t count) {
        Wide<T> sum = all<T>(0);
        for (size_t z = 0; z < count; z += Wide<T>::lanes) sum = fma(load(a + z), load(b + z), sum);
        return total(sum);
    }

    // out = cost x.
    WIDE_TARGET static void weigh(const Planes<T>& x, const T* cost, size_t count, const Planes<T>& out) {
        for (size_t z = 0; z < count; z += Wide<T>::lanes) {
            const Wide<T> c = load(cost + z);
            store(out.re + z, c * load(x.re + z));
            store(out.im + z, c * load(x.im + z));
        }
    }

    // out[x] = base[x] + constant + sum of slope[i] over the bits i of x, for x below 2^qubits.
    WIDE_TARGET static void fill(T* out, const T* base, int qubits, T constant, const T* slope) {
        constexpr int lane_qubits = Wide<T>::qubits;
        out[0] = constant;
        for (int i = 0; i < qubits && i < lane_qubits; ++i)
            for (int x = 0; x < 1 << i; ++x) out[x + (1 << i)] = out[x] + slope[i];
        for (int i = lane_qubits; i < qubits; ++i) {
            const Wide<T> more = all<T>(slope[i]);
            const size_t half = size_t{1} << i;
            for (size_t x = 0; x < half; x += Wide<T>::lanes) store(out + half + x, load(out + x) + more);
        }
        for (size_t x = 0; x < (size_t{1} << qubits) || x < Wide<T>::lanes; x += Wide<T>::lanes)
            store(out + x, load(out + x) + load(base + x));
    }

    // Sums of v over all of 2^qubits states, with the sign of each spin, and of each pair of spins:
    // the Walsh-Hadamard transform cut down to the coefficients of at most two bits. Adds to `whole`,
    // `single[i]` and `pair[i * MOST + j]`, i < j; overwrites v.
    WIDE_TARGET static void moments(T* v, int qubits, double& whole, double* single, double* pair) {
        constexpr int lanes = Wide<T>::lanes, lane_qubits = Wide<T>::qubits;
        const int low = qubits < lane_qubits ? qubits : lane_qubits;
        for (int q = qubits - low - 1; q >= 0; --q) {
            const size_t half = size_t{lanes} << q;
            T* d = v + half;
            for (size_t x = 0; x < half; x += lanes) {
                const Wide<T> a = load(v + x), b = load(d + x);
                store(v + x, a + b);
                store(d + x, a - b);
            }
            for (int r = q - 1; r >= 0; --r) {
                const size_t quarter = size_t{lanes} << r;
                Wide<T> sum = all<T>(0);
                for (size_t x = 0; x < quarter; x += lanes) {
                    const Wide<T> a = load(d + x), b = load(d + x + quarter);
                    store(d + x, a + b);
                    sum = sum + (a - b);
                }
                pair[(low + r) * MOST + low + q] += total(sum);
            }
            for (int lane = 0; lane < lanes; ++lane) {
                const double one = static_cast<double>(d[lane]);
                single[low + q] += one;
                for (int i = 0; i < low; ++i) pair[i * MOST + low + q] += (lane >> i & 1) ? -one : one;
            }
        }
        for (int lane = 0; lane < lanes; ++lane) {
            const double one = static_cast<double>(v[lane]);
            whole += one;
            for (int i = 0; i < low; ++i) {
                const double with = (lane >> i & 1) ? -one : one;
                single[i] += with;
                for (int j = i + 1; j < low; ++j) pair[i * MOST + j] += (lane >> j & 1) ? -with : with;
            }
        }
    }

    // One pass of butterflies over pairs `stride` apart.
    WIDE_TARGET static void butterflies(T* v, size_t count, size_t stride) {
        for (size_t start = 0; start < count; start += 2 * stride)
            for (size_t x = start; x < start + stride; x += Wide<T>::lanes) {
                const Wide<T> a = load(v + x), b = load(v + x + stride);
                store(v + x, a + b);
                store(v + x + stride, a - b);
            }
    }
};

}  // namespace WIDE_SPACE
