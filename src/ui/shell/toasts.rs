//! Notices at the lower right of the canvas: they come, stay while one needs to read them, and go, without a frame in between.

use std::time::Duration;

use egui::{
    Align2, Area, Context, Frame, Id, Order, Pos2, RichText, Role, Sense, Stroke, WidgetInfo, pos2,
};

use crate::theme::Palette;
use lab::message::Notice;

/// Seconds that a notice stays: good news, bad news.
const STAY_SECS: [f64; 2] = [4.0, 10.0];
/// Most notices at once; the oldest goes first.
const MOST: usize = 4;
const WIDTH: f32 = 340.0;

/// Show a notice as soon as a frame comes. For those who have the context alone, on any thread.
pub fn tell(ctx: &Context, notice: Notice) {
    ctx.data_mut(|data| {
        data.get_temp_mut_or_default::<Vec<Notice>>(Id::unique("notices told"))
            .push(notice);
    });
    ctx.request_repaint();
}

/// The notices on show, oldest first.
#[derive(Default)]
pub struct Toasts {
    /// Each with the time at which it goes.
    shown: Vec<(Notice, f64)>,
}

impl Toasts {
    /// Show a notice from `now` on (seconds).
    pub fn add(&mut self, notice: Notice, now: f64) {
        let stay = STAY_SECS[usize::from(matches!(notice, Notice::Error(_)))];
        self.shown.push((notice, now + stay));
        if self.shown.len() > MOST {
            self.shown.remove(0);
        }
    }

    /// Draw them with their lower right corner at `corner`, where they cover neither a control nor a number. A click sends one
    /// away.
    pub fn show(&mut self, ctx: &Context, corner: Pos2, palette: &Palette) {
        let now = ctx.input(|i| i.time);
        for notice in ctx
            .data_mut(|data| data.remove_temp::<Vec<Notice>>(Id::unique("notices told")))
            .unwrap_or_default()
        {
            // A field may read what was typed in two frames: it is told once.
            if self.shown.last().is_none_or(|(last, _)| *last != notice) {
                self.add(notice, now);
            }
        }
        self.shown.retain(|(_, until)| now < *until);
        let mut bottom = corner.y - 14.0;
        let mut dismissed = None;
        for (index, (notice, until)) in self.shown.iter().enumerate().rev() {
            let (text, edge) = match notice {
                Notice::Info(text) => (text, palette.exact),
                Notice::Error(text) => (text, palette.fault),
            };
            let area = Area::new(Id::unique(("toast", index)))
                .order(Order::Foreground)
                .pivot(Align2::RIGHT_BOTTOM)
                .fixed_pos(pos2(corner.x - 14.0, bottom))
                .show(ctx, |ui| {
                    let frame = Frame::new()
                        .fill(palette.panel)
                        .stroke(Stroke::new(1.0, edge))
                        .corner_radius(8)
                        .inner_margin(12);
                    frame.show(ui, |ui| {
                        ui.set_width(WIDTH);
                        ui.add(egui::Label::new(RichText::new(text).color(palette.ink)).wrap());
                    });
                });
            let response = area.response.interact(Sense::click());
            response.widget_info(|| WidgetInfo::labeled(Role::Status, true, "Notice"));
            if response.clicked() {
                dismissed = Some(index);
            }
            bottom -= response.rect.height() + 8.0;
            ctx.request_repaint_after(Duration::from_secs_f64((until - now).max(0.02)));
        }
        if let Some(index) = dismissed {
            self.shown.remove(index);
            ctx.request_repaint();
        }
    }
}
