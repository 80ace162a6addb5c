#include "CNeuralWorkers.h"

// What the calling thread works on, the innermost first.
static _Thread_local cnk_worker *innermost;

void cnk_begin_work(cnk_worker *worker) {
    worker->outer = innermost;
    innermost = worker;
}

void cnk_end_work(const cnk_worker *worker) {
    innermost = worker->outer;
}

ptrdiff_t cnk_worker_number(const void *team) {
    for (const cnk_worker *worker = innermost; worker; worker = worker->outer)
        if (worker->team == team) return worker->number;
    return -1;
}
