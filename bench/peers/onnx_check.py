"""Runs an ONNX file of Onggi under onnxruntime, and prints what comes out.

    python onnx_check.py MODEL.onnx < input.bin

Needs onnx and onnxruntime (written against 1.23 and 1.32). The input is raw little-endian values
of the graph's one input; the batch is as many as there are. The file is held against the standard
first (`onnx.checker`, and strict shape inference, which fails where the file declares another shape
than follows from the operators). Prints one JSON object: `inputs` and `outputs` (name: shape),
`metadata`, `ops` (count by operator), and by optimisation level of onnxruntime (`none`, `all`) the
`logits` and `probabilities`, row by row.
"""

import collections
import json
import sys

import numpy as np
import onnx
import onnxruntime


def shapes(tensors):
    def size(axis):
        return axis.dim_param or axis.dim_value

    return {t.name: [size(axis) for axis in t.type.tensor_type.shape.dim] for t in tensors}


def main(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    (given,) = model.graph.input
    kind = onnx.helper.tensor_dtype_to_np_dtype(given.type.tensor_type.elem_type)
    sample = shapes([given])[given.name][1:]
    x = np.frombuffer(sys.stdin.buffer.read(), dtype=kind).reshape(-1, *sample)
    levels = onnxruntime.GraphOptimizationLevel
    answer = {
        "inputs": shapes(model.graph.input),
        "outputs": shapes(model.graph.output),
        "metadata": {entry.key: entry.value for entry in model.metadata_props},
        "ops": collections.Counter(node.op_type for node in model.graph.node),
    }
    for name, level in [("none", levels.ORT_DISABLE_ALL), ("all", levels.ORT_ENABLE_ALL)]:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        options.intra_op_num_threads = 2
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        outputs = [output.name for output in session.get_outputs()]
        results = session.run(outputs, {given.name: x})
        answer[name] = {key: rows.tolist() for key, rows in zip(outputs, results)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
