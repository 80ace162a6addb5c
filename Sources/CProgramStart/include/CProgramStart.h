// The program's arguments, as the system handed them over. Swift reads them from /proc, which not every container has.

#pragma once

// How many there are, the program's name among them; 0 where the C library does not say.
int unlearn_argument_count(void);

// One of them, below the count.
const char *unlearn_argument(int index);

// Replaces this program by another one, with the same arguments. Returns -1 if that cannot be run.
int unlearn_become(const char *path);
