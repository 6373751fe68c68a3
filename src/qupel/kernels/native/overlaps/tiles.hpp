// The loops of overlaps.cpp, included once for each instruction set (see instructions.hpp).

#include "../wide.hpp"

namespace WIDE_SPACE {

// Registers hold PANELS x COLUMNS sums of 64 bytes each.
constexpr int TILE_PANELS = WIDE_BYTES == 64 ? 2 : 1;
constexpr int TILE_COLUMNS = WIDE_BYTES == 64 ? 8 : 4;

// Copies `depth` states of one panel: real and imaginary part, their sum and their difference.
template <class T>
WIDE_TARGET void pack(const T* re, const T* im, size_t depth, T* to) {
    constexpr size_t lanes = Wide<T>::lanes;
    for (size_t k = 0; k < depth * lanes; k += lanes) {
        const Wide<T> a = load(re + k);
        store(to + k, a);
        if (!im) continue;
        const Wide<T> b = load(im + k);
        store(to + SLAB<T> + k, b);
        store(to + 2 * SLAB<T> + k, a + b);
        store(to + 3 * SLAB<T> + k, a - b);
    }
}

// sum[p][c] = sum over k of a[p][k] * b[k][c], in the order of k.
template <class T, int PANELS>
WIDE_INLINE void multiply(const T* a, const T* b, size_t depth,
                          Wide<T> (&sum)[PANELS][TILE_COLUMNS]) {
    constexpr size_t lanes = Wide<T>::lanes;
    for (int p = 0; p < PANELS; ++p)
        for (int c = 0; c < TILE_COLUMNS; ++c) sum[p][c] = all<T>(0);
    for (size_t k = 0; k < depth * lanes; k += lanes) {
        Wide<T> row[PANELS];
        for (int p = 0; p < PANELS; ++p) row[p] = load(a + p * 4 * SLAB<T> + k);
#pragma GCC unroll 8
        for (int c = 0; c < TILE_COLUMNS; ++c) {
            const Wide<T> column = all<T>(b[k + c]);
            for (int p = 0; p < PANELS; ++p) sum[p][c] = fma(row[p], column, sum[p][c]);
        }
    }
}

// Adds each lane to a sum in double precision.
template <class T>
WIDE_INLINE void gather(double* sum, const Wide<T>& x) {
    alignas(64) T lane[Wide<T>::lanes];
    store(lane, x);
    for (int k = 0; k < Wide<T>::lanes; ++k) sum[k] += static_cast<double>(lane[k]);
}

// Adds PANELS panels of `a` times one panel of `b` to the sums, `stride` rows a column.
template <class T, int PANELS>
WIDE_TARGET void panels(const T* a, const T* b, size_t depth, bool real, double* re, double* im,
                        size_t stride) {
    constexpr size_t lanes = Wide<T>::lanes;
    Wide<T> one[PANELS][TILE_COLUMNS], two[PANELS][TILE_COLUMNS], sum[PANELS][TILE_COLUMNS];
    for (size_t first = 0; first < lanes; first += TILE_COLUMNS) {
        multiply<T, PANELS>(a, b + first, depth, one);
        if (!real) {
            multiply<T, PANELS>(a + SLAB<T>, b + SLAB<T> + first, depth, two);
            multiply<T, PANELS>(a + 2 * SLAB<T>, b + 3 * SLAB<T> + first, depth, sum);
        }
        for (int c = 0; c < TILE_COLUMNS; ++c)
            for (int p = 0; p < PANELS; ++p) {
                const size_t at = (first + c) * stride + p * lanes;
                if (real) {
                    gather(re + at, one[p][c]);
                } else {
                    gather(re + at, one[p][c] + two[p][c]);
                    gather(im + at, (sum[p][c] - one[p][c]) + two[p][c]);
                }
            }
    }
}

// Panels [first, end) of `a` times one panel of `b`.
template <class T>
WIDE_TARGET void strip(const T* a, size_t first, size_t end, const T* b, size_t depth, bool real,
                       double* re, double* im, size_t stride) {
    constexpr size_t lanes = Wide<T>::lanes;
    size_t p = first;
    for (; p + TILE_PANELS <= end; p += TILE_PANELS)
        panels<T, TILE_PANELS>(a + p * 4 * SLAB<T>, b, depth, real, re + p * lanes, im + p * lanes,
                               stride);
    for (; p < end; ++p)
        panels<T, 1>(a + p * 4 * SLAB<T>, b, depth, real, re + p * lanes, im + p * lanes, stride);
}

}  // namespace WIDE_SPACE
