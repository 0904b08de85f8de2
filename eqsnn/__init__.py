"""eqsnn: spiking neural networks from equations, compiled on the fly."""

__version__ = "0.1.0"
