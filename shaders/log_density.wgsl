// Twin: src/engine/cpu/density.rs log_density
//
// log p_t of the diffused mixture at the cell centres of a grid, by log-sum-exp. One invocation a cell.
//
// view: uniform. components [count] as (a·mean, 1 / (2 variance), log(weight / (2π variance))), variance = a²σ² + s².
// groups [⌈count / 16⌉][2], of 16 components that follow one another, as (least mean, largest mean), (least 1 / (2 variance),
// largest log factor, 0, 0). log_p [resolution][resolution], row-major from the lower left.

//!include groups

struct DensityGrid {
    min: vec2<f32>,
    cell: vec2<f32>,
    resolution: u32,
    padding: u32,
    // The cells first..end are computed.
    first: u32,
    end: u32,
}

@group(0) @binding(0) var<uniform> view: DensityGrid;
@group(0) @binding(1) var<storage, read> components: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> groups: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> log_p: array<f32>;

// No component of a group is above this at x.
fn highest(group: u32, x: vec2<f32>) -> f32 {
    let extremes = groups[2u * group + 1u];
    return extremes.y - squared_distance(x, groups[2u * group]) * extremes.x;
}

fn term(k: u32, x: vec2<f32>) -> f32 {
    let component = components[k];
    let d = x - component.xy;
    return component.w - dot(d, d) * component.z;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let cell_index = view.first + id.x;
    if cell_index >= view.end {
        return;
    }
    let cell = vec2<f32>(f32(cell_index % view.resolution), f32(cell_index / view.resolution));
    let x = view.min + (cell + 0.5) * view.cell;
    // Of a bound that hangs on a uniform llvmpipe makes the shader anew in every dispatch.
    let count = arrayLength(&components);
    let group_count = (count + GROUP - 1u) / GROUP;
    let best = best_group(group_count, x);
    var largest = LOWEST;
    for (var k = GROUP * best; k < min(GROUP * (best + 1u), count); k++) {
        largest = max(largest, term(k, x));
    }
    var sum = 0.0;
    for (var group = 0u; group < group_count; group++) {
        if group != best && highest(group, x) < largest - NEGLIGIBLE {
            continue;
        }
        for (var k = GROUP * group; k < min(GROUP * (group + 1u), count); k++) {
            let log_share = term(k, x);
            if log_share > largest {
                sum *= exp(largest - log_share);
                largest = log_share;
            }
            sum += exp(log_share - largest);
        }
    }
    log_p[cell_index] = largest + log(sum);
}
