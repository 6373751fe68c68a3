// Sixteen numbers at a time, in the compiler's vector types: every instruction set gives the same
// bits, the wide ones in fewer instructions.
#pragma once
#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define QUPEL_INLINE inline __attribute__((always_inline))
#if defined(__x86_64__) && defined(__gnu_linux__)
#define QUPEL_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define QUPEL_CLONES
#endif

namespace qupel {

constexpr int kLanes = 16;

using Bytes = int8_t __attribute__((vector_size(16)));
using Ints = int32_t __attribute__((vector_size(64)));
using Words = uint32_t __attribute__((vector_size(64)));
using Floats = float __attribute__((vector_size(64)));
using Doubles = double __attribute__((vector_size(128)));

template <class Real>
struct Wide;
template <>
struct Wide<float> {
    using Type = Floats;
};
template <>
struct Wide<double> {
    using Type = Doubles;
};

template <class V, class T>
QUPEL_INLINE void load(V& to, const T* from) {
    std::memcpy(&to, from, sizeof(V));
}

// One bit for each lane of a comparison.
template <class Compared>
QUPEL_INLINE uint32_t mask_of(const Compared& compared) {
    const Bytes narrow = __builtin_convertvector(compared, Bytes);
#if defined(__SSE2__)
    __m128i bytes;
    std::memcpy(&bytes, &narrow, 16);
    return uint32_t(_mm_movemask_epi8(bytes));
#else
    uint32_t mask = 0;
    for (int k = 0; k < kLanes; ++k) mask |= uint32_t(narrow[k] & 1) << k;
    return mask;
#endif
}

// Half the cost of flipping each lane: -s * local.
template <class Real>
QUPEL_INLINE void half_costs(typename Wide<Real>::Type& out, const Real* spin, const Real* local) {
    typename Wide<Real>::Type s, f;
    load(s, spin);
    load(f, local);
    out = -s * f;
}

}  // namespace qupel
