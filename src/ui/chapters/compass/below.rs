//! What A wrote on a canvas that B is drawn over, so that B writes elsewhere.

use egui::{Id, Rect, Ui};

use crate::canvas::{Entry, Mark, Role};
use crate::chapters::compass::drawing::Named;
use crate::desk::Desk;
use crate::theme::Palette;
use lab::message::Side;

/// Plates and names that lie on a canvas already.
#[derive(Clone, Debug, Default)]
pub(super) struct Below {
    frame: u64,
    /// What is seen of the canvas.
    seen: Option<Rect>,
    /// The legend's plate first.
    pub(super) plates: Vec<Rect>,
    pub(super) notes: Vec<String>,
    pub(super) names: Vec<Named>,
}

fn id() -> Id {
    Id::unique("written on the compass")
}

impl Below {
    /// What A wrote on this canvas in this frame; nothing where the canvas is one's own.
    pub(super) fn take(ui: &Ui, desk: &Desk, seen: Rect) -> Self {
        let frame = ui.ctx().cumulative_frame_nr();
        let nothing = Self {
            frame,
            seen: Some(seen),
            ..Self::default()
        };
        if !(desk.one_canvas && desk.side() == Side::B) {
            return nothing;
        }
        let below: Option<Self> = ui.data(|data| data.get_temp(id()));
        below
            .filter(|below| (below.frame, below.seen) == (frame, Some(seen)))
            .unwrap_or(nothing)
    }

    /// How far the legend stands beneath its usual place.
    pub(super) fn lower(&self) -> f32 {
        self.plates
            .first()
            .map_or(0.0, |legend| legend.height() + 6.0)
    }

    /// Leave what one wrote oneself for who is drawn over it.
    pub(super) fn leave(self, ui: &Ui, plates: Vec<Rect>, notes: Vec<String>, names: Vec<Named>) {
        let written = Self {
            plates,
            notes,
            names,
            ..self
        };
        ui.data_mut(|data| data.insert_temp(id(), written));
    }
}

/// What a legend begins with while there are two experiments.
pub(super) fn letter(side: Side, palette: &Palette) -> Entry {
    Entry {
        role: Role::Other,
        mark: Mark::Letter,
        color: palette.learned,
        text: side.letter().to_owned(),
    }
}
