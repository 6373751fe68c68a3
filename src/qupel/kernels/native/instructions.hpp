// One source for every instruction set: compiles the loops of a kernel for each, picks at run time.
//
// A kernel defines `WIDE_LOOPS`, the file of its loops, and includes this file once. The loops
// include wide.hpp and fill the namespace `WIDE_SPACE` with functions that bear `WIDE_TARGET`.
#include <immintrin.h>

#include <utility>

#include "circle.hpp"

#pragma GCC diagnostic ignored "-Wpsabi"  // wide vectors never cross a call: all is inlined
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // intrinsics start from undefined vectors

namespace {

#define WIDE_INLINE inline __attribute__((always_inline)) WIDE_TARGET

#define WIDE_SPACE avx512
#define WIDE_BYTES 64
#define WIDE_TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma")))
#include WIDE_LOOPS
#undef WIDE_SPACE
#undef WIDE_BYTES
#undef WIDE_TARGET

#define WIDE_SPACE avx2
#define WIDE_BYTES 32
#define WIDE_TARGET __attribute__((target("avx2,fma")))
#include WIDE_LOOPS
#undef WIDE_SPACE
#undef WIDE_BYTES
#undef WIDE_TARGET

// Few machines still run these: what is not worth inlining stays a function, compiled once.
#undef WIDE_INLINE
#define WIDE_INLINE inline
#define WIDE_SPACE baseline
#define WIDE_BYTES 16
#define WIDE_TARGET
#include WIDE_LOOPS
#undef WIDE_SPACE
#undef WIDE_BYTES
#undef WIDE_TARGET
#undef WIDE_INLINE

int level = 2;  // 2 allows AVX-512, 1 AVX2, 0 neither; lowered by tests

void limit(int to) { level = to; }

// Which of these this processor can run, the widest first.
template <class Choice>
Choice widest(const Choice& with_avx512, const Choice& with_avx2, const Choice& with_neither) {
    if (level >= 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
        return with_avx512;
    if (level >= 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return with_avx2;
    return with_neither;
}

}  // namespace
