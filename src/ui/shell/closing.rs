//! How the window closes: a training that was not saved is asked about once, and a signal closes without a question.

use std::time::Duration;

use egui::{Context, Modal, RichText, ViewportCommand};

use crate::desk::Desk;
use crate::theme::{TITLE, strong_font};
use crate::widgets::button;
use crate::widgets::number::grouped;
use crate::widgets::text;
use lab::interrupt::{Interrupt, STATUS};

/// A training of fewer seconds is kept without a question.
const WORTH_A_QUESTION_SECS: f64 = 20.0;
/// After a signal the program ends at the latest then, whatever the window does.
const AFTER_SIGNAL: Duration = Duration::from_secs(3);

/// Where closing stands.
#[derive(Default)]
pub struct Closing {
    /// What there is at closing is kept for the next start.
    keeps: bool,
    /// The question is on show.
    asking: bool,
    /// Nothing more is asked.
    agreed: bool,
    /// Ctrl-C, SIGTERM or SIGHUP.
    interrupt: Interrupt,
}

impl Closing {
    /// Close at Ctrl-C, SIGTERM and SIGHUP; the second ends the program at once.
    ///
    /// `keeps`: the next start offers what there is at closing.
    pub fn listen(ctx: &Context, keeps: bool) -> Self {
        let ctx = ctx.clone();
        let interrupt = Interrupt::listen(move || {
            ctx.request_repaint();
            let waiting = std::thread::Builder::new().name("signal".into()).spawn(|| {
                std::thread::sleep(AFTER_SIGNAL);
                std::process::exit(STATUS);
            });
            if waiting.is_err() {
                std::process::exit(STATUS);
            }
        });
        let interrupt = interrupt.unwrap_or_else(|error| {
            log::warn!("Ctrl-C ends the lab without saving: {error}");
            Interrupt::default()
        });
        Self {
            keeps,
            interrupt,
            ..Self::default()
        }
    }

    /// Once a frame: hold a wish to close where something is to be asked.
    pub fn tick(&mut self, ctx: &Context, desk: &Desk) {
        if self.interrupt.is_asked() && !self.agreed {
            self.agreed = true;
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
        if !ctx.input(|i| i.viewport().close_requested()) || self.agreed {
            return;
        }
        // Who asks twice has answered.
        self.agreed = self.asking || unsaved(desk).is_empty();
        if !self.agreed {
            self.asking = true;
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
            ctx.request_repaint();
        }
    }

    /// The question, over everything.
    pub fn question_ui(&mut self, ctx: &Context, desk: &Desk) {
        if !self.asking {
            return;
        }
        let palette = desk.palette();
        let answer = Modal::new(egui::Id::unique("closing")).show(ctx, |ui| {
            ui.set_width(400.0);
            ui.label(RichText::new("Close the lab?").font(strong_font(TITLE)).color(palette.ink));
            ui.add_space(6.0);
            let (what, kept, it) = match &unsaved(desk)[..] {
                [(_, step)] => (format!("The training of {} updates is", grouped(*step as f64)), "It is kept", "it"),
                _ => ("The trainings of A and B are".to_owned(), "They are kept", "them"),
            };
            text::note(
                ui,
                &if self.keeps {
                    format!("{what} not saved as a model. {kept}, and the next start offers {it} under Bring back.")
                } else {
                    format!("{what} not saved as a model, and will be lost. Choose Stay, then Save.")
                },
                palette,
            );
            ui.add_space(10.0);
            let mut answer = None;
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 8.0;
                if button::text(ui, "Close", "Close the window", 110.0, palette).clicked() {
                    answer = Some(true);
                }
                let tip = "Go on; the menu Save writes a model";
                if button::text(ui, "Stay", tip, 110.0, palette).clicked() {
                    answer = Some(false);
                }
            });
            answer
        });
        match answer.inner {
            Some(true) => {
                self.agreed = true;
                ctx.send_viewport_cmd(ViewportCommand::Close);
            }
            Some(false) => self.asking = false,
            None if answer.should_close() => self.asking = false,
            None => {}
        }
    }
}

/// The sides whose training is worth a question, with its step.
fn unsaved(desk: &Desk) -> Vec<(lab::message::Side, u64)> {
    let worth = |snapshot: &lab::message::Snapshot| {
        snapshot.trained_secs >= WORTH_A_QUESTION_SECS && snapshot.saved != Some(snapshot.step)
    };
    let benches = desk
        .side_states()
        .filter(|(_, side_state, _)| worth(&side_state.snapshot));
    benches
        .map(|(side, side_state, _)| (side, side_state.snapshot.step))
        .collect()
}
