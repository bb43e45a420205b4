//! The panel of a drawing: the brush, the strokes, and where it is kept.

use egui::{Context, Key, Modifiers, Sense, Ui, vec2};

use crate::chapters::training::drawing::brush::{RADII, RATES, Tool};
use crate::chapters::training::drawing::{Drawing, color};
use crate::desk::Desk;
use crate::desk::files::{Purpose, typed_path};
use crate::settings::data::data_title;
use crate::widgets::number::{fixed, grouped, short};
use crate::widgets::row::{self, Track};
use crate::widgets::text::{ellipsis, note, path_field, warning};
use crate::widgets::{button, readout, segmented};
use lab::drawing::{self, MOST};

/// What the hand asks for by a button or a key.
#[derive(Clone, Copy, PartialEq)]
enum Wish {
    Undo,
    Redo,
    Clear,
    Done,
    Cancel,
}

impl Drawing {
    /// The controls, while somebody draws.
    pub fn panel_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let mut wishes = wishes_of_keys(ui.ctx());
        self.brush_rows(ui, desk);
        ui.separator();
        wishes.extend(self.stroke_rows(ui, desk));
        ui.separator();
        self.file_rows(ui, desk);
        ui.separator();
        wishes.extend(self.end_row(ui, desk));
        let mut changed = false;
        for wish in wishes {
            changed |= match wish {
                Wish::Undo => self.paper.strokes.undo(),
                Wish::Redo => self.paper.strokes.redo(),
                Wish::Clear => self.paper.strokes.clear(),
                Wish::Done | Wish::Cancel => {
                    self.leave(desk, wish, changed);
                    return;
                }
            };
        }
        if changed {
            self.keep(desk);
        }
    }

    fn leave(&mut self, desk: &mut Desk, wish: Wish, changed: bool) {
        if wish == Wish::Cancel {
            return self.cancel(desk);
        }
        if changed {
            self.keep(desk);
        }
        self.end(desk);
    }

    fn brush_rows(&mut self, ui: &mut Ui, desk: &Desk) {
        let (palette, brush) = (desk.palette(), &mut self.brush);
        let tip = "The brush puts points down; the eraser takes those that it covers";
        row::named(ui, "Tool", tip, palette, |ui| {
            let options = [(Tool::Brush, "Brush"), (Tool::Eraser, "Eraser")];
            segmented::choose(ui, "Tool", &mut brush.tool, &options, palette);
        });
        let tip = "Radius, in the units of the drawing";
        let track = Track::logarithmic(RADII);
        row::slider(
            ui,
            ["Brush size", tip],
            &mut brush.radius,
            track,
            |v| fixed(v, 2),
            palette,
        );
        ui.add_enabled_ui(brush.tool == Tool::Brush, |ui| {
            let tip = "Points a second, while the button is held. A fast hand leaves no gaps";
            let track = Track::logarithmic(RATES);
            row::slider(ui, ["Density", tip], &mut brush.rate, track, short, palette);
            let tip = "The colour of the points, kept in the column label of the file";
            row::named(ui, "Colour", tip, palette, |ui| {
                let options = [(0, "Label 0"), (1, "Label 1")];
                segmented::choose(ui, "Colour", &mut brush.label, &options, palette);
                let (place, _) = ui.allocate_exact_size(vec2(16.0, 16.0), Sense::hover());
                ui.painter()
                    .circle_filled(place.center(), 5.0, color(brush.label, palette));
            });
        });
        note(
            ui,
            "Labels are kept in the file, in the column label. More controls, Labels learns them beside the points.",
            palette,
        );
    }

    fn stroke_rows(&self, ui: &mut Ui, desk: &Desk) -> Option<Wish> {
        let (palette, strokes) = (desk.palette(), &self.paper.strokes);
        let mut wish = None;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            for (name, tip, can, what) in [
                (
                    "Undo stroke",
                    "Undo the last stroke (Ctrl+Z)",
                    strokes.depth() > 0,
                    Wish::Undo,
                ),
                (
                    "Redo",
                    "Do it again (Ctrl+Shift+Z)",
                    strokes.can_redo(),
                    Wish::Redo,
                ),
                (
                    "Clear",
                    "Take all points away; Undo brings them back",
                    !strokes.dots().is_empty(),
                    Wish::Clear,
                ),
            ] {
                let response =
                    ui.add_enabled_ui(can, |ui| button::text(ui, name, tip, 0.0, palette));
                if response.inner.clicked() {
                    wish = Some(what);
                }
            }
        });
        let dots = strokes.dots();
        let tip = "All of them, of both labels. The training keeps an eighth of 256 or more to judge samples by";
        let count = grouped(dots.len() as f64);
        readout::line(ui, "Points", &count, palette.ink, tip, palette);
        if strokes.is_full() {
            let text = format!(
                "{} points are the most that a drawing has.",
                grouped(MOST as f64)
            );
            note(ui, &text, palette);
        } else if !drawing::is_learnable(dots) {
            let text = if self.is_learned(desk) {
                "A training needs two different points. Until there are as many it keeps what it has, and so does the file."
            } else {
                "A training needs two different points. Until there are as many it goes on with what it has."
            };
            note(ui, text, palette);
        } else if desk.is_split() {
            let text = "Each stroke starts this side anew: weights that learned partly from other points would be unfair to the other side.";
            note(ui, text, palette);
        }
        wish
    }

    fn file_rows(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        if let Some(path) = self.paper.path() {
            let name = path.file_name().unwrap_or(path.as_os_str());
            let name = ellipsis(&name.to_string_lossy(), 24);
            let tip = path.display().to_string();
            readout::line(ui, "Kept in", &name, palette.ink, &tip, palette);
        } else {
            let text = match &desk.drawings {
                Some(place) => format!("It will be kept in {}.", place.display()),
                None => "There is no home directory: name a file to keep it in.".to_owned(),
            };
            note(ui, &text, palette);
        }
        if let Some(told) = self.visit.as_ref().and_then(|visit| visit.told.as_deref()) {
            warning(ui, told, palette);
        }
        path_field(
            ui,
            &mut desk.files.drawing,
            "Keep the drawing as",
            "mine.csv",
        );
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let typed = desk.files.drawing.trim().to_owned();
            let can = !typed.is_empty() && !self.paper.strokes.dots().is_empty();
            let tip = "Write it to this file, and go on there. The file of before stays";
            let keep = ui.add_enabled_ui(can, |ui| button::text(ui, "Keep as", tip, 0.0, palette));
            let chosen = std::mem::take(&mut desk.files.drawing_chosen);
            if keep.inner.clicked() || (chosen && can) {
                let path = typed_path(&typed);
                let kept = self
                    .paper
                    .keep_as(&std::path::absolute(&path).unwrap_or(path));
                self.after_keeping(kept.map(|()| None), desk);
            }
            if button::text(ui, "Browse…", "Choose where to keep it", 0.0, palette).clicked() {
                desk.files.browse(Purpose::KeepDrawing, ui.ctx());
            }
        });
    }

    fn end_row(&self, ui: &mut Ui, desk: &Desk) -> Option<Wish> {
        let palette = desk.palette();
        let own = self.data();
        let before = self.visit.as_ref().map(|visit| &visit.before);
        let back = match before {
            Some(before) if own.as_ref() != Some(before) => format!(
                "Learn {} again. The drawing stays in its file",
                data_title(before)
            ),
            _ => "Put the drawing back as it was when you began; Undo brings it back again"
                .to_owned(),
        };
        let mut wish = None;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let tip = "Go on learning what is drawn (Escape)";
            if button::text(ui, "Done", tip, 100.0, palette).clicked() {
                wish = Some(Wish::Done);
            }
            if button::text(ui, "Cancel", &back, 100.0, palette).clicked() {
                wish = Some(Wish::Cancel);
            }
        });
        wish
    }
}

/// Undo, redo and the end, unless a control has the keyboard.
fn wishes_of_keys(ctx: &Context) -> Vec<Wish> {
    if ctx.memory(|memory| memory.focused().is_some()) || ctx.any_popup_open() {
        return Vec::new();
    }
    let shifted = Modifiers::COMMAND | Modifiers::SHIFT;
    // The more particular first: the others do not mind the shift.
    let table = [
        (shifted, Key::Z, Wish::Redo),
        (Modifiers::COMMAND, Key::Z, Wish::Undo),
        (Modifiers::COMMAND, Key::Y, Wish::Redo),
        (Modifiers::NONE, Key::Escape, Wish::Done),
    ];
    let mut wishes = Vec::new();
    for (modifiers, key, wish) in table {
        // A slow frame may see a key twice.
        let times = ctx.input_mut(|i| i.count_and_consume_key(modifiers, key));
        wishes.extend(std::iter::repeat_n(wish, times));
    }
    wishes
}
