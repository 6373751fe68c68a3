// Lanes moved about: flips that are known only at run time, complex numbers taken apart and put
// together. Included once for each instruction set (see loops.hpp).

// Numbers of lanes in one register.
template <class T>
using Number = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
template <class T>
struct Lanes {
    typedef Number<T> Order __attribute__((vector_size(WIDE_BYTES)));
};
template <class T>
using Order = typename Lanes<T>::Order;

// How to take lane i ^ flip for lane i: made once, outside a loop.
template <class T>
struct Flip {
    Order<T> order;
    int part;
};

template <class T>
WIDE_INLINE Flip<T> flip_of(int flip) {
    constexpr int each = Wide<T>::each;
    Order<T> order{};
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
    Order<T> even, odd;
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
    Order<T> lower, upper;
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
