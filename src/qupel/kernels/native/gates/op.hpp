// What is done to a tile: a cluster laid out for one pass, with its numbers in the tile's order.
//
// A tile is a list of rows. A row is 64 bytes of real parts, then 64 bytes of imaginary parts; the
// lanes within are the lowest qubits, the number of the row the other qubits of the window.
#pragma once

#include <cstdlib>
#include <new>

#include "passes.hpp"

namespace qupel {

// Memory that begins on a cache line.
template <class T>
struct Aligned {
    using value_type = T;
    Aligned() = default;
    template <class U>
    Aligned(const Aligned<U>&) {}
    T* allocate(size_t count) {
        return static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t{64}));
    }
    void deallocate(T* at, size_t) { ::operator delete(at, std::align_val_t{64}); }
    bool operator==(const Aligned&) const { return true; }
};
template <class T>
using Room = std::vector<T, Aligned<T>>;

// A product of Z on the qubits of `z`, times whatever its group flips.
struct PauliTerm {
    uint64_t z;
    double weight;
};

template <class T>
struct Tile {
    T* at;
    size_t rows;
    uint64_t outer;  // the index bits of the qubits outside the window
};

constexpr int HALF = 6;  // a ramp over rows is the product of two tables of 2^HALF factors

// Factors that depend on one tile: a product of one factor for each qubit that is one.
struct Ramp {
    Complex base = 1;
    std::vector<std::pair<int, Complex>> outer;                      // qubit outside
    std::vector<std::pair<uint64_t, Complex>> outer_pairs;           // two qubits outside
    std::vector<std::pair<int, Complex>> inner;                      // place in the tile
    std::vector<std::pair<std::pair<int, int>, Complex>> links;      // place in the tile, qubit outside
};

template <class T>
struct Op;
template <class T>
using Act = void (*)(const Op<T>&, const Tile<T>&);
template <class T>
using Overlap = void (*)(const Op<T>&, const Tile<T>& bra, const Tile<T>& ket, Complex* out);

template <class T>
struct Op {
    Act<T> act = nullptr;
    uint64_t needs = 0;  // qubits outside that must be one

    // Rows to visit: all settings of the row bits but those at `places`, with `set` added.
    std::vector<int> places;
    size_t set = 0, visits = 0;
    size_t rows[1 << DENSE_QUBITS] = {};  // what each setting of the target row bits adds
    int flips[1 << DENSE_QUBITS] = {};    // what each setting of the target lanes flips
    std::vector<int> lanes;               // target lanes
    Room<T> numbers;

    // A table: which of its entries each row takes, and what qubits outside add to that.
    std::vector<uint16_t> where;
    std::vector<std::pair<int, uint32_t>> outer_places;

    // A phase.
    Ramp ramp;
    size_t row_control = 0;  // row bit that must be one
    int lane_control = -1;
    int tile_qubits = 0;

    Overlap<T> overlap = nullptr;
};

}  // namespace qupel
