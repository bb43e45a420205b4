// Twin: src/engine/cpu/batch.rs samples
//
// Like batch_draw, for a batch that the host gives: x_t, timestep, label and target. One invocation a row.
//
// training: uniform. step: uniform, dynamic; its loss slot is the place of the batch among those given.
// given [slots][batch][2] vec4 as (x_t, t − 1 as bits, label as bits), (target, 0, 0). timetable [timesteps].
// embedding [timesteps][16] vec4. activations: input rows [rows][input_stride] at offset 0.
// targets [rows] as (target, loss weight, timestep as bits).

//!include math
//!include features
//!include types
//!include batch

@group(0) @binding(0) var<uniform> training: Training;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> given: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> timetable: array<TimestepRow>;
@group(0) @binding(4) var<storage, read> embedding: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> activations: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> targets: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.x;
    if row >= training.rows {
        return;
    }
    if row >= training.batch {
        write_padding(row);
        return;
    }
    let at = 2u * (step.loss_slot * training.batch + row);
    let point = given[at];
    let t_index = bitcast<u32>(point.z);
    write_input(row, timetable[t_index].input_scale * point.xy, t_index, bitcast<u32>(point.w));
    targets[row] = vec4<f32>(given[at + 1u].xy, timetable[t_index].loss_weight, point.z);
}
