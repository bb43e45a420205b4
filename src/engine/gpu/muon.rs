//! Muon's orthogonal directions on the device: the dispatches of the iteration of Newton and Schulz.

use super::context::{GpuContext, STORAGE};
use super::kernel::{DynamicTable, groups_of_64};
use super::kernels::Kernels;
use super::types::Product;
use crate::network::optimiser::{Matrices, NEWTON_SCHULZ, NEWTON_SCHULZ_STEPS};

/// Scratch and bind groups of Muon's matrices.
pub struct Muon {
    matrices: Matrices,
    products: DynamicTable,
    start_group: wgpu::BindGroup,
    product_group: wgpu::BindGroup,
    apply_group: wgpu::BindGroup,
}

impl Muon {
    /// For these matrices; `None` where there are none. `training` and `steps` are the uniforms of the update, `parameters` its
    /// directions, weights and average.
    pub fn new(
        context: &GpuContext,
        kernels: &Kernels,
        matrices: Matrices,
        [training, steps]: [&wgpu::Buffer; 2],
        [directions, weights, ema]: [&wgpu::Buffer; 3],
    ) -> Option<Self> {
        if matrices.count == 0 {
            return None;
        }
        let bytes = 4 * 4 * (matrices.side * matrices.side) as u64 * u64::from(matrices.count);
        let scratch = context.buffer("muon scratch", bytes, STORAGE);
        let rows = products(matrices.side as u32);
        let products = DynamicTable::new::<Product>(context, "muon products", rows.len() as u32);
        products.write(context, &rows);
        let start = [training, directions, &scratch];
        let apply = [training, steps, &scratch, weights, ema];
        Some(Self {
            matrices,
            start_group: kernels.muon_start.bind(context, &start),
            product_group: kernels
                .muon_product
                .bind(context, &[&products.buffer, &scratch]),
            apply_group: kernels.muon_apply.bind(context, &apply),
            products,
        })
    }

    /// Record what follows upon the update of one step, whose scalars lie at the dynamic offset `step`.
    pub fn encode(&self, kernels: &Kernels, pass: &mut wgpu::ComputePass<'_>, step: u32) {
        let Matrices { side, count, .. } = self.matrices;
        let start = &kernels.muon_start;
        start.dispatch(pass, &self.start_group, &[], [count, 1]);
        let blocks = (side / 4 * (side / 4)) as u32;
        for index in 0..3 * NEWTON_SCHULZ_STEPS as u32 {
            let offset = self.products.offset(index);
            let groups = [groups_of_64(blocks), count];
            kernels
                .muon_product
                .dispatch(pass, &self.product_group, &[offset], groups);
        }
        let groups = [groups_of_64((side * side / 4) as u32), count];
        kernels
            .muon_apply
            .dispatch(pass, &self.apply_group, &[step], groups);
    }
}

/// A = X Xᵀ, B = b A + c A², Y = a X + B X, as often as Muon takes them; X and Y change places each time, so that the last Y
/// lies in the second quarter of the scratch. As A is symmetric, A² = A Aᵀ. Weights lie transposed on the device, so
/// X Xᵀ here is Xᵀ X of the processor's twin.
fn products(side: u32) -> Vec<Product> {
    let quarter = side * side / 4;
    let [a, b, c] = NEWTON_SCHULZ;
    let (gram, polynomial) = (2 * quarter, 3 * quarter);
    let step = |index: usize| {
        let (x, y) = if index.is_multiple_of(2) {
            (0, quarter)
        } else {
            (quarter, 0)
        };
        let product = |left, right, transposed, (added_factor, added), factor, out| Product {
            left,
            right,
            transposed,
            added,
            added_factor,
            factor,
            out,
            side,
        };
        [
            product(x, x, 1, (0.0, x), 1.0, gram),
            product(gram, gram, 1, (b, gram), c, polynomial),
            product(polynomial, x, 0, (a, x), 1.0, y),
        ]
    };
    (0..NEWTON_SCHULZ_STEPS).flat_map(step).collect()
}
