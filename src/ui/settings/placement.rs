//! Where the steps of samplers are placed: the row that chooses it, and the strip on which one's own is drawn.

use egui::accesskit::{Action, ActionData};
use egui::{
    Align2, CursorIcon, EventFilter, Id, Key, Pos2, Rect, Response, Role, Sense, Ui, WidgetInfo,
    pos2, vec2,
};

use crate::theme::{Palette, SMALL, text_font};
use crate::widgets::tip::Tip as _;
use crate::widgets::{hand, pill, row};
use maths::diffusion::solver::{PLACEMENT_HANDLES, Placement, PlanContext, Spacing};

/// Height of the strip.
const HEIGHT: f32 = 46.0;
/// How far a handle is taken hold of.
const GRIP: f32 = 12.0;
/// Most steps whose beginnings are drawn: more run together.
const TICKS: u32 = 64;

/// Where steps are placed, of so many; `None` is the sampler's `own` way, or of several samplers that of each. Beneath a placement
/// of one's own lies a strip with its handles. True where another is chosen for good.
pub fn placement_row(
    ui: &mut Ui,
    placement: &mut Option<Placement>,
    own: Option<Placement>,
    steps: (u32, PlanContext),
    palette: &Palette,
) -> bool {
    let tip =
        "Where the steps are placed between noise and data: the same choice for every sampler";
    let mut changed = row::named(ui, "Placement", tip, palette, |ui| {
        placement_menu(ui, placement, own, palette)
    });
    if let Some(Placement::Own(spacing)) = placement {
        changed |= strip(ui, spacing, steps, palette);
        let latest = *spacing;
        ui.data_mut(|data| data.insert_temp(latest_id(), latest));
    }
    changed
}

/// Under which the window keeps the placement of one's own that was last on show.
fn latest_id() -> Id {
    Id::unique("placement of one's own")
}

/// The menu of all placements. True where another is chosen.
fn placement_menu(
    ui: &mut Ui,
    placement: &mut Option<Placement>,
    own: Option<Placement>,
    palette: &Palette,
) -> bool {
    let mut changed = false;
    let title = |of: Option<Placement>| of.map_or("Each its own", |of| of.words().title);
    let words = ["Placement", "", title(placement.or(own))];
    let tip = "Choose where the steps are placed";
    pill::menu(ui, words, tip, palette, |ui| {
        ui.set_width(250.0);
        let latest: Spacing = ui
            .data(|data| data.get_temp(latest_id()))
            .unwrap_or_default();
        let others = Placement::ALL.into_iter().filter(|of| own != Some(*of));
        for option in std::iter::once(None).chain(others.map(Some)) {
            // Handles that were drawn are there again.
            let option = option.map(|of| match of {
                Placement::Own(_) => Placement::Own(latest),
                _ => of,
            });
            let shown = match (option, own) {
                (None, Some(own)) => format!("{} (its own)", own.words().title),
                _ => title(option).to_owned(),
            };
            let help = option.or(own).map_or(
                "each sampler's steps lie where it has them by itself",
                |of| of.words().help,
            );
            let chosen = pill::choice(ui, option == *placement, &shown, &shown, palette);
            if chosen.tip(help).clicked() {
                *placement = option;
                changed = true;
                ui.close();
            }
        }
    });
    changed
}

/// The axis from noise at the left to data at the right.
#[derive(Clone, Copy)]
struct Axis {
    from: Pos2,
    width: f32,
}

impl Axis {
    /// The place of t/T.
    fn at(self, tau: f64) -> Pos2 {
        self.from + vec2(self.width * (1.0 - tau) as f32, 0.0)
    }

    /// t/T at a place, in hundredths: what one can say, and write on a command line.
    fn tau_at(self, x: f32) -> f64 {
        hundredths(1.0 - f64::from((x - self.from.x) / self.width))
    }
}

fn hundredths(tau: f64) -> f64 {
    (100.0 * tau).round() / 100.0
}

/// Ticks where the steps begin and end, and three handles beneath them. True where a handle was moved for good: while it is dragged
/// only the ticks follow, so that nothing is run anew.
fn strip(
    ui: &mut Ui,
    spacing: &mut Spacing,
    (steps, context): (u32, PlanContext),
    palette: &Palette,
) -> bool {
    let id = ui.make_persistent_id("placement strip");
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let drawn = steps.clamp(1, TICKS);
    let of = if drawn < steps {
        "As if there were"
    } else {
        "The"
    };
    let name = format!("{of} {drawn} steps, from noise to data");
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
    response.tip(format!(
        "{name}: each line is where a step begins or ends. Drag the rings to place them"
    ));
    let axis = Axis {
        from: rect.left_top() + vec2(GRIP, 22.0),
        width: rect.width() - 2.0 * GRIP,
    };
    let painter = ui.painter();
    let ends = axis.at(1.0).x..=axis.at(0.0).x;
    painter.hline(ends, axis.from.y, (1.5, palette.line));
    for (tau, align, text) in [
        (1.0, Align2::LEFT_TOP, "noise"),
        (0.5, Align2::CENTER_TOP, "t / T = 0.5"),
        (0.0, Align2::RIGHT_TOP, "data"),
    ] {
        let at = axis.at(tau) + vec2(0.0, 9.0);
        painter.text(at, align, text, text_font(SMALL), palette.faint);
    }

    // While a handle is dragged: what the placement would be.
    let mut shown = ui
        .data(|data| data.get_temp::<Spacing>(id))
        .unwrap_or(*spacing);
    let mut is_held = false;
    let mut done = false;
    for index in 0..PLACEMENT_HANDLES {
        let response = handle(ui, axis, shown, index, palette);
        if let Some(tau) = wanted(ui, &response, axis, shown.handles()[index]) {
            shown = shown.moved(index, tau);
            done |= !response.dragged();
        }
        done |= response.drag_stopped();
        is_held |= response.dragged();
    }
    let ticks = Placement::Own(shown).taus(drawn, context);
    let heights = axis.from.y - 20.0..=axis.from.y - 9.0;
    for tau in ticks {
        let x = axis.at(tau).x;
        ui.painter().vline(x, heights.clone(), (1.0, palette.weak));
    }
    ui.data_mut(|data| {
        if is_held {
            data.insert_temp(id, shown);
        } else {
            data.remove_temp::<Spacing>(id);
        }
    });
    done && std::mem::replace(spacing, shown) != shown
}

/// A ring on the axis, dragged along it, or moved by the arrow keys.
fn handle(ui: &Ui, axis: Axis, spacing: Spacing, index: usize, palette: &Palette) -> Response {
    let all = spacing.handles().map(|tau| axis.at(tau));
    let at = all[index];
    // Each as far as half-way to the next: where they lie close none hides another.
    let half_way = |to: Option<&Pos2>| to.map_or(GRIP, |to| (0.5 * (to.x - at.x).abs()).min(GRIP));
    let before = index.checked_sub(1).and_then(|index| all.get(index));
    let grip = Rect::from_min_max(
        pos2(at.x - half_way(before), at.y - GRIP),
        pos2(at.x + half_way(all.get(index + 1)), at.y + GRIP),
    );
    let id = ui.make_persistent_id(("placement handle", index));
    let response = ui.interact(grip, id, Sense::drag());
    let value = spacing.handles()[index];
    let name = format!("Placement handle {}", index + 1);
    response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), value, &name));
    ui.ctx().accesskit_node_builder(id, |node| {
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(1.0);
        node.set_numeric_value_step(0.01);
        node.add_action(Action::SetValue);
    });
    let is_active = response.hovered() || response.dragged() || response.has_focus();
    if is_active {
        ui.ctx().set_cursor_icon(CursorIcon::ResizeHorizontal);
    }
    let radius = if is_active { 7.5 } else { 6.0 };
    ui.painter()
        .circle(at, radius, palette.panel, (2.5, palette.learned));
    response.tip(format!(
        "{name}: t/T = {value} after {}/4 of the steps. Drag it, or move it by the arrow keys",
        index + 1
    ))
}

/// The t/T that the hand, the keys or an assistive tool wants for a handle that lies at `tau`.
fn wanted(ui: &Ui, response: &Response, axis: Axis, tau: f64) -> Option<f64> {
    let told = ui.input(|i| {
        let mut requests = i.accesskit_action_requests(response.id, Action::SetValue);
        requests.find_map(|request| match request.data {
            Some(ActionData::NumericValue(value)) => Some(value),
            _ => None,
        })
    });
    if response.has_focus() {
        let filter = EventFilter {
            horizontal_arrows: true,
            ..EventFilter::default()
        };
        // The arrows move the handle, not the focus.
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    }
    let keyed = response.has_focus().then(|| {
        ui.input(|i| {
            let presses = |key| i.num_presses(key) as f64;
            let step = if i.modifiers.shift { 0.1 } else { 0.01 };
            step * (presses(Key::ArrowLeft) - presses(Key::ArrowRight))
        })
    });
    let keyed = keyed
        .filter(|moved| *moved != 0.0)
        .map(|moved| hundredths(tau + moved));
    let pulled = hand::pulled_to(response).map(|pointer| axis.tau_at(pointer.x));
    pulled.or(keyed).or(told)
}
