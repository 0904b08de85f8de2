"""Brian 2 has this bridge to the package Brian Hears of Brian 1; here it says why it is not to be had."""

raise ImportError(
    "eqsnn.brian has no hears: Brian Hears is a package for Brian 1 and 2 and works on their own classes; "
    "filters are written as equations (examples/spoken_digit.py has a cochlea of gammatone filters)"
)
