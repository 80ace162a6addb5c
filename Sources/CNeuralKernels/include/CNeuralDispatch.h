#ifndef C_NEURAL_DISPATCH_H
#define C_NEURAL_DISPATCH_H

// The thread sanitizer's runtime is not ready yet when loops are picked at load time.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CNK_WITHOUT_DISPATCH
#endif
#endif

// Compiles a loop once for each of these instruction sets and picks at load time; plain C elsewhere.
#if defined(__x86_64__) && defined(__linux__) && !defined(CNK_WITHOUT_DISPATCH)
#define CNK_DISPATCH \
    __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4"), min_vector_width(512)))
#else
#define CNK_DISPATCH
#endif

#endif
