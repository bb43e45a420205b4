// log p_t of the diffused mixture at the cell centres of a grid, by log-sum-exp. One invocation a cell.
//
// view: uniform. components [count] as (a·mean, 1 / (2 variance), log(weight / (2π variance))), variance = a²σ² + s².
// log_p [resolution][resolution], row-major from the lower left.

struct View {
    min: vec2<f32>,
    cell: vec2<f32>,
    resolution: u32,
    component_count: u32,
    padding: vec2<u32>,
}

@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<storage, read> components: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> log_p: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= view.resolution * view.resolution {
        return;
    }
    let cell = vec2<f32>(f32(id.x % view.resolution), f32(id.x / view.resolution));
    let x = view.min + (cell + 0.5) * view.cell;
    var largest = -3.0e38;
    for (var k = 0u; k < view.component_count; k++) {
        let component = components[k];
        let d = x - component.xy;
        largest = max(largest, component.w - dot(d, d) * component.z);
    }
    var sum = 0.0;
    for (var k = 0u; k < view.component_count; k++) {
        let component = components[k];
        let d = x - component.xy;
        sum += exp(component.w - dot(d, d) * component.z - largest);
    }
    log_p[id.x] = largest + log(sum);
}
