// Which worker of which team a thread is.
#ifndef C_NEURAL_WORKERS_H
#define C_NEURAL_WORKERS_H

#include <stddef.h>

// A thread's part in a team: in C since Swift has no variables of a thread that are read without a call to the system.
typedef struct cnk_worker {
    const void *team;
    ptrdiff_t number;
    struct cnk_worker *outer; // What the thread was before, set by cnk_begin_work.
} cnk_worker;

// The calling thread is this worker, too, until cnk_end_work; the struct must stay where it is. Calls are nested.
void cnk_begin_work(cnk_worker *worker);
void cnk_end_work(const cnk_worker *worker);

// The calling thread's number in a team; -1 if it does not work for the team.
ptrdiff_t cnk_worker_number(const void *team);

#endif
