//! Components in groups that follow one another, for `shaders/shared/groups.wgsl`.

use super::context::GpuContext;
use maths::data::kernels::GROUP;
use maths::data::mixture::Mixture;

/// The components of a mixture on the device as (μ, σ², ln w), and their groups as (least μ, largest μ), (least σ², largest σ², largest
/// ln w, 0).
pub fn uploaded(context: &GpuContext, mixture: &Mixture) -> [wgpu::Buffer; 2] {
    let components: Vec<[f32; 4]> = mixture
        .components
        .iter()
        .map(|c| [c.mean[0], c.mean[1], c.sigma * c.sigma, c.weight.ln()])
        .collect();
    let groups = groups_of(&components, |least, largest| {
        [
            [least[0], least[1], largest[0], largest[1]],
            [least[2], largest[2], largest[3], 0.0],
        ]
    });
    [
        context.storage("components", &components),
        context.storage("groups", &groups),
    ]
}

/// Two rows for each group of components, made of the least and the largest value in each column.
pub fn groups_of(
    components: &[[f32; 4]],
    bounds: impl Fn([f32; 4], [f32; 4]) -> [[f32; 4]; 2],
) -> Vec<[[f32; 4]; 2]> {
    let group = |components: &[[f32; 4]]| {
        let column = |column: usize| components.iter().map(move |component| component[column]);
        let least = std::array::from_fn(|index| column(index).fold(f32::INFINITY, f32::min));
        let largest = std::array::from_fn(|index| column(index).fold(f32::NEG_INFINITY, f32::max));
        bounds(least, largest)
    };
    components.chunks(GROUP).map(group).collect()
}
