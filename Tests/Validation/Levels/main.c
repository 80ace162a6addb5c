// Random products at every level against sums in Double: check SEED ROUNDS LARGEST, the most multiplications of a product.
#include "emulation/immintrin.h"
#include "support.h"

// A level that was compiled without its instructions would be right, and tell nothing.
static int ran_its_instructions(const level *l) {
    if (l->uses_dot_products) return emulated.dot_products > 0 && emulated.conversions > 0;
    return !l->uses_tiles || (emulated.tile_products > 0 && emulated.conversions > 0);
}

// Each case has its own numbers, so that it is the same whatever levels ran before.
static void begin(uint64_t seed, long number) {
    seed_numbers(seed * 0x9e3779b97f4a7c15u + (uint64_t)number * 0xd1342543de82ef95u);
}

static void report(const level *l) {
    printf("%-10s ", l->name);
    if (l->floats.cnk_multiply) printf("%6ld products of floats, ", l->products[0]);
    printf("%6ld of bfloat16, %5ld packings, ", l->products[1], l->packings);
    printf("largest error %.2f of what is allowed", fmax(l->worst[0], l->worst[1]));
    if (l->uses_dot_products) printf(", %lu emulated dot products", emulated.dot_products);
    if (l->uses_tiles) printf(", %lu emulated products of tiles", emulated.tile_products);
    printf(": %ld failures\n", l->failures);
}

int main(int count, char **arguments) {
    if (count != 4) return 64;
    uint64_t seed = strtoull(arguments[1], NULL, 10);
    long rounds = atol(arguments[2]), failures = 0;
    double largest = atof(arguments[3]);
    for (long round = 0; round < rounds; round++) {
        begin(seed, 3 * round);
        check_products(round % 2, largest);
        begin(seed, 3 * round + 1);
        if (round % 2) check_matrices(round / 2 % 2, largest);
        begin(seed, 3 * round + 2);
        if (round % 4 == 0) check_packings();
    }
    for (const level *l = levels; l < levels + level_count; l++) {
        report(l);
        failures += l->failures;
        if (l->products[1] == 0 || !ran_its_instructions(l)) {
            printf("%s: its instructions did not run\n", l->name);
            failures++;
        }
    }
    return failures > 0;
}
