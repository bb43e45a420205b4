// The output layer for one row: what is predicted, then of the variance (0 where none is learned). Uses the kernel's bindings `layer`,
// `weights` and `activations`.
fn output_at(row: u32) -> vec4<f32> {
    let at = layer.input_offset + row * layer.input_stride;
    var output = weights[layer.bias_offset];
    for (var k = 0u; k < layer.inputs; k++) {
        let h = activations[at + k];
        let w = layer.weight_offset + 4u * k * layer.outputs;
        output += h.x * weights[w] + h.y * weights[w + layer.outputs]
            + h.z * weights[w + 2u * layer.outputs] + h.w * weights[w + 3u * layer.outputs];
    }
    return output;
}
