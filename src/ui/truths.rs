//! What is exact, of two experiments on one canvas: painted once where both have one truth, else each in a tint of its side.

use std::sync::Arc;

use egui::Color32;

use crate::canvas::field::FieldLayer;
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene};
use crate::desk::Desk;
use crate::theme::Palette;
use crate::widgets::number::{fixed, grouped};
use lab::message::Side;
use maths::data::dataset::Truth;

/// How far a truth's green goes towards its experiment's colour.
const TINT: f32 = 0.55;

/// The legend of what follows from the data: `exact density` of a built-in shape; of a file the density of its kernels, how
/// many rows carry one, and their bandwidth.
pub fn exact(desk: &Desk, what: &str) -> String {
    match kernels(desk) {
        None => format!("exact {what}"),
        Some(kernels) => format!("{what} of {kernels}"),
    }
}

/// Put the exact density on a canvas, if there is one; [`name_density`] says in its legend what it is.
pub fn draw_density(scene: &mut Scene, desk: &Desk) {
    if let Some(field) = &desk.here.snapshot.density {
        let layer = Layer::Density {
            field: field.clone(),
            color: desk.palette().glow,
        };
        scene.push(Role::Exact, layer);
    }
}

/// The legend's entry for the exact density.
pub fn name_density(scene: &mut Scene, desk: &Desk) {
    let color = desk.palette().glow.to_opaque();
    scene.name(Role::Exact, Mark::Area, color, exact(desk, "density"));
}

/// Of a file: which kernels its truth is; `None` for a closed form.
pub fn kernels(desk: &Desk) -> Option<String> {
    let Truth::Kernels {
        rows,
        of,
        bandwidth,
    } = desk.here.snapshot.dataset.truth
    else {
        return None;
    };
    let count = |rows: usize| grouped(rows as f64);
    let rows = if rows < of {
        format!("{} of {}", count(rows), count(of))
    } else {
        count(rows)
    };
    Some(format!(
        "kernels on {rows} rows, h = {}",
        bandwidth_text(f64::from(bandwidth))
    ))
}

/// A bandwidth with three digits behind the point.
pub fn bandwidth_text(bandwidth: f64) -> String {
    fixed(bandwidth, 3)
}

/// True where the exact density and score of A and B are the same at their clocks.
pub fn are_one(desk: &Desk) -> bool {
    let [Some(a), Some(b)] = Side::BOTH.map(|side| desk.side_state(side)) else {
        return true;
    };
    let schedule = |side_state: &crate::desk::side_state::SideState| {
        let experiment = &side_state.snapshot.experiment;
        (
            experiment.schedule,
            experiment.timesteps,
            side_state.clock.tau,
        )
    };
    let [left, right] = [a, b].map(|side_state| &side_state.snapshot.dataset.mixture);
    schedule(a) == schedule(b) && (Arc::ptr_eq(left, right) || left == right)
}

/// Leave out what is exact: it is there already, beneath. Exact arrows stay where no learned ones lie beside them.
pub fn leave_out(scene: &mut Scene) {
    let arrows = |layer: &Layer| matches!(layer, Layer::Field(FieldLayer::Arrows { .. }));
    let learned = scene
        .layers
        .iter()
        .any(|(role, layer)| *role == Role::Learned && arrows(layer));
    scene.layers.retain(|(role, layer)| match role {
        Role::Data => false,
        Role::Exact => arrows(layer) && !learned,
        Role::Learned | Role::Other => true,
    });
    scene.legend.retain(|entry| entry.role != Role::Exact);
}

/// The colour of what is exact in what lies over a canvas: `None` where it is there already, beneath.
pub fn ink(desk: &Desk) -> Option<Color32> {
    let palette = desk.palette();
    if !desk.one_canvas {
        return Some(palette.exact);
    }
    if !are_one(desk) {
        return Some(tinted(palette.exact, palette));
    }
    (desk.side() == Side::A).then_some(palette.exact)
}

/// A colour with the tint of a side.
fn tinted(color: Color32, palette: &Palette) -> Color32 {
    let [r, g, b, alpha] = palette.learned.to_array();
    // With the alpha of what it tints.
    let side = Color32::from_rgba_unmultiplied(r, g, b, alpha)
        .gamma_multiply(f32::from(color.a()) / 255.0);
    color.lerp_to_gamma(side, TINT)
}

/// Give what is exact, and the data, the tint of its side.
pub fn tint(scene: &mut Scene, palette: &Palette) {
    let tinted = |color| tinted(color, palette);
    let of_truth = |role: Role| matches!(role, Role::Data | Role::Exact);
    for (_, layer) in scene.layers.iter_mut().filter(|(role, _)| of_truth(*role)) {
        match layer {
            Layer::Density { color, .. } | Layer::Field(FieldLayer::Contours { color, .. }) => {
                *color = tinted(*color);
            }
            Layer::Points { dots, .. } => dots.color = tinted(dots.color),
            Layer::Field(FieldLayer::Arrows { look, .. }) => look.colors = look.colors.map(tinted),
            Layer::Field(FieldLayer::Heat { .. })
            | Layer::Noised { .. }
            | Layer::Motion(_)
            | Layer::Placed(..) => {}
        }
    }
    for entry in scene.legend.iter_mut().filter(|entry| of_truth(entry.role)) {
        entry.color = tinted(entry.color);
    }
}
