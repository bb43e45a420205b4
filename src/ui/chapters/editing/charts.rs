//! The charts beneath the canvas, and the numbers beside them.

use egui::{Color32, Rect, Role, Sense, Ui, UiBuilder, WidgetInfo, vec2};
use egui_plot::{Bar, BarChart, GridMark, Line, LineStyle, Plot, PlotPoints, Points, VLine};

use super::findings::{BARS, Filled};
use super::runs::Job;
use super::{Edit, Editing};
use crate::chapters::shared::rows::each_line;
use crate::desk::Desk;
use crate::plots::{axis_style, log_marks, plot, round_marks, title};
use crate::theme::{Palette, text_font};
use crate::widgets::number::{fixed, grouped, short};
use crate::widgets::text;
use lab::message::Side;

/// Places at which a density is drawn.
const PLACES: u32 = 240;

impl Editing {
    /// The chart and the numbers in the place of `ui`.
    pub(super) fn charts(&self, ui: &mut Ui, desk: &Desk, twin: Option<&Self>) {
        let rect = ui.max_rect();
        let middle = rect.left() + 0.6 * rect.width();
        let mut pages = vec![(self, desk.color(desk.side()))];
        if let Some(twin) = twin.filter(|twin| twin.show.edit == self.show.edit) {
            pages.push((twin, desk.color(desk.side().other())));
        } else if self.exact(desk) {
            pages[0].1 = desk.palette().exact;
        }
        let left = rect.with_max_x(middle);
        match self.show.edit {
            Edit::Invert => Self::errors_ui(ui, left, desk, &pages),
            Edit::Join => self.join_ui(ui, left, desk),
            Edit::Cloud => self.cloud_ui(ui, left, desk, &pages),
            Edit::Fix => self.fix_ui(ui, left, desk, &pages),
        }
        let right = rect.with_min_x(middle).shrink2(vec2(16.0, 10.0));
        // A before B.
        if desk.side() == Side::B {
            pages.reverse();
        }
        let pages: Vec<&Self> = pages.into_iter().map(|(page, _)| page).collect();
        let builder = UiBuilder::new().max_rect(right).id_salt("edit readings");
        ui.scope_builder(builder, |ui| self.readings_ui(ui, desk, &pages));
    }

    fn readings_ui(&self, ui: &mut Ui, desk: &Desk, pages: &[&Self]) {
        let palette = desk.palette();
        let ink = palette.ink;
        let mut say = |name: &str, value: &dyn Fn(&Self) -> Option<f64>, tip: &str| {
            let text = |page: &&Self| value(page).map_or_else(|| "–".to_owned(), short);
            let values: Vec<String> = pages.iter().map(text).collect();
            each_line(ui, desk, name, &values, ink, tip);
        };
        let note = match self.show.edit {
            Edit::Invert => {
                let tip = "Mean distance of what comes back to where it began, both at t = 1: the error of the solver. Data units";
                say(
                    "there and back",
                    &|page| Some(page.findings.errors?[0]),
                    tip,
                );
                let tip = "The same after the landing on x̂_0, which no number of steps mends";
                say(
                    "after the landing",
                    &|page| Some(page.findings.errors?[1]),
                    tip,
                );
                let tip = "The longest latent, in standard deviations of the noise: of draws of it, one in 3000 is beyond 4";
                say("farthest latent, σ", &|page| page.findings.farthest, tip);
                "Points off the data have latents that no draw of noise would be."
            }
            Edit::Join => {
                let tip = "The share of the points of the curve that are as likely as 99 of 100 draws of the data: the rest crosses gaps";
                let curve = |page: &Self| Some(page.findings.between?[0]);
                say("share on the data", &curve, tip);
                let tip = "The same of the straight line in the data";
                let line = |page: &Self| Some(page.findings.between?[1]);
                say("of the straight line", &line, tip);
                "1 would be on the data all the way: gaps between parts are crossed fast."
            }
            Edit::Cloud => {
                let tip = "Mean distance of each point to where it was placed, data units: small is faithful";
                say("moved by", &|page| Some(page.findings.cloud?[0]), tip);
                let tip =
                    "How much less likely they are than data, on average, in nats: small is real";
                say(
                    "surprise of the cloud",
                    &|page| Some(page.findings.cloud?[1]),
                    tip,
                );
                "One gets better as the other gets worse: choose t between."
            }
            Edit::Fix => {
                let tip =
                    "1-Wasserstein distance of the samples to the exact conditional, data units";
                let often = |page: &Self| page.findings.filled.as_ref()?.distances[0];
                say("distance to the exact", &often, tip);
                let once = |page: &Self| page.findings.filled.as_ref()?.distances[1];
                say("with each step once", &once, tip);
                if self.show.region {
                    "A region is a projection: more steps do not bring it nearer."
                } else {
                    "1000 samples by chance alone lie about 0.03 away."
                }
            }
        };
        text::note(ui, note, palette);
    }

    fn errors_ui(ui: &mut Ui, rect: Rect, desk: &Desk, pages: &[(&Self, Color32)]) {
        let palette = desk.palette();
        named(ui, rect, "Error of there and back by steps");
        let words = "mean distance after there and back, by steps each way";
        title(ui, rect, words, palette);
        inside(ui, rect, |ui| {
            axis_style(ui, palette);
            over(palette, "edit errors")
                .x_grid_spacer(|_| {
                    let at = super::ERROR_STEPS.map(|steps| f64::from(steps).log10());
                    at.map(|value| GridMark {
                        value,
                        step_size: 1.0,
                    })
                    .to_vec()
                })
                .x_axis_formatter(|mark, _| grouped(10.0_f64.powf(mark.value).round()))
                .y_grid_spacer(|input| log_marks(input.bounds))
                .y_axis_formatter(|mark, _| short(10.0_f64.powf(mark.value)))
                .include_x(0.65)
                .include_x(2.25)
                .show(ui, |plot| {
                    for (page, color) in pages {
                        let found = page.runs.series.values().filter_map(|(wish, [error, _])| {
                            let at = [f64::from(wish.steps).log10(), error.log10()];
                            at[1].is_finite().then_some(at)
                        });
                        let found: Vec<[f64; 2]> = found.collect();
                        let dots = Points::new("errors", PlotPoints::from(found.clone()));
                        plot.points(dots.color(*color).radius(3.0).allow_hover(false));
                        let line = Line::new("errors", PlotPoints::from(found));
                        plot.line(line.color(*color).width(2.0).allow_hover(false));
                    }
                    let now = f64::from(pages[0].0.show.steps).log10();
                    plot.vline(VLine::new("steps", now).color(palette.weak).width(1.0));
                });
        });
    }

    /// Both coordinates along the curve: where it leaps, it crosses a gap.
    fn join_ui(&self, ui: &mut Ui, rect: Rect, desk: &Desk) {
        let palette = desk.palette();
        named(ui, rect, "Coordinates along the curve");
        let words = "x (full) and y (thin) along the curve; dashed: along the straight line";
        title(ui, rect, words, palette);
        let curve = self
            .runs
            .main
            .shown()
            .map(|result| super::runs::ends(result));
        let (Some(curve), Some([a, b])) = (curve, self.ends(desk)) else {
            return later(ui, rect, palette);
        };
        let last = curve.len().saturating_sub(1).max(1) as f64;
        inside(ui, rect, |ui| {
            axis_style(ui, palette);
            over(palette, "edit coordinates").show(ui, |plot| {
                for (axis, width) in [(0, 2.2), (1, 1.1)] {
                    let at = |(k, p): (usize, &[f32; 2])| [k as f64 / last, f64::from(p[axis])];
                    let points: Vec<[f64; 2]> = curve.iter().enumerate().map(at).collect();
                    let line = Line::new("curve", PlotPoints::from(points)).width(width);
                    plot.line(line.color(self.color(desk)).allow_hover(false));
                    let ends = vec![[0.0, f64::from(a[axis])], [1.0, f64::from(b[axis])]];
                    let line = Line::new("line", PlotPoints::from(ends)).width(width);
                    let line = line.style(LineStyle::dashed_dense());
                    plot.line(line.color(palette.truth).allow_hover(false));
                }
            });
        });
    }

    fn cloud_ui(&self, ui: &mut Ui, rect: Rect, desk: &Desk, pages: &[(&Self, Color32)]) {
        let palette = desk.palette();
        named(ui, rect, "Moved and surprise by t");
        let words = "moved by (full), and surprise in nats (dashed), each of its largest, by t/T";
        title(ui, rect, words, palette);
        inside(ui, rect, |ui| {
            axis_style(ui, palette);
            over(palette, "edit cloud")
                .include_x(0.0)
                .include_x(1.0)
                .include_y(0.0)
                .include_y(1.0)
                .show(ui, |plot| {
                    for (page, color) in pages {
                        for (which, style) in
                            [(0, LineStyle::Solid), (1, LineStyle::dashed_dense())]
                        {
                            let all = || page.runs.series.values();
                            let most = all().map(|(_, found)| found[which]);
                            let most = most.fold(f64::MIN_POSITIVE, f64::max);
                            let found = all().filter_map(|(wish, found)| match wish.job {
                                Job::FromCloud(tau, _) => Some([tau, found[which] / most]),
                                _ => None,
                            });
                            let points = PlotPoints::from(found.collect::<Vec<_>>());
                            let line = Line::new("by t", points).style(style).width(2.0);
                            plot.line(line.color(*color).allow_hover(false));
                        }
                    }
                    let now = VLine::new("t", self.show.tau).color(palette.weak);
                    plot.vline(now.width(1.0));
                });
        });
    }

    fn fix_ui(&self, ui: &mut Ui, rect: Rect, desk: &Desk, pages: &[(&Self, Color32)]) {
        let palette = desk.palette();
        let [free, held] = if self.show.axis == 0 {
            ["y", "x"]
        } else {
            ["x", "y"]
        };
        named(ui, rect, "Histogram of what is filled in");
        let wish = if self.show.region {
            "in the region"
        } else {
            "= c"
        };
        let times = grouped(f64::from(self.show.times));
        let words = format!(
            "{free}, bars: each step {times} times; thin: once; curve: exact p({free} | {held} {wish})"
        );
        title(ui, rect, &words, palette);
        let Some(filled) = &self.findings.filled else {
            return later(ui, rect, palette);
        };
        inside(ui, rect, |ui| {
            axis_style(ui, palette);
            over(palette, "edit histogram")
                .include_y(0.0)
                .show(ui, |plot| {
                    for (page, color) in pages {
                        let Some(filled) = &page.findings.filled else {
                            continue;
                        };
                        if let Some(bars) = &filled.bars[0] {
                            let bars = steps(filled, bars).map(|[from, to, height]| {
                                let bar = Bar::new(0.5 * (from + to), height).width(to - from);
                                let fill = color.gamma_multiply(0.5);
                                bar.fill(fill).stroke(egui::Stroke::NONE)
                            });
                            let bars = BarChart::new("often", bars.collect());
                            plot.bar_chart(bars.allow_hover(false));
                        }
                        if let Some(bars) = &filled.bars[1] {
                            let tops = steps(filled, bars)
                                .map(|[from, to, height]| [0.5 * (from + to), height]);
                            let tops = PlotPoints::from(tops.collect::<Vec<_>>());
                            let line = Line::new("once", tops).color(palette.weak);
                            plot.line(line.width(1.0).allow_hover(false));
                        }
                    }
                    let [low, high] = filled.range;
                    let at = |k: u32| low + (high - low) * f64::from(k) / f64::from(PLACES);
                    let curve = (0..=PLACES).map(|k| [at(k), filled.law.density(at(k))]);
                    let curve = PlotPoints::from(curve.collect::<Vec<_>>());
                    let line = Line::new("exact", curve).color(palette.exact).width(2.0);
                    plot.line(line.allow_hover(false));
                });
        });
    }
}

/// Of each bar where it begins and ends, and its height.
fn steps<'a>(filled: &Filled, bars: &'a [f64]) -> impl Iterator<Item = [f64; 3]> + use<'a> {
    let [low, high] = filled.range;
    let width = (high - low) / BARS as f64;
    let bars = bars.iter().enumerate();
    bars.map(move |(k, height)| {
        let from = low + k as f64 * width;
        [from, from + width, *height]
    })
}

/// A plot with round marks on both axes.
fn over<'a>(palette: &Palette, name: &str) -> Plot<'a> {
    plot(name, palette)
        .x_grid_spacer(|input| round_marks(input.bounds, 6.0))
        .y_grid_spacer(|input| round_marks(input.bounds, 4.0))
        .x_axis_formatter(|mark, _| fixed(mark.value, 1))
        .y_axis_formatter(|mark, _| fixed(mark.value, 1))
        .label_formatter(|_| None)
}

/// What screen readers call a chart.
fn named(ui: &Ui, rect: Rect, name: &'static str) {
    let response = ui.interact(rect, ui.make_persistent_id(name), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
}

/// A child for a plot beneath its title.
fn inside(ui: &mut Ui, rect: Rect, content: impl FnOnce(&mut Ui)) {
    let inner = Rect::from_min_max(rect.min + vec2(8.0, 24.0), rect.max - vec2(12.0, 4.0));
    let builder = UiBuilder::new().max_rect(inner).id_salt("edit chart");
    ui.scope_builder(builder, content);
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
