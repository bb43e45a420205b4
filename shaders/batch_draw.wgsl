// Twin: src/engine/cpu/batch.rs fill
//
// Draws a training batch: for each sample a data point, a timestep and noise, jumps to x_t = a x_0 + s ε, and writes
// the network's input, the target and the timestep. One invocation a row; rows past the batch become zero.
//
// training: uniform. step: uniform, dynamic. data: finite [data_count] points, or a mixture [data_count][2] as
// (mean), (sigma, cumulative weight). timetable [timesteps]. embedding [timesteps][16] vec4.
// activations: input rows [rows][input_stride] at offset 0. targets [rows] as (target, loss weight, timestep as bits). labels [data_count]:
// the class of each point or component; empty but for one where none are learned.

//!include math
//!include philox
//!include features
//!include types
//!include batch

@group(0) @binding(0) var<uniform> training: Training;
@group(0) @binding(1) var<uniform> step: Step;
@group(0) @binding(2) var<storage, read> data: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> timetable: array<TimestepRow>;
@group(0) @binding(4) var<storage, read> embedding: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> activations: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> targets: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> labels: array<u32>;

// The first component whose cumulative weight reaches u.
fn component_at(u: f32) -> u32 {
    var low = 0u;
    var high = training.data_count - 1u;
    while low < high {
        let middle = (low + high) / 2u;
        if data[2u * middle + 1u].y >= u {
            high = middle;
        } else {
            low = middle + 1u;
        }
    }
    return low;
}

// A timestep, less 1: a row keeps what falls to it below `keep`, and gives the others to the row `other`.
fn draw_time(word: u32) -> u32 {
    let index = below(word, training.timesteps);
    let row = timetable[index];
    return select(row.other, index, word * training.timesteps < row.keep);
}

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
    let words = draw(training.seed, STREAM_BATCH, step.index, row);
    let t_index = draw_time(words.y);
    let noise = normal_pair(words.z, words.w);
    // Of a finite set without labels there is nothing more to draw.
    var fresh = vec4<u32>(0u);
    if training.data_is_mixture == 1u || training.classes > 0u {
        fresh = draw(training.seed, STREAM_FRESH_DATA, step.index, row);
    }
    var x_0: vec2<f32>;
    var drawn = 0u;
    if training.data_is_mixture == 0u {
        drawn = below(words.x, training.data_count);
        x_0 = data[drawn];
    } else {
        drawn = component_at(uniform_01(fresh.x));
        x_0 = data[2u * drawn] + data[2u * drawn + 1u].x * normal_pair(fresh.z, fresh.w);
    }
    var label = 0u;
    if training.classes > 0u && uniform_01(fresh.y) > training.label_dropout {
        label = labels[drawn] + 1u;
    }
    let at = timetable[t_index];
    let x_t = at.a * x_0 + at.s * noise;
    write_input(row, at.input_scale * x_t, t_index, label);
    let regression = at.target_x0 * x_0 + at.target_eps * noise;
    targets[row] = vec4<f32>(regression, at.loss_weight, bitcast<f32>(t_index));
}
