//! The charts: the bound's terms along t, what the loss weighs up and down, and how the bound comes down with more steps.

use egui::{Color32, Rect, Role, Sense, Stroke, Ui, UiBuilder, WidgetInfo, vec2};
use egui_plot::{Bar, BarChart, GridMark, HLine, Line, LineStyle, Plot, PlotPoints, Points, VLine};

use super::derivation::Part;
use super::{Beside, Elbo};
use crate::desk::Desk;
use crate::plots::{axis_style, plot, round_marks, title};
use crate::theme::{Palette, text_font};
use crate::widgets::number::{fixed, grouped};
use maths::measure::elbo::{Bound, Chain, StepVariance};

/// Bars over the logarithm of t between t = 1 and T.
const BARS: f64 = 22.0;

/// The last t of each bar, ascending: 1, then evenly over log t.
fn ends(timesteps: u32) -> Vec<u32> {
    let span = f64::from(timesteps.max(2)).ln();
    let mut ends: Vec<u32> = (0..=BARS as u32)
        .map(|i| (span * f64::from(i) / BARS).exp().round() as u32)
        .collect();
    ends.dedup();
    ends
}

/// A bar: its part, where it stands on the axis of log10 t, and its height in nats.
struct Heap {
    part: Part,
    from: f64,
    to: f64,
    nats: f64,
}

/// The terms of a bound, heaped: L_0 at t = 1, sums of L_{t−1}, and L_T after the last. Heights add up to the bound.
fn heaps(bound: &Bound) -> Vec<Heap> {
    let timesteps = bound.terms.len() as u32;
    let edge = |t: u32| (f64::from(t) + 0.5).log10();
    let mut first = 1;
    let mut heaps: Vec<Heap> = ends(timesteps)
        .into_iter()
        .map(|last| {
            let terms = bound
                .terms
                .get(first as usize - 1..last as usize)
                .unwrap_or_default();
            let heap = Heap {
                part: if first == 1 {
                    Part::Reconstruction
                } else {
                    Part::Denoising
                },
                from: if first == 1 { -0.15 } else { edge(first - 1) },
                to: edge(last),
                nats: terms.iter().map(|term| term.value).sum(),
            };
            first = last + 1;
            heap
        })
        .collect();
    let end = edge(timesteps);
    heaps.push(Heap {
        part: Part::Prior,
        from: end,
        to: end + 0.2,
        nats: bound.prior.value,
    });
    heaps
}

/// Marks at the powers of ten.
fn decades((low, high): (f64, f64)) -> Vec<GridMark> {
    let marks = low.ceil() as i32..=high.floor() as i32;
    let mark = |power: i32| GridMark {
        value: f64::from(power),
        step_size: high - low,
    };
    marks.map(mark).collect()
}

/// A plot over log10 of a count.
fn over_log<'a>(name: &str, palette: &Palette) -> Plot<'a> {
    plot(name, palette)
        .x_grid_spacer(|input| decades(input.bounds))
        .y_grid_spacer(|input| round_marks(input.bounds, 4.0))
        .x_axis_formatter(|mark, _| {
            if mark.value < -0.01 {
                String::new()
            } else {
                grouped(10.0_f64.powf(mark.value).round())
            }
        })
        .y_axis_formatter(|mark, range| {
            let decimals = match range.end() - range.start() {
                span if span < 0.3 => 2,
                span if span < 2.0 => 1,
                _ => 0,
            };
            fixed(mark.value, decimals)
        })
        .label_formatter(|_| None)
}

/// A bound and how it is drawn.
struct Shown<'a> {
    name: &'static str,
    bound: &'a Bound,
    color: Color32,
    /// As bars, not as their outline.
    filled: bool,
}

impl Elbo {
    /// The charts in the place of `ui`.
    pub(super) fn charts(&mut self, ui: &mut Ui, desk: &Desk, twin: Option<&Self>) {
        let rect = ui.max_rect();
        let middle = rect.left() + 0.56 * rect.width();
        self.terms_ui(ui, rect.with_max_x(middle), desk, twin);
        let right = rect.with_min_x(middle);
        match self.show.beside {
            Beside::Weights => self.weights_ui(ui, right, desk),
            Beside::Steps => self.steps_ui(ui, right, desk),
        }
    }

    /// How strongly a part is drawn: the others fade while a line of the derivation is pointed at.
    fn strength(&self, part: Part) -> f32 {
        match self.lit {
            Some(parts) if !parts.contains(&part) => 0.22,
            _ => 1.0,
        }
    }

    fn terms_ui(&self, ui: &mut Ui, rect: Rect, desk: &Desk, twin: Option<&Self>) {
        let palette = desk.palette();
        let choice = self.show.variance;
        named(ui, rect, "Terms of the bound along t");
        let text = format!(
            "nats of the bound, by t; lines: summed from t = 1; {}",
            choice.words().short
        );
        title(ui, rect, &text, palette);
        let truth = self.measured.truth();
        let [own, other] = [Some(self), twin].map(|page| page.and_then(|p| p.measured.learned()));
        let mut shown = Vec::new();
        let split = desk.is_split();
        if let Some(bound) = own.as_ref().and_then(|own| own.by(choice)) {
            let color = desk.color(desk.side());
            shown.push(Shown {
                name: "learned",
                bound,
                color,
                filled: true,
            });
        }
        if let Some(bound) = other
            .as_ref()
            .and_then(|other| other.by(choice))
            .filter(|_| split)
        {
            let color = desk.color(desk.side().other());
            shown.push(Shown {
                name: "learned, other",
                bound,
                color,
                filled: false,
            });
        }
        if let Some(bound) = truth.as_ref().and_then(|truth| truth.bounds.by(choice)) {
            let color = palette.exact;
            shown.push(Shown {
                name: "exact",
                bound,
                color,
                filled: shown.is_empty(),
            });
        }
        let entropy = truth.as_ref().map(|truth| truth.entropy.nats);
        let timesteps = desk.here.snapshot.experiment.timesteps;
        let now = Self::t(desk);
        inside(ui, rect, |ui| {
            axis_style(ui, palette);
            over_log("terms", palette).show(ui, |plot| {
                for Shown {
                    name,
                    bound,
                    color,
                    filled,
                } in &shown
                {
                    let heaps = heaps(bound);
                    if *filled {
                        let bar = |heap: &Heap| {
                            Bar::new(0.5 * (heap.from + heap.to), heap.nats)
                                .width(0.9 * (heap.to - heap.from))
                                .fill(color.gamma_multiply(0.6 * self.strength(heap.part)))
                                .stroke(Stroke::NONE)
                        };
                        let bars = heaps.iter().map(bar).collect();
                        plot.bar_chart(BarChart::new(*name, bars).allow_hover(false));
                    } else {
                        for heap in &heaps {
                            let ink = color.gamma_multiply(self.strength(heap.part));
                            let at = [[heap.from, heap.nats], [heap.to, heap.nats]];
                            let line = Line::new(*name, PlotPoints::from(at.to_vec()));
                            plot.line(line.color(ink).width(2.0).allow_hover(false));
                        }
                    }
                    let sums = heaps.iter().scan(0.0, |sum, heap| {
                        *sum += heap.nats;
                        Some([heap.to, *sum])
                    });
                    let line = Line::new(*name, PlotPoints::from(sums.collect::<Vec<_>>()));
                    plot.line(line.color(*color).width(1.4).allow_hover(false));
                }
                if let Some(entropy) = entropy {
                    plot.hline(entropy_line(entropy, palette));
                    entropy_name(
                        plot,
                        [(f64::from(timesteps)).log10() + 0.2, entropy],
                        egui::Align2::RIGHT_TOP,
                        palette,
                    );
                }
                let clock = VLine::new("clock", f64::from(now).log10());
                plot.vline(clock.color(palette.ink).width(1.0));
            });
        });
        if shown.is_empty() {
            later(ui, rect, palette);
        }
    }

    fn weights_ui(&self, ui: &mut Ui, rect: Rect, desk: &Desk) {
        let palette = desk.palette();
        let experiment = &desk.here.snapshot.experiment;
        named(ui, rect, "Weight of the loss against the bound");
        title(
            ui,
            rect,
            "weight in the loss / weight in the bound, by t",
            palette,
        );
        let truth = self.measured.truth();
        let Some(bound) = truth.as_ref().and_then(|t| t.bounds.by(self.show.variance)) else {
            return later(ui, rect, palette);
        };
        let chain = Chain::new(experiment.schedule, experiment.timesteps);
        let ratios = chain.weighed_up(experiment.target, &bound.sigma_squared);
        let points = (1_u32..).zip(&ratios).filter(|(_, ratio)| **ratio > 0.0);
        let points: Vec<[f64; 2]> = points
            .map(|(t, ratio)| [f64::from(t).log10(), ratio.log10()])
            .collect();
        let now = Self::t(desk);
        inside(ui, rect, |ui| {
            axis_style(ui, palette);
            over_log("weights", palette)
                .y_grid_spacer(|input| decades(input.bounds))
                .y_axis_formatter(|mark, _| {
                    let decimals = (-mark.value).max(0.0).round() as usize;
                    format!("× {}", fixed(10.0_f64.powf(mark.value), decimals))
                })
                .include_x(-0.08)
                .include_x(f64::from(experiment.timesteps).log10() + 0.14)
                .include_y(-1.0)
                .include_y(1.0)
                .show(ui, |plot| {
                    plot.hline(
                        HLine::new("as the bound", 0.0)
                            .color(palette.weak)
                            .width(1.0),
                    );
                    let line = Line::new("ratio", PlotPoints::from(points));
                    plot.line(
                        line.color(desk.color(desk.side()))
                            .width(2.0)
                            .allow_hover(false),
                    );
                    let clock = VLine::new("clock", f64::from(now).log10());
                    plot.vline(clock.color(palette.ink).width(1.0));
                });
        });
    }

    fn steps_ui(&self, ui: &mut Ui, rect: Rect, desk: &Desk) {
        let palette = desk.palette();
        named(ui, rect, "Bound by the number of steps");
        title(
            ui,
            rect,
            "exact bound in nats, by T; thin: other variances",
            palette,
        );
        let (Some(by_steps), Some(truth)) = (self.measured.by_steps(), self.measured.truth())
        else {
            return later(ui, rect, palette);
        };
        let entropy = truth.entropy.nats;
        let timesteps = desk.here.snapshot.experiment.timesteps;
        let learned = self.measured.learned();
        let learned = learned
            .as_ref()
            .and_then(|bounds| bounds.by(self.show.variance));
        inside(ui, rect, |ui| {
            axis_style(ui, palette);
            over_log("steps", palette)
                .include_x(0.9)
                .include_x(3.15)
                .show(ui, |plot| {
                    for (index, choice) in StepVariance::ALL.into_iter().enumerate() {
                        let at = by_steps.iter().filter_map(|(steps, above)| {
                            let above = above.get(index)?.as_ref()?.value;
                            Some([f64::from(*steps).log10(), entropy + above])
                        });
                        let at: Vec<[f64; 2]> = at.collect();
                        let chosen = choice == self.show.variance;
                        let (width, ink) = if chosen {
                            (2.2, palette.exact)
                        } else {
                            (1.0, palette.exact.gamma_multiply(0.45))
                        };
                        if chosen {
                            let dots = Points::new("exact", PlotPoints::from(at.clone()));
                            plot.points(dots.color(ink).radius(3.0).allow_hover(false));
                        }
                        let line = Line::new(choice.words().name, PlotPoints::from(at));
                        plot.line(line.color(ink).width(width).allow_hover(false));
                    }
                    plot.hline(entropy_line(entropy, palette));
                    entropy_name(plot, [1.0, entropy], egui::Align2::LEFT_BOTTOM, palette);
                    if let Some(bound) = learned {
                        let at = [
                            f64::from(timesteps).log10(),
                            entropy + bound.above_entropy.value,
                        ];
                        let dot = Points::new("learned", PlotPoints::from(vec![at]));
                        plot.points(
                            dot.color(desk.color(desk.side()))
                                .radius(5.0)
                                .allow_hover(false),
                        );
                    }
                });
        });
    }
}

fn entropy_line(entropy: f64, palette: &Palette) -> HLine {
    HLine::new("entropy", entropy)
        .color(palette.data)
        .width(1.4)
        .style(LineStyle::dashed_loose())
}

fn entropy_name(
    plot: &mut egui_plot::PlotUi<'_>,
    at: [f64; 2],
    align: egui::Align2,
    palette: &Palette,
) {
    let words = egui::RichText::new("entropy ")
        .font(text_font(11.0))
        .color(palette.data);
    let text = egui_plot::Text::new("entropy", at.into(), words);
    plot.text(text.anchor(align));
}

/// What screen readers call a chart.
fn named(ui: &Ui, rect: Rect, name: &'static str) {
    let response = ui.interact(rect, ui.make_persistent_id(name), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
}

/// A child for a plot beneath its title.
fn inside(ui: &mut Ui, rect: Rect, content: impl FnOnce(&mut Ui)) {
    let inner = Rect::from_min_max(rect.min + vec2(8.0, 24.0), rect.max - vec2(12.0, 4.0));
    ui.scope_builder(
        UiBuilder::new().max_rect(inner).id_salt(rect.left() as i32),
        content,
    );
}

fn later(ui: &Ui, rect: Rect, palette: &Palette) {
    ui.painter().text(
        rect.center(),
        egui::Align2::CENTER_CENTER,
        "being measured",
        text_font(13.0),
        palette.faint,
    );
}
