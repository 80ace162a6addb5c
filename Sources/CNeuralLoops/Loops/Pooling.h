#include <math.h>


// A window along one axis: the part of it that lies inside the image, and its length inside the padded image.
typedef struct {
    ptrdiff_t first, end, padded;
} cnk_span;

static inline cnk_span span(ptrdiff_t start, ptrdiff_t kernel, ptrdiff_t length, ptrdiff_t padding_after) {
    ptrdiff_t end = start + kernel;
    ptrdiff_t padded_end = end > length + padding_after ? length + padding_after : end;
    cnk_span result = {start < 0 ? 0 : start, end > length ? length : end, padded_end - start};
    return result;
}

static inline cnk_span row_span(cnk_window w, ptrdiff_t output) {
    return span(output * w.stride_height - w.padding_top, w.kernel_height, w.height, w.padding_bottom);
}

static inline cnk_span column_span(cnk_window w, ptrdiff_t output) {
    return span(output * w.stride_width - w.padding_left, w.kernel_width, w.width, w.padding_right);
}

CNK_LOOP void CNK(cnk_max_pool)(const float *restrict x, float *restrict y, int32_t *restrict choices, cnk_window w) {
    for (ptrdiff_t oh = 0; oh < w.output_height; oh++) {
        cnk_span rows = row_span(w, oh);
        for (ptrdiff_t ow = 0; ow < w.output_width; ow++) {
            cnk_span columns = column_span(w, ow);
            for (ptrdiff_t c = 0; c < w.channels; c++) {
                y[c] = -INFINITY;
                choices[c] = (int32_t)(rows.first * w.width + columns.first);
            }
            for (ptrdiff_t ih = rows.first; ih < rows.end; ih++) {
                for (ptrdiff_t iw = columns.first; iw < columns.end; iw++) {
                    int32_t position = (int32_t)(ih * w.width + iw);
                    const float *source = x + position * w.channels;
                    for (ptrdiff_t c = 0; c < w.channels; c++) {
                        // The first of equal values is chosen; an undefined number wins, as in PyTorch.
                        int better = source[c] > y[c] || source[c] != source[c];
                        y[c] = better ? source[c] : y[c];
                        choices[c] = better ? position : choices[c];
                    }
                }
            }
            y += w.channels;
            choices += w.channels;
        }
    }
}

CNK_LOOP void CNK(cnk_max_pool_backward)(const float *restrict dy, const int32_t *restrict choices, float *restrict dx,
                                        cnk_window w, int accumulates) {
    if (!accumulates) {
        for (ptrdiff_t i = 0; i < w.height * w.width * w.channels; i++) dx[i] = 0;
    }
    for (ptrdiff_t position = 0; position < w.output_height * w.output_width; position++) {
        for (ptrdiff_t c = 0; c < w.channels; c++) dx[choices[c] * w.channels + c] += dy[c];
        dy += w.channels;
        choices += w.channels;
    }
}

static inline float window_weight(cnk_span rows, cnk_span columns, int counts_padding) {
    ptrdiff_t inside = (rows.end - rows.first) * (columns.end - columns.first);
    return 1.0f / (float)(counts_padding ? rows.padded * columns.padded : inside);
}

CNK_LOOP void CNK(cnk_average_pool)(const float *restrict x, float *restrict y, cnk_window w, int counts_padding) {
    for (ptrdiff_t oh = 0; oh < w.output_height; oh++) {
        cnk_span rows = row_span(w, oh);
        for (ptrdiff_t ow = 0; ow < w.output_width; ow++, y += w.channels) {
            cnk_span columns = column_span(w, ow);
            float weight = window_weight(rows, columns, counts_padding);
            for (ptrdiff_t c = 0; c < w.channels; c++) y[c] = 0;
            for (ptrdiff_t ih = rows.first; ih < rows.end; ih++) {
                for (ptrdiff_t iw = columns.first; iw < columns.end; iw++) {
                    const float *source = x + (ih * w.width + iw) * w.channels;
                    for (ptrdiff_t c = 0; c < w.channels; c++) y[c] += source[c];
                }
            }
            for (ptrdiff_t c = 0; c < w.channels; c++) y[c] *= weight;
        }
    }
}

CNK_LOOP void CNK(cnk_average_pool_backward)(const float *restrict dy, float *restrict dx, cnk_window w,
                                            int counts_padding, int accumulates) {
    if (!accumulates) {
        for (ptrdiff_t i = 0; i < w.height * w.width * w.channels; i++) dx[i] = 0;
    }
    for (ptrdiff_t oh = 0; oh < w.output_height; oh++) {
        cnk_span rows = row_span(w, oh);
        for (ptrdiff_t ow = 0; ow < w.output_width; ow++, dy += w.channels) {
            cnk_span columns = column_span(w, ow);
            float weight = window_weight(rows, columns, counts_padding);
            for (ptrdiff_t ih = rows.first; ih < rows.end; ih++) {
                for (ptrdiff_t iw = columns.first; iw < columns.end; iw++) {
                    float *target = dx + (ih * w.width + iw) * w.channels;
                    for (ptrdiff_t c = 0; c < w.channels; c++) target[c] += weight * dy[c];
                }
            }
        }
    }
}
