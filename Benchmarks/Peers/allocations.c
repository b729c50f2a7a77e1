// Counts allocations: LD_PRELOAD=./allocations.so. The program asks through holdfast_allocations().
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
static atomic_ulong count;

unsigned long holdfast_allocations(void) { return atomic_load_explicit(&count, memory_order_relaxed); }
static void one(void) { atomic_fetch_add_explicit(&count, 1, memory_order_relaxed); }

void *malloc(size_t n) { return one(), __libc_malloc(n); }
void *calloc(size_t n, size_t m) { return one(), __libc_calloc(n, m); }
void *realloc(void *p, size_t n) { return one(), __libc_realloc(p, n); }
void *memalign(size_t a, size_t n) { return one(), __libc_memalign(a, n); }
void *aligned_alloc(size_t a, size_t n) { return one(), __libc_memalign(a, n); }
int posix_memalign(void **p, size_t a, size_t n) {
    one();
    *p = __libc_memalign(a, n);
    return *p ? 0 : 12;
}
