// A matrix product's blocks: rows of a, columns of b, and numbers that are summed over. Packed, a block of a stays in a
// first-level cache, one of b in a second-level one.
enum { CNK_BLOCK_ROWS = 48, CNK_BLOCK_COLUMNS = 128, CNK_BLOCK_INNER = 256 };

typedef struct {
    ptrdiff_t first, count;
} cnk_block_range;

CNK_INLINE cnk_block_range range_of(ptrdiff_t first, ptrdiff_t size, ptrdiff_t end) {
    return (cnk_block_range){first, end - first < size ? end - first : size};
}

// What all blocks have in common.
CNK_INLINE cnk_brgemm product_block(const cnk_product *p, const float *right, ptrdiff_t panel) {
    cnk_brgemm block = {.b = right, .b_panel = panel, .c_row = p->c_row};
    block.groups.count = block.outer.count = block.middle.count = 1;
    block.inner.b = CNK_PANEL;
    return block;
}
