// What the processor can do: the variant of each kernel that run-time dispatch picks.
#include <nanobind/nanobind.h>

NB_MODULE(_cpu, module) {
    module.def("simd", []() {
        if (__builtin_cpu_supports("avx512f")) return "avx512";
        return __builtin_cpu_supports("avx2") ? "avx2" : "baseline";
    });
}
