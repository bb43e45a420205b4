//! What the network predicts.

use egui::Ui;
use lab::message::Restart;

use crate::desk::Desk;
use crate::widgets::pill;
use crate::widgets::text::note;
use maths::diffusion::target::Target;

/// The menu of targets.
pub fn target_menu(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    ui.set_width(230.0);
    for target in Target::ALL {
        let words = target.words().title;
        let text = format!("{}   {words}", target.words().symbol);
        if pill::choice(ui, desk.here.draft.target == target, &text, words, palette).clicked() {
            desk.here.draft.target = target;
            desk.configure(Restart::Anew);
            ui.close();
        }
    }
    ui.add_space(4.0);
    note(
        ui,
        "Another target starts the training anew: the old weights predict something else.",
        palette,
    );
}
