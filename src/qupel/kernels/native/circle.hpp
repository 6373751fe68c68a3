// Polynomials for a turn around the circle, as `circle` in wide.hpp evaluates them.
#pragma once
#include <array>

namespace qupel {

// Adding and taking away `magic` rounds to a whole number. The polynomials in r^2 interpolate
// sin(pi r) / r and cos(pi r) for |r| <= 1/2 at Chebyshev nodes, to T's accuracy.
template <class T>
struct Rounding;
template <>
struct Rounding<float> {
    static constexpr float magic = 12582912.0F;
    static constexpr std::array<float, 5> sine{3.14159264F, -5.16771008F, 2.55007739F, -0.598290411F, 0.0776559123F};
    static constexpr std::array<float, 6> cosine{1.0F,         -4.93480214F, 4.05870915F,
                                                 -1.33521195F, 0.234937069F, -0.0243959321F};
};
template <>
struct Rounding<double> {
    static constexpr double magic = 6755399441055744.0;
    static constexpr std::array<double, 9> sine{
        3.141592653589793238,    -5.167712780049969608,  2.550164039877300474,
        -0.5992645293189446813,  0.08214588657310289502, -0.007370430505916943405,
        0.0004662998161898393801, -0.00002190349707462601719, 7.697826768224190645e-7};
    static constexpr std::array<double, 10> cosine{
        1.0, -4.934802200544679304, 4.058712126416767544, -1.335262768854554964, 0.2353306303579950199,
        -0.02580689137659296403, 0.001929574187281234834, -0.000104637416817521383, 4.300724172734846925e-6,
        -1.343521295095320067e-7};
};

}  // namespace qupel
