//! Curves over t/T with the clock marked along all of them: dragging in a chart moves the clock.

use egui::{
    Align2, Color32, CursorIcon, Pos2, Rect, Role, Sense, Stroke, Ui, WidgetInfo, pos2, vec2,
};

use crate::clock::Clock;
use crate::theme::{Palette, SMALL, strong_font, text_font};
use crate::widgets::maths;

/// A frame for curves.
pub struct Chart<'a> {
    /// Name for screen readers.
    pub name: &'a str,
    /// What is drawn upwards.
    pub title: &'a str,
    /// Lowest and highest value.
    pub range: [f64; 2],
    /// Values marked along the left edge, and their texts.
    pub marks: &'a [(f64, &'a str)],
}

/// A curve, and its value at the clock.
pub struct Curve {
    /// Its colour.
    pub color: Color32,
    /// (t/T, value), t/T rising. Values that are not finite break it.
    pub points: Vec<[f64; 2]>,
    /// The value at the clock and its text; `None` for a curve that is only a reference, which is drawn thin.
    pub now: Option<(f64, String)>,
}

/// Where the values of a chart lie on the screen.
#[derive(Clone, Copy, Debug)]
pub struct Placement {
    frame: Rect,
    range: [f64; 2],
}

impl Placement {
    /// The place of a value, held within the frame.
    pub fn to_screen(self, tau: f64, value: f64) -> Pos2 {
        let [low, high] = self.range;
        let share = ((value - low) / (high - low)).clamp(0.0, 1.0) as f32;
        pos2(
            self.frame.left() + self.frame.width() * tau as f32,
            self.frame.bottom() - self.frame.height() * share,
        )
    }

    /// The value at a height of the screen.
    pub fn value_at(self, y: f32) -> f64 {
        let [low, high] = self.range;
        low + (high - low) * f64::from((self.frame.bottom() - y) / self.frame.height())
    }

    /// t/T at a place of the screen, in thousandths.
    fn tau_at(self, x: f32) -> f64 {
        let share = f64::from((x - self.frame.left()) / self.frame.width()).clamp(0.0, 1.0);
        (share * 1000.0).round() / 1000.0
    }
}

/// Times at which to draw a curve: closer at both ends, where schedules are steep.
pub fn times(count: usize) -> impl Iterator<Item = f64> {
    (0..=count).map(move |i| {
        let u = i as f64 / count as f64;
        u * u * (3.0 - 2.0 * u)
    })
}

/// Draw a chart in a place of the window.
pub fn chart_ui(
    ui: &mut Ui,
    rect: Rect,
    chart: &Chart,
    curves: &[Curve],
    clock: &mut Clock,
    palette: &Palette,
) -> Placement {
    let frame = Rect::from_min_max(rect.min + vec2(42.0, 28.0), rect.max - vec2(12.0, 22.0));
    let place = Placement {
        frame,
        range: chart.range,
    };
    let response = ui.interact(
        frame,
        ui.make_persistent_id(chart.name),
        Sense::click_and_drag(),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, chart.name));
    if let Some(pointer) = response.interact_pointer_pos() {
        clock.set(place.tau_at(pointer.x));
    }
    if response.hovered() || response.dragged() {
        ui.ctx().set_cursor_icon(CursorIcon::ResizeHorizontal);
    }
    let painter = ui.painter_at(rect);
    // A title wider than its chart is made smaller rather than cut.
    let title = |size| {
        let job = maths::job(&painter, chart.title, &text_font(size), palette.weak);
        painter.layout_job(job)
    };
    let wide = title(SMALL).size().x;
    let size = SMALL * ((rect.right() - 4.0 - frame.left()) / wide.max(1.0)).min(1.0);
    let corner = pos2(frame.left(), rect.top() + 8.0);
    painter.galley(corner, title(size), palette.weak);
    for (value, text) in chart.marks {
        let at = place.to_screen(0.0, *value);
        painter.hline(frame.x_range(), at.y, (1.0, palette.grid));
        painter.text(
            at - vec2(6.0, 0.0),
            Align2::RIGHT_CENTER,
            text,
            text_font(SMALL),
            palette.faint,
        );
    }
    painter.rect_stroke(frame, 0.0, (1.0, palette.line), egui::StrokeKind::Inside);
    for (tau, align, text) in [
        (0.0, Align2::LEFT_TOP, "0"),
        (0.5, Align2::CENTER_TOP, "0.5"),
        (1.0, Align2::RIGHT_TOP, "t / T = 1"),
    ] {
        let at = pos2(place.to_screen(tau, 0.0).x, frame.bottom() + 4.0);
        painter.text(at, align, text, text_font(SMALL), palette.faint);
    }
    let now = place.to_screen(clock.tau, 0.0).x;
    painter.vline(
        now,
        frame.y_range(),
        (2.0, palette.faint.gamma_multiply(0.7)),
    );
    for curve in curves {
        let width = if curve.now.is_some() { 2.0 } else { 1.0 };
        for run in curve.points.split(|[_, value]| !value.is_finite()) {
            let line = run
                .iter()
                .map(|&[tau, value]| place.to_screen(tau, value))
                .collect();
            painter.line(line, Stroke::new(width, curve.color));
        }
    }
    // The texts stand beside the marker, towards the middle, the higher value above the lower one.
    let mut values: Vec<_> = curves
        .iter()
        .filter_map(|c| c.now.as_ref().map(|(value, text)| (*value, text, c.color)))
        .collect();
    values.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (side, align) = if clock.tau > 0.7 {
        (-9.0, Align2::RIGHT_CENTER)
    } else {
        (9.0, Align2::LEFT_CENTER)
    };
    let mut lowest = f32::NEG_INFINITY;
    for (rank, (value, text, color)) in values.iter().enumerate() {
        if !value.is_finite() {
            continue;
        }
        let at = place.to_screen(clock.tau, *value);
        painter.circle(at, 4.5, *color, (1.5, palette.canvas));
        let shift = if rank == 0 && values.len() > 1 {
            -10.0
        } else {
            10.0
        };
        let y = (at.y + shift)
            .clamp(frame.top() + 8.0, frame.bottom() - 8.0)
            .max(lowest + 15.0);
        lowest = y;
        let galley = painter.layout_no_wrap((*text).clone(), strong_font(13.0), *color);
        let place = align.anchor_size(pos2(at.x + side, y), galley.size());
        painter.rect_filled(
            place.expand2(vec2(2.0, 0.0)),
            3.0,
            palette.canvas.gamma_multiply(0.8),
        );
        painter.galley(place.min, galley, *color);
    }
    place
}
