//! What is opened and saved: models, schedules, and a picture of a chapter.

use std::path::PathBuf;

use egui::{ScrollArea, Ui};

use crate::desk::Desk;
use crate::desk::files::{Purpose, typed_path};
use crate::shell::picture::{self, PictureRequest};
use crate::widgets::number::grouped;
use crate::widgets::row::{self, Track};
use crate::widgets::text::{note, path_field, warning};
use crate::widgets::{button, segmented};
use lab::message::{Command, Order, Side};
use maths::atomic::WriteError;

/// The menu that opens and saves.
pub fn file_menu(ui: &mut Ui, desk: &mut Desk) {
    ui.set_width(250.0);
    // In a low window it is scrolled.
    let room = ui.ctx().content_rect().height() - ABOVE;
    let area = ScrollArea::vertical().max_height(room);
    // It takes what it needs at once, not what a menu that opens has.
    area.min_scrolled_height(room).show(ui, |ui| {
        open_rows(ui, desk);
        ui.separator();
        schedule_rows(ui, desk);
        ui.separator();
        sampler_rows(ui, desk);
        ui.separator();
        save_rows(ui, desk);
        ui.add_space(2.0);
        ui.separator();
        picture_menu(ui, desk);
    });
}

/// The top bar and the edges of a menu beneath it, points.
const ABOVE: f32 = 72.0;

/// Open a saved model: in the place of the training on show, or beside it.
fn open_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    note(
        ui,
        "A saved model goes on learning where it stopped; what it replaces is kept. Or drop it on the window",
        palette,
    );
    path_field(ui, &mut desk.files.opened, "Model to open", "its directory");
    ui.horizontal(|ui| {
        let typed = desk.files.opened.trim().to_owned();
        let tip = "Open it in the place of this training";
        let open = |ui: &mut Ui| button::text(ui, "Open model", tip, 0.0, palette);
        if ui.add_enabled_ui(!typed.is_empty(), open).inner.clicked() {
            desk.open_model(typed_path(&typed));
            ui.close();
        }
        let tip = "Split the lab, and open it as B";
        let open = |ui: &mut Ui| button::text(ui, "As B", tip, 0.0, palette);
        if !desk.is_split() && ui.add_enabled_ui(!typed.is_empty(), open).inner.clicked() {
            desk.order(Order::Open(typed_path(&typed), Side::B));
            ui.close();
        }
        if button::text(ui, "Browse…", "Choose a model's directory", 0.0, palette).clicked() {
            desk.files.browse(Purpose::OpenModel, ui.ctx());
        }
    });
}

/// Open a noise schedule for the training on show.
fn schedule_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let text = "A noise schedule of your own, as a CSV of t and log SNR. Or drop it on the window";
    note(ui, text, palette);
    let (field, hint) = ("Schedule to open", "mine.csv, with header t,log_snr");
    path_field(ui, &mut desk.files.schedule, field, hint);
    ui.horizontal(|ui| {
        let typed = desk.files.schedule.trim().to_owned();
        let tip = "Train by it: it becomes the schedule Yours";
        let open = |ui: &mut Ui| button::text(ui, "Open schedule", tip, 0.0, palette);
        if ui.add_enabled_ui(!typed.is_empty(), open).inner.clicked() {
            let purpose = Purpose::OpenSchedule;
            desk.files.choose(purpose, typed_path(&typed));
            ui.ctx().request_repaint();
            ui.close();
        }
        if button::text(ui, "Browse…", "Choose a CSV file", 0.0, palette).clicked() {
            desk.files.browse(Purpose::OpenSchedule, ui.ctx());
        }
    });
}

/// Open a sampler of one's own beside those of the program.
fn sampler_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let text = "A sampler of your own, as the JSON of its plan. Or drop it on the window";
    note(ui, text, palette);
    let (field, hint) = ("Sampler to open", "mine.json, with its stages");
    path_field(ui, &mut desk.files.sampler, field, hint);
    ui.horizontal(|ui| {
        let typed = desk.files.sampler.trim().to_owned();
        let tip = "Hold it against others in the chapter Samplers";
        let open = |ui: &mut Ui| button::text(ui, "Open sampler", tip, 0.0, palette);
        if ui.add_enabled_ui(!typed.is_empty(), open).inner.clicked() {
            let purpose = Purpose::OpenSampler;
            desk.files.choose(purpose, typed_path(&typed));
            ui.ctx().request_repaint();
            ui.close();
        }
        if button::text(ui, "Browse…", "Choose a JSON file", 0.0, palette).clicked() {
            desk.files.browse(Purpose::OpenSampler, ui.ctx());
        }
    });
}

fn save_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let of = if desk.is_split() {
        format!("Experiment {}: a", desk.side().letter())
    } else {
        "A".to_owned()
    };
    let text = format!(
        "{of} directory with model.safetensors (opens in PyTorch), experiment.json and metrics.jsonl"
    );
    note(ui, &text, palette);
    path_field(
        ui,
        &mut desk.files.model,
        "Directory of the model",
        "directory",
    );
    ui.horizontal(|ui| {
        let typed = desk.files.model.trim().to_owned();
        let save = |ui: &mut Ui| {
            button::text(
                ui,
                "Save model",
                "Write the model into this directory",
                0.0,
                palette,
            )
        };
        if ui.add_enabled_ui(!typed.is_empty(), save).inner.clicked() {
            desk.send(Command::Save(typed_path(&typed)));
            ui.close();
        }
        if button::text(ui, "Browse…", "Choose where to save", 0.0, palette).clicked() {
            desk.files.browse(Purpose::SaveModel, ui.ctx());
        }
    });
}

/// The picture of the present chapter: where, how large, in which theme.
pub fn picture_menu(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    note(ui, "A picture of this chapter as PNG, at any size", palette);
    path_field(ui, &mut desk.files.picture, "PNG file", "picture.png");
    let [fewest, most] = picture::SIDES;
    row::named(
        ui,
        "Pixels",
        "Width and height; larger pictures are sharper",
        palette,
        |ui| {
            for (side, name) in [(1, "Picture height"), (0, "Picture width")] {
                let (pixels, track) = (
                    &mut desk.files.picture_size[side],
                    Track::linear(fewest..=most),
                );
                row::number(
                    ui,
                    [name, name],
                    pixels,
                    &track,
                    &grouped,
                    egui::vec2(64.0, 24.0),
                );
            }
        },
    );
    row::named(
        ui,
        "Background",
        "Light for print, or as the window is",
        palette,
        |ui| {
            let options = [(true, "Light"), (false, "As shown")];
            segmented::choose(
                ui,
                "Background",
                &mut desk.files.picture_light,
                &options,
                palette,
            );
        },
    );
    let tip = "Canvas, plots and legend; or the window with all its bars";
    row::named(ui, "Shows", tip, palette, |ui| {
        let options = [(false, "Figure"), (true, "Window")];
        let window = &mut desk.files.picture_window;
        segmented::choose(ui, "Picture shows", window, &options, palette);
    });
    ui.horizontal(|ui| {
        let named = !desk.files.picture.trim().is_empty();
        let save = |ui: &mut Ui| button::text(ui, "Save picture", "Write this PNG", 0.0, palette);
        if ui.add_enabled_ui(named, save).inner.clicked() && order_picture(desk) {
            ui.ctx().request_repaint();
            ui.close();
        }
        if button::text(
            ui,
            "Choose file…",
            "Choose where to save the picture",
            0.0,
            palette,
        )
        .clicked()
        {
            desk.files.browse(Purpose::SavePicture, ui.ctx());
        }
    });
    picture_question(ui, desk);
}

/// Says that a file is in the way of a picture and asks. Takes its place only where something waits.
fn picture_question(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    // Another name is another question.
    let Some(path) = desk
        .files
        .picture_question
        .take_if(|path| *path == picture_path(&desk.files.picture))
    else {
        desk.files.picture_question = None;
        return;
    };
    warning(
        ui,
        &format!(
            "{} is there already and is no picture of this lab.",
            path.display()
        ),
        palette,
    );
    ui.horizontal(|ui| {
        if button::text(
            ui,
            "Replace it",
            "Write the picture in its place",
            0.0,
            palette,
        )
        .clicked()
        {
            desk.files.picture_order = Some(picture_request(desk, true));
            ui.ctx().request_repaint();
            ui.close();
        } else if !button::text(ui, "Keep it", "Leave the file as it is", 0.0, palette).clicked() {
            desk.files.picture_question = Some(path);
        }
    });
}

/// The whole path of what was typed.
fn picture_path(typed: &str) -> PathBuf {
    let typed = typed_path(typed.trim());
    std::path::absolute(&typed).unwrap_or(typed)
}

/// Ask for a picture by the settings of the menu. Where a file is in its way that is no picture of the lab, nothing is
/// asked for: the menu then has a question, and this returns false.
pub fn order_picture(desk: &mut Desk) -> bool {
    let order = picture_request(desk, false);
    // Any other fault is told when the picture is saved.
    if let Err(WriteError::NotOurs(path)) = order.destination().check() {
        desk.files.picture_question = Some(path);
        return false;
    }
    desk.files.picture_order = Some(order);
    true
}

/// What the fields of the menu ask for.
fn picture_request(desk: &Desk, replace: bool) -> PictureRequest {
    let light = desk.files.picture_light || desk.light;
    let path = picture_path(&desk.files.picture);
    PictureRequest {
        path,
        size: desk.files.picture_size,
        light,
        window: desk.files.picture_window,
        replace,
    }
}
