// How a state of the whole cube lies in memory, and what a pass over it is given.
//
// Amplitudes come in chunks: the real parts of 64 bytes' worth of states, then their imaginary
// parts. Chunks of the lowest qubits follow one another; one empty chunk after each run of `low`
// and each run of `middle` qubits keeps the columns of a pass apart in the caches.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace qupel::cube {

constexpr size_t LEVELS = 64;  // different costs that fit the tables of a layer

// exp(-i beta X) = factor * (1, -i t; -i t, 1), or with `swap` (t, -i; -i, t). Loops leave out the
// factor; the next phase puts it in for all qubits at once.
template <class T>
struct Turn {
    bool swap = false;
    T t = 0;
    double factor = 1;
};

template <class T>
Turn<T> turn_by(double beta) {
    const double c = std::cos(beta), s = std::sin(beta);
    if (std::abs(s) > std::abs(c)) return {true, static_cast<T>(c / s), s};
    return {false, static_cast<T>(s / c), c};
}

// Costs of the states, either as levels (the number of each state's cost in a short table) or in
// full. A phase is looked up by level, or computed from the cost.
template <class T>
struct Phase {
    const T* cosine = nullptr;  // by level: factor * cos(gamma cost)
    const T* sine = nullptr;
    T turns = 0;   // gamma / 2 pi
    T factor = 1;
};

// One tile of a pass, and its mirror image where the cube is halved: rows of chunks, `step` apart.
template <class T>
struct Tile {
    T* state;
    T* adjoint;        // gradient only
    T* mirror;         // the chunk that holds the complements of the first, or null
    T* mirror_adjoint;
    ptrdiff_t step;    // in T; mirror rows go the other way
    const uint8_t* levels;
    const uint8_t* mirror_levels;
    const T* costs;
    const T* mirror_costs;
    size_t rows;       // to visit in `state`; as many again in `mirror`
};

// What the core of a pass does with each row.
template <class T>
struct Core {
    const T* values;   // costs by level
    int kind;          // 32 or 64 levels, 0 for costs in full
    int lanes;         // qubits inside a chunk to turn
    Turn<T> last, next;  // turns of the layer before the phase, and of the layer of the phase
    bool before;       // turn the core's own qubits by `last`
    bool after;        // … and by `next`
    bool undo;         // going back, turn them by `last`
    bool fresh;        // the state is uniform and not read
    bool finish;       // no phase: sum up the energy
    bool keep;         // store what comes out
    Phase<T> phase;
};

struct Slopes {
    double gamma = 0;  // Im <l|C|p>
    double next = 0;   // Im <l|B|p> of the layer of the phase
    double last = 0;   // … and of the layer before
};

}  // namespace qupel::cube
