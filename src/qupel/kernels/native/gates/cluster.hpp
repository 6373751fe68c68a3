// Gates fused into clusters: few matrices, tables and quadratic phases that do what many gates do.
//
// A cluster is one of three things. A *dense* one has a matrix on up to four target qubits, maybe
// where other qubits, its controls, are all one. A *table* multiplies by a factor that up to ten
// qubits choose. A *phase* multiplies by a product of factors, one for each qubit that is one and
// one for each pair that is: all of z, s, t, rz, p, cz, cp, crz and rzz that meet, on any number
// of qubits.
#pragma once

#include <algorithm>
#include <array>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace qupel {

using Complex = std::complex<double>;

constexpr int DENSE_QUBITS = 4;  // of a matrix, at most
constexpr int TABLE_QUBITS = 7;  // of a table made of several gates, at most

inline uint64_t bit_of(int qubit) { return uint64_t{1} << qubit; }

// A square matrix on a sorted list of qubits, the first the lowest bit of its index.
struct Matrix {
    std::vector<int> qubits;
    std::vector<Complex> at;  // row by row

    size_t side() const { return size_t{1} << qubits.size(); }
    uint64_t mask() const {
        uint64_t out = 0;
        for (const int q : qubits) out |= bit_of(q);
        return out;
    }
};

// Bits of `index` at `places`, moved together.
inline size_t gathered(size_t index, const std::vector<int>& places) {
    size_t out = 0;
    for (size_t k = 0; k < places.size(); ++k) out |= ((index >> places[k]) & 1) << k;
    return out;
}

// The same operator on more qubits; `onto` is sorted and holds all of `m.qubits` (in any order).
inline Matrix widened(const Matrix& m, const std::vector<int>& onto) {
    if (m.qubits == onto) return m;
    std::vector<int> places;
    for (const int q : m.qubits)
        places.push_back(int(std::lower_bound(onto.begin(), onto.end(), q) - onto.begin()));
    size_t used = 0;
    for (const int place : places) used |= size_t{1} << place;
    Matrix out{onto, {}};
    const size_t side = out.side();
    out.at.assign(side * side, 0);
    for (size_t r = 0; r < side; ++r)
        for (size_t c = 0; c < side; ++c)
            if ((r & ~used) == (c & ~used))
                out.at[r * side + c] = m.at[gathered(r, places) * m.side() + gathered(c, places)];
    return out;
}

// a b, both on the same qubits.
inline Matrix product(const Matrix& a, const Matrix& b) {
    const size_t side = a.side();
    Matrix out{a.qubits, std::vector<Complex>(side * side)};
    for (size_t r = 0; r < side; ++r)
        for (size_t k = 0; k < side; ++k) {
            const Complex x = a.at[r * side + k];
            if (x == Complex{}) continue;
            for (size_t c = 0; c < side; ++c) {
                const Complex y = b.at[k * side + c];
                // Written out: the library's product looks for infinities.
                out.at[r * side + c] += Complex(x.real() * y.real() - x.imag() * y.imag(),
                                                x.real() * y.imag() + x.imag() * y.real());
            }
        }
    return out;
}

inline std::vector<int> joined(const std::vector<int>& a, const std::vector<int>& b) {
    std::vector<int> out = a;
    out.insert(out.end(), b.begin(), b.end());
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

inline bool is_real(const Matrix& m) {
    return std::all_of(m.at.begin(), m.at.end(), [](const Complex& x) { return x.imag() == 0; });
}

inline bool is_diagonal(const Matrix& m) {
    const size_t side = m.side();
    for (size_t r = 0; r < side; ++r)
        for (size_t c = 0; c < side; ++c)
            if (r != c && m.at[r * side + c] != Complex{}) return false;
    return true;
}

// Whether the matrix does nothing where bit `place` of its index is zero, nor flips that bit.
inline bool is_control(const Matrix& m, size_t place) {
    const size_t side = m.side(), bit = size_t{1} << place;
    for (size_t r = 0; r < side; ++r)
        for (size_t c = 0; c < side; ++c) {
            if ((r & bit) && (c & bit)) continue;
            if (m.at[r * side + c] != Complex(r == c ? 1 : 0)) return false;
        }
    return true;
}

struct Cluster {
    enum Kind { DENSE, TABLE, PHASE };
    Kind kind = DENSE;
    Matrix matrix;           // DENSE; of a TABLE, its diagonal alone
    std::vector<int> gates;  // in order; kept for the gradient
    std::map<int, Complex> singles;                // PHASE
    std::map<std::pair<int, int>, Complex> pairs;  // PHASE, the lower qubit first
    uint64_t changed = 0;    // qubits it acts on otherwise than by looking
    uint64_t watched = 0;    // controls, or all qubits of a diagonal
    double cost = 0;
    bool gone = false;

    uint64_t mask() const { return changed | watched; }
};

// A dense matrix with its controls put apart, as far as one target remains.
inline Cluster with_controls_apart(const Matrix& m) {
    Cluster out;
    out.matrix = m;
    for (size_t place = 0; place < out.matrix.qubits.size() && out.matrix.qubits.size() > 1;) {
        if (!is_control(out.matrix, place)) {
            ++place;
            continue;
        }
        const size_t side = out.matrix.side(), bit = size_t{1} << place;
        Matrix smaller{out.matrix.qubits, {}};
        smaller.qubits.erase(smaller.qubits.begin() + long(place));
        for (size_t r = 0; r < side; ++r)
            for (size_t c = 0; c < side; ++c)
                if ((r & bit) && (c & bit)) smaller.at.push_back(out.matrix.at[r * side + c]);
        out.watched |= bit_of(out.matrix.qubits[place]);
        out.matrix = smaller;
    }
    out.changed = out.matrix.mask();
    return out;
}

// Nanoseconds for each 64 bytes of real parts and 64 of imaginary ones, a tile being in cache, as
// measured on Zen 5 with AVX-512. The lowest qubits are lanes of a register and take shuffles.
constexpr double WHOLE_COST[] = {0, 1.6, 2.3, 4.7, 9.0}, REAL_COST[] = {0, 1.6, 1.6, 2.2, 4.6};
constexpr double LANE_FACTOR = 1.6, DIAGONAL_COST = 2.0, PHASE_COST = 5.0;
constexpr int LANE_QUBITS = 3;  // of double precision; single has one more

inline double cost_of(const Matrix& m) {
    if (is_diagonal(m)) return DIAGONAL_COST;
    const Cluster apart = with_controls_apart(m);
    const size_t k = apart.matrix.qubits.size();
    double cost = is_real(apart.matrix) ? REAL_COST[k] : WHOLE_COST[k];
    if (apart.matrix.qubits[0] < LANE_QUBITS) cost *= LANE_FACTOR;
    for (uint64_t rest = apart.watched; rest; rest &= rest - 1) cost = cost / 2 + 0.2;
    return cost;
}

}  // namespace qupel
