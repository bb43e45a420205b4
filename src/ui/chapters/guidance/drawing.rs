//! What the canvas and the charts show.

use egui::{Color32, Painter, Pos2, Rect, Shape, Ui, vec2};

use super::numbers::Vectors;
use super::weights::Found;
use super::{Behind, Grip, Guidance};
use crate::canvas::device::Dots;
use crate::canvas::motion::{Motion, MotionStyle, Projection};
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene, View};
use crate::chapters::Page;
use crate::chapters::shared::arrow::arrow;
use crate::chapters::shared::chain::frame_at;
use crate::desk::Desk;
use crate::plots::accuracy::accuracy_ui;
use crate::plots::weights::{Chart, OverWeights, Upwards, weights_ui};
use crate::theme::Palette;
use crate::truths;
use crate::widgets::number::fixed;
use engine::GuideKind;
use lab::message::Side;

/// How far the weight may go.
pub(super) const WEIGHTS: std::ops::RangeInclusive<f64> = engine::Guidance::WEIGHTS;
/// Weights that are marked along the line through both estimates.
const MARKED: i32 = 10;
/// Points of the screen about the tip of the guided arrow within which the hand takes it.
const GRIP: f32 = 10.0;

/// How a weight is written.
pub(super) fn weight_text(weight: f64) -> String {
    fixed(weight, 1)
}

impl Guidance {
    /// The name of the class.
    pub(super) fn class_name<'a>(&self, desk: &'a Desk) -> &'a str {
        let name = super::classes(desk).get(self.label(desk) as usize);
        name.map_or("", String::as_str)
    }

    /// What samples are held against.
    pub(super) fn judged_against(&self, desk: &Desk) -> &'static str {
        match self.asked_class(desk) {
            Some(_) => "the class",
            None => "all data",
        }
    }

    /// The colour of what is guided.
    fn color(&self, desk: &Desk) -> Color32 {
        let palette = desk.palette();
        if self.exact(desk) && !desk.one_canvas {
            palette.exact
        } else {
            palette.learned
        }
    }

    /// The canvas.
    pub(super) fn draw(&self, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let mut scene = Scene {
            outline: desk.here.snapshot.dataset.outline.clone(),
            ..Scene::default()
        };
        let Some(result) = self.chain.shown_as_asked() else {
            return scene;
        };
        // Two sides may have two classes and two weights.
        if let Some((_, field)) = &self.behind {
            let layer = Layer::Density {
                field: field.clone(),
                color: palette.glow,
            };
            scene.push(Role::Exact, layer);
        }
        let tau = desk.here.clock.tau;
        let color = self.color(desk);
        let strength = 0.8 * desk.here.strength_of(result);
        let drawn = MotionStyle::Frame {
            at: frame_at(result, tau),
            dots: Dots {
                color: color.gamma_multiply(strength),
                radius: 1.6,
            },
            origin: None,
        };
        let motion = Motion::of("guided", result, Projection::PLANE, tau, drawn);
        let role = if result.request.exact {
            Role::Other
        } else {
            Role::Learned
        };
        scene.push(role, Layer::Motion(motion));
        let of = desk.here.update_of(result);
        let weight = weight_text(self.lead.weight);
        let by = if result.request.exact {
            "exact, guided"
        } else {
            "learned, guided"
        };
        let name = format!("{by} by w = {weight}{of}");
        scene.name(role, Mark::Dot, color, name);
        if self.behind.is_some() {
            let class = self.class_name(desk);
            let tilted = self.show.behind == Behind::Tilted && self.lead.kind != GuideKind::Model;
            let led = self.led(desk, self.lead.weight, self.lead.log_snr());
            let counts = led.map_or(self.lead.weight, |led| led.weight_at(desk.here.scales()));
            let name = if tilted {
                format!("p(x) p({class} | x)^{}", weight_text(counts))
            } else {
                format!("density of {class}")
            };
            scene.name(Role::Exact, Mark::Area, palette.glow.to_opaque(), name);
        }
        scene.name(Role::Other, Mark::Dashes, palette.outline, "data");
        let mean = if result.request.exact {
            truths::exact(desk, "x̂₀")
        } else {
            "learned x̂₀".to_owned()
        };
        let [from, to] = self.names(desk);
        scene.name(role, Mark::Arrow, palette.weak, format!("{mean} {from}"));
        scene.name(role, Mark::Arrow, palette.truth, to);
        scene.name(role, Mark::Arrow, color, "guided");
        scene
    }

    /// The vectors at the point, over a canvas.
    pub(super) fn vectors_ui(&self, ui: &Ui, view: &View, desk: &Desk) {
        if self.refusal(view.index, desk).is_some() {
            return;
        }
        let palette = desk.palette();
        let painter = ui.painter_at(view.rect.intersect(ui.clip_rect()));
        let here = place(view, self.hand.at());
        if let Some(vectors) = self.vectors(desk) {
            paint_sum(&painter, view, &vectors, self.color(desk), palette);
        }
        painter.circle(here, 4.5, palette.ink, (1.5, palette.canvas));
    }

    /// What the hand takes at a place of the screen.
    pub(super) fn grip_at(&self, view: &View, at: Pos2, desk: &Desk) -> Grip {
        let tip = self.vectors(desk).map(|v| place(view, v.guided()));
        if tip.is_some_and(|tip| tip.distance(at) <= GRIP) {
            Grip::Weight
        } else {
            Grip::Point
        }
    }

    /// The weight whose tip lies nearest to a place of the screen, in tenths.
    pub(super) fn pull_weight(&mut self, view: &View, at: Pos2, desk: &Desk) {
        let Some(vectors) = self.vectors(desk) else {
            return;
        };
        let [none, one] = [0.0, 1.0].map(|weight| place(view, vectors.along(weight)));
        let unit = one - none;
        // Where both estimates are one, the hand has no line to pull along.
        if unit.length() < 1.0 {
            return;
        }
        let weight = f64::from((at - none).dot(unit) / unit.length_sq());
        let weight = weight.clamp(*WEIGHTS.start(), *WEIGHTS.end());
        self.lead.weight = (10.0 * weight).round() / 10.0;
    }

    /// What each weight does, of this side and of the other where it shows the chapter too.
    pub(super) fn weight_charts_ui(
        &self,
        ui: &mut Ui,
        rect: Rect,
        desk: &Desk,
        twin: Option<&Self>,
    ) {
        let palette = desk.palette();
        let side = desk.side();
        let own = if twin.is_some() {
            desk.color(side)
        } else {
            self.color(desk)
        };
        let pages: Vec<(&Self, Color32, String)> = match twin {
            None => vec![(self, own, String::new())],
            Some(twin) => {
                let of = |side: Side| format!("{}, ", side.letter());
                let other = desk.color(side.other());
                vec![(self, own, of(side)), (twin, other, of(side.other()))]
            }
        };
        let curve = |what: &str, dashed, value: &dyn Fn(&Found) -> Option<f64>| {
            pages
                .iter()
                .map(move |(page, color, whose)| OverWeights {
                    name: format!("{whose}{what}"),
                    color: *color,
                    dashed,
                    points: page
                        .weights
                        .all()
                        .iter()
                        .filter_map(|found| Some([found.weight, value(found)?]))
                        .collect(),
                })
                .collect::<Vec<_>>()
        };
        let at: Vec<(f64, Color32)> = pages
            .iter()
            .map(|(page, color, _)| (page.lead.weight, *color))
            .collect();
        let inside = curve("share inside", false, &|found| {
            Some(found.worth.inside?.value)
        });
        let surprise = curve("surprise", false, &|found| Some(found.worth.surprise.value));
        let of = self.judged_against(desk);
        let mut apart = curve(&format!("W₂ to {of}"), false, &|found| {
            Some(found.worth.to_class.ratio())
        });
        apart.extend(curve("W₂ to the tilted density", true, &|found| {
            Some(found.worth.to_tilted?.ratio())
        }));
        let surprise_title = format!("Surprise under {of}, nats");
        let dashed = if self.lead.kind == GuideKind::Model {
            ""
        } else {
            ", dashed to the tilted"
        };
        let apart_title = format!("W₂ in floors: to {of}{dashed}");
        let charts = [
            Chart {
                name: "Share inside against the weight",
                title: "Share inside the class",
                upwards: Upwards::Share,
                curves: inside,
            },
            Chart {
                name: "Surprise against the weight",
                title: &surprise_title,
                upwards: Upwards::FromOneOn,
                curves: surprise,
            },
            Chart {
                name: "Distances against the weight",
                title: &apart_title,
                upwards: Upwards::Logarithm,
                curves: apart,
            },
        ];
        let trained = Self::trained(desk);
        let trained = trained.filter(|_| self.lead.kind == GuideKind::Classifier);
        let all = charts.len() + usize::from(trained.is_some());
        let each = rect.width() / all as f32;
        let place = |index: usize| {
            let corner = rect.min + vec2(each * index as f32, 0.0);
            Rect::from_min_size(corner, vec2(each, rect.height()))
        };
        for (index, chart) in charts.iter().enumerate() {
            weights_ui(ui, place(index), chart, &at, palette);
        }
        if let Some(trained) = trained {
            let tau = desk.here.clock.tau;
            accuracy_ui(ui, place(charts.len()), &trained.accuracy, tau, palette);
        }
    }
}

fn place(view: &View, point: [f64; 2]) -> Pos2 {
    view.to_screen(point.map(|c| c as f32))
}

/// Both estimates from the point, and the guided one as their sum: from the tip of the first along the line through both.
fn paint_sum(painter: &Painter, view: &View, vectors: &Vectors, color: Color32, palette: &Palette) {
    let here = place(view, vectors.x);
    let [all, class, guided] =
        [vectors.from, vectors.to, vectors.guided()].map(|tip| place(view, tip));
    let line = [-1, MARKED].map(|weight| place(view, vectors.along(f64::from(weight))));
    painter.extend(Shape::dotted_line(&line, palette.faint, 5.0, 1.0));
    for weight in -1..=MARKED {
        let at = place(view, vectors.along(f64::from(weight)));
        painter.circle_filled(at, 2.0, palette.faint);
    }
    arrow(painter, here, all, 2.0, palette.weak);
    arrow(painter, here, class, 2.0, palette.truth);
    arrow(painter, all, guided, 2.0, color.gamma_multiply(0.8));
    arrow(painter, here, guided, 7.0, palette.canvas);
    arrow(painter, here, guided, 3.5, color);
    for (tip, ink) in [(all, palette.weak), (class, palette.truth), (guided, color)] {
        painter.circle(tip, 4.0, ink, (1.5, palette.canvas));
    }
}
