//! A few options side by side, one of them chosen.

use egui::{CornerRadius, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::theme::{Palette, strong_font, text_font};

/// One choice among a few, in a frame. Returns the response of the whole; `changed` says that another was chosen.
/// Each option is named `{name}: {option}` for screen readers.
pub fn choose<T: Copy + PartialEq>(
    ui: &mut Ui,
    name: &str,
    value: &mut T,
    options: &[(T, &str)],
    palette: &Palette,
) -> Response {
    let galleys: Vec<_> = options
        .iter()
        .map(|(option, text)| {
            let font = if option == value {
                strong_font(13.0)
            } else {
                text_font(13.0)
            };
            ui.painter()
                .layout_no_wrap((*text).to_owned(), font, palette.ink)
        })
        .collect();
    // Widths by the heavier face: the frame keeps its size whatever is chosen.
    let widths: Vec<f32> = options
        .iter()
        .map(|(_, text)| {
            ui.painter()
                .layout_no_wrap((*text).to_owned(), strong_font(13.0), palette.ink)
                .size()
                .x
                + 12.5
        })
        .collect();
    let (frame, mut whole) =
        ui.allocate_exact_size(vec2(widths.iter().sum(), 26.0), Sense::hover());
    ui.painter().rect(
        frame,
        6.0,
        palette.panel,
        (1.0, palette.line),
        egui::StrokeKind::Inside,
    );
    let mut left = frame.left();
    for (index, (((option, text), galley), width)) in
        options.iter().zip(galleys).zip(widths).enumerate()
    {
        let rect = Rect::from_min_size(pos2(left, frame.top()), vec2(width, frame.height()));
        left += width;
        let response = ui.interact(rect, whole.id.with(index), Sense::click());
        let chosen = option == value;
        response.widget_info(|| {
            WidgetInfo::selected(
                Role::RadioButton,
                ui.is_enabled(),
                chosen,
                format!("{name}: {text}"),
            )
        });
        if response.clicked() && !chosen {
            *value = *option;
            whole.mark_changed();
        }
        if chosen || response.hovered() || response.has_focus() {
            let rounded = |outer: bool| if outer { 5 } else { 2 };
            let (first, last) = (index == 0, index + 1 == options.len());
            let radius = CornerRadius {
                nw: rounded(first),
                sw: rounded(first),
                ne: rounded(last),
                se: rounded(last),
            };
            ui.painter()
                .rect_filled(rect.shrink(1.5), radius, palette.raised);
        }
        let color = if chosen { palette.ink } else { palette.weak };
        ui.painter().galley_with_override_text_color(
            rect.center() - 0.5 * galley.size(),
            galley,
            color,
        );
    }
    whole
}
