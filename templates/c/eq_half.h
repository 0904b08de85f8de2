#ifndef EQ_HALF_H
#define EQ_HALF_H
/* Numbers of 16 bits (IEEE 754 binary16) as they lie in memory. By integer operations, so that no mode of the processor that flushes small
 * numbers to zero, and no missing instruction, makes a difference. */
EQ_FN float eq_from_half(uint16_t h)
{
    const uint32_t m = h & 0x7fffu, sign = (uint32_t)(h & 0x8000u) << 16;
    const float small = (float)(int32_t)m * 5.9604644775390625e-8f; /* 2^-24: subnormal */
    uint32_t small_bits, bits;
    memcpy(&small_bits, &small, 4);
    bits = m < 0x400u ? small_bits : m >= 0x7c00u ? (m << 13) | 0x7f800000u : (m << 13) + 0x38000000u;
    bits |= sign;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

/* To the nearest, ties to even; from 65520 on infinite. */
EQ_FN uint16_t eq_to_half(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, 8);
    const uint64_t a = bits & UINT64_C(0x7fffffffffffffff);
    const uint32_t sign = (uint32_t)(bits >> 48) & 0x8000u;
    if (a > UINT64_C(0x7ff0000000000000)) return (uint16_t)(sign | 0x7e00u);
    if (a >= UINT64_C(0x40effe0000000000)) return (uint16_t)(sign | 0x7c00u); /* 65520 */
    if (a < UINT64_C(0x3f10000000000000)) { /* below 2^-14: multiples of 2^-24; 2^52 rounds */
        const double y = fabs(x) * 16777216.0 + 4503599627370496.0;
        uint64_t n;
        memcpy(&n, &y, 8);
        return (uint16_t)(sign | (uint32_t)(n & 0xffffu));
    }
    const uint64_t v = a - (UINT64_C(1008) << 52), rest = v & ((UINT64_C(1) << 42) - 1), half = UINT64_C(1) << 41;
    const uint64_t n = v >> 42;
    return (uint16_t)(sign | (uint32_t)(n + (rest > half || (rest == half && (n & 1)))));
}
#endif
