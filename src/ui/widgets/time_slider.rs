//! The clock's slider: viridis from data to noise, or from noise to data.

use egui::{Color32, Key, Mesh, Rect, Response, Sense, Shape, Ui, WidgetInfo, pos2, vec2};

use crate::clock::next_stop;
use crate::theme::{Palette, time_color};
use crate::widgets::tip::Tip as _;

/// Steps of the gradient, two vertices each.
const STRIPES: usize = 48;

/// A slider over t/T in [0, 1], as wide as asked; `mirrored`: from 1 at the left to 0 at the right.
pub fn time_slider(
    ui: &mut Ui,
    width: f32,
    tau: &mut f64,
    mirrored: bool,
    palette: &Palette,
) -> Response {
    // Of the way from the left end; its own inverse.
    let way = |tau: f64| if mirrored { 1.0 - tau } else { tau };
    let (rect, mut response) = ui.allocate_exact_size(vec2(width, 28.0), Sense::click_and_drag());
    let rail = Rect::from_center_size(rect.center(), vec2(rect.width(), 9.0));
    if let Some(pointer) = response.interact_pointer_pos() {
        set(
            tau,
            way(near_tenth(
                (pointer.x - rail.left()) / rail.width(),
                rail.width(),
            )),
            &mut response,
        );
    }
    if response.has_focus() {
        let steps = ui.input(|i| {
            let presses = |key| i.num_presses(key) as f64;
            let step = if i.modifiers.shift { 0.1 } else { 0.01 };
            (step, presses(Key::ArrowRight) - presses(Key::ArrowLeft))
        });
        let (step, presses) = steps;
        if presses != 0.0 {
            let sign = if mirrored { -presses } else { presses };
            set(tau, next_stop(*tau, step, sign), &mut response);
        }
    }
    #[expect(clippy::float_cmp, reason = "an assistive tool sets the very value")]
    ui.input(|i| {
        use egui::accesskit::{Action, ActionData};
        for request in i.accesskit_action_requests(response.id, Action::SetValue) {
            if let Some(ActionData::NumericValue(value)) = request.data
                && value != *tau
            {
                set(tau, value, &mut response);
            }
        }
    });
    response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), *tau, "Time"));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(1.0);
        node.set_numeric_value_step(0.01);
        node.add_action(egui::accesskit::Action::SetValue);
    });

    let painter = ui.painter();
    let mut mesh = Mesh::default();
    for i in 0..=STRIPES {
        let share = i as f32 / STRIPES as f32;
        let x = rail.left() + share * rail.width();
        let color = time_color(way(f64::from(share)) as f32);
        mesh.colored_vertex(pos2(x, rail.top()), color);
        mesh.colored_vertex(pos2(x, rail.bottom()), color);
        if i > 0 {
            let k = 2 * i as u32;
            mesh.add_triangle(k - 2, k - 1, k);
            mesh.add_triangle(k - 1, k + 1, k);
        }
    }
    // Rounded ends: discs of the end colours.
    painter.circle_filled(rail.left_center(), 4.5, time_color(way(0.0) as f32));
    painter.circle_filled(rail.right_center(), 4.5, time_color(way(1.0) as f32));
    painter.add(Shape::mesh(mesh));
    for tenth in 0..=10 {
        let x = rail.left() + 0.1 * tenth as f32 * rail.width();
        painter.vline(
            x,
            rail.bottom() + 2.0..=rail.bottom() + 6.0,
            (1.0, palette.faint),
        );
    }
    let x = rail.left() + way(*tau) as f32 * rail.width();
    let handle = Rect::from_center_size(pos2(x, rail.center().y), vec2(5.0, 23.0));
    painter.rect_filled(handle.expand(2.0), 3.0, palette.panel);
    let color: Color32 = if response.dragged() || response.has_focus() {
        palette.learned
    } else {
        palette.ink
    };
    painter.rect_filled(handle, 2.0, color);
    response.tip("t / T (arrow keys; Shift for tenths)")
}

/// A share of the slider's way; a tenth where the hand is within three points of it.
fn near_tenth(share: f32, width: f32) -> f64 {
    let tenth = (10.0 * share).round() / 10.0;
    if (share - tenth).abs() * width <= 3.0 {
        f64::from((10.0 * share).round()) / 10.0
    } else {
        f64::from(share)
    }
}

fn set(tau: &mut f64, value: f64, response: &mut Response) {
    // Hundredths that a hand can hit, thousandths on wide screens.
    let value = (value.clamp(0.0, 1.0) * 1000.0).round() / 1000.0;
    if (value - *tau).abs() > f64::EPSILON {
        *tau = value;
        response.mark_changed();
    }
}
