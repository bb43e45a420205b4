//! A line of a panel: a name at the left, its control at the right edge.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use egui::emath::Numeric;
use egui::{
    Align, Align2, DragValue, Layout, Rect, Response, Sense, Slider, SliderClamping, TextEdit, Ui,
    UiBuilder, pos2, vec2,
};

use crate::shell::toasts::tell;
use crate::theme::{Palette, text_font};
use crate::widgets::maths;
use crate::widgets::number::{Sign, read, read_whole};
use crate::widgets::tip::Tip as _;
use lab::message::Notice;

/// Height of a line.
const HEIGHT: f32 = 27.0;
/// Where sliders begin.
const LABEL_WIDTH: f32 = 92.0;
/// Width of a slider's number.
const VALUE_WIDTH: f32 = 58.0;
/// Width of a number of up to twenty digits.
const WHOLE_WIDTH: f32 = 168.0;

/// A child in a place of the window, laid out in a row.
pub fn row_in(ui: &mut Ui, rect: Rect, layout: Layout, salt: &str, content: impl FnOnce(&mut Ui)) {
    let mut child = ui.new_child(UiBuilder::new().max_rect(rect).layout(layout).id_salt(salt));
    content(&mut child);
}

/// A named line; `control` is laid out from the right edge. The tooltip shows on the name.
pub fn named<R>(
    ui: &mut Ui,
    name: &str,
    tip: &str,
    palette: &Palette,
    control: impl FnOnce(&mut Ui) -> R,
) -> R {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let galley = ui.painter().layout_job(maths::job(
        ui.painter(),
        name,
        &text_font(13.0),
        palette.weak,
    ));
    let at = pos2(rect.left(), rect.center().y - 0.5 * galley.size().y);
    let label = Rect::from_min_size(at, galley.size());
    ui.painter().galley(at, galley, palette.weak);
    ui.interact(label, ui.make_persistent_id(("row", name)), Sense::hover())
        .tip(tip);
    let mut right = ui.new_child(
        UiBuilder::new()
            .max_rect(rect)
            .layout(Layout::right_to_left(Align::Center))
            .id_salt(("row", name)),
    );
    control(&mut right)
}

/// How a slider moves.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    /// Evenly.
    Linear,
    /// By factors.
    Logarithmic,
}

/// The way of a slider, and how far its number may be typed or dragged.
#[derive(Clone, Debug, PartialEq)]
pub struct Track<N> {
    scale: Scale,
    travel: RangeInclusive<N>,
    limits: RangeInclusive<N>,
    sign: Sign,
}

impl<N: Clone> Track<N> {
    /// Moves evenly.
    pub fn linear(travel: RangeInclusive<N>) -> Self {
        Self {
            scale: Scale::Linear,
            limits: travel.clone(),
            travel,
            sign: Sign::Plain,
        }
    }

    /// Moves by factors.
    pub fn logarithmic(travel: RangeInclusive<N>) -> Self {
        Self {
            scale: Scale::Logarithmic,
            ..Self::linear(travel)
        }
    }

    /// The number may go farther than the slider.
    #[must_use]
    pub fn limits(self, limits: RangeInclusive<N>) -> Self {
        Self { limits, ..self }
    }

    /// What stands beside its digits.
    #[must_use]
    pub fn sign(self, sign: Sign) -> Self {
        Self { sign, ..self }
    }
}

/// What happened to a slider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// The value changed in this frame.
    pub changed: bool,
    /// The value is final: the hand let go, or a key or a typed number changed it.
    pub done: bool,
    /// The value was typed: it is meant as it stands.
    pub typed: bool,
}

impl Moved {
    fn of(response: &Response, typed: bool) -> Self {
        let changed = response.changed();
        Self {
            changed,
            done: (changed && !response.dragged()) || response.drag_stopped(),
            typed: changed && typed,
        }
    }
}

/// A named slider with its number, which can be dragged and typed into. The slider bears `name`, the number
/// `{name} value`. A value that lies outside its travel stays until it is touched.
pub fn slider<N: Numeric>(
    ui: &mut Ui,
    [name, tip]: [&str; 2],
    value: &mut N,
    track: Track<N>,
    format: impl Fn(f64) -> String,
    palette: &Palette,
) -> Moved {
    named(ui, name, tip, palette, |ui| {
        let number = number(
            ui,
            [name, tip],
            value,
            &track,
            &format,
            vec2(VALUE_WIDTH, 24.0),
        );
        ui.spacing_mut().interact_size.y = 16.0;
        ui.spacing_mut().slider_width = (ui.available_width() - LABEL_WIDTH).max(40.0);
        let slider = Slider::new(value, track.travel)
            .clamping(SliderClamping::Edits)
            .logarithmic(track.scale == Scale::Logarithmic)
            .show_value(false)
            .handle_shape(egui::style::HandleShape::Circle);
        ui.visuals_mut().widgets.inactive.bg_fill = palette.line;
        ui.visuals_mut().widgets.inactive.fg_stroke = egui::Stroke::new(1.5, palette.ink);
        let slider = Moved::of(&ui.add(slider).accessible_name(name).tip(tip), false);
        Moved {
            changed: number.changed || slider.changed,
            done: number.done || slider.done,
            typed: number.typed,
        }
    })
}

/// A number by itself, dragged or typed. It bears the name `{name} value`. What is typed is taken as it is meant, or
/// refused with the limits.
pub fn number<N: Numeric>(
    ui: &mut Ui,
    [name, tip]: [&str; 2],
    value: &mut N,
    track: &Track<N>,
    format: &impl Fn(f64) -> String,
    size: egui::Vec2,
) -> Moved {
    let (first, last) = (track.travel.start().to_f64(), track.travel.end().to_f64());
    let present = value.to_f64();
    let speed = match track.scale {
        Scale::Linear => (last - first) / 200.0,
        Scale::Logarithmic => (present / 40.0).max(f64::MIN_POSITIVE),
    };
    let (least, most) = (track.limits.start().to_f64(), track.limits.end().to_f64());
    let outcome = RefCell::new(None);
    let shown = format(present);
    let drag = DragValue::new(value)
        .range(track.limits.clone())
        .clamp_existing_to_range(false)
        .speed(speed)
        .update_while_editing(false)
        .custom_formatter(|v, _| format(v))
        .custom_parser(|text| {
            // Text that nobody changed changes nothing: the value may have more digits than are shown.
            if text == shown {
                return None;
            }
            let within = |v: &f64| (least..=most).contains(v);
            let taken = read(text, N::INTEGRAL, track.sign)
                .and_then(|v| Some(v).filter(within).ok_or("is outside the limits"));
            outcome.replace(Some(taken));
            taken.ok()
        });
    let response = ui
        .add_sized(size, drag)
        .accessible_name(format!("{name} value"))
        .tip(tip);
    let outcome = outcome.take();
    if let Some(Err(why)) = outcome {
        let kind = if N::INTEGRAL {
            "a whole number"
        } else {
            "a number"
        };
        let text = format!(
            "{name}: what you typed {why}; give {kind} from {} to {}",
            format(least),
            format(most)
        );
        tell(ui.ctx(), Notice::Error(text));
    }
    Moved::of(&response, matches!(outcome, Some(Ok(_))))
}

/// A whole number that is only typed, exact to its last digit: a seed. True where another was typed.
pub fn whole_number(ui: &mut Ui, [name, tip]: [&str; 2], value: &mut u64) -> bool {
    let id = ui.make_persistent_id(("whole number", name));
    let edited = ui
        .data(|data| data.get_temp::<(u64, String)>(id))
        .filter(|(of, _)| of == value);
    let mut text = edited.map_or_else(|| value.to_string(), |(_, text)| text);
    let field = TextEdit::singleline(&mut text)
        .id(id)
        .align(Align2::RIGHT_CENTER)
        .margin(vec2(8.0, 4.0));
    let response = ui
        .add_sized(vec2(WHOLE_WIDTH, 24.0), field)
        .accessible_name(name)
        .tip(tip);
    if !response.lost_focus() {
        if response.has_focus() {
            ui.data_mut(|data| data.insert_temp(id, (*value, text)));
        }
        return false;
    }
    ui.data_mut(|data| data.remove_temp::<(u64, String)>(id));
    if ui.input(|i| i.key_pressed(egui::Key::Escape)) {
        return false;
    }
    match read_whole(&text) {
        Ok(typed) => typed != std::mem::replace(value, typed),
        Err(why) => {
            tell(
                ui.ctx(),
                Notice::Error(format!("{name}: what you typed {why}")),
            );
            false
        }
    }
}
