"""Reading of safetensors files of f32, by the format's own description: a length, a header in JSON, the bytes."""

import json
import struct

import numpy
import torch


class safe_open:
    def __init__(self, path, framework):
        assert framework == "pt"
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            self.header = json.loads(file.read(length))
            self.bytes = file.read()
        self.about = self.header.pop("__metadata__", None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def metadata(self):
        return self.about

    def keys(self):
        return list(self.header)

    def get_tensor(self, name):
        entry = self.header[name]
        start, end = entry["data_offsets"]
        dtype = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "U64": "<u8", "I32": "<i4", "U32": "<u4"}[entry["dtype"]]
        return numpy.frombuffer(self.bytes[start:end], dtype=dtype).reshape(entry["shape"]).view(torch.Tensor)
