//! The data: their menu, and what a file's truth rests on.

use egui::Ui;
use lab::drawing;
use lab::message::Restart;

use crate::desk::Desk;
use crate::desk::files::{Purpose, typed_path};
use crate::truths;
use crate::widgets::number::grouped;
use crate::widgets::row::{self, Track};
use crate::widgets::text::{ellipsis, path_field};
use crate::widgets::{button, pill, readout, segmented};
use lab::experiment::{DataSource, limits};
use maths::data::reference::Reference;
use maths::data::shapes::Shape;

/// The latest drawings are in the menu.
const DRAWINGS_LISTED: usize = 4;

/// The name of the data: a shape's title, or the file's name.
pub fn data_title(data: &DataSource) -> String {
    match data {
        DataSource::Shape(_) => data.title(),
        DataSource::Csv(_) => ellipsis(&data.title(), 18),
    }
}

/// The menu of data sets: the built-ins, and a CSV by path or by dialog.
pub fn data_menu(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    ui.set_width(230.0);
    for shape in Shape::ALL {
        let chosen = desk.here.draft.data == DataSource::Shape(shape);
        if pill::choice(ui, chosen, shape.title(), shape.title(), palette).clicked() {
            desk.choose_data(DataSource::Shape(shape));
            ui.close();
        }
    }
    drawing_choices(ui, desk);
    ui.add_space(2.0);
    ui.separator();
    path_field(
        ui,
        &mut desk.files.csv,
        "CSV file",
        "points.csv, with header x,y",
    );
    ui.horizontal(|ui| {
        let typed = desk.files.csv.trim().to_owned();
        let open = |ui: &mut Ui| {
            button::text(
                ui,
                "Open CSV",
                "Learn the points of this file (header x,y)",
                0.0,
                palette,
            )
        };
        if ui.add_enabled_ui(!typed.is_empty(), open).inner.clicked() {
            desk.choose_data(DataSource::Csv(typed_path(&typed)));
            ui.close();
        }
        if button::text(ui, "Browse…", "Choose a CSV file", 0.0, palette).clicked() {
            desk.files.browse(Purpose::OpenCsv, ui.ctx());
        }
    });
}

/// Draw a data set, or learn one that was drawn before.
fn drawing_choices(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    ui.add_space(2.0);
    ui.separator();
    let name = "Draw a data set…";
    if pill::choice(ui, desk.here.easel.is_some(), name, name, palette).clicked() {
        desk.draw_wanted = Some(desk.side());
        ui.close();
    }
    let kept = desk
        .drawings
        .as_deref()
        .map_or_else(Vec::new, |place| drawing::list(place, DRAWINGS_LISTED));
    for path in kept {
        let data = DataSource::Csv(path);
        let chosen = desk.here.draft.data == data;
        if pill::choice(ui, chosen, &data_title(&data), &data.title(), palette).clicked() {
            desk.choose_data(data);
            ui.close();
        }
    }
}

/// Of a file: its rows, and the kernels on them that are its truth. Nothing of a built-in shape, whose truth is a formula.
pub fn bandwidth_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let dataset = desk.here.snapshot.dataset.clone();
    let (Some(in_use), DataSource::Csv(_)) = (dataset.truth.bandwidth(), &desk.here.draft.data)
    else {
        return;
    };
    let (rows, tip) = match &dataset.reference {
        Reference::HeldOut(kept) => (
            format!(
                "{} + {} held out",
                grouped(dataset.points.len() as f64),
                grouped(kept.len() as f64)
            ),
            "An eighth of the distinct rows is kept from the training: samples are judged against them",
        ),
        Reference::Mixture(_) => (
            format!("{}, none held out", grouped(dataset.points.len() as f64)),
            "Fewer than 256 distinct rows: too few to keep some from the training. Samples are judged against the kernels",
        ),
    };
    let taken = dataset
        .notices
        .iter()
        .map(|notice| format!(". Of this file: {notice}"))
        .collect::<Vec<_>>()
        .concat();
    readout::line(
        ui,
        "Rows",
        &rows,
        palette.ink,
        &format!("{tip}{taken}"),
        palette,
    );
    let kernels = truths::kernels(desk).unwrap_or_default();
    let tip = format!(
        "The truth of a file is a Gaussian kernel on every row: {kernels}. Auto: the bandwidth under which each row is \
         likeliest given the others. The samples learn of it only from fresh draws"
    );
    row::named(ui, "Kernels", &tip, palette, |ui| {
        let mut own = desk.here.draft.bandwidth.is_some();
        if segmented::choose(
            ui,
            "Kernels",
            &mut own,
            &[(false, "Auto"), (true, "Own h")],
            palette,
        )
        .changed()
        {
            desk.here.draft.bandwidth = own.then_some(in_use);
            desk.configure(Restart::Keep);
        }
    });
    let mut bandwidth = desk.here.draft.bandwidth.unwrap_or(in_use);
    let tip = "h: the standard deviation of each kernel, in standardised units. Moving it makes it your own";
    let track = Track::logarithmic(limits::BANDWIDTH);
    let moved = row::slider(
        ui,
        ["Bandwidth", tip],
        &mut bandwidth,
        track,
        truths::bandwidth_text,
        palette,
    );
    if moved.changed {
        desk.here.draft.bandwidth = Some(bandwidth);
        desk.configure(Restart::Keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_fits_its_place() {
        assert_eq!(
            data_title(&DataSource::Csv(
                "/some/where/a_very_long_name_of_points.csv".into()
            )),
            "a_very_long_name_…"
        );
    }
}
