//! What the canvas shows of the two fields, and what is read of them beneath the pointer.

use super::asking::score_plan;
use super::key::{REACH, error_color};
use super::{Arrows, ERROR_RANGE, FADE, Field, ScoreField};
use crate::canvas::field::{ArrowLook, FieldLayer};
use crate::canvas::paint::Layer;
use crate::canvas::{Role, View};
use crate::chapters::score_field::streamlines::Lattice;
use crate::chapters::shared::field_time::field_scales;
use crate::desk::Desk;
use crate::theme::{Palette, text_font};
use crate::widgets::number::fixed;
use egui::{Align2, Rect, Sense, Ui, WidgetInfo, pos2, vec2};
use lab::message::RunResult;
use maths::diffusion::schedule::Scales;
use std::sync::Arc;

impl ScoreField {
    pub(super) fn arrow_layers(&self, desk: &Desk) -> Vec<(Role, Layer)> {
        let palette = desk.palette();
        let [learned, exact] = [0, 1].map(|which| self.grids[which].shown());
        let arrows = self.arrows();
        let both = arrows == Arrows::Both;
        // Behind a bundle.
        let stand_back = match self.show.field {
            Field::Score => 1.0,
            Field::Velocity => 0.5,
        };
        // Weak arrows step back behind strong ones, but are opaque: one field's arrows cover the other's.
        let layer = |role, key, result: Option<&Arc<RunResult>>, color: egui::Color32, width| {
            let result = result?;
            let strength = desk.here.strength_of(result) * stand_back;
            let color = palette.canvas.lerp_to_gamma(color, strength);
            let look = ArrowLook {
                colors: [color.lerp_to_gamma(palette.canvas, 0.35), color],
                length: self.show.length,
                reach: REACH * Lattice::of(result)?.step,
                width,
            };
            let field = result.recording.points.clone();
            Some((
                role,
                Layer::Field(FieldLayer::Arrows {
                    key,
                    field,
                    version: result.version,
                    look,
                }),
            ))
        };
        let exact = (arrows != Arrows::Learned).then(|| {
            layer(
                Role::Exact,
                "exact arrows",
                exact,
                palette.exact,
                if both { 3.8 } else { 1.5 },
            )
        });
        let learned = (arrows != Arrows::Exact).then(|| {
            layer(
                Role::Learned,
                "learned arrows",
                learned,
                palette.learned,
                if both { 1.9 } else { 1.5 },
            )
        });
        [exact, learned].into_iter().flatten().flatten().collect()
    }

    /// Where the two fields part, as far as there is a density to learn them from.
    pub(super) fn heat_layer(&self, desk: &Desk) -> Option<Layer> {
        let [learned, exact] = self.matched.as_ref()?;
        let lattice = Lattice::of(learned)?;
        let stage = learned.request.plan.steps.first()?;
        let Scales { a, s } = stage.scales;
        // Velocities part in proportion to the scores: by x̂_0, which is s²/a of the score.
        let per_score = match self.show.field {
            Field::Score => 1.0,
            Field::Velocity => stage.to_x.x_0.abs() * s * s / a,
        };
        if !(per_score > 0.0 && per_score.is_finite()) {
            return None;
        }
        let density = desk.here.snapshot.density.clone()?;
        let densest = density.log_p.iter().copied().filter(|p| p.is_finite());
        let densest = densest.fold(f32::NEG_INFINITY, f32::max);
        let (_, peak) = self.peak?;
        // A view of nothing shows nothing: what counts is where the density is high, on show or not.
        let fade = FADE.map(|share| peak as f32 + share.ln() - densest);
        Some(Layer::Field(FieldLayer::Heat {
            key: "error",
            fields: [
                learned.recording.points.clone(),
                exact.recording.points.clone(),
            ],
            versions: [learned.version, exact.version],
            columns: lattice.side,
            range: ERROR_RANGE.map(|e| e * (per_score / s.max(f64::MIN_POSITIVE)) as f32),
            color: error_color(desk.palette()),
            density,
            fade,
        }))
    }

    /// The plate beside the pointer.
    pub(super) fn hover_ui(&self, ui: &Ui, view: &View, desk: &Desk) {
        let Some(point) = self.pointed else { return };
        let plan = score_plan(desk);
        // All numbers are of one place: where the network was asked last, a frame behind a moving hand.
        let answer = self
            .at_pointer
            .shown()
            .filter(|result| result.request.plan == plan);
        let read = answer.and_then(|result| result.host.as_ref()?.get(..2)?.try_into().ok());
        let (at, learned) = read.map_or((point, None), |[at, learned]: [[f32; 2]; 2]| {
            (at, Some(learned))
        });
        let marginal = desk
            .here
            .snapshot
            .dataset
            .mixture
            .marginal(field_scales(desk));
        let exact = marginal.score(at.map(f64::from));
        let log_p = marginal.log_density(at.map(f64::from));
        let palette = desk.palette();
        let pair = |v: [f64; 2]| format!("{}, {}", fixed(v[0], 2), fixed(v[1], 2));
        let lines = [
            (format!("x  {}", pair(at.map(f64::from))), palette.ink),
            (
                format!(
                    "learned  {}",
                    learned.map_or_else(|| "…".into(), |v| pair(v.map(f64::from)))
                ),
                palette.learned,
            ),
            (format!("exact  {}", pair(exact)), palette.exact),
            (format!("log p  {}", fixed(log_p, 2)), palette.ink),
        ];
        plate_ui(ui, view, (at, palette.fault), &lines, palette);
    }
}

/// Lines of text on a plate beside a point that is marked in a colour.
pub(super) fn plate_ui(
    ui: &Ui,
    view: &View,
    (at, color): ([f32; 2], egui::Color32),
    lines: &[(String, egui::Color32)],
    palette: &Palette,
) {
    const LINE: f32 = 17.0;
    let painter = ui.painter_at(view.rect);
    let place = view.to_screen(at);
    painter.circle(place, 5.0, color, (1.5, palette.canvas));
    let size = vec2(178.0, LINE * lines.len() as f32 + 12.0);
    let mut corner = place + vec2(16.0, -14.0);
    if corner.x + size.x > view.rect.right() - 6.0 {
        corner.x = place.x - 16.0 - size.x;
    }
    corner.y = corner.y.clamp(
        view.rect.top() + 6.0,
        (view.rect.bottom() - size.y - 6.0).max(view.rect.top() + 6.0),
    );
    let plate = Rect::from_min_size(corner, size);
    painter.rect(
        plate,
        6.0,
        palette.panel.gamma_multiply(0.94),
        (1.0, palette.line),
        egui::StrokeKind::Inside,
    );
    for (index, (text, color)) in lines.iter().enumerate() {
        let left = pos2(plate.left() + 10.0, plate.top() + 6.0 + LINE * index as f32);
        let drawn = painter.text(left, Align2::LEFT_TOP, text, text_font(13.0), *color);
        let label = ui.interact(
            drawn,
            ui.make_persistent_id(("score plate", view.canvas, index)),
            Sense::hover(),
        );
        label.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, text));
    }
}
