// SPDX-License-Identifier: Apache-2.0

// A task of cpprestsdk's thread pool may still be ending when the program does; the leak checker
// then finds its state. Nothing of ours is hidden: our own objects are not allocated in pplx.
extern "C" const char*
__lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier): its name
    return "leak:pplx::\nleak:Concurrency::streams\n";
}
