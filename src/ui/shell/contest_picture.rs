//! What several samplers have reached, as a picture.

use anyhow::Context as _;
use egui::{Align2, CentralPanel, Frame, Rect, pos2, vec2};

use crate::plots::contest::{Quantity, Series, contest_ui, look, mark_ui};
use crate::settings::sampler::pick_symbol;
use crate::shell::picture;
use crate::theme::{palette, strong_font, text_font};
use engine::gpu::GpuContext;
use lab::contest::Scored;
use lab::message::Side;
use maths::atomic::Destination;
use maths::measure::Estimate;

/// Pixels across and down.
const SIZE: [u32; 2] = [1600, 900];
/// Room for the names, in points.
const NAMES: f32 = 190.0;
/// Between two of them.
const LINE: f32 = 21.0;

/// Draw distance and surprise against evaluations, for print.
///
/// # Errors
/// No adapter that can paint, or a file that cannot be written: one sentence.
pub fn draw_contest(
    title: &str,
    scored: &[Scored],
    floor: Estimate,
    place: &Destination,
) -> anyhow::Result<()> {
    let context = GpuContext::headless()?;
    let palette = palette(true, Side::A);
    let mut picks = Vec::new();
    for one in scored {
        let pick = one.entrant.pick();
        if !picks.contains(&pick) {
            picks.push(pick);
        }
    }
    let all: Vec<&Scored> = scored.iter().collect();
    let layout = picture::lay_out(SIZE, true, |ui| {
        let frame = Frame::new().fill(palette.canvas);
        CentralPanel::default().frame(frame).show(ui, |ui| {
            let rect = ui.max_rect().shrink(16.0);
            let painter = ui.painter().clone();
            let font = strong_font(17.0);
            painter.text(rect.left_top(), Align2::LEFT_TOP, title, font, palette.ink);
            let charts =
                Rect::from_min_max(rect.min + vec2(0.0, 36.0), rect.max - vec2(NAMES, 0.0));
            let (left, right) = charts.split_left_right_at_fraction(0.5);
            for (place, quantity) in [(left, Quantity::Distance), (right, Quantity::Surprise)] {
                let series: Vec<Series> = (picks.iter().enumerate())
                    .map(|(index, pick)| {
                        let own = all.iter().filter(|one| one.entrant.pick() == *pick);
                        let points = own.map(|one| [one.evaluations, quantity.of(one)]);
                        Series::new(pick_symbol(pick), look(palette, index), points)
                    })
                    .collect();
                let chart = quantity.chart("evaluations", Some(floor), &all);
                contest_ui(ui, place, &chart, &series, palette);
            }
            for (index, pick) in picks.iter().enumerate() {
                let at = pos2(
                    charts.right() + 24.0,
                    charts.top() + LINE * (1.0 + index as f32),
                );
                let (color, mark) = look(palette, index);
                mark_ui(&painter, mark, at, color);
                let (at, name) = (at + vec2(14.0, 0.0), pick_symbol(pick));
                painter.text(at, Align2::LEFT_CENTER, name, text_font(13.0), palette.ink);
            }
        });
        false
    });
    let image = layout.context("nothing was drawn")?.paint(&context)?;
    picture::save(&image, place)
}
