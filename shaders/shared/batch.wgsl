// Writing the network's input for one row of a batch. Uses the kernel's bindings `training`, `embedding`, `activations`
// and `targets`.

// Past the batch: zero, so that the row adds nothing to any sum.
fn write_padding(row: u32) {
    for (var i = 0u; i < training.input_stride; i++) {
        activations[row * training.input_stride + i] = vec4<f32>(0.0);
    }
    targets[row] = vec4<f32>(0.0);
}

// The coordinate features of x_t, then the embedding of its timestep, then a 1 in the place of its label, which is one more than its class
// or 0 for none.
fn write_input(row: u32, x_t: vec2<f32>, t_index: u32, label: u32) {
    let base = row * training.input_stride;
    for (var i = 0u; i < training.coordinate_stride; i++) {
        activations[base + i] = coordinate_features_4(x_t, training.octaves, 4u * i);
    }
    for (var i = 0u; i < 16u; i++) {
        activations[base + training.coordinate_stride + i] = embedding[t_index * 16u + i];
    }
    for (var i = training.coordinate_stride + 16u; i < training.input_stride; i++) {
        let first = 4u * (i - training.coordinate_stride - 16u) + 1u;
        activations[base + i] = vec4<f32>(vec4<u32>(first, first + 1u, first + 2u, first + 3u) == vec4<u32>(label));
    }
}
