// Pauli sums over one block of amplitudes, included once for each instruction set (see loops.hpp).

// Adds (-1)^(s & k) over all entries s of `table`: the Walsh-Hadamard transform, in place.
template <class T>
WIDE_TARGET void transform(T* table, size_t size) {
    constexpr size_t lanes = Wide<T>::lanes;
    for (size_t stride = 1; stride < lanes; stride *= 2) {
        alignas(64) T signs[lanes];
        for (size_t lane = 0; lane < lanes; ++lane) signs[lane] = lane & stride ? T{-1} : T{1};
        const Wide<T> sign = load(signs);
        const Flip<T> turn = flip_of<T>(int(stride));
        for (size_t z = 0; z < size; z += lanes) {
            const Wide<T> x = load(table + z);
            store(table + z, fma(sign, x, flipped(x, turn)));
        }
    }
    const Wide<T> less = all(T{-1});
    for (size_t stride = lanes; stride < size; stride *= 2)
        for (size_t start = 0; start < size; start += 2 * stride)
            for (size_t z = start; z < start + stride; z += lanes) {
                const Wide<T> x = load(table + z), y = load(table + z + stride);
                store(table + z, x + y);
                store(table + z + stride, fma(less, y, x));
            }
}

// The factor of each state of a block in one group of terms: sum of weight * (-1)^(z & state).
template <class T>
WIDE_TARGET void weigh(const PauliTerm* terms, size_t count, size_t block, int block_qubits, T* out) {
    constexpr size_t lanes = Wide<T>::lanes;
    const size_t size = size_t{1} << block_qubits, below = size - 1;
    if (count > 6) {
        std::fill_n(out, size, T{0});
        for (size_t k = 0; k < count; ++k) {
            const bool odd = __builtin_popcountll(terms[k].z >> block_qubits & block) & 1;
            out[terms[k].z & below] += T(odd ? -terms[k].weight : terms[k].weight);
        }
        transform(out, size);
        return;
    }
    for (size_t k = 0; k < count; ++k) {
        const bool odd = __builtin_popcountll(terms[k].z >> block_qubits & block) & 1;
        const T weight = T(odd ? -terms[k].weight : terms[k].weight);
        alignas(64) T signs[lanes];
        for (size_t lane = 0; lane < lanes; ++lane)
            signs[lane] = __builtin_popcountll(terms[k].z & lane) & 1 ? -weight : weight;
        const Wide<T> even = load(signs), other = even * all(T{-1});
        for (size_t z = 0; z < size; z += lanes) {
            const Wide<T> sum = __builtin_popcountll(terms[k].z & z) & 1 ? other : even;
            store(out + z, k ? load(out + z) + sum : sum);
        }
    }
}

// sum conj(a) (f + ig) b, real part, over one block; b is the state with the bits of `flip` flipped.
// With `re`, (f + ig) b is added to it and `im` as well.
template <bool APPLY, class T>
WIDE_TARGET double meet(const T* a, const T* b, const T* f, const T* g, size_t size, size_t flip, T* out) {
    constexpr size_t lanes = Wide<T>::lanes;
    const bool turned = flip & (lanes - 1);
    const Flip<T> turn = flip_of<T>(int(flip & (lanes - 1)));
    const size_t rows = flip & ~(lanes - 1);
    Wide<T> sum = all(T{0});
    for (size_t z = 0; z < size; z += lanes) {
        const T* from = b + 2 * (z ^ rows);
        Wide<T> br = load(from), bi = load(from + lanes);
        if (turned) {
            br = flipped(br, turn);
            bi = flipped(bi, turn);
        }
        Wide<T> x = all(T{0}), y = all(T{0});
        if (f) {
            const Wide<T> w = load(f + z);
            x = w * br;
            y = w * bi;
        }
        if (g) {
            const Wide<T> w = load(g + z);
            x = fnma(w, bi, x);
            y = fma(w, br, y);
        }
        if constexpr (APPLY) {
            T* to = out + 2 * z;
            store(to, load(to) + x);
            store(to + lanes, load(to + lanes) + y);
        }
        sum = fma(load(a + 2 * z), x, fma(load(a + 2 * z + lanes), y, sum));
    }
    return total(sum);
}
