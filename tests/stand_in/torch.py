"""As much of PyTorch as README's snippet needs, on NumPy, where PyTorch is not installed. See tests/readme.rs."""

import math

import numpy

float64 = numpy.float64


class Tensor(numpy.ndarray):
    def float(self):
        return self.astype(numpy.float32)

    def sin(self):
        return numpy.sin(self)

    def cos(self):
        return numpy.cos(self)

    def expand(self, *shape):
        return numpy.broadcast_to(self, shape).view(Tensor)

    def flatten(self, start_dim=0):
        return self.reshape(*self.shape[:start_dim], -1)


def tensor(values):
    return numpy.array(values, dtype=numpy.float32).view(Tensor)


def arange(end, dtype=numpy.int64):
    return numpy.arange(end, dtype=dtype).view(Tensor)


def cat(tensors, dim=0):
    return numpy.concatenate(tensors, axis=dim).view(Tensor)


class nn:
    class Linear:
        def __init__(self, in_features, out_features):
            self.shape = (out_features, in_features)

        def load_state_dict(self, state):
            weight, bias = state.pop("weight"), state.pop("bias")
            assert not state and weight.shape == self.shape and bias.shape == self.shape[:1]
            self.weight, self.bias = weight, bias

        def __call__(self, x):
            return x @ self.weight.T + self.bias

    class Sequential:
        def __init__(self, *modules):
            self.modules = modules

        def __call__(self, x):
            for module in self.modules:
                x = module(x)
            return x

    class SiLU:
        def __call__(self, x):
            return x / (1 + numpy.exp(-x))

    class GELU:
        def __init__(self, approximate):
            assert approximate == "tanh"

        def __call__(self, x):
            return 0.5 * x * (1 + numpy.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))

    class ReLU:
        def __call__(self, x):
            return numpy.maximum(x, 0)

    class Tanh:
        def __call__(self, x):
            return numpy.tanh(x)
