// Vectors of 64 bytes, written once for every instruction set.
//
// The loops of a kernel include this file once for each instruction set (see instructions.hpp): it
// fills the namespace `WIDE_SPACE` for registers of `WIDE_BYTES`. Every build works on 64 bytes at a
// time, split over as many registers as that takes, so sums associate alike. AVX-512 and AVX2 fuse
// multiplications into additions and give equal results, bit for bit; the baseline rounds twice.

namespace WIDE_SPACE {

// 64 bytes of T. Lane numbers are the lowest bits of an index.
template <class T>
struct Wide {
    static constexpr int each = WIDE_BYTES / sizeof(T);
    static constexpr int parts = 64 / WIDE_BYTES;
    static constexpr int lanes = 64 / sizeof(T);
    static constexpr int qubits = lanes == 16 ? 4 : 3;
    typedef T Part __attribute__((vector_size(WIDE_BYTES)));
    typedef T Loose __attribute__((vector_size(WIDE_BYTES), aligned(sizeof(T)), may_alias));
    Part part[parts];
};

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
WIDE_INLINE Wide<T> operator-(Wide<T> x, const Wide<T>& y) {
    for (int k = 0; k < Wide<T>::parts; ++k) x.part[k] -= y.part[k];
    return x;
}

template <class T>
WIDE_INLINE Wide<T> operator*(Wide<T> x, const Wide<T>& y) {
    for (int k = 0; k < Wide<T>::parts; ++k) x.part[k] *= y.part[k];
    return x;
}

// x y + z, x y - z and z - x y, rounded once.
#if WIDE_BYTES == 64
WIDE_INLINE __m512 fused(__m512 x, __m512 y, __m512 z) { return _mm512_fmadd_ps(x, y, z); }
WIDE_INLINE __m512d fused(__m512d x, __m512d y, __m512d z) { return _mm512_fmadd_pd(x, y, z); }
WIDE_INLINE __m512 fused_less(__m512 x, __m512 y, __m512 z) { return _mm512_fmsub_ps(x, y, z); }
WIDE_INLINE __m512d fused_less(__m512d x, __m512d y, __m512d z) { return _mm512_fmsub_pd(x, y, z); }
WIDE_INLINE __m512 fused_from(__m512 x, __m512 y, __m512 z) { return _mm512_fnmadd_ps(x, y, z); }
WIDE_INLINE __m512d fused_from(__m512d x, __m512d y, __m512d z) { return _mm512_fnmadd_pd(x, y, z); }
#elif WIDE_BYTES == 32
WIDE_INLINE __m256 fused(__m256 x, __m256 y, __m256 z) { return _mm256_fmadd_ps(x, y, z); }
WIDE_INLINE __m256d fused(__m256d x, __m256d y, __m256d z) { return _mm256_fmadd_pd(x, y, z); }
WIDE_INLINE __m256 fused_less(__m256 x, __m256 y, __m256 z) { return _mm256_fmsub_ps(x, y, z); }
WIDE_INLINE __m256d fused_less(__m256d x, __m256d y, __m256d z) { return _mm256_fmsub_pd(x, y, z); }
WIDE_INLINE __m256 fused_from(__m256 x, __m256 y, __m256 z) { return _mm256_fnmadd_ps(x, y, z); }
WIDE_INLINE __m256d fused_from(__m256d x, __m256d y, __m256d z) { return _mm256_fnmadd_pd(x, y, z); }
#else
template <class P>
WIDE_INLINE P fused(P x, P y, P z) { return x * y + z; }
template <class P>
WIDE_INLINE P fused_less(P x, P y, P z) { return x * y - z; }
template <class P>
WIDE_INLINE P fused_from(P x, P y, P z) { return z - x * y; }
#endif

template <class T>
WIDE_INLINE Wide<T> fma(const Wide<T>& x, const Wide<T>& y, const Wide<T>& z) {
    Wide<T> out;
    for (int k = 0; k < Wide<T>::parts; ++k) out.part[k] = fused(x.part[k], y.part[k], z.part[k]);
    return out;
}

template <class T>
WIDE_INLINE Wide<T> fms(const Wide<T>& x, const Wide<T>& y, const Wide<T>& z) {
    Wide<T> out;
    for (int k = 0; k < Wide<T>::parts; ++k) out.part[k] = fused_less(x.part[k], y.part[k], z.part[k]);
    return out;
}

template <class T>
WIDE_INLINE Wide<T> fnma(const Wide<T>& x, const Wide<T>& y, const Wide<T>& z) {
    Wide<T> out;
    for (int k = 0; k < Wide<T>::parts; ++k) out.part[k] = fused_from(x.part[k], y.part[k], z.part[k]);
    return out;
}

template <class T>
WIDE_INLINE double total(const Wide<T>& x) {
    double sum = 0;
    for (int k = 0; k < Wide<T>::parts; ++k)
        for (int lane = 0; lane < Wide<T>::each; ++lane) sum += static_cast<double>(x.part[k][lane]);
    return sum;
}

template <int MASK, class P, int... LANE>
WIDE_INLINE P shuffled(P x, std::integer_sequence<int, LANE...>) {
#if defined(__clang__) || __GNUC__ >= 12
    return __builtin_shufflevector(x, x, (LANE ^ MASK)...);
#else
    return __builtin_shuffle(x, decltype(x == x){(LANE ^ MASK)...});
#endif
}

// Lane i of the result is lane (i ^ MASK) of `x`: the state with these of the lowest qubits flipped.
template <int MASK, class T>
WIDE_INLINE Wide<T> flipped(const Wide<T>& x) {
    constexpr int each = Wide<T>::each;
    Wide<T> out;
    for (int k = 0; k < Wide<T>::parts; ++k) {
        out.part[k] = x.part[k ^ (MASK / each)];
        if constexpr (MASK % each != 0)
            out.part[k] =
                shuffled<MASK % each>(out.part[k], std::make_integer_sequence<int, each>{});
    }
    return out;
}

// cos and sin of 2 pi t: half the angle by its series, then doubled.
template <class T>
WIDE_INLINE void circle(const Wide<T>& t, Wide<T>& cosine, Wide<T>& sine) {
    const Wide<T> magic = all<T>(qupel::Rounding<T>::magic);
    const Wide<T> r = t - ((t + magic) - magic);  // in [-1/2, 1/2]
    const Wide<T> z = r * r;
    constexpr auto sines = qupel::Rounding<T>::sine;
    constexpr auto cosines = qupel::Rounding<T>::cosine;
    Wide<T> s = all<T>(sines.back()), c = all<T>(cosines.back());
#pragma GCC unroll 12
    for (int k = static_cast<int>(sines.size()) - 2; k >= 0; --k) s = fma(s, z, all<T>(sines[k]));
#pragma GCC unroll 12
    for (int k = static_cast<int>(cosines.size()) - 2; k >= 0; --k) c = fma(c, z, all<T>(cosines[k]));
    s = s * r;
    const Wide<T> twice = s + s;
    cosine = fnma(twice, s, all<T>(1));
    sine = twice * c;
}

}  // namespace WIDE_SPACE
