//! Tooltips. While a button of the pointer is held there are none: they would lie over what the hand changes.

use egui::{Response, WidgetText};

/// A control that explains itself.
#[expect(
    clippy::return_self_not_must_use,
    reason = "most callers have done with the response"
)]
pub trait Tip {
    /// Say this where the pointer rests on it.
    fn tip(self, text: impl Into<WidgetText>) -> Self;
}

impl Tip for Response {
    fn tip(self, text: impl Into<WidgetText>) -> Self {
        if self.ctx.input(|i| i.pointer.any_down()) {
            return self;
        }
        self.on_hover_text(text)
    }
}
