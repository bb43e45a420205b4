//! The key on the canvas: how large a vector an arrow's length stands for, and what the error map's colour does.

use super::bundle::GAIN;
use super::{Behind, ERROR_RANGE, FADE, Field, ScoreField};
use crate::canvas::arrow_length::ArrowLength;
use crate::canvas::{View, paint_plate};
use crate::chapters::score_field::streamlines::Lattice;
use crate::desk::Desk;
use crate::theme::{Palette, text_font};
use crate::widgets::number::{grouped, short};
use crate::widgets::tip::Tip as _;
use egui::{Align2, Galley, Mesh, Painter, Pos2, Rect, Sense, Shape, Ui, WidgetInfo, pos2, vec2};
use lab::message::Side;
use std::sync::Arc;

/// Of the step of the lattice: the longest arrow.
pub(super) const REACH: f32 = 0.92;
/// Height of a line of the key.
const LINE: f32 = 18.0;
/// Width and height of the colour bar.
const BAR: [f32; 2] = [150.0, 9.0];
/// Around what stands on the plate.
const MARGIN: f32 = 10.0;
/// Above the numbers of the axis.
const LIFT: f32 = 24.0;

/// A line of the key: an arrow of this length, and what is said beside it; or words alone.
struct Line {
    arrow: Option<f32>,
    text: String,
}

/// A round magnitude as a number.
fn magnitude(value: f32) -> String {
    if value >= 1.0 {
        grouped(f64::from(value))
    } else {
        short(f64::from(value))
    }
}

/// What the key says of a rule whose longest arrows have `reach` points, for vectors that are drawn `gain` times as long.
fn lines(rule: ArrowLength, reach: f32, gain: f32) -> Vec<Line> {
    let marks = rule.marks();
    let mut lines: Vec<_> = marks
        .iter()
        .map(|&mark| Line {
            arrow: Some(reach * rule.share(mark)),
            text: if marks.len() == 1 {
                format!("this long = {}", magnitude(mark / gain))
            } else {
                format!("= {}", magnitude(mark / gain))
            },
        })
        .collect();
    let said = match rule.longest() {
        None => "all alike: directions only".to_owned(),
        Some(longest) if marks.last() == Some(&longest) => "longer ones are cut there".to_owned(),
        Some(longest) => format!("cut from {} on", magnitude(longest / gain)),
    };
    lines.push(Line {
        arrow: None,
        text: said,
    });
    lines
}

impl ScoreField {
    /// The key in the lower right corner of a canvas.
    pub(super) fn key_ui(&self, ui: &Ui, view: &View, desk: &Desk) {
        let palette = desk.palette();
        let step = self
            .grids
            .iter()
            .find_map(|grid| Lattice::of(grid.shown()?))
            .map(|lattice| lattice.step);
        let Some(step) = step else { return };
        let reach = REACH * step * view.camera.points_per_unit(view.rect);
        let painter = ui.painter_at(view.rect);
        let lay =
            |text: &str| painter.layout_no_wrap(text.to_owned(), text_font(11.0), palette.weak);
        let gain = match self.show.field {
            Field::Score => 1.0,
            Field::Velocity => GAIN as f32,
        };
        let bar = self.show.behind == Behind::Error;
        let bar_height = if bar { 2.0 * LINE + BAR[1] + 4.0 } else { 0.0 };
        let at_point = self.bundle_key(view, desk);
        let at_point = at_point.map(|text| Line { arrow: None, text });
        let mut shared = lines(self.show.length, reach, gain);
        let mut lift = LIFT;
        // Over A's key, which says the rest, B's own stride stands above it.
        let over = desk.one_canvas
            && desk.side() == Side::B
            && ui.clip_rect().width() >= view.rect.width();
        let lifted = over && at_point.is_some();
        if lifted {
            lift += LINE * (shared.len() + 1) as f32 + bar_height + MARGIN + 6.0;
            shared.clear();
        }
        let bar = bar && !lifted;
        let lines: Vec<(Line, Arc<Galley>)> = shared
            .into_iter()
            .chain(at_point)
            .map(|line| {
                let galley = lay(&line.text);
                (line, galley)
            })
            .collect();
        let arrows = lines
            .iter()
            .filter_map(|(line, _)| line.arrow)
            .fold(0.0, f32::max);
        let beside = |line: &Line| line.arrow.map_or(0.0, |_| arrows + 8.0);
        let mut width = lines
            .iter()
            .map(|(line, galley)| beside(line) + galley.size().x)
            .fold(0.0, f32::max);
        let mut height = LINE * lines.len() as f32;
        if bar {
            // Title, bar, numbers.
            width = width.max(BAR[0] + 12.0);
            height += bar_height;
        }
        let size = vec2(width + 2.0 * MARGIN, height + MARGIN);
        let plate = Rect::from_min_size(view.rect.right_bottom() - size - vec2(12.0, lift), size);
        paint_plate(&painter, plate, palette);
        let mut top = plate.min + vec2(MARGIN, 0.5 * MARGIN);
        for (index, (line, galley)) in lines.into_iter().enumerate() {
            let middle = top.y + 0.5 * LINE;
            let mut place = Rect::from_min_size(
                pos2(top.x + beside(&line), middle - 0.5 * galley.size().y),
                galley.size(),
            );
            let name = if let Some(length) = line.arrow {
                // The tips of all arrows lie on one line.
                let tail = pos2(top.x + arrows - length, middle);
                paint_arrow(&painter, tail, length, palette);
                painter.galley(place.min, galley, palette.weak);
                place = Rect::from_x_y_ranges(tail.x..=tail.x + length, place.y_range());
                format!("Key to the arrows: {}", line.text.trim_start_matches("= "))
            } else {
                painter.galley(place.min, galley, palette.weak);
                format!("Key to the arrows, {}", line.text)
            };
            let id = ui.make_persistent_id(("score key", view.canvas, index));
            let response = ui.interact(place, id, Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &name));
            top.y += LINE;
        }
        if bar {
            let left = top + vec2(6.0, 4.0);
            error_bar(ui, &painter, view, left, palette);
        }
    }
}

/// An arrow to the right, as the shader draws them.
fn paint_arrow(painter: &Painter, tail: Pos2, length: f32, palette: &Palette) {
    const WIDTH: f32 = 1.5;
    let head = (0.42 * length).min(3.0 + 4.0 * WIDTH);
    let tip = tail + vec2(length, 0.0);
    painter.line_segment([tail, tip - vec2(0.8 * head, 0.0)], (WIDTH, palette.ink));
    let wings = [
        tip,
        tip + vec2(-head, -0.5 * head),
        tip + vec2(-head, 0.5 * head),
    ];
    painter.add(Shape::convex_polygon(
        wings.to_vec(),
        palette.ink,
        egui::Stroke::NONE,
    ));
}

/// The colours of the error map on the canvas's ground, with their numbers.
fn error_bar(ui: &Ui, painter: &Painter, view: &View, left: Pos2, palette: &Palette) {
    let title = "s |learned − exact|";
    painter.text(
        left + vec2(0.0, 0.5 * LINE - 2.0),
        Align2::LEFT_CENTER,
        title,
        text_font(11.0),
        palette.weak,
    );
    let bar = Rect::from_min_size(left + vec2(0.0, LINE), BAR.into());
    painter.rect_filled(bar, 0.0, palette.canvas);
    let mut mesh = Mesh::default();
    for (index, (x, share)) in [(bar.left(), 0.0), (bar.right(), 1.0)]
        .into_iter()
        .enumerate()
    {
        let color = error_color(palette).gamma_multiply(share);
        mesh.colored_vertex(pos2(x, bar.top()), color);
        mesh.colored_vertex(pos2(x, bar.bottom()), color);
        if index > 0 {
            mesh.add_triangle(0, 1, 2);
            mesh.add_triangle(1, 2, 3);
        }
    }
    painter.add(Shape::mesh(mesh));
    painter.rect_stroke(bar, 0.0, (1.0, palette.line), egui::StrokeKind::Outside);
    let [low, high] = ERROR_RANGE.map(f64::from);
    let ticks = [low, (low * high).sqrt(), high].map(error_number);
    for (index, text) in ticks.iter().enumerate() {
        let x = bar.left() + 0.5 * index as f32 * bar.width();
        painter.vline(x, bar.bottom()..=bar.bottom() + 3.0, (1.0, palette.weak));
        painter.text(
            pos2(x, bar.bottom() + 4.0),
            Align2::CENTER_TOP,
            text,
            text_font(11.0),
            palette.weak,
        );
    }
    let response = ui.interact(
        bar,
        ui.make_persistent_id(("error bar", view.canvas)),
        Sense::hover(),
    );
    let name = format!("Colours of the error, {title}: {}", ticks.join(", "));
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &name));
    let [gone, full] = FADE.map(|share| short(100.0 * f64::from(share)));
    response.tip(format!(
        "Faint at {}, full from {} on. The map fades where p_t is below {full} % of where it is high, and is gone below {gone} %: \
         nothing is learned there",
        ticks[0], ticks[2]
    ));
}

/// A tick of the colour bar, without needless digits.
fn error_number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The colour of the largest error.
pub(super) fn error_color(palette: &Palette) -> egui::Color32 {
    palette.fault.gamma_multiply(0.75)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_says_the_length_and_where_arrows_are_cut() {
        let said = |rule: ArrowLength| {
            let of = |line: &Line| (line.arrow.map(f32::round), line.text.clone());
            lines(rule, 100.0, 1.0).iter().map(of).collect::<Vec<_>>()
        };
        let text = |text: &str| (None, text.to_owned());
        assert_eq!(
            said(ArrowLength::True),
            [
                (Some(100.0), "this long = 10".to_owned()),
                text("longer ones are cut there")
            ]
        );
        // ln(1 + 10 m) / ln(10001).
        assert_eq!(
            said(ArrowLength::Log),
            [
                (Some(26.0), "= 1".to_owned()),
                (Some(50.0), "= 10".to_owned()),
                (Some(75.0), "= 100".to_owned()),
                text("cut from 1\u{2009}000 on")
            ]
        );
        assert_eq!(
            said(ArrowLength::Unit),
            [text("all alike: directions only")]
        );
    }

    #[test]
    fn ticks_have_no_needless_digits() {
        assert_eq!(
            [0.02, 0.2, 2.0].map(error_number),
            ["0.02", "0.2", "2"].map(str::to_owned)
        );
    }
}
