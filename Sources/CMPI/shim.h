// MPI's C interface, found through pkg-config. Its handles are macros, which Swift does not see, so that what is used of it
// has functions here. Errors end the job, as MPI does by default.
#ifndef CMPI_SHIM_H
#define CMPI_SHIM_H

#include <mpi.h>
#include <stdlib.h>
#include <string.h>

// Joins the job, with calls from one thread at a time; 0 if the library refuses.
static inline int cmpi_start(void) {
    int provided = 0;
    if (MPI_Init_thread(0, 0, MPI_THREAD_SERIALIZED, &provided) != MPI_SUCCESS) return 0;
    return provided >= MPI_THREAD_SERIALIZED;
}

static inline int cmpi_rank(void) {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

static inline int cmpi_count(void) {
    int count = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &count);
    return count;
}

// The library's name and version; `text` has room for MPI_MAX_LIBRARY_VERSION_STRING characters.
enum { cmpi_version_length = MPI_MAX_LIBRARY_VERSION_STRING };
static inline int cmpi_version(char *text) {
    int length = 0;
    return MPI_Get_library_version(text, &length) == MPI_SUCCESS ? length : 0;
}

// Counts and offsets are in units of `unit` bytes.
static inline MPI_Datatype cmpi_unit(int unit) {
    MPI_Datatype type;
    MPI_Type_contiguous(unit, MPI_BYTE, &type);
    MPI_Type_commit(&type);
    return type;
}

static inline void cmpi_gather(void *bytes, int unit, const int *counts, const int *offsets) {
    MPI_Datatype type = cmpi_unit(unit);
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, bytes, counts, offsets, type, MPI_COMM_WORLD);
    MPI_Type_free(&type);
}

static inline void cmpi_exchange(
    const void *sent, const int *sent_counts, const int *sent_offsets, void *received, const int *received_counts,
    const int *received_offsets, int unit) {
    MPI_Datatype type = cmpi_unit(unit);
    MPI_Alltoallv(
        sent, sent_counts, sent_offsets, type, received, received_counts, received_offsets, type, MPI_COMM_WORLD);
    MPI_Type_free(&type);
}

static inline void cmpi_broadcast(void *bytes, int count) {
    MPI_Bcast(bytes, count, MPI_BYTE, 0, MPI_COMM_WORLD);
}

// Exchanges and gatherings that go on while the caller computes, each kind on a communicator of its own: calls on one have
// to be in the same order on all processes.
static inline MPI_Comm *cmpi_background_communicators(void) {
    static MPI_Comm communicators[2];
    return communicators;
}

static inline void cmpi_prepare_background(void) {
    MPI_Comm_dup(MPI_COMM_WORLD, &cmpi_background_communicators()[0]);
    MPI_Comm_dup(MPI_COMM_WORLD, &cmpi_background_communicators()[1]);
}

// A transfer's request, and the counts and offsets, which MPI reads until it is over.
typedef struct {
    MPI_Request request;
    int numbers[];
} cmpi_transfer;

static inline cmpi_transfer *cmpi_new_transfer(int lists, const int *const *numbers) {
    int count = cmpi_count();
    cmpi_transfer *transfer = malloc(sizeof(cmpi_transfer) + sizeof(int) * (size_t)(lists * count));
    if (!transfer) MPI_Abort(MPI_COMM_WORLD, 1);
    for (int list = 0; list < lists; list++) {
        memcpy(transfer->numbers + list * count, numbers[list], sizeof(int) * (size_t)count);
    }
    return transfer;
}

static inline void *cmpi_start_gather(void *bytes, int unit, const int *counts, const int *offsets) {
    const int *lists[] = {counts, offsets};
    cmpi_transfer *transfer = cmpi_new_transfer(2, lists);
    const int *numbers = transfer->numbers;
    MPI_Datatype type = cmpi_unit(unit);
    MPI_Iallgatherv(
        MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, bytes, numbers, numbers + cmpi_count(), type,
        cmpi_background_communicators()[0], &transfer->request);
    MPI_Type_free(&type);
    return transfer;
}

static inline void *cmpi_start_exchange(
    const void *sent, const int *sent_counts, const int *sent_offsets, void *received, const int *received_counts,
    const int *received_offsets, int unit) {
    const int *lists[] = {sent_counts, sent_offsets, received_counts, received_offsets};
    cmpi_transfer *transfer = cmpi_new_transfer(4, lists);
    const int *numbers = transfer->numbers;
    int count = cmpi_count();
    MPI_Datatype type = cmpi_unit(unit);
    MPI_Ialltoallv(
        sent, numbers, numbers + count, type, received, numbers + 2 * count, numbers + 3 * count, type,
        cmpi_background_communicators()[1], &transfer->request);
    MPI_Type_free(&type);
    return transfer;
}

static inline int cmpi_is_over(void *transfer) {
    int done = 0;
    MPI_Test(&((cmpi_transfer *)transfer)->request, &done, MPI_STATUS_IGNORE);
    return done;
}

static inline void cmpi_wait(void *transfer) {
    MPI_Wait(&((cmpi_transfer *)transfer)->request, MPI_STATUS_IGNORE);
    free(transfer);
}

// A communicator of its own for processes that end, since others may be in any call.
static inline MPI_Comm *cmpi_ending_communicator(void) {
    static MPI_Comm communicator;
    return &communicator;
}

static inline void cmpi_prepare_ending(void) { MPI_Comm_dup(MPI_COMM_WORLD, cmpi_ending_communicator()); }

// Tells whether all processes end; the first call says that this one does.
static inline int cmpi_all_end(void) {
    static MPI_Request request;
    static int begun = 0;
    if (!begun) MPI_Ibarrier(*cmpi_ending_communicator(), &request);
    begun = 1;
    int done = 0;
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    return done;
}

static inline void cmpi_finish(void) { MPI_Finalize(); }

static inline void cmpi_abort(int code) { MPI_Abort(MPI_COMM_WORLD, code); }

#endif
