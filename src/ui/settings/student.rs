//! Students of a model: what leads from many steps to one.

use egui::Ui;

use crate::desk::Desk;
use crate::widgets::button;
use crate::widgets::text::note;
use engine::network::objective::ObjectiveChoice;
use lab::message::{Order, Side};

/// What this side's objective means, and, beside A, the buttons that make a student of it.
pub fn student_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    if desk.here.draft.objective.is_consistency() {
        note(
            ui,
            "Its x̂₀ is where the path through x ends, and no mean: errors of the score and of x̂₀ say nothing of how good it is.",
            palette,
        );
    }
    if desk.side() != Side::A {
        return;
    }
    let width = ui.available_width();
    let tip = "B learns where the paths of A, as A is now, end: samples in one step (Song et al. 2023). Best of a target that tells x₀ at \
               t = T, as v: B then begins with the weights of A";
    let snapshot = &desk.here.snapshot;
    let is_student = snapshot.experiment.objective.is_consistency();
    let can = snapshot.step > 0 && !is_student;
    let distil = |ui: &mut Ui| button::text(ui, "Distil into B", tip, width, palette);
    if ui.add_enabled_ui(can, distil).inner.clicked() {
        desk.order(Order::Student(ObjectiveChoice::Distillation));
    }
    let tip = "B learns where paths end without a teacher, from scratch: its neighbours on a path have one clean point and one noise";
    if button::text(ui, "Train consistency into B", tip, width, palette).clicked() {
        desk.order(Order::Student(ObjectiveChoice::Consistency));
    }
    if is_student {
        let words = "A student has no path to be distilled from: distil its teacher.";
        note(ui, words, palette);
    } else if !can {
        note(
            ui,
            "Train first: a student learns where the paths of the model end.",
            palette,
        );
    }
}
