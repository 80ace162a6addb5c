// What the system lets a program use.
#ifndef C_NEURAL_PROCESSORS_H
#define C_NEURAL_PROCESSORS_H

// The processors that the calling thread may run on; 0 where the system does not say.
int cnk_affinity_count(void);

#endif
