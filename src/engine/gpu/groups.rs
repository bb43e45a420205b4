//! Components in groups that follow one another, for `shaders/shared/groups.wgsl`.

use maths::data::kernels::GROUP;

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
