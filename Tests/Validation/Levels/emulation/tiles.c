// The tile registers of AMX. What would be a fault of the processor ends the program.
#include <stdio.h>
#include <stdlib.h>

#include "immintrin.h"

enum { TILES = 8, ROWS = 16, ROW_BYTES = 64 };

emulation_counts emulated;

static struct {
    int is_configured;
    int rows[TILES], row_bytes[TILES];
    uint8_t data[TILES][ROWS][ROW_BYTES];
} registers;

static void require(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "emulated tiles: %s\n", what);
    abort();
}

static void require_configured(int tile) {
    require(registers.is_configured && registers.rows[tile] > 0, "a tile is used that is not configured");
}

// LDTILECFG: byte 0 is the palette, 1 the start row, from 16 on 16 bits for each tile's bytes in a row, from 48 on its rows.
void emulated_load_configuration(const void *memory) {
    const uint8_t *bytes = memory;
    require(bytes[0] == 1 && bytes[1] == 0, "palette 1 and start row 0 are expected");
    for (int i = 2; i < 16; i++) require(bytes[i] == 0, "a reserved byte is set");
    for (int i = 32; i < 48; i++) require(bytes[i] == 0, "a ninth tile has columns");
    for (int i = 56; i < 64; i++) require(bytes[i] == 0, "a ninth tile has rows");
    memset(&registers, 0, sizeof registers);
    for (int tile = 0; tile < TILES; tile++) {
        int row_bytes = bytes[16 + 2 * tile] | bytes[17 + 2 * tile] << 8, rows = bytes[48 + tile];
        require(row_bytes <= ROW_BYTES && rows <= ROWS, "a tile is too large");
        require((row_bytes == 0) == (rows == 0), "a tile has rows without columns, or columns without rows");
        registers.row_bytes[tile] = row_bytes;
        registers.rows[tile] = rows;
    }
    registers.is_configured = 1;
}

// TILERELEASE
void emulated_release(void) { memset(&registers, 0, sizeof registers); }

// TILEZERO
void emulated_zero(int tile) {
    require_configured(tile);
    memset(registers.data[tile], 0, sizeof registers.data[tile]);
}

// TILELOADD: what the configuration leaves out of a register becomes zero.
void emulated_load(int tile, const void *start, size_t stride) {
    emulated_zero(tile);
    for (int r = 0; r < registers.rows[tile]; r++) {
        memcpy(registers.data[tile][r], (const char *)start + (ptrdiff_t)stride * r, (size_t)registers.row_bytes[tile]);
    }
}

// TILESTORED
void emulated_store(int tile, void *start, size_t stride) {
    require_configured(tile);
    for (int r = 0; r < registers.rows[tile]; r++) {
        memcpy((char *)start + (ptrdiff_t)stride * r, registers.data[tile][r], (size_t)registers.row_bytes[tile]);
    }
}

// sums[row] += the products of a's row and b: both halves' products are summed apart, then both sums are added, then that to
// what is there; all with DAZ and FTZ.
__attribute__((target("arch=x86-64-v3"))) static void multiply_row(int sums, int a, int b, int row) {
    emulated_floats lower = {0}, upper = {0};
    for (int k = 0; k < registers.rows[b]; k++) {
        uint32_t pair;
        emulated_words pairs, columns;
        memcpy(&pair, registers.data[a][row] + 4 * k, sizeof pair);
        memcpy(&columns, registers.data[b][k], sizeof columns);
        emulated_broadcast(pair, &pairs);
        emulated_words lower_a = pairs << 16, lower_b = columns << 16;
        emulated_words upper_a = pairs & 0xffff0000u, upper_b = columns & 0xffff0000u;
        emulated_add_product(&lower, &lower_a, &lower_b);
        emulated_add_product(&upper, &upper_a, &upper_b);
    }
    emulated_words both = (emulated_words)(lower + upper), result;
    emulated_flush(&both);
    memcpy(&result, registers.data[sums][row], sizeof result);
    emulated_flush(&result);
    result = (emulated_words)((emulated_floats)result + (emulated_floats)both);
    emulated_flush(&result);
    memcpy(registers.data[sums][row], &result, (size_t)registers.row_bytes[sums]);
}

// TDPBF16PS
void emulated_multiply(int sums, int a, int b) {
    emulated.tile_products++;
    require_configured(sums);
    require_configured(a);
    require_configured(b);
    require(sums != a && sums != b && a != b, "three different tiles are multiplied");
    require(registers.rows[a] == registers.rows[sums] && registers.row_bytes[b] == registers.row_bytes[sums] &&
                registers.row_bytes[a] == 4 * registers.rows[b], "the tiles' shapes do not fit");
    for (int row = 0; row < registers.rows[sums]; row++) multiply_row(sums, a, b, row);
}
