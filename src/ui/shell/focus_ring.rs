//! The ring about the control that has the keyboard.

use egui::{Context, Id, Key, StrokeKind};

use crate::theme::Palette;

/// Drawn once, whatever the control: about the one that was reached by keys, until the pointer presses.
pub fn focus_ring_ui(ctx: &Context, palette: &Palette) {
    let id = Id::unique("keyboard reached");
    let (tabbed, pressed) = ctx.input(|i| (i.key_pressed(Key::Tab), i.pointer.any_pressed()));
    let by_keys = ctx.data_mut(|data| {
        let by_keys = data.get_temp_mut_or_default::<bool>(id);
        *by_keys = (*by_keys || tabbed) && !pressed;
        *by_keys
    });
    let focused = ctx.memory(egui::Memory::focused).filter(|_| by_keys);
    let Some(response) = focused.and_then(|focused| ctx.read_response(focused)) else {
        return;
    };
    // What is scrolled out of sight has none.
    if !response.interact_rect.is_positive() {
        return;
    }
    ctx.layer_painter(response.layer_id).rect_stroke(
        response.rect.expand(2.0),
        8.0,
        (2.0, palette.learned),
        StrokeKind::Middle,
    );
}
