// The loops of qaoa.cpp, included once for each instruction set (see instructions.hpp).

#include "../wide.hpp"

namespace WIDE_SPACE {

// Multiplies by scale * exp(-2 pi i t).
template <class T>
WIDE_INLINE void shift(Wide<T>& re, Wide<T>& im, const Wide<T>& cosine, const Wide<T>& sine) {
    const Wide<T> a = re;
    re = fma(im, sine, re * cosine);
    im = fnma(a, sine, im * cosine);
}

// exp(-i beta X) on the pair (a + ib, d + ie), up to the factor in `Turn::scale`.
template <bool SWAP, class T>
WIDE_INLINE void turn(Wide<T>& a, Wide<T>& b, Wide<T>& d, Wide<T>& e, const Wide<T>& t) {
    const Wide<T> p = a, q = b, r = d, s = e;
    if constexpr (SWAP) {
        a = fma(p, t, s);  b = fms(q, t, r);
        d = fma(r, t, q);  e = fms(s, t, p);
    } else {
        a = fma(s, t, p);  b = fnma(r, t, q);
        d = fma(q, t, r);  e = fnma(p, t, s);
    }
}

// The same on the lane qubit of this stride.
template <bool SWAP, int STRIDE, class T>
WIDE_INLINE void turn_lanes(Wide<T>& re, Wide<T>& im, const Wide<T>& t) {
    const Wide<T> p = flipped<STRIDE>(re), q = flipped<STRIDE>(im);
    if constexpr (SWAP) {
        re = fma(re, t, q);
        im = fms(im, t, p);
    } else {
        re = fma(q, t, re);
        im = fnma(p, t, im);
    }
}

template <bool SWAP, class T>
WIDE_INLINE void turn_lowest(Wide<T>& re, Wide<T>& im, const Wide<T>& t, int qubits) {
    if (qubits > 0) turn_lanes<SWAP, 1>(re, im, t);
    if (qubits > 1) turn_lanes<SWAP, 2>(re, im, t);
    if (qubits > 2) turn_lanes<SWAP, 4>(re, im, t);
    if constexpr (Wide<T>::lanes > 8)
        if (qubits > 3) turn_lanes<SWAP, 8>(re, im, t);
}

// Sum of `x` over the flips of the lane qubits.
template <class T>
WIDE_INLINE Wide<T> lane_flips(const Wide<T>& x, int qubits) {
    Wide<T> sum = all<T>(0);
    if (qubits > 0) sum = sum + flipped<1>(x);
    if (qubits > 1) sum = sum + flipped<2>(x);
    if (qubits > 2) sum = sum + flipped<4>(x);
    if constexpr (Wide<T>::lanes > 8)
        if (qubits > 3) sum = sum + flipped<8>(x);
    return sum;
}

// Im(conj(l) p)
template <class T>
WIDE_INLINE Wide<T> cross(const Wide<T>& lr, const Wide<T>& li, const Wide<T>& pr, const Wide<T>& pi) {
    return fnma(li, pr, lr * pi);
}

// Turns `qubits` qubits of strides first, 2 first, 4 first … of `count` amplitudes, two at a time.
template <bool SWAP, class T>
WIDE_INLINE void turn_strides(T* re, T* im, size_t count, size_t first, int qubits, const Wide<T>& t) {
    constexpr size_t lanes = Wide<T>::lanes;
    size_t stride = first;
    for (; qubits >= 2; qubits -= 2, stride *= 4)
        for (size_t start = 0; start < count; start += 4 * stride)
            for (size_t z = start; z < start + stride; z += lanes) {
                Wide<T> a0 = load(re + z), a1 = load(re + z + stride);
                Wide<T> a2 = load(re + z + 2 * stride), a3 = load(re + z + 3 * stride);
                Wide<T> b0 = load(im + z), b1 = load(im + z + stride);
                Wide<T> b2 = load(im + z + 2 * stride), b3 = load(im + z + 3 * stride);
                turn<SWAP>(a0, b0, a1, b1, t);
                turn<SWAP>(a2, b2, a3, b3, t);
                turn<SWAP>(a0, b0, a2, b2, t);
                turn<SWAP>(a1, b1, a3, b3, t);
                store(re + z, a0);
                store(re + z + stride, a1);
                store(re + z + 2 * stride, a2);
                store(re + z + 3 * stride, a3);
                store(im + z, b0);
                store(im + z + stride, b1);
                store(im + z + 2 * stride, b2);
                store(im + z + 3 * stride, b3);
            }
    if (qubits == 1)
        for (size_t start = 0; start < count; start += 2 * stride)
            for (size_t z = start; z < start + stride; z += lanes) {
                Wide<T> a0 = load(re + z), a1 = load(re + z + stride);
                Wide<T> b0 = load(im + z), b1 = load(im + z + stride);
                turn<SWAP>(a0, b0, a1, b1, t);
                store(re + z, a0);
                store(re + z + stride, a1);
                store(im + z, b0);
                store(im + z + stride, b1);
            }
}

// Im <l| sum of X over the qubits of strides `stride` (and twice it, if `two`) |p>.
template <class T>
WIDE_INLINE double overlap(
    const Planes<T>& p, const Planes<T>& l, size_t count, size_t stride, bool two) {
    constexpr size_t lanes = Wide<T>::lanes;
    Wide<T> sum = all<T>(0);
    if (two) {
        // l0 meets p1 + p2, as does l3; l1 and l2 meet p0 + p3.
        for (size_t start = 0; start < count; start += 4 * stride)
            for (size_t z = start; z < start + stride; z += lanes) {
                const size_t o = z + stride, t = o + stride, h = t + stride;
                sum = sum + cross(load(l.re + z) + load(l.re + h), load(l.im + z) + load(l.im + h),
                                  load(p.re + o) + load(p.re + t), load(p.im + o) + load(p.im + t));
                sum = sum + cross(load(l.re + o) + load(l.re + t), load(l.im + o) + load(l.im + t),
                                  load(p.re + z) + load(p.re + h), load(p.im + z) + load(p.im + h));
            }
    } else {
        for (size_t start = 0; start < count; start += 2 * stride)
            for (size_t z = start; z < start + stride; z += lanes) {
                const size_t o = z + stride;
                sum = sum + cross(load(l.re + z), load(l.im + z), load(p.re + o), load(p.im + o));
                sum = sum + cross(load(l.re + o), load(l.im + o), load(p.re + z), load(p.im + z));
            }
    }
    return total(sum);
}

// `turn_strides` on a state and its adjoint; returns Im <l| sum of X |p> over these qubits.
// `weight` undoes the factors that earlier unscaled turns left, and is brought up to date.
template <bool SWAP, class T>
WIDE_INLINE double unturn_strides(
    const Planes<T>& p, const Planes<T>& l, size_t count, size_t first, int qubits, const Turn<T>& by,
    double& weight) {
    const Wide<T> t = all<T>(by.t);
    double sum = 0;
    for (size_t stride = first; qubits > 0; qubits -= 2, stride *= 4) {
        const int now = qubits < 2 ? 1 : 2;
        sum += weight * overlap(p, l, count, stride, now == 2);
        turn_strides<SWAP>(p.re, p.im, count, stride, now, t);
        turn_strides<SWAP>(l.re, l.im, count, stride, now, t);
        for (int k = 0; k < now; ++k) weight *= by.shrink;
    }
    return sum;
}

// One block forward: phase, then the lowest `qubits` qubits.
template <bool SWAP, class T>
WIDE_INLINE void forward_block_of(
    const Planes<T>& x, const T* cost, size_t count, int qubits, T turns, const Turn<T>& by) {
    constexpr int lane_qubits = Wide<T>::lanes == 16 ? 4 : 3;
    const Wide<T> t = all<T>(by.t), scale = all<T>(by.scale), speed = all<T>(turns);
    const int low = qubits < lane_qubits ? qubits : lane_qubits;
    for (size_t z = 0; z < count; z += Wide<T>::lanes) {
        Wide<T> re = load(x.re + z), im = load(x.im + z), c, s;
        circle(load(cost + z) * speed, c, s);
        shift(re, im, c * scale, s * scale);
        turn_lowest<SWAP>(re, im, t, low);
        store(x.re + z, re);
        store(x.im + z, im);
    }
    turn_strides<SWAP>(x.re, x.im, count, Wide<T>::lanes, qubits - low, t);
}

// One block backward: the lowest `qubits` qubits, then the phase, on a state and its adjoint.
template <bool SWAP, class T>
WIDE_INLINE Slopes backward_block_of(
    const Planes<T>& p, const Planes<T>& l, const T* cost, size_t count, int qubits, T turns,
    const Turn<T>& by, double weight) {
    constexpr int lane_qubits = Wide<T>::lanes == 16 ? 4 : 3;
    const int low = qubits < lane_qubits ? qubits : lane_qubits;
    double beta = unturn_strides<SWAP>(p, l, count, Wide<T>::lanes, qubits - low, by, weight);
    const Wide<T> t = all<T>(by.t), scale = all<T>(by.scale), speed = all<T>(turns);
    Wide<T> mixed = all<T>(0), phased = all<T>(0);
    for (size_t z = 0; z < count; z += Wide<T>::lanes) {
        Wide<T> pr = load(p.re + z), pi = load(p.im + z), lr = load(l.re + z), li = load(l.im + z);
        const Wide<T> c = load(cost + z);
        mixed = mixed + cross(lr, li, lane_flips(pr, low), lane_flips(pi, low));
        turn_lowest<SWAP>(pr, pi, t, low);
        turn_lowest<SWAP>(lr, li, t, low);
        Wide<T> cosine, sine;
        circle(c * speed, cosine, sine);
        cosine = cosine * scale;
        sine = sine * scale;
        shift(pr, pi, cosine, sine);
        shift(lr, li, cosine, sine);
        phased = phased + c * cross(lr, li, pr, pi);
        store(p.re + z, pr);
        store(p.im + z, pi);
        store(l.re + z, lr);
        store(l.im + z, li);
    }
    return {total(phased), beta + weight * total(mixed)};
}

template <class T>
struct Loops {
    WIDE_TARGET static void forward_block(
        const Planes<T>& x, const T* cost, size_t count, int qubits, T turns, const Turn<T>& by) {
        by.swap ? forward_block_of<true>(x, cost, count, qubits, turns, by)
                : forward_block_of<false>(x, cost, count, qubits, turns, by);
    }

    WIDE_TARGET static void forward_tile(
        const Planes<T>& x, size_t count, size_t first, int qubits, const Turn<T>& by) {
        const Wide<T> t = all<T>(by.t);
        by.swap ? turn_strides<true>(x.re, x.im, count, first, qubits, t)
                : turn_strides<false>(x.re, x.im, count, first, qubits, t);
    }

    WIDE_TARGET static Slopes backward_block(
        const Planes<T>& p, const Planes<T>& l, const T* cost, size_t count, int qubits, T turns,
        const Turn<T>& by, double weight) {
        return by.swap ? backward_block_of<true>(p, l, cost, count, qubits, turns, by, weight)
                       : backward_block_of<false>(p, l, cost, count, qubits, turns, by, weight);
    }

    WIDE_TARGET static double backward_tile(
        const Planes<T>& p, const Planes<T>& l, size_t count, size_t first, int qubits,
        const Turn<T>& by, double weight) {
        return by.swap ? unturn_strides<true>(p, l, count, first, qubits, by, weight)
                       : unturn_strides<false>(p, l, count, first, qubits, by, weight);
    }

    // sum cost |x|^2 over one block; with `out`, out = cost x as well.
    WIDE_TARGET static double weigh(
        const Planes<T>& x, const T* cost, size_t count, const Planes<T>* out) {
        Wide<T> sum = all<T>(0);
        for (size_t z = 0; z < count; z += Wide<T>::lanes) {
            const Wide<T> re = load(x.re + z), im = load(x.im + z), c = load(cost + z);
            const Wide<T> cr = c * re, ci = c * im;
            sum = sum + (cr * re + ci * im);
            if (out) {
                store(out->re + z, cr);
                store(out->im + z, ci);
            }
        }
        return total(sum);
    }

    // exp(-i beta (XX + YY)/2) on `count` pairs of states: amplitudes at x and at x + apart.
    WIDE_TARGET static void rotate(
        const Planes<T>& x, ptrdiff_t apart, size_t count, T cosine, T sine) {
        T* re = x.re + apart;
        T* im = x.im + apart;
#pragma GCC ivdep
        for (size_t z = 0; z < count; ++z) {
            const T a = x.re[z], b = x.im[z], d = re[z], e = im[z];
            x.re[z] = cosine * a + sine * e;
            x.im[z] = cosine * b - sine * d;
            re[z] = cosine * d + sine * b;
            im[z] = cosine * e - sine * a;
        }
    }

    // Im <l| (XX + YY)/2 |p> over the same pairs.
    WIDE_TARGET static double exchange(
        const Planes<T>& p, const Planes<T>& l, ptrdiff_t apart, size_t count) {
        constexpr size_t lanes = Wide<T>::lanes;
        Wide<T> sum = all<T>(0);
        size_t z = 0;
        for (; z + lanes <= count; z += lanes) {
            const ptrdiff_t o = static_cast<ptrdiff_t>(z) + apart;
            sum = sum + cross(load(l.re + z), load(l.im + z), load(p.re + o), load(p.im + o));
            sum = sum + cross(load(l.re + o), load(l.im + o), load(p.re + z), load(p.im + z));
        }
        double rest = 0;
        for (; z < count; ++z) {
            const ptrdiff_t o = static_cast<ptrdiff_t>(z) + apart;
            rest += static_cast<double>(
                (l.re[z] * p.im[o] - l.im[z] * p.re[o]) + (l.re[o] * p.im[z] - l.im[o] * p.re[z]));
        }
        return count < lanes ? rest : rest + total(sum);
    }
};

}  // namespace WIDE_SPACE
