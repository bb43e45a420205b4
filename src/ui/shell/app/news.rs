//! What reaches the window otherwise than by the hand: files, pictures that are saved, and notices.

use std::path::Path;

use egui::Context;

use super::LabApp;
use crate::chapters::Chapter;
use crate::desk::files::{self, Purpose};
use crate::settings::save;
use crate::shell::picture::{self, Drawing, PictureRequest};
use lab::experiment::DataSource;
use lab::message::{Command, Notice, Side};
use lab::own_sampler::OwnSampler;
use maths::diffusion::schedule_file;

impl LabApp {
    pub(super) fn take_files(&mut self, now: f64) {
        while let Some((purpose, path)) = self.desk.files.take() {
            match purpose {
                Purpose::OpenCsv => self.desk.choose_data(DataSource::Csv(path)),
                Purpose::OpenSchedule => self.open_schedule(&path, now),
                Purpose::OpenSampler => self.open_sampler(&path, now),
                Purpose::OpenModel => self.desk.open_model(path),
                Purpose::SaveModel => self.desk.send(Command::Save(path)),
                // The panel of the drawing takes it.
                Purpose::KeepDrawing => {}
                Purpose::SavePicture => {
                    if !save::order_picture(&mut self.desk) {
                        let text = format!(
                            "{} is there already; the menu File asks whether to replace it",
                            path.display()
                        );
                        self.toasts.add(Notice::Error(text), now);
                    }
                }
            }
        }
    }

    /// Open what was dropped on the window, for the side whose settings are on show.
    pub(super) fn take_dropped(&mut self, ctx: &Context) {
        let dropped = ctx.input(|i| i.raw.dropped_files.clone());
        if dropped.is_empty() {
            return;
        }
        self.desk.turn_to(self.focus);
        for path in dropped.iter().map(|file| file.path().to_path_buf()) {
            match files::purpose_of(&path) {
                Some(Purpose::OpenCsv) => self.desk.choose_data(DataSource::Csv(path)),
                Some(Purpose::OpenSchedule) => {
                    self.open_schedule(&path, ctx.input(|i| i.time));
                }
                Some(Purpose::OpenSampler) => self.open_sampler(&path, ctx.input(|i| i.time)),
                Some(_) => self.desk.open_model(path),
                None => {
                    let text = format!(
                        "{} is neither points, nor a schedule, nor a sampler, nor a model; drop a CSV file, the JSON of a plan, a model's directory or its model.safetensors",
                        path.display()
                    );
                    self.toasts.add(Notice::Error(text), ctx.input(|i| i.time));
                }
            }
        }
    }

    /// Train by the schedule of a file, and tell how far off its handles are from its rows.
    fn open_schedule(&mut self, path: &Path, now: f64) {
        let notice = match schedule_file::read(path) {
            Ok(file) => {
                self.desk.choose_schedule(file.schedule);
                if file.notices.is_empty() {
                    return;
                }
                let name = path.file_name().unwrap_or(path.as_os_str());
                let told = file.notices.join("; ");
                Notice::Info(format!("{}: {told}", name.to_string_lossy()))
            }
            Err(error) => Notice::Error(error.to_string()),
        };
        self.tell_of_side(&notice, now);
    }

    /// Let the sampler of a file take part in the chapter Samplers.
    fn open_sampler(&mut self, path: &Path, now: f64) {
        self.desk.turn_to(self.focus);
        let context = self.desk.here.snapshot.experiment.plan_context();
        let page = &mut self.pages[self.focus.index()];
        match OwnSampler::open(path, context).and_then(|own| page.add_sampler(own)) {
            Ok(()) => self.open_chapter(Chapter::Samplers),
            Err(error) => self.tell_of_side(&Notice::Error(format!("{error:#}")), now),
        }
    }

    /// Tell something of the side whose settings are on show.
    fn tell_of_side(&mut self, notice: &Notice, now: f64) {
        let told = if self.desk.is_split() {
            notice.of(self.desk.side())
        } else {
            notice.clone()
        };
        self.toasts.add(told, now);
    }

    /// Lay out the picture that was asked for, and tell of those that are saved.
    pub(super) fn take_pictures(&mut self, ctx: &Context) {
        let now = ctx.input(|i| i.time);
        while let Some(notice) = self.pictures.take() {
            self.toasts.add(notice, now);
        }
        let Some(order) = self.desk.files.picture_order.take() else {
            return;
        };
        let Some(painter) = self.painter.clone() else {
            let text = "this window saves no pictures; use noise-compass render".to_owned();
            self.toasts.add(Notice::Error(text), now);
            return;
        };
        if let Some(drawing) = self.lay_out(&order) {
            self.pictures
                .save(drawing, order.destination(), &painter, ctx);
        }
    }

    /// The window's contents as they stand, laid out anew for a picture.
    fn lay_out(&mut self, order: &PictureRequest) -> Option<Drawing> {
        let (light, format) = (self.desk.light, self.desk.format);
        (self.desk.light, self.desk.format, self.desk.still) =
            (order.light, Some(picture::FORMAT), true);
        let drawing = picture::lay_out(order.size, order.light, |ui| {
            if order.window {
                self.show(ui);
            } else {
                self.show_figure(ui);
            }
            false
        });
        (self.desk.light, self.desk.format, self.desk.still) = (light, format, false);
        drawing
    }

    pub(super) fn take_notices(&mut self, now: f64) {
        for (side, seen) in Side::BOTH.into_iter().zip(&mut self.notices_seen) {
            let Some(side_state) = self.desk.side_state(side) else {
                continue;
            };
            let notices = &side_state.snapshot.notices;
            // Each stroke would tell that its file was read again. What is wrong is told.
            let draws = side_state.easel.is_some();
            let told = |notice: &&Notice| !draws || matches!(notice, Notice::Error(_));
            for notice in notices.after(*seen).iter().filter(told) {
                let notice = if self.desk.is_split() {
                    notice.of(side)
                } else {
                    notice.clone()
                };
                self.toasts.add(notice, now);
            }
            *seen = notices.told();
        }
        // What a file left open is told of its rows, not of a session that trains on them.
        for side_state in Side::BOTH
            .into_iter()
            .filter_map(|side| self.desk.side_state(side))
        {
            let dataset = &side_state.snapshot.dataset;
            let Some(file) = dataset
                .file
                .as_ref()
                .filter(|file| !self.files_told.contains(file))
            else {
                continue;
            };
            self.files_told.push(file.clone());
            if !dataset.notices.is_empty() && side_state.easel.is_none() {
                let name = side_state.snapshot.experiment.data.title();
                self.toasts.add(
                    Notice::Info(format!("{name}: {}", dataset.notices.join("; "))),
                    now,
                );
            }
        }
    }
}
