# cython: language_level=3, binding=False, emit_code_comments=False
# The door between Python and a file of kernels. Its text does not depend on the model: door.c is its translation, made ahead
# (python -m eqsnn.backends.cython.translate). Without binding the translation is two thirds as long.
from libc.stdint cimport int64_t

cdef extern from *:
    """
    #include <stdint.h>
    extern const char *eq_kernel_name(int64_t k);
    extern void *eq_kernel_address(int64_t k);
    """
    const char *eq_kernel_name(int64_t k)
    void *eq_kernel_address(int64_t k)


def kernels():
    """The kernels of this file: name and address of each."""
    found = {}
    cdef int64_t k = 0
    while eq_kernel_name(k) != NULL:
        found[eq_kernel_name(k).decode("ascii")] = <size_t>eq_kernel_address(k)
        k += 1
    return found
