//! What is said on the canvas, beside what it is about.

use egui::{Painter, Rect, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::canvas::{View, paint_plate};
use crate::chapters::compass::needle::Needle;
use crate::chapters::compass::reading::Reading;
use crate::theme::{Palette, text_font};
use crate::widgets::maths;
use crate::widgets::number::short;

/// Widest line, in points.
const WIDEST: f32 = 560.0;
/// s/a from which a small error of ε̂ is a large one of x̂_0.
const FAR: f64 = 3.0;

/// What there is to say of a reading of which so much is seen.
pub(super) fn of(reading: &Reading, whose: Needle, view: &View, seen: Rect) -> Vec<String> {
    let mut notes = Vec::new();
    if reading.placed.is_pulled() {
        notes.push(format!(
            "Where you put x_t (the ring), ε would be {} long at this t. N(0, I) is longer than 4 once in 3000 draws, \
             so x_t stands where |ε| = 4, on the way there.",
            short(reading.placed.wanted)
        ));
    }
    match whose {
        Needle::Exact => notes.push(
            "ε* does not miss: it points to m = E[x₀ | x_t], the mean of all x₀ that could be here (the small dots), not \
             to the one x₀."
                .to_owned(),
        ),
        Needle::Learned => notes.push(
            "ε_θ learns to point to m = E[x₀ | x_t], the mean of all x₀ that could be here (the small dots). Nothing at \
             x_t tells which of them it was."
                .to_owned(),
        ),
        Needle::Imprecise => {}
    }
    let ratio = reading.scales.s / reading.scales.a;
    if let Some((_, x_0)) = reading.needle
        && ratio > FAR
        && !seen.contains(view.to_screen(x_0.map(|v| v as f32)))
    {
        notes.push(format!(
            "x̂₀ lies outside: at this t what ε̂ misses counts s/a = {} times in x̂₀. Samplers clip x̂₀ to the data's box.",
            short(ratio)
        ));
    }
    notes
}

/// Write notes on plates one beneath another, within what is seen: from a height on, or at the lower edge where fewer of the
/// marks lie. Returns the plates.
pub(super) fn notes_ui(
    ui: &Ui,
    painter: &Painter,
    seen: Rect,
    top: f32,
    notes: &[String],
    marks: &[Rect],
    palette: &Palette,
) -> Vec<Rect> {
    let width = (seen.width() - 44.0).clamp(80.0, WIDEST);
    let galleys: Vec<_> = notes
        .iter()
        .map(|note| {
            let mut job = maths::job(painter, note, &text_font(12.0), palette.ink);
            job.wrap.max_width = width;
            painter.layout_job(job)
        })
        .collect();
    let plates_from = |top: f32| {
        let mut top = top;
        let plate = |size: egui::Vec2| {
            let corner = pos2(seen.left() + 12.0, top);
            top += size.y + 5.0;
            Rect::from_min_size(corner, size)
        };
        let sizes = galleys
            .iter()
            .map(|galley| galley.size() + vec2(20.0, 10.0));
        sizes.map(plate).collect::<Vec<_>>()
    };
    let above = plates_from(top);
    let height = above.last().map_or(0.0, |last| last.bottom() - top);
    // The numbers of the axis stay free.
    let below = plates_from(seen.bottom() - 22.0 - height);
    let hidden = |plates: &[Rect]| {
        let over = |mark: &&Rect| plates.iter().any(|plate| plate.intersects(**mark));
        marks.iter().filter(over).count()
    };
    let plates = if hidden(&below) < hidden(&above) {
        below
    } else {
        above
    };
    for (index, (galley, plate)) in galleys.into_iter().zip(&plates).enumerate() {
        paint_plate(painter, *plate, palette);
        painter.galley(plate.min + vec2(10.0, 5.0), galley, palette.ink);
        let id = ui.make_persistent_id(("compass note", index));
        let response = ui.interact(*plate, id, Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &notes[index]));
    }
    plates
}
