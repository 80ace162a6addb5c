// Rounding to bfloat16. A level with instructions for it sets CNK_BFLOAT16_INSTRUCTIONS.
typedef uint32_t words __attribute__((vector_size(LANES * sizeof(uint32_t)), aligned(4), may_alias));

#if !defined(CNK_BFLOAT16_INSTRUCTIONS)

// The upper half of each word is the number rounded to the nearest one, to the even one of two.
CNK_INLINE void round_words(const lanes *value, words *rounded) {
    words bits = (words)*value;
    words nearest = bits + (0x7fff + (bits >> 16 & 1));
    // An undefined number would become an infinite one, or a number of the other sign.
    words quiet = bits | 0x400000;
    words undefined = (words)((bits & 0x7fffffff) > 0x7f800000);
    *rounded = (undefined & quiet) | (~undefined & nearest);
}

CNK_INLINE void round_pairs(const lanes *first, const lanes *second, words *pairs) {
    words low, high;
    round_words(first, &low);
    round_words(second, &high);
    *pairs = low >> 16 | (high & 0xffff0000);
}

// Pairs of the neighbors among 32 numbers.
CNK_INLINE void round_neighbors(const lanes *low, const lanes *high, words *pairs) {
    lanes even = __builtin_shufflevector(*low, *high, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    lanes odd = __builtin_shufflevector(*low, *high, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    round_pairs(&even, &odd, pairs);
}

#else

CNK_INLINE void round_words(const lanes *value, words *rounded) {
    __m512i halves = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)*value));
    *rounded = (words)_mm512_slli_epi32(halves, 16);
}

CNK_INLINE void round_pairs(const lanes *first, const lanes *second, words *pairs) {
    __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)*first));
    words high;
    round_words(second, &high);
    *pairs = (words)low | high;
}

CNK_INLINE void round_neighbors(const lanes *low, const lanes *high, words *pairs) {
    *pairs = (words)_mm512_cvtne2ps_pbh((__m512)*high, (__m512)*low);
}

#endif

CNK_INLINE void round_lanes(lanes *value) {
    words rounded;
    round_words(value, &rounded);
    *value = (lanes)(rounded & 0xffff0000);
}

// Pairs of 16 columns, and a pair that multiplies them.
#if !defined(CNK_BFLOAT16_INSTRUCTIONS)
typedef struct {
    lanes first, second;
} pair_columns;

CNK_INLINE void load_pairs(pair_columns *columns, const float *source) {
    words bits = *(const words *)source;
    columns->first = (lanes)(bits << 16);
    columns->second = (lanes)(bits & 0xffff0000);
}

CNK_INLINE void add_pair(lanes *sum, const float *pair, const pair_columns *columns) {
    uint32_t bits, low, high;
    float first, second;
    memcpy(&bits, pair, sizeof bits);
    low = bits << 16;
    high = bits & 0xffff0000;
    memcpy(&first, &low, sizeof first);
    memcpy(&second, &high, sizeof second);
    *sum += first * columns->first;
    *sum += second * columns->second;
}
#else
typedef words pair_columns;

CNK_INLINE void load_pairs(pair_columns *columns, const float *source) { *columns = *(const words *)source; }

CNK_INLINE void add_pair(lanes *sum, const float *pair, const pair_columns *columns) {
    int bits;
    memcpy(&bits, pair, sizeof bits);
    *sum = (lanes)_mm512_dpbf16_ps((__m512)*sum, (__m512bh)_mm512_set1_epi32(bits), (__m512bh)*columns);
}
#endif
