// 64 bytes of numbers at a time, included once for each instruction set (see gates.cpp).
//
// `WIDE_TARGET` is the function attribute that allows the instructions, `WIDE_BYTES` the size of
// one register, `WIDE_SPACE` the namespace. AVX-512 and AVX2 multiply and add in one rounding;
// the baseline has no such instruction and rounds twice.

#define WIDE_INLINE inline __attribute__((always_inline)) WIDE_TARGET

// 64 bytes of T, split over as many registers as that takes. Lane numbers are the lowest bits of
// an index.
template <class T>
struct Wide {
    static constexpr int each = WIDE_BYTES / sizeof(T);
    static constexpr int parts = 64 / WIDE_BYTES;
    static constexpr int lanes = 64 / sizeof(T);
    typedef T Part __attribute__((vector_size(WIDE_BYTES)));
    typedef T Loose __attribute__((vector_size(WIDE_BYTES), aligned(sizeof(T)), may_alias));
    typedef std::conditional_t<sizeof(T) == 4, int32_t, int64_t> Number;
    typedef Number Order __attribute__((vector_size(WIDE_BYTES)));
    Part part[parts];
};

#if WIDE_BYTES == 64
WIDE_INLINE Wide<float>::Part fused(Wide<float>::Part x, Wide<float>::Part y, Wide<float>::Part z) {
    return (Wide<float>::Part)_mm512_fmadd_ps((__m512)x, (__m512)y, (__m512)z);
}
WIDE_INLINE Wide<double>::Part fused(Wide<double>::Part x, Wide<double>::Part y, Wide<double>::Part z) {
    return (Wide<double>::Part)_mm512_fmadd_pd((__m512d)x, (__m512d)y, (__m512d)z);
}
WIDE_INLINE Wide<float>::Part unfused(Wide<float>::Part x, Wide<float>::Part y, Wide<float>::Part z) {
    return (Wide<float>::Part)_mm512_fnmadd_ps((__m512)x, (__m512)y, (__m512)z);
}
WIDE_INLINE Wide<double>::Part unfused(Wide<double>::Part x, Wide<double>::Part y, Wide<double>::Part z) {
    return (Wide<double>::Part)_mm512_fnmadd_pd((__m512d)x, (__m512d)y, (__m512d)z);
}
#elif WIDE_BYTES == 32
WIDE_INLINE Wide<float>::Part fused(Wide<float>::Part x, Wide<float>::Part y, Wide<float>::Part z) {
    return (Wide<float>::Part)_mm256_fmadd_ps((__m256)x, (__m256)y, (__m256)z);
}
WIDE_INLINE Wide<double>::Part fused(Wide<double>::Part x, Wide<double>::Part y, Wide<double>::Part z) {
    return (Wide<double>::Part)_mm256_fmadd_pd((__m256d)x, (__m256d)y, (__m256d)z);
}
WIDE_INLINE Wide<float>::Part unfused(Wide<float>::Part x, Wide<float>::Part y, Wide<float>::Part z) {
    return (Wide<float>::Part)_mm256_fnmadd_ps((__m256)x, (__m256)y, (__m256)z);
}
WIDE_INLINE Wide<double>::Part unfused(Wide<double>::Part x, Wide<double>::Part y, Wide<double>::Part z) {
    return (Wide<double>::Part)_mm256_fnmadd_pd((__m256d)x, (__m256d)y, (__m256d)z);
}
#else
template <class P>
WIDE_INLINE P fused(P x, P y, P z) { return x * y + z; }
template <class P>
WIDE_INLINE P unfused(P x, P y, P z) { return z - x * y; }
#endif

template <class T>
WIDE_INLINE Wide<T> load(const T* from) {
    Wide<T> out;
    for (int k = 0; k < Wide<T>::parts; ++k)
        out.part[k] = *reinterpret_cast<const typename Wide<T>::Loose*>(from + k * Wide<T>::each);
    return out;
}

template <class T>
WIDE_INLINE void store(T* to, const Wide<T>& x) {
    for (int k = 0; k < Wide<T>::parts; ++k)
        *reinterpret_cast<typename Wide<T>::Loose*>(to + k * Wide<T>::each) = x.part[k];
}

template <class T>
WIDE_INLINE Wide<T> all(T value) {
    Wide<T> out;
    for (int k = 0; k < Wide<T>::parts; ++k) out.part[k] = value - typename Wide<T>::Part{};
    return out;
}

template <class T>
WIDE_INLINE Wide<T> operator+(Wide<T> x, const Wide<T>& y) {
    for (int k = 0; k < Wide<T>::parts; ++k) x.part[k] += y.part[k];
    return x;
}

template <class T>
WIDE_INLINE Wide<T> operator*(Wide<T> x, const Wide<T>& y) {
    for (int k = 0; k < Wide<T>::parts; ++k) x.part[k] *= y.part[k];
    return x;
}

// x y + z and z - x y.
template <class T>
WIDE_INLINE Wide<T> plus(const Wide<T>& x, const Wide<T>& y, Wide<T> z) {
    for (int k = 0; k < Wide<T>::parts; ++k) z.part[k] = fused(x.part[k], y.part[k], z.part[k]);
    return z;
}
template <class T>
WIDE_INLINE Wide<T> minus(const Wide<T>& x, const Wide<T>& y, Wide<T> z) {
    for (int k = 0; k < Wide<T>::parts; ++k) z.part[k] = unfused(x.part[k], y.part[k], z.part[k]);
    return z;
}

template <class T>
WIDE_INLINE double total(const Wide<T>& x) {
    double sum = 0;
    for (int k = 0; k < Wide<T>::parts; ++k)
        for (int lane = 0; lane < Wide<T>::each; ++lane) sum += static_cast<double>(x.part[k][lane]);
    return sum;
}

// How to take lane i ^ flip for lane i: made once, outside a loop.
template <class T>
struct Flip {
    typename Wide<T>::Order order;
    int part;
};

template <class T>
WIDE_INLINE Flip<T> flip_of(int flip) {
    constexpr int each = Wide<T>::each;
    typename Wide<T>::Order order{};
    for (int lane = 0; lane < each; ++lane) order[lane] = lane;
    return {order ^ (flip & (each - 1)), flip / each};
}

template <class T>
WIDE_INLINE Wide<T> flipped(const Wide<T>& x, const Flip<T>& flip) {
    Wide<T> out;
    for (int k = 0; k < Wide<T>::parts; ++k)
        out.part[k] = __builtin_shuffle(x.part[Wide<T>::parts > 1 ? k ^ flip.part : k], flip.order);
    return out;
}

// Complex numbers side by side in memory, taken apart into real and imaginary parts.
template <class T>
WIDE_INLINE void take_apart(const T* from, Wide<T>& re, Wide<T>& im) {
    constexpr int each = Wide<T>::each;
    typename Wide<T>::Order even, odd;
    for (int lane = 0; lane < each; ++lane) {
        even[lane] = 2 * lane;
        odd[lane] = 2 * lane + 1;
    }
    for (int k = 0; k < Wide<T>::parts; ++k) {
        using Loose = typename Wide<T>::Loose;
        const typename Wide<T>::Part a = *reinterpret_cast<const Loose*>(from + 2 * k * each);
        const typename Wide<T>::Part b = *reinterpret_cast<const Loose*>(from + (2 * k + 1) * each);
        re.part[k] = __builtin_shuffle(a, b, even);
        im.part[k] = __builtin_shuffle(a, b, odd);
    }
}

template <class T>
WIDE_INLINE void put_together(T* to, const Wide<T>& re, const Wide<T>& im) {
    constexpr int each = Wide<T>::each;
    typename Wide<T>::Order lower, upper;
    for (int lane = 0; lane < each; ++lane) {
        lower[lane] = lane / 2 + (lane % 2) * each;
        upper[lane] = lower[lane] + each / 2;
    }
    for (int k = 0; k < Wide<T>::parts; ++k) {
        using Loose = typename Wide<T>::Loose;
        *reinterpret_cast<Loose*>(to + 2 * k * each) = __builtin_shuffle(re.part[k], im.part[k], lower);
        *reinterpret_cast<Loose*>(to + (2 * k + 1) * each) =
            __builtin_shuffle(re.part[k], im.part[k], upper);
    }
}
