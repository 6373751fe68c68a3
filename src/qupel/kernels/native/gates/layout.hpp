// Laying clusters out for a pass: which rows and lanes of a tile they touch, with which numbers.
#pragma once

#include "op.hpp"

namespace qupel {

// The loops of one instruction set.
template <class T>
struct Chosen {
    void (*gather)(const T*, T*, const size_t*, size_t, size_t);
    void (*scatter)(T*, const T*, const size_t*, size_t, size_t);
    Act<T> (*dense_of)(int, int, bool, bool);
    Overlap<T> (*overlap_of)(int, int);
    Act<T> table, written, ramp, both;
    Overlap<T> table_overlap;
    void (*write_phase)(const Complex*, const Complex*, int, T*);
    void (*weigh)(const PauliTerm*, size_t, size_t, int, T*);
    double (*meet)(const T*, const T*, const T*, const T*, size_t, size_t, T*);
    double (*apply)(const T*, const T*, const T*, const T*, size_t, size_t, T*);
};

template <class T>
constexpr int lane_qubits = sizeof(T) == 4 ? 4 : 3;
template <class T>
constexpr size_t lanes = size_t{1} << lane_qubits<T>;

// The qubits of a window in order; a qubit's place is its bit in the index of a tile's amplitudes.
template <class T>
struct Window {
    std::vector<int> qubits, outside;
    int tile_qubits;  // at least those of the lanes, which a small state leaves empty

    Window(uint64_t mask, int state_qubits) {
        for (int q = 0; q < state_qubits; ++q) (mask >> q & 1 ? qubits : outside).push_back(q);
        tile_qubits = std::max(int(qubits.size()), lane_qubits<T>);
    }
    int place(int qubit) const {
        const auto at = std::lower_bound(qubits.begin(), qubits.end(), qubit);
        return at != qubits.end() && *at == qubit ? int(at - qubits.begin()) : -1;
    }
    size_t rows() const { return size_t{1} << (tile_qubits - lane_qubits<T>); }
};

template <class T>
void put(Room<T>& numbers, const Complex& x, bool real) {
    numbers.push_back(T(x.real()));
    if (!real) numbers.push_back(T(x.imag()));
}

inline Matrix adjoint(const Matrix& m) {
    Matrix out = m;
    for (size_t r = 0; r < m.side(); ++r)
        for (size_t c = 0; c < m.side(); ++c) out.at[c * m.side() + r] = std::conj(m.at[r * m.side() + c]);
    return out;
}

template <class T>
Op<T> dense_op(const Matrix& m, uint64_t controls, const Window<T>& window, const Chosen<T>& use) {
    Op<T> op;
    std::vector<int> targets;
    for (const int q : m.qubits) {
        const int place = window.place(q);
        (place < lane_qubits<T> ? op.lanes : targets).push_back(place);
    }
    for (int& place : targets) place -= lane_qubits<T>;
    op.places = targets;
    size_t lane_controls = 0;
    for (uint64_t rest = controls; rest; rest &= rest - 1) {
        const int q = __builtin_ctzll(rest), place = window.place(q);
        if (place < 0) {
            op.needs |= bit_of(q);
        } else if (place < lane_qubits<T>) {
            lane_controls |= size_t{1} << place;
        } else {
            op.places.push_back(place - lane_qubits<T>);
            op.set |= size_t{1} << (place - lane_qubits<T>);
        }
    }
    std::sort(op.places.begin(), op.places.end());
    op.visits = window.rows() >> op.places.size();
    const size_t h = targets.size(), l = op.lanes.size();
    const size_t heads = size_t{1} << h, flips = size_t{1} << l;
    for (size_t k = 0; k < heads; ++k)
        for (size_t j = 0; j < h; ++j)
            if (k >> j & 1) op.rows[k] |= size_t{1} << targets[j];
    for (size_t k = 0; k < flips; ++k)
        for (size_t j = 0; j < l; ++j)
            if (k >> j & 1) op.flips[k] |= 1 << op.lanes[j];
    const bool real = is_real(m), varied = l > 0 || lane_controls;
    for (size_t out = 0; out < heads; ++out)
        for (size_t in = 0; in < heads; ++in)
            for (size_t flip = 0; flip < flips; ++flip) {
                if (!varied) {
                    put(op.numbers, m.at[out * m.side() + in], real);
                    continue;
                }
                const auto number = [&](size_t lane) {
                    if ((lane & lane_controls) != lane_controls) return Complex(out == in && !flip ? 1 : 0);
                    const size_t own = gathered(lane, op.lanes);
                    return m.at[(out * flips + own) * m.side() + in * flips + (own ^ flip)];
                };
                for (size_t lane = 0; lane < lanes<T>; ++lane) op.numbers.push_back(T(number(lane).real()));
                for (size_t lane = 0; !real && lane < lanes<T>; ++lane)
                    op.numbers.push_back(T(number(lane).imag()));
            }
    op.act = use.dense_of(int(h), int(l), varied, real);
    return op;
}

template <class T>
Op<T> table_op(const Matrix& table, const Window<T>& window, const Chosen<T>& use) {
    Op<T> op;
    op.act = use.table;
    std::vector<std::pair<int, uint32_t>> rows;
    uint32_t weight = 1;
    for (const int q : table.qubits) {
        const int place = window.place(q);
        if (place >= 0 && place < lane_qubits<T>) {
            op.lanes.push_back(place);
            continue;
        }
        if (place < 0)
            op.outer_places.emplace_back(q, weight);
        else
            rows.emplace_back(place - lane_qubits<T>, weight);
        weight *= 2;
    }
    op.where.assign(window.rows(), 0);
    for (size_t r = 0; r < window.rows(); ++r)
        for (const auto& [bit, by] : rows)
            if (r >> bit & 1) op.where[r] = uint16_t(op.where[r] + by);
    for (size_t entry = 0; entry < weight; ++entry) {
        const auto number = [&](size_t lane) {
            return table.at[(entry << op.lanes.size()) | gathered(lane, op.lanes)];
        };
        for (size_t lane = 0; lane < lanes<T>; ++lane) op.numbers.push_back(T(number(lane).real()));
        for (size_t lane = 0; lane < lanes<T>; ++lane) op.numbers.push_back(T(number(lane).imag()));
    }
    return op;
}

// The qubit that all pairs of a phase share, and all of its single factors; -1 if there is none.
inline int centre_of(const Cluster& cluster) {
    if (cluster.pairs.empty()) return -1;
    const auto shares = [&](int q) {
        return std::all_of(cluster.pairs.begin(), cluster.pairs.end(),
                           [&](const auto& at) { return at.first.first == q || at.first.second == q; }) &&
               std::all_of(cluster.singles.begin(), cluster.singles.end(),
                           [&](const auto& at) { return at.first == q; });
    };
    const auto [a, b] = cluster.pairs.begin()->first;
    return shares(a) ? a : shares(b) ? b : -1;
}

template <class T>
Op<T> phase_op(const Cluster& cluster, const Window<T>& window, const Chosen<T>& use) {
    Op<T> op;
    op.tile_qubits = window.tile_qubits;
    const int centre = centre_of(cluster);
    if (cluster.pairs.empty() || centre >= 0) {
        op.act = use.ramp;
        const auto add = [&](int q, const Complex& by) {
            const int place = window.place(q);
            if (place < 0)
                op.ramp.outer.emplace_back(q, by);
            else
                op.ramp.inner.emplace_back(place, by);
        };
        for (const auto& [q, by] : cluster.singles) {
            if (q == centre)
                op.ramp.base = by;
            else
                add(q, by);
        }
        for (const auto& [pair, by] : cluster.pairs) add(pair.first == centre ? pair.second : pair.first, by);
        if (centre < 0) return op;
        const int place = window.place(centre);
        if (place < 0)
            op.needs = bit_of(centre);
        else if (place < lane_qubits<T>)
            op.lane_control = place;
        else
            op.row_control = size_t{1} << (place - lane_qubits<T>);
        return op;
    }
    const auto places = size_t(window.tile_qubits);
    std::vector<Complex> singles(places, 1);
    std::vector<Complex> pairs(places * places, 1);
    for (const auto& [q, by] : cluster.singles) {
        const int place = window.place(q);
        if (place < 0)
            op.ramp.outer.emplace_back(q, by);
        else
            singles[size_t(place)] = by;
    }
    for (const auto& [pair, by] : cluster.pairs) {
        const int a = window.place(pair.first), b = window.place(pair.second);
        if (a >= 0 && b >= 0)
            pairs[size_t(a) * places + size_t(b)] = by;
        else if (a < 0 && b < 0)
            op.ramp.outer_pairs.emplace_back(bit_of(pair.first) | bit_of(pair.second), by);
        else
            op.ramp.links.push_back({a < 0 ? std::pair{b, pair.first} : std::pair{a, pair.second}, by});
    }
    op.numbers.resize(window.rows() * 2 * lanes<T>);
    use.write_phase(singles.data(), pairs.data(), window.tile_qubits, op.numbers.data());
    const bool ramp = !op.ramp.outer.empty() || !op.ramp.outer_pairs.empty() || !op.ramp.links.empty();
    op.act = ramp ? use.both : use.written;
    return op;
}

template <class T>
Op<T> op_of(const Cluster& cluster, const Window<T>& window, const Chosen<T>& use) {
    if (cluster.kind == Cluster::DENSE) return dense_op<T>(cluster.matrix, cluster.watched, window, use);
    if (cluster.kind == Cluster::TABLE) return table_op<T>(cluster.matrix, window, use);
    return phase_op<T>(cluster, window, use);
}

}  // namespace qupel
