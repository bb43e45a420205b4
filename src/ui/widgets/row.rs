//! A line of a panel: a name at the left, its control at the right edge.

use egui::{Align, Align2, DragValue, Layout, Response, Sense, Slider, Ui, UiBuilder, emath::Numeric, pos2, vec2};
use std::ops::RangeInclusive;

use crate::ui::theme::{Palette, text_font};

/// Height of a line.
const HEIGHT: f32 = 27.0;
/// Where sliders begin.
const LABEL_WIDTH: f32 = 92.0;
/// Width of a slider's number.
const VALUE_WIDTH: f32 = 58.0;

/// A named line; `control` is laid out from the right edge. The tooltip shows on the name.
pub fn named<R>(ui: &mut Ui, name: &str, tip: &str, palette: &Palette, control: impl FnOnce(&mut Ui) -> R) -> R {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    let label =
        ui.painter().text(pos2(rect.left(), rect.center().y), Align2::LEFT_CENTER, name, text_font(13.0), palette.weak);
    ui.interact(label, ui.make_persistent_id(("row", name)), Sense::hover()).on_hover_text(tip);
    let mut right = ui
        .new_child(UiBuilder::new().max_rect(rect).layout(Layout::right_to_left(Align::Center)).id_salt(("row", name)));
    control(&mut right)
}

/// How a slider moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// By factors.
    Logarithmic,
}

/// What happened to a slider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// The value changed in this frame.
    pub changed: bool,
    /// The value is final: the hand let go, or a key or a typed number changed it.
    pub done: bool,
}

/// A named slider with its number, which can be dragged and typed into. The slider bears `name`, the number
/// `{name} value`.
pub fn slider<N: Numeric>(
    ui: &mut Ui,
    [name, tip]: [&str; 2],
    value: &mut N,
    range: RangeInclusive<N>,
    scale: Scale,
    format: impl Fn(f64) -> String,
    palette: &Palette,
) -> Moved {
    named(ui, name, tip, palette, |ui| {
        let moved = |response: &Response| Moved {
            changed: response.changed(),
            done: (response.changed() && !response.dragged()) || response.drag_stopped(),
        };
        let speed = match scale {
            Scale::Linear => (range.end().to_f64() - range.start().to_f64()) / 200.0,
            Scale::Logarithmic => (value.to_f64() / 40.0).max(f64::MIN_POSITIVE),
        };
        let drag = DragValue::new(value)
            .range(range.clone())
            .speed(speed)
            .update_while_editing(false)
            .custom_formatter(|v, _| format(v))
            .custom_parser(parse);
        let number =
            ui.add_sized(vec2(VALUE_WIDTH, 24.0), drag).accessible_name(format!("{name} value")).on_hover_text(tip);
        ui.spacing_mut().interact_size.y = 16.0;
        ui.spacing_mut().slider_width = (ui.available_width() - LABEL_WIDTH).max(40.0);
        let slider = Slider::new(value, range)
            .logarithmic(scale == Scale::Logarithmic)
            .show_value(false)
            .handle_shape(egui::style::HandleShape::Circle);
        ui.visuals_mut().widgets.inactive.bg_fill = palette.line;
        ui.visuals_mut().widgets.inactive.fg_stroke = egui::Stroke::new(1.5, palette.ink);
        let slider = ui.add(slider).accessible_name(name).on_hover_text(tip);
        let (a, b) = (moved(&number), moved(&slider));
        Moved { changed: a.changed || b.changed, done: a.done || b.done }
    })
}

/// A number as people type it: with our minus, with thin or plain spaces.
fn parse(text: &str) -> Option<f64> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| if c == '−' { '-' } else { c }).collect();
    plain.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_numbers_are_read_as_they_are_shown() {
        assert_eq!(parse("12\u{2009}480"), Some(12_480.0));
        assert_eq!(parse("3.0e−3"), Some(0.003));
        assert_eq!(parse(" 256 "), Some(256.0));
        assert_eq!(parse("many"), None);
    }
}
