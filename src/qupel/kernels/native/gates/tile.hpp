// Loops over one tile, included once for each instruction set (see loops.hpp).

// Reads a tile: `runs` pieces of `run` amplitudes each, wherever `offsets` says.
template <class T>
WIDE_TARGET void gather(const T* state, T* tile, const size_t* offsets, size_t runs, size_t run) {
    constexpr size_t lanes = Wide<T>::lanes;
    if (run < lanes) {
        std::fill_n(tile, 2 * lanes, T{0});
        for (size_t z = 0; z < run; ++z) {
            tile[z] = state[2 * (offsets[0] + z)];
            tile[lanes + z] = state[2 * (offsets[0] + z) + 1];
        }
        return;
    }
    for (size_t r = 0; r < runs; ++r) {
        const T* from = state + 2 * offsets[r];
        for (size_t z = 0; z < run; z += lanes, tile += 2 * lanes) {
            Wide<T> re, im;
            take_apart(from + 2 * z, re, im);
            store(tile, re);
            store(tile + lanes, im);
        }
    }
}

template <class T>
WIDE_TARGET void scatter(T* state, const T* tile, const size_t* offsets, size_t runs, size_t run) {
    constexpr size_t lanes = Wide<T>::lanes;
    if (run < lanes) {
        for (size_t z = 0; z < run; ++z) {
            state[2 * (offsets[0] + z)] = tile[z];
            state[2 * (offsets[0] + z) + 1] = tile[lanes + z];
        }
        return;
    }
    for (size_t r = 0; r < runs; ++r) {
        T* to = state + 2 * offsets[r];
        for (size_t z = 0; z < run; z += lanes, tile += 2 * lanes)
            put_together(to + 2 * z, load(tile), load(tile + lanes));
    }
}

// The row of visit number `visit`: a zero is put in at each of `places`, ascending.
WIDE_INLINE size_t row_of(size_t visit, const std::vector<int>& places, size_t set) {
    for (const int place : places) {
        const size_t below = (size_t{1} << place) - 1;
        visit = ((visit & ~below) << 1) | (visit & below);
    }
    return visit | set;
}

// Small loops become straight code, but for the baseline: its quarter rows would take the compiler
// longer than all else.
constexpr int unrolled = WIDE_BYTES == 16 ? 1 : 16, doubled = WIDE_BYTES == 16 ? 1 : 2;

// A matrix on H row bits and L lanes. Lane i of an output is a sum over all inputs, each with some
// of the target lanes flipped, weighted by numbers that may differ from lane to lane (VARIED).
template <int H, int L, bool VARIED, bool REAL, class T>
WIDE_TARGET void dense(const Op<T>& op, const Tile<T>& tile) {
    constexpr int heads = 1 << H, flips = 1 << L, terms = heads * flips;
    constexpr int most = terms == 8 ? 2 : 4, together = heads < most ? heads : most;  // outputs at a time
    constexpr size_t lanes = Wide<T>::lanes, number = (VARIED ? lanes : 1) * (REAL ? 1 : 2);
    const size_t visits = op.visits;
    Flip<T> turns[flips];
#pragma GCC unroll unrolled
    for (int f = 0; f < flips; ++f) turns[f] = flip_of<T>(op.flips[f]);
    // Few numbers stay in registers from visit to visit.
    constexpr int parts = REAL ? 1 : 2;
    constexpr bool held = VARIED && heads * terms * parts <= 16;
    Wide<T> kept[held ? heads * terms * parts : 1];
    if constexpr (held)
#pragma GCC unroll unrolled
        for (int k = 0; k < heads * terms * parts; ++k) kept[k] = load(op.numbers.data() + size_t(k) * lanes);
    for (size_t visit = 0; visit < visits; ++visit) {
        T* at = tile.at + row_of(visit, op.places, op.set) * 2 * lanes;
        Wide<T> re[terms], im[terms];
#pragma GCC unroll unrolled
        for (int h = 0; h < heads; ++h) {
            const T* from = at + op.rows[h] * 2 * lanes;
            re[h * flips] = load(from);
            im[h * flips] = load(from + lanes);
#pragma GCC unroll unrolled
            for (int f = 1; f < flips; ++f) {
                re[h * flips + f] = flipped(re[h * flips], turns[f]);
                im[h * flips + f] = flipped(im[h * flips], turns[f]);
            }
        }
        const T* c = op.numbers.data();
#pragma GCC unroll doubled
        for (int first = 0; first < heads; first += together) {
            Wide<T> a[together], b[together];
#pragma GCC unroll unrolled
            for (int k = 0; k < together; ++k) a[k] = b[k] = all(T{0});
#pragma GCC unroll unrolled
            for (int t = 0; t < terms; ++t)
#pragma GCC unroll unrolled
                for (int k = 0; k < together; ++k) {
                    const T* by = c + (size_t(k) * terms + size_t(t)) * number;
                    const int place = ((first + k) * terms + t) * parts;  // in `kept`
                    const Wide<T> x = held ? kept[held ? place : 0] : VARIED ? load(by) : all(*by);
                    a[k] = fma(x, re[t], a[k]);
                    b[k] = fma(x, im[t], b[k]);
                    if constexpr (!REAL) {
                        const Wide<T> y =
                            held ? kept[held ? place + 1 : 0] : VARIED ? load(by + lanes) : all(by[1]);
                        a[k] = fnma(y, im[t], a[k]);
                        b[k] = fma(y, re[t], b[k]);
                    }
                }
#pragma GCC unroll unrolled
            for (int k = 0; k < together; ++k) {
                T* to = at + op.rows[first + k] * 2 * lanes;
                store(to, a[k]);
                store(to + lanes, b[k]);
            }
            c += size_t(together) * terms * number;
        }
    }
}

// The product of two complex numbers in every lane, in place of the first.
template <class T>
WIDE_INLINE void multiply(Wide<T>& a, Wide<T>& b, const Wide<T>& x, const Wide<T>& y) {
    const Wide<T> p = a;
    a = fnma(b, y, a * x);
    b = fma(p, y, b * x);
}

template <class T>
WIDE_INLINE void multiply_row(T* at, const Wide<T>& x, const Wide<T>& y) {
    constexpr size_t lanes = Wide<T>::lanes;
    Wide<T> a = load(at), b = load(at + lanes);
    multiply(a, b, x, y);
    store(at, a);
    store(at + lanes, b);
}

template <class T>
WIDE_INLINE size_t outer_place(const Op<T>& op, uint64_t outer) {
    size_t place = 0;
    for (const auto& [qubit, weight] : op.outer_places) place += (outer >> qubit & 1) ? weight : 0;
    return place;
}

// Each row by the entry that its qubits choose.
template <class T>
WIDE_TARGET void table(const Op<T>& op, const Tile<T>& tile) {
    constexpr size_t lanes = Wide<T>::lanes;
    const T* entries = op.numbers.data() + outer_place(op, tile.outer) * 2 * lanes;
    for (size_t r = 0; r < tile.rows; ++r) {
        const T* entry = entries + op.where[r] * 2 * lanes;
        multiply_row(tile.at + r * 2 * lanes, load(entry), load(entry + lanes));
    }
}

inline Complex times(const Complex& a, const Complex& b) {
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

// The factors of a ramp on one tile: of the lanes, and of the lower and upper row bits.
template <class T>
struct Factors {
    alignas(64) T lane_re[64 / sizeof(T)], lane_im[64 / sizeof(T)];
    alignas(64) T low_re[1 << HALF], low_im[1 << HALF];
    Complex high[1 << (20 - HALF)];
    bool flat_lanes;
};

template <class T>
WIDE_TARGET void factors_of(const Op<T>& op, const Tile<T>& tile, Factors<T>& out) {
    constexpr int lanes = Wide<T>::lanes, lane_qubits = Wide<T>::qubits;
    Complex at[64], base = op.ramp.base;
    for (int k = 0; k < op.tile_qubits; ++k) at[k] = 1;
    for (const auto& [qubit, by] : op.ramp.outer)
        if (tile.outer >> qubit & 1) base = times(base, by);
    for (const auto& [pair, by] : op.ramp.outer_pairs)
        if ((tile.outer & pair) == pair) base = times(base, by);
    for (const auto& [place, by] : op.ramp.inner) at[place] = times(at[place], by);
    for (const auto& [link, by] : op.ramp.links)
        if (tile.outer >> link.second & 1) at[link.first] = times(at[link.first], by);
    Complex lane[lanes], low[1 << HALF];
    lane[0] = low[0] = 1;
    out.high[0] = base;
    out.flat_lanes = op.lane_control < 0;
    for (int k = 0; k < lane_qubits; ++k) {
        if (at[k] != Complex(1)) out.flat_lanes = false;
        for (int x = 0; x < 1 << k; ++x) lane[x + (1 << k)] = times(lane[x], at[k]);
    }
    for (int k = 0; k < HALF; ++k) {
        const int place = lane_qubits + k;
        for (int x = 0; x < 1 << k; ++x)
            low[x + (1 << k)] = place < op.tile_qubits ? times(low[x], at[place]) : Complex{};
    }
    for (int k = 0; lane_qubits + HALF + k < op.tile_qubits; ++k)
        for (int x = 0; x < 1 << k; ++x)
            out.high[x + (1 << k)] = times(out.high[x], at[lane_qubits + HALF + k]);
    for (int x = 0; x < lanes; ++x) {
        out.lane_re[x] = T(lane[x].real());
        out.lane_im[x] = T(lane[x].imag());
    }
    for (int x = 0; x < 1 << HALF; ++x) {
        out.low_re[x] = T(low[x].real());
        out.low_im[x] = T(low[x].imag());
    }
}

// The factor of every amplitude of a tile, from those of its places and of pairs of them
// (`pairs[a * tile_qubits + b]` for a < b). Each row bit doubles the rows that are written.
template <class T>
WIDE_TARGET void write_phase(const Complex* singles, const Complex* pairs, int tile_qubits, T* out) {
    constexpr int lanes = Wide<T>::lanes, lane_qubits = Wide<T>::qubits;
    const auto pair = [&](int a, int b) { return pairs[a * tile_qubits + b]; };
    const auto lane_factors = [&](int limit, const auto& factor, T* to) {
        Complex lane[lanes];
        lane[0] = 1;
        for (int k = 0; k < limit; ++k)
            for (int x = 0; x < 1 << k; ++x) lane[x + (1 << k)] = times(lane[x], factor(k, x));
        for (int x = 0; x < lanes; ++x) {
            to[x] = T(lane[x].real());
            to[lanes + x] = T(lane[x].imag());
        }
    };
    lane_factors(lane_qubits, [&](int k, int x) {
        Complex by = singles[k];
        for (int j = 0; j < k; ++j)
            if (x >> j & 1) by = times(by, pair(j, k));
        return by;
    }, out);
    std::vector<Complex> steps(size_t{1} << (tile_qubits - lane_qubits));
    for (int k = lane_qubits; k < tile_qubits; ++k) {
        const size_t half = size_t{1} << (k - lane_qubits);
        alignas(64) T by_lane[2 * lanes];
        lane_factors(lane_qubits, [&](int l, int) { return pair(l, k); }, by_lane);
        steps[0] = singles[k];
        for (int j = lane_qubits; j < k; ++j)
            for (size_t x = 0, low = size_t{1} << (j - lane_qubits); x < low; ++x)
                steps[x + low] = times(steps[x], pair(j, k));
        const Wide<T> lr = load(by_lane), li = load(by_lane + lanes);
        for (size_t r = 0; r < half; ++r) {
            Wide<T> x = lr, y = li;
            multiply(x, y, all(T(steps[r].real())), all(T(steps[r].imag())));
            multiply(x, y, load(out + r * 2 * lanes), load(out + r * 2 * lanes + lanes));
            store(out + (half + r) * 2 * lanes, x);
            store(out + (half + r) * 2 * lanes + lanes, y);
        }
    }
}

// A phase: a factor for every amplitude of the tile (WRITTEN), a ramp that differs from tile to
// tile (RAMP), or both.
template <bool WRITTEN, bool RAMP, class T>
WIDE_TARGET void phase(const Op<T>& op, const Tile<T>& tile) {
    constexpr size_t lanes = Wide<T>::lanes, span = size_t{1} << HALF;
    const T* written = op.numbers.data();
    if constexpr (!RAMP) {
        for (size_t r = 0; r < tile.rows; ++r)
            multiply_row(tile.at + r * 2 * lanes, load(written + r * 2 * lanes),
                         load(written + r * 2 * lanes + lanes));
        return;
    }
    Factors<T> by;
    factors_of(op, tile, by);
    alignas(64) T on[lanes], off[lanes];  // lanes that the ramp reaches, and those it leaves alone
    for (size_t lane = 0; lane < lanes; ++lane) {
        on[lane] = op.lane_control < 0 || (lane >> op.lane_control & 1) ? 1 : 0;
        off[lane] = 1 - on[lane];
    }
    const Wide<T> mask = load(on), kept = load(off);
    const size_t control = op.row_control;
    for (size_t start = 0; start < tile.rows; start += span) {
        if (control >= span && !(start & control)) continue;
        const size_t end = tile.rows - start < span ? tile.rows - start : span;
        const Complex high = by.high[start / span];
        const T hr = T(high.real()), hi = T(high.imag());
        if (by.flat_lanes) {
            alignas(64) T fr[span], fi[span];
            for (size_t z = 0; z < span; z += lanes) {
                Wide<T> a = load(by.low_re + z), b = load(by.low_im + z);
                multiply(a, b, all(hr), all(hi));
                store(fr + z, a);
                store(fi + z, b);
            }
            for (size_t z = 0; z < end; ++z) {
                if (control && control < span && !(z & control)) continue;
                const size_t r = start + z;
                Wide<T> x = all(fr[z]), y = all(fi[z]);
                if constexpr (WRITTEN)
                    multiply(x, y, load(written + r * 2 * lanes), load(written + r * 2 * lanes + lanes));
                multiply_row(tile.at + r * 2 * lanes, x, y);
            }
        } else {
            Wide<T> lr = load(by.lane_re), li = load(by.lane_im);
            multiply(lr, li, all(hr), all(hi));
            lr = lr * mask;
            li = li * mask;
            for (size_t z = 0; z < end; ++z) {
                if (control && control < span && !(z & control)) continue;
                const size_t r = start + z;
                Wide<T> x = lr, y = li;
                multiply(x, y, all(by.low_re[z]), all(by.low_im[z]));
                x = x + kept;
                if constexpr (WRITTEN)
                    multiply(x, y, load(written + r * 2 * lanes), load(written + r * 2 * lanes + lanes));
                multiply_row(tile.at + r * 2 * lanes, x, y);
            }
        }
    }
}

// sum conj(bra[a]) ket[b] over everything but the targets, added to out[a * side + b].
template <int H, int L, class T>
WIDE_TARGET void overlap(const Op<T>& op, const Tile<T>& bra, const Tile<T>& ket, Complex* out) {
    constexpr int heads = 1 << H, flips = 1 << L, terms = heads * flips;
    constexpr size_t lanes = Wide<T>::lanes, side = size_t(terms);
    Flip<T> turns[flips];
#pragma GCC unroll unrolled
    for (int f = 0; f < flips; ++f) turns[f] = flip_of<T>(op.flips[f]);
    for (int head = 0; head < heads; ++head) {
        Wide<T> re[terms], im[terms];
#pragma GCC unroll unrolled
        for (int t = 0; t < terms; ++t) re[t] = im[t] = all(T{0});
        for (size_t visit = 0; visit < op.visits; ++visit) {
            const size_t row = row_of(visit, op.places, op.set);
            const T* left = bra.at + (row + op.rows[head]) * 2 * lanes;
            const Wide<T> br = load(left), bi = load(left + lanes);
#pragma GCC unroll unrolled
            for (int h = 0; h < heads; ++h) {
                const T* right = ket.at + (row + op.rows[h]) * 2 * lanes;
                const Wide<T> kr = load(right), ki = load(right + lanes);
#pragma GCC unroll unrolled
                for (int f = 0; f < flips; ++f) {
                    const Wide<T> x = f ? flipped(kr, turns[f]) : kr;
                    const Wide<T> y = f ? flipped(ki, turns[f]) : ki;
                    const int t = h * flips + f;
                    re[t] = fma(bi, y, fma(br, x, re[t]));
                    im[t] = fnma(bi, x, fma(br, y, im[t]));
                }
            }
        }
        for (int h = 0; h < heads; ++h)
            for (int f = 0; f < flips; ++f)
                for (size_t lane = 0; lane < lanes; ++lane) {
                    size_t own = 0;
                    for (int k = 0; k < L; ++k) own |= (lane >> op.lanes[size_t(k)] & 1) << k;
                    const size_t a = size_t(head) * flips + own, b = size_t(h) * flips + (own ^ size_t(f));
                    const int t = h * flips + f;
                    constexpr size_t each = size_t(Wide<T>::each);
                    out[a * side + b] += Complex(double(re[t].part[lane / each][lane % each]),
                                                 double(im[t].part[lane / each][lane % each]));
                }
    }
}

// sum conj(bra) ket over the states that take each entry of a table, added to out[entry].
template <class T>
WIDE_TARGET void table_overlap(const Op<T>& op, const Tile<T>& bra, const Tile<T>& ket, Complex* out) {
    constexpr size_t lanes = Wide<T>::lanes;
    alignas(64) T sums[size_t{2} * lanes << TABLE_QUBITS];
    const size_t entries = op.numbers.size() / (2 * lanes);
    std::fill_n(sums, entries * 2 * lanes, T{0});
    const size_t outer = outer_place(op, bra.outer);
    for (size_t r = 0; r < bra.rows; ++r) {
        const T* left = bra.at + r * 2 * lanes;
        const T* right = ket.at + r * 2 * lanes;
        const Wide<T> br = load(left), bi = load(left + lanes);
        const Wide<T> kr = load(right), ki = load(right + lanes);
        T* sum = sums + (outer + op.where[r]) * 2 * lanes;
        store(sum, fma(bi, ki, fma(br, kr, load(sum))));
        store(sum + lanes, fnma(bi, kr, fma(br, ki, load(sum + lanes))));
    }
    const size_t on_lanes = op.lanes.size();
    for (size_t entry = 0; entry < entries; ++entry)
        for (size_t lane = 0; lane < lanes; ++lane) {
            size_t own = 0;
            for (size_t k = 0; k < on_lanes; ++k) own |= (lane >> op.lanes[k] & 1) << k;
            out[(entry << on_lanes) | own] +=
                Complex(double(sums[entry * 2 * lanes + lane]), double(sums[entry * 2 * lanes + lanes + lane]));
        }
}

template <class T>
struct Loops {
    static Act<T> dense_of(int h, int l, bool varied, bool real) {
        switch (h * 8 + l) {
#define CASE(H, L)                                                                              \
    case H * 8 + L:                                                                             \
        if (L > 0 || varied) return real ? &dense<H, L, true, true, T> : &dense<H, L, true, false, T>; \
        return real ? &dense<H, L, L != 0, true, T> : &dense<H, L, L != 0, false, T>;
            CASE(0, 1) CASE(0, 2) CASE(0, 3) CASE(0, 4)
            CASE(1, 0) CASE(1, 1) CASE(1, 2) CASE(1, 3)
            CASE(2, 0) CASE(2, 1) CASE(2, 2)
            CASE(3, 0) CASE(3, 1)
            CASE(4, 0)
#undef CASE
        }
        return nullptr;
    }
    static Overlap<T> overlap_of(int h, int l) {
        switch (h * 8 + l) {
#define CASE(H, L) case H * 8 + L: return &overlap<H, L, T>;
            CASE(0, 1) CASE(0, 2) CASE(0, 3)
            CASE(1, 0) CASE(1, 1) CASE(1, 2)
            CASE(2, 0) CASE(2, 1)
            CASE(3, 0)
#undef CASE
        }
        return nullptr;
    }
    static constexpr Act<T> written = &phase<true, false, T>, ramp = &phase<false, true, T>,
                            both = &phase<true, true, T>;
};
