/* SPDX-License-Identifier: Apache-2.0 */
/* Linked into the static executable only, where it takes libc's place for every library that could
   load a shared object (OpenSSL: providers and engines). A loaded object would bring the guest's
   libc along. It does not stop libc's own loader for name service modules: prepare_process() does
   that. */
#include <stddef.h>

void* dlopen(const char* file, int mode);
void* dlsym(void* handle, const char* name);
int dlclose(void* handle);
char* dlerror(void);
int dladdr(const void* address, void* info);

void* dlopen(const char* file, int mode) {
    (void)file;
    (void)mode;
    return NULL;
}

void* dlsym(void* handle, const char* name) {
    (void)handle;
    (void)name;
    return NULL;
}

int dlclose(void* handle) {
    (void)handle;
    return -1;
}

char* dlerror(void) {
    static char message[] = "this executable loads no shared objects";
    return message;
}

int dladdr(const void* address, void* info) {
    (void)address;
    (void)info;
    return 0;
}
