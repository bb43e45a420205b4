//! The first start: four steps around the window. Each can be skipped, and it comes once.

use egui::{Align2, Area, Context, Frame, Id, Key, Order, Rect, Stroke, StrokeKind, pos2};

use crate::shell::rooms::Rooms;
use crate::theme::{BODY, Palette, TITLE, strong_font};
use crate::widgets::{button, text};

/// A step: what it is of, and what it says.
pub struct Step {
    /// Its title.
    pub title: &'static str,
    /// What it says.
    pub words: &'static str,
    place: fn(&Rooms) -> Rect,
}

/// The steps, in order.
pub const STEPS: [Step; 4] = [
    Step {
        title: "A network learns",
        words: "The small pale points are data. The coloured ones are made by a network that learns at this moment, from nothing but noise. \
                Watch them settle.",
        place: |rooms| rooms.centre,
    },
    Step {
        title: "Pause, step, start anew",
        words: "At the lower left you pause the training or take one step of it. The numbers beside it say how good the samples have become.",
        place: |rooms| rooms.strip,
    },
    Step {
        title: "Chapters and the clock",
        words: "Each chapter looks at the same network in another way. The clock goes from data to noise in all of them.",
        place: |rooms| rooms.rail,
    },
    Step {
        title: "Why?",
        words: "This sheet says why things are as they are, and what to try. The question mark at the top has all keys, symbols and words.",
        place: |rooms| rooms.sheet,
    },
];

/// Show a step. Returns the step that follows; `None` where the tour ends.
pub fn tour_ui(ctx: &Context, step: usize, rooms: &Rooms, palette: &Palette) -> Option<usize> {
    let Step {
        title,
        words,
        place,
    } = STEPS.get(step)?;
    let place = place(rooms);
    ctx.layer_painter(egui::LayerId::new(
        Order::Foreground,
        Id::unique("tour frame"),
    ))
    .rect_stroke(
        place.shrink(2.0),
        6.0,
        Stroke::new(2.0, palette.learned),
        StrokeKind::Inside,
    );
    let middle = rooms.centre.center();
    let mut next = Some(step);
    Area::new(Id::unique("tour"))
        .order(Order::Foreground)
        .pivot(Align2::CENTER_CENTER)
        .fixed_pos(pos2(middle.x, middle.y))
        .show(ctx, |ui| {
            let frame = Frame::new()
                .fill(palette.panel)
                .stroke(Stroke::new(1.0, palette.learned))
                .corner_radius(8)
                .inner_margin(16);
            frame.show(ui, |ui| {
                ui.set_width(320.0);
                let title = egui::RichText::new(*title)
                    .font(strong_font(TITLE))
                    .color(palette.ink);
                ui.label(title);
                text::sentence(ui, words, BODY, palette.weak);
                ui.add_space(6.0);
                ui.horizontal(|ui| {
                    let last = step + 1 == STEPS.len();
                    let name = if last { "Begin" } else { "Next" };
                    let of = format!("Step {} of {}", step + 1, STEPS.len());
                    if button::text(ui, name, &of, 90.0, palette).clicked() {
                        next = Some(step + 1).filter(|_| !last);
                    }
                    if !last
                        && button::text(ui, "Skip the tour", "It does not come again", 0.0, palette)
                            .clicked()
                    {
                        next = None;
                    }
                });
            });
        });
    if ctx.input(|i| i.key_pressed(Key::Escape)) {
        next = None;
    }
    next
}
