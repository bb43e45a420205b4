//! What the hand drags, down to the last place before it lets go: a quick drag ends in the frame of its release.

use egui::{Pos2, Response, Vec2};

/// Where a dragged thing is.
pub fn pulled_to(response: &Response) -> Option<Pos2> {
    response
        .interact_pointer_pos()
        .filter(|_| response.dragged() || response.drag_stopped())
}

/// How far it was dragged since the last frame.
pub fn pulled_by(response: &Response) -> Vec2 {
    if response.drag_stopped() {
        response.ctx.input(|i| i.pointer.delta())
    } else {
        response.drag_delta()
    }
}
