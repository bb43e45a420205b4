//! The three curves of two schedules, and the rings that one's own is drawn by.

use super::{CURVE, LOWEST_BETA, Middle, Numbers, Schedules, Way, beta_text, colors};
use crate::desk::Desk;
use crate::equations;
use crate::theme::text_font;
use crate::widgets::chart::{Chart, Curve, Placement, chart_ui, times};
use crate::widgets::hand;
use crate::widgets::number::fixed;
use crate::widgets::tip::Tip as _;
use egui::{Align2, Color32, CursorIcon, Rect, Sense, Ui, WidgetInfo, vec2};
use maths::diffusion::log_snr::LIMIT;
use maths::diffusion::schedule::Schedule;

impl Schedules {
    pub(super) fn alpha_bar_ui(&self, ui: &mut Ui, rect: Rect, desk: &mut Desk) {
        let palette = desk.palette();
        let value = |way: Way, tau| way.schedule.alpha_bar(tau, way.timesteps);
        let curves = self.curves(desk, value, |n| n.alpha_bar, |v| fixed(v, 3));
        let marks = [(0.0, "0.0"), (0.5, "0.5"), (1.0, "1.0")];
        let chart = Chart {
            name: "ᾱ against t",
            title: "ᾱ, signal variance",
            range: [0.0, 1.02],
            marks: &marks,
        };
        chart_ui(ui, rect, &chart, &curves, &mut desk.here.clock, palette);
    }

    /// The noise of each step, or the drift and the diffusion of the SDE, on a logarithmic axis.
    pub(super) fn middle_ui(&self, ui: &mut Ui, rect: Rect, desk: &mut Desk) {
        let palette = desk.palette();
        let what = self.show.middle;
        // Below the axis a curve is broken off.
        let shown = |value: f64| {
            Some(value.max(0.0).log10())
                .filter(|log| *log >= LOWEST_BETA && log.is_finite())
                .unwrap_or(f64::NAN)
        };
        let curves: Vec<_> = std::iter::zip(self.ways(desk), colors(desk))
            .map(|(way, color)| {
                let timesteps = way.timesteps;
                // It belongs to whole timesteps: all of them, or every few.
                let stride = timesteps.div_ceil(CURVE as u32).max(1);
                let at = |t: u32| {
                    [
                        f64::from(t) / f64::from(timesteps),
                        shown(way.of_step(what, t)),
                    ]
                };
                let middle = (1..timesteps).step_by(stride as usize).map(at);
                let now = way.of_step(what, way.step());
                let points = middle.chain([at(timesteps)]).collect();
                Curve {
                    color,
                    points,
                    now: Some((shown(now), beta_text(now))),
                }
            })
            .collect();
        let marks = [(-4.0, "1e−4"), (-2.0, "0.01"), (0.0, "1"), (2.0, "100")];
        let values = || curves.iter().flat_map(|curve| &curve.points).map(|p| p[1]);
        let (name, title) = match what {
            Middle::Step => {
                let title = equations::step_title(self.ways(desk).map(|way| way.schedule));
                ("Noise of one step against t", title)
            }
            Middle::Drift => ("Drift against t", "−f of dx = f x dt + g dw, log"),
            Middle::Diffusion => ("Diffusion against t", "g² of dx = f x dt + g dw, log"),
        };
        // Where variance explodes a step can add more than 1.
        let most = values().fold(0.0, f64::max);
        let least = match what {
            Middle::Step => LOWEST_BETA,
            _ => values().fold(0.0, f64::min) - 0.2,
        };
        let within = |(value, _): &&(f64, &str)| (least..=most.max(1e-9)).contains(value);
        let marks: Vec<_> = marks.iter().filter(within).copied().collect();
        let chart = Chart {
            name,
            title,
            range: [least, most + 0.2],
            marks: &marks,
        };
        chart_ui(ui, rect, &chart, &curves, &mut desk.here.clock, palette);
        if values().all(f64::is_nan) {
            let words = "f is 0: the mean never shrinks";
            let font = text_font(13.0);
            ui.painter().text(
                rect.center(),
                Align2::CENTER_CENTER,
                words,
                font,
                palette.faint,
            );
        }
    }

    pub(super) fn log_snr_ui(&self, ui: &mut Ui, rect: Rect, desk: &mut Desk) {
        let palette = desk.palette();
        let value = |way: Way, tau: f64| way.scales(tau).snr().ln();
        let curves = self.curves(desk, value, |n| n.log_snr, |v| fixed(v, 2));
        let marks = [(-10.0, "−10"), (0.0, "0"), (10.0, "10")];
        let range = [-LIMIT - 0.6, LIMIT + 0.6];
        let chart = Chart {
            name: "log SNR against t",
            title: "log SNR",
            range,
            marks: &marks,
        };
        let place = chart_ui(ui, rect, &chart, &curves, &mut desk.here.clock, palette);
        let custom = |schedule: Schedule| matches!(schedule, Schedule::Custom(_));
        // Of two experiments the one whose settings are on show is drawn.
        let drawn = if desk.is_split() {
            custom(desk.here.draft.schedule).then(|| desk.side().index())
        } else {
            self.show
                .sides
                .iter()
                .position(|&schedule| custom(schedule))
        };
        if let Some(side) = drawn {
            let tip = "drag the rings";
            let at = rect.right_top() + vec2(-12.0, 8.0);
            let color = colors(desk)[side];
            ui.painter()
                .text(at, Align2::RIGHT_TOP, tip, text_font(11.0), color);
            handles_ui(ui, place, color, desk);
        }
    }

    pub(super) fn curves(
        &self,
        desk: &Desk,
        value: impl Fn(Way, f64) -> f64,
        now: impl Fn(&Numbers) -> f64,
        text: impl Fn(f64) -> String,
    ) -> Vec<Curve> {
        std::iter::zip(self.ways(desk), colors(desk))
            .map(|(way, color)| {
                let present = now(&way.numbers());
                let points = times(CURVE).map(|tau| [tau, value(way, tau)]).collect();
                Curve {
                    color,
                    points,
                    now: Some((present, text(present))),
                }
            })
            .collect()
    }
}

/// The rings of one's own schedule, dragged up and down, or moved by the arrow keys.
pub(super) fn handles_ui(ui: &mut Ui, place: Placement, color: Color32, desk: &mut Desk) {
    let palette = desk.palette();
    let mut own = desk.here.own_schedule;
    let spacing = place.to_screen(own.tau(1), 0.0).x - place.to_screen(0.0, 0.0).x;
    for index in 0..own.handles().len() {
        let value = own.handles()[index];
        let at = place.to_screen(own.tau(index), value);
        // No grip reaches into the next one's.
        let grip = Rect::from_center_size(at, vec2(spacing.min(24.0), 24.0));
        // Nothing to click: it is dragged from the first point of the way on.
        let response = ui.interact(
            grip,
            ui.make_persistent_id(("handle", index)),
            Sense::drag(),
        );
        let name = format!("Handle {} of log SNR", index + 1);
        response.widget_info(|| WidgetInfo::slider(true, value, &name));
        let mut wanted = hand::pulled_to(&response).map(|pointer| place.value_at(pointer.y));
        if response.has_focus() {
            let steps = ui.input(|i| {
                i.num_presses(egui::Key::ArrowUp) as f64
                    - i.num_presses(egui::Key::ArrowDown) as f64
            });
            if steps != 0.0 {
                wanted = Some(value + 0.25 * steps);
            }
        }
        if let Some(wanted) = wanted {
            // Hundredths: a schedule that one can say, and write on a command line.
            own = own.moved(index, (wanted * 100.0).round() / 100.0);
        }
        let active = response.hovered() || response.dragged() || response.has_focus();
        if active {
            ui.ctx().set_cursor_icon(CursorIcon::ResizeVertical);
        }
        let radius = (0.5 * spacing).min(if active { 7.5 } else { 6.0 });
        ui.painter()
            .circle(at, radius, palette.canvas, (2.5, color));
        response.tip(format!(
            "{name}: {}. Each stays below the one before",
            fixed(value, 2)
        ));
    }
    if own != desk.here.own_schedule {
        desk.draw_schedule(own);
    }
}
