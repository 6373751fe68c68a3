// Sixty-four bytes of numbers, included once for each instruction set inside its namespace.
//
// `WIDE_TARGET` is the function attribute that allows the instructions, `WIDE_BYTES` the size of
// one register. A `Wide` is as many registers as make 64 bytes, and `fused` rounds once on every
// instruction set, so all of them compute the same bits.

#define WIDE_INLINE inline __attribute__((always_inline)) WIDE_TARGET

template <class T>
struct Wide {
    static constexpr int each = WIDE_BYTES / sizeof(T);
    static constexpr int parts = 64 / WIDE_BYTES;
    static constexpr int lanes = 64 / sizeof(T);
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

template <class T>
WIDE_INLINE Wide<T> operator-(Wide<T> x) {
    for (int k = 0; k < Wide<T>::parts; ++k) x.part[k] = -x.part[k];
    return x;
}

// x y + z, rounded once.
template <class T>
WIDE_INLINE Wide<T> fused(const Wide<T>& x, const Wide<T>& y, Wide<T> z) {
    using Part = typename Wide<T>::Part;
    for (int k = 0; k < Wide<T>::parts; ++k) {
#if WIDE_BYTES == 64
        if constexpr (sizeof(T) == 4)
            z.part[k] = (Part)_mm512_fmadd_ps((__m512)x.part[k], (__m512)y.part[k], (__m512)z.part[k]);
        else
            z.part[k] = (Part)_mm512_fmadd_pd((__m512d)x.part[k], (__m512d)y.part[k], (__m512d)z.part[k]);
#elif WIDE_BYTES == 32
        if constexpr (sizeof(T) == 4)
            z.part[k] = (Part)_mm256_fmadd_ps((__m256)x.part[k], (__m256)y.part[k], (__m256)z.part[k]);
        else
            z.part[k] = (Part)_mm256_fmadd_pd((__m256d)x.part[k], (__m256d)y.part[k], (__m256d)z.part[k]);
#else
        Part sum;
        for (int lane = 0; lane < Wide<T>::each; ++lane)
            sum[lane] = std::fma(x.part[k][lane], y.part[k][lane], z.part[k][lane]);
        z.part[k] = sum;
#endif
    }
    return z;
}

// Adds each lane to a sum in double precision.
template <class T>
WIDE_INLINE void gather(double* sum, const Wide<T>& x) {
    alignas(64) T lane[Wide<T>::lanes];
    store(lane, x);
    for (int k = 0; k < Wide<T>::lanes; ++k) sum[k] += static_cast<double>(lane[k]);
}
