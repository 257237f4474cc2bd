# SPDX-License-Identifier: Apache-2.0
"""For preexec_fn: a helper process that must not outlive the test which started it."""
import ctypes
import signal

PR_SET_PDEATHSIG = 1  # linux/prctl.h
LIBC = ctypes.CDLL(None)


def dies_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
