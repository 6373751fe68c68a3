// The loops of gates.cpp, included once for each instruction set (see instructions.hpp).

#include "../wide.hpp"

namespace WIDE_SPACE {

using namespace qupel;

#include "shuffle.hpp"
#include "tile.hpp"
#include "pauli.hpp"

template <class T>
constexpr Chosen<T> loops() {
    return {gather<T>,      scatter<T>,     Loops<T>::dense_of, Loops<T>::overlap_of, table<T>,
            Loops<T>::written, Loops<T>::ramp, Loops<T>::both,     table_overlap<T>,     write_phase<T>,
            weigh<T>,       meet<false, T>, meet<true, T>};
}

}  // namespace WIDE_SPACE
