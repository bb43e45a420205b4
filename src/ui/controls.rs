//! Controls of the experiment that appear in several places: in the menus of the top bar and in the chapters.

use std::borrow::Cow;
use std::path::PathBuf;

use egui::Ui;

use super::desk::Desk;
use super::files::{Purpose, typed_path};
use super::picture::{self, Order};
use super::theme::Palette;
use super::truths;
use super::widgets::number::{fixed, grouped, short};
use super::widgets::row::{self, Track};
use super::widgets::{button, pill, readout, segmented};
use engine::network::layout::{Activation, MAX_DEPTH, MAX_OCTAVES, NetworkShape, WIDTHS};
use lab::experiment::{DataSource, limits};
use lab::message::Command;
use maths::atomic::WriteError;
use maths::data::reference::Reference;
use maths::data::shapes::Shape;
use maths::diffusion::path::Path;
use maths::diffusion::solver::{Sampler, Variance};
use maths::diffusion::target::Target;

/// The name of a path in menus.
pub fn path_title(path: Path) -> &'static str {
    match path {
        Path::Linear => "Linear",
        Path::Cosine => "Cosine",
        Path::Ve => "VE",
        Path::Flow => "Flow",
        Path::Literal => "Literal",
        Path::Custom(_) => "Yours",
    }
}

/// The symbol of a target.
pub fn target_symbol(target: Target) -> &'static str {
    match target {
        Target::Eps => "ε",
        Target::X0 => "x₀",
        Target::V => "v",
        Target::Score => "∇ log p",
        Target::Velocity => "u",
    }
}

/// The name of an activation in menus.
pub fn activation_title(activation: Activation) -> &'static str {
    match activation {
        Activation::Silu => "SiLU",
        Activation::Gelu => "GELU",
        Activation::Relu => "ReLU",
        Activation::Tanh => "tanh",
    }
}

/// The name of the data: a shape's title, or the file's name.
pub fn data_title(data: &DataSource) -> String {
    match data {
        DataSource::Shape(_) => data.title(),
        DataSource::Csv(_) => ellipsis(&data.title(), 18),
    }
}

/// The network in a few characters: `3 × 128 SiLU`.
pub fn network_title(shape: NetworkShape) -> String {
    format!("{} × {} {}", shape.depth, shape.width, activation_title(shape.activation))
}

/// At most `length` characters.
pub fn ellipsis(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    text.chars().take(length.saturating_sub(1)).chain(['…']).collect()
}

/// The menu of data sets: the built-ins, and a CSV by path or by dialog.
pub fn data_menu(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    ui.set_width(230.0);
    for shape in Shape::ALL {
        let chosen = desk.draft.data == DataSource::Shape(shape);
        if pill::choice(ui, chosen, shape.title(), shape.title(), palette).clicked() {
            desk.choose_data(DataSource::Shape(shape));
            ui.close();
        }
    }
    ui.add_space(2.0);
    ui.separator();
    path_field(ui, &mut desk.files.csv, "CSV file", "points.csv, with header x,y");
    ui.horizontal(|ui| {
        let typed = desk.files.csv.trim().to_owned();
        let open =
            |ui: &mut Ui| button::text(ui, "Open CSV", "Learn the points of this file (header x,y)", 0.0, palette);
        if ui.add_enabled_ui(!typed.is_empty(), open).inner.clicked() {
            desk.choose_data(DataSource::Csv(typed_path(&typed)));
            ui.close();
        }
        if button::text(ui, "Browse…", "Choose a CSV file", 0.0, palette).clicked() {
            desk.files.browse(Purpose::OpenCsv, ui.ctx());
        }
    });
}

/// Of a file: its rows, and the kernels on them that are its truth. Nothing of a built-in shape, whose truth is a formula.
pub fn bandwidth_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let dataset = desk.snapshot.dataset.clone();
    let (Some(in_use), DataSource::Csv(_)) = (dataset.truth.bandwidth(), &desk.draft.data) else { return };
    let (rows, tip) = match &dataset.reference {
        Reference::HeldOut(kept) => (
            format!("{} + {} held out", grouped(dataset.points.len() as f64), grouped(kept.len() as f64)),
            "An eighth of the distinct rows is kept from the training: samples are judged against them",
        ),
        Reference::Mixture(_) => (
            format!("{}, none held out", grouped(dataset.points.len() as f64)),
            "Fewer than 256 distinct rows: too few to keep some from the training. Samples are judged against the kernels",
        ),
    };
    let taken = dataset.notices.iter().map(|notice| format!(". Of this file: {notice}")).collect::<Vec<_>>().concat();
    readout::line(ui, "Rows", &rows, palette.ink, &format!("{tip}{taken}"), palette);
    let kernels = truths::kernels(desk).unwrap_or_default();
    let tip = format!(
        "The truth of a file is a Gaussian kernel on every row: {kernels}. Auto: the bandwidth under which each row is \
         likeliest given the others. The samples learn of it only from fresh draws"
    );
    row::named(ui, "Kernels", &tip, palette, |ui| {
        let mut own = desk.draft.bandwidth.is_some();
        if segmented::choose(ui, "Kernels", &mut own, &[(false, "Auto"), (true, "Own h")], palette).changed() {
            desk.draft.bandwidth = own.then_some(in_use);
            desk.configure(false);
        }
    });
    let mut bandwidth = desk.draft.bandwidth.unwrap_or(in_use);
    let tip = "h: the standard deviation of each kernel, in standardised units. Moving it makes it your own";
    let track = Track::logarithmic(limits::BANDWIDTH);
    let moved = row::slider(ui, ["Bandwidth", tip], &mut bandwidth, track, truths::bandwidth_text, palette);
    if moved.changed {
        desk.draft.bandwidth = Some(bandwidth);
        desk.configure(false);
    }
}

fn path_field(ui: &mut Ui, text: &mut String, name: &str, hint: &str) {
    let width = ui.available_width();
    let field = egui::TextEdit::singleline(text)
        .hint_text(hint)
        .desired_width(width - 20.0)
        .align(egui::Align2::LEFT_CENTER)
        .margin(egui::Margin::symmetric(10, 4));
    ui.add(field).accessible_name(name);
}

/// The noise schedule: the four by formula side by side, beneath them the DDPM table as it stands and one's own.
pub fn path_row(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let own = Path::Custom(desk.own_schedule);
    let formulas = "The path x_t = a x_0 + s ε from data to noise";
    let tables = "Literal: T values of β from 1e-4 to 0.02, as in the DDPM code. Yours: drawn in the chapter Schedules";
    let mut changed = false;
    for (name, tip, paths) in [
        ("Schedule", formulas, &[Path::Linear, Path::Cosine, Path::Ve, Path::Flow][..]),
        ("", tables, &[Path::Literal, own]),
    ] {
        row::named(ui, name, tip, palette, |ui| {
            let options: Vec<_> = paths.iter().map(|&path| (path, path_title(path))).collect();
            let chosen = segmented::choose(ui, "Schedule", &mut desk.draft.path, &options, palette);
            changed |= chosen.on_hover_text(tip).changed();
        });
    }
    if changed {
        desk.configure(false);
    }
    if let Some(alpha_bar) = desk.draft.path.leftover_signal(desk.draft.timesteps) {
        warning(ui, &leftover_text(alpha_bar), palette);
    }
}

/// Says that a path ends before noise.
pub fn leftover_text(alpha_bar: f64) -> String {
    format!("ᾱ at T is {}: signal is left, but samplers start from pure noise", short(alpha_bar))
}

/// A sentence in the colour of faults, for screen readers an alert.
pub fn warning(ui: &mut Ui, text: &str, palette: &Palette) {
    ragged(ui, egui::RichText::new(text).color(palette.fault));
}

/// What the live sampler without the clip makes of a small error, as long as it does.
pub fn clip_warning(ui: &mut Ui, desk: &Desk) {
    if let Some(warning) = &desk.snapshot.warning {
        let mut letters = warning.chars();
        let sentence = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).chain(['.']);
        self::warning(ui, &sentence.collect::<String>(), desk.palette());
    }
}

/// The number of timesteps.
pub fn timesteps_row(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let tip = "T: the number of noise levels that training draws from";
    let moved = row::slider(
        ui,
        ["Timesteps T", tip],
        &mut desk.draft.timesteps,
        Track::logarithmic(limits::TIMESTEPS),
        grouped,
        palette,
    );
    if moved.done {
        desk.configure(false);
    }
}

/// The menu of targets.
pub fn target_menu(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    ui.set_width(230.0);
    for target in Target::ALL {
        let words = match target {
            Target::Eps => "noise",
            Target::X0 => "clean point",
            Target::V => "a ε − s x₀",
            Target::Score => "score −ε/s",
            Target::Velocity => "velocity ε − x₀",
        };
        let text = format!("{}   {words}", target_symbol(target));
        if pill::choice(ui, desk.draft.target == target, &text, words, palette).clicked() {
            desk.draft.target = target;
            desk.configure(true);
            ui.close();
        }
    }
    ui.add_space(4.0);
    note(ui, "Another target starts the training anew: the old weights predict something else.", palette);
}

/// The network's shape. At step 0 a change holds at once; later it waits for a yes, because it starts anew.
pub fn network_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let shape = &mut desk.draft_shape;
    let mut moved = false;
    row::named(ui, "Width", "Units of a hidden layer", palette, |ui| {
        let options = [(WIDTHS[0], "32"), (WIDTHS[1], "64"), (WIDTHS[2], "128"), (WIDTHS[3], "256")];
        moved |= segmented::choose(ui, "Width", &mut shape.width, &options, palette).changed();
    });
    row::named(ui, "Depth", "Number of hidden layers", palette, |ui| {
        const NAMES: [&str; MAX_DEPTH as usize] = ["1", "2", "3", "4", "5", "6"];
        let options = std::array::from_fn::<_, { MAX_DEPTH as usize }, _>(|i| (i as u32 + 1, NAMES[i]));
        moved |= segmented::choose(ui, "Depth", &mut shape.depth, &options, palette).changed();
    });
    row::named(ui, "Activation", "The nonlinearity between the layers", palette, |ui| {
        let options = Activation::ALL.map(|a| (a, activation_title(a)));
        moved |= segmented::choose(ui, "Activation", &mut shape.activation, &options, palette).changed();
    });
    if moved && desk.snapshot.step == 0 && !desk.is_training() {
        desk.adopt_shape();
    }
}

/// How many octaves of sines the network sees of the coordinates.
pub fn octaves_row(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let mut moved = false;
    row::named(ui, "Octaves", "Sines and cosines of the coordinates at 2^k π/3; 0 is raw coordinates", palette, |ui| {
        const NAMES: [&str; MAX_OCTAVES as usize + 1] = ["0", "1", "2", "3", "4", "5", "6"];
        let options = std::array::from_fn::<_, { MAX_OCTAVES as usize + 1 }, _>(|i| (i as u32, NAMES[i]));
        moved = segmented::choose(ui, "Octaves", &mut desk.draft_shape.octaves, &options, palette).changed();
    });
    if moved && desk.snapshot.step == 0 && !desk.is_training() {
        desk.adopt_shape();
    }
}

/// Says that the chosen network starts anew and asks. Takes its place only where something waits.
pub fn network_question(ui: &mut Ui, desk: &mut Desk) {
    if desk.draft_shape == desk.draft.shape() {
        return;
    }
    let palette = desk.palette();
    note(ui, &format!("{} has new weights: the training starts anew.", network_title(desk.draft_shape)), palette);
    ui.horizontal(|ui| {
        if button::text(ui, "Use it", "Throw the weights away and start with the new network", 0.0, palette).clicked() {
            desk.adopt_shape();
        }
        if button::text(ui, "Keep the old", "Go on with the present network", 0.0, palette).clicked() {
            desk.draft_shape = desk.draft.shape();
        }
    });
}

/// Two weak lines of text.
pub fn note(ui: &mut Ui, text: &str, palette: &Palette) {
    ragged(ui, egui::RichText::new(text).color(palette.weak));
}

/// Text of several lines, ragged at the right also in a menu, whose own layout would stretch its lines.
pub fn ragged(ui: &mut Ui, text: egui::RichText) {
    let layout = egui::Layout::top_down(egui::Align::Min);
    ui.with_layout(layout, |ui| ui.add(egui::Label::new(text).wrap()));
}

/// How far the slider of the learning rate goes; typed, it may be any that an experiment takes.
const RATES: std::ops::RangeInclusive<f32> = 1e-6..=1e-1;

/// The learning rate, which acts at once and keeps the weights.
pub fn learning_rate_row(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let tip = "Adam's step size. It acts at once and keeps the weights";
    let rate = &mut desk.draft.learning_rate;
    let track = Track::logarithmic(RATES).limits(limits::LEARNING_RATE);
    let moved = row::slider(ui, ["Learning rate", tip], rate, track, rate_text, palette);
    if moved.changed {
        if !moved.typed {
            // Two digits: the slider stops at numbers that one can say.
            let digits = 10.0_f32.powf(rate.log10().floor() - 1.0);
            *rate = (*rate / digits).round() * digits;
        }
        desk.configure(false);
    }
}

fn rate_text(rate: f64) -> String {
    if rate >= 1e-3 { format!("{rate:.4}").trim_end_matches('0').to_owned() } else { short(rate) }
}

/// The batch: the slider stops at powers of two, and any number can be typed.
pub fn batch_row(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let before = desk.draft.batch;
    let tip = "B: samples of one training step";
    let track = Track::logarithmic(limits::BATCH);
    let moved = row::slider(ui, ["Batch", tip], &mut desk.draft.batch, track, grouped, palette);
    if moved.changed && !moved.typed {
        let power = |batch: u32| f64::from(batch).log2().round().exp2() as u32;
        let stop = power(desk.draft.batch);
        // A key moves the slider by less than half the way to the next stop.
        desk.draft.batch = match desk.draft.batch.cmp(&before) {
            std::cmp::Ordering::Greater if moved.done && stop <= before => 2 * power(before),
            std::cmp::Ordering::Less if moved.done && stop >= before => power(before) / 2,
            _ => stop,
        }
        .clamp(*limits::BATCH.start(), *limits::BATCH.end());
    }
    if desk.draft.batch != before {
        desk.configure(false);
    }
}

/// The name of a sampler in menus.
pub fn sampler_title(sampler: Sampler) -> Cow<'static, str> {
    match sampler {
        Sampler::Ddpm(Variance::BetaTilde) => "DDPM, posterior variance".into(),
        Sampler::Ddpm(Variance::Beta) => "DDPM, variance β".into(),
        Sampler::Ddim { eta } if eta > 0.0 => format!("DDIM, η {}", fixed(eta, 2)).into(),
        Sampler::Ddim { .. } => "DDIM, no noise".into(),
        Sampler::Euler => "ODE by Euler".into(),
        Sampler::Heun => "ODE by Heun".into(),
        Sampler::Rk4 => "ODE by RK4".into(),
    }
}

/// Farthest that the slider of the sampler's steps goes: more are slow to watch.
const SAMPLER_TRAVEL: u32 = 1000;

/// The sampler of the live picture and of the chapter Reverse, and its steps. The training knows nothing of them.
pub fn sampler_rows(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    row::named(ui, "Sampler", "How one step goes from x_t to an earlier x", palette, |ui| {
        let title = sampler_title(desk.draft.sampler);
        pill::menu(ui, ["Sampler", "", &title], "Choose the sampler", palette, |ui| {
            ui.set_width(190.0);
            for sampler in Sampler::ALL {
                // DDIM keeps the noise that it has.
                let present = desk.draft.sampler;
                let sampler = if sampler.name() == present.name() { present } else { sampler };
                let title = sampler_title(sampler);
                if pill::choice(ui, sampler == present, &title, &title, palette).clicked() {
                    desk.draft.sampler = sampler;
                    desk.configure(false);
                    ui.close();
                }
            }
        });
    });
    if let Sampler::Ddim { eta } = &mut desk.draft.sampler {
        let tip = "The noise of each step: 0 none, 1 that of DDPM (Song, Meng & Ermon 2021, eq. 16)";
        if row::slider(ui, ["Noise η", tip], eta, Track::linear(0.0..=1.0), |eta| fixed(eta, 2), palette).done {
            desk.configure(false);
        }
    }
    let most = desk.draft.timesteps;
    let tip = "Steps from noise to data. More than T are taken as T";
    let track = Track::logarithmic(*limits::SAMPLER_STEPS.start()..=most.min(SAMPLER_TRAVEL)).limits(1..=most);
    if row::slider(ui, ["Steps", tip], &mut desk.draft.sampler_steps, track, grouped, palette).done {
        desk.configure(false);
    }
}

/// The menu that saves the model.
pub fn save_menu(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    ui.set_width(250.0);
    let of = if desk.is_split() { format!("Experiment {}: a", desk.side().letter()) } else { "A".to_owned() };
    let text = format!("{of} directory with model.safetensors (opens in PyTorch), experiment.json and metrics.jsonl");
    note(ui, &text, palette);
    path_field(ui, &mut desk.files.model, "Directory of the model", "directory");
    ui.horizontal(|ui| {
        let typed = desk.files.model.trim().to_owned();
        let save = |ui: &mut Ui| button::text(ui, "Save model", "Write the model into this directory", 0.0, palette);
        if ui.add_enabled_ui(!typed.is_empty(), save).inner.clicked() {
            desk.send(Command::Save(typed_path(&typed)));
            ui.close();
        }
        if button::text(ui, "Browse…", "Choose where to save", 0.0, palette).clicked() {
            desk.files.browse(Purpose::SaveModel, ui.ctx());
        }
    });
    ui.add_space(2.0);
    ui.separator();
    picture_menu(ui, desk);
}

/// The picture of the present chapter: where, how large, in which theme.
pub fn picture_menu(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    note(ui, "A picture of this chapter as PNG, at any size", palette);
    path_field(ui, &mut desk.files.picture, "PNG file", "picture.png");
    let [fewest, most] = picture::SIDES;
    row::named(ui, "Pixels", "Width and height; larger pictures are sharper", palette, |ui| {
        for (side, name) in [(1, "Picture height"), (0, "Picture width")] {
            let (pixels, track) = (&mut desk.files.picture_size[side], Track::linear(fewest..=most));
            row::number(ui, [name, name], pixels, &track, &grouped, egui::vec2(64.0, 24.0));
        }
    });
    row::named(ui, "Background", "Light for print, or as the window is", palette, |ui| {
        let options = [(true, "Light"), (false, "As shown")];
        segmented::choose(ui, "Background", &mut desk.files.picture_light, &options, palette);
    });
    ui.horizontal(|ui| {
        let named = !desk.files.picture.trim().is_empty();
        let save = |ui: &mut Ui| button::text(ui, "Save picture", "Write this PNG", 0.0, palette);
        if ui.add_enabled_ui(named, save).inner.clicked() && order_picture(desk, false) {
            ui.ctx().request_repaint();
            ui.close();
        }
        if button::text(ui, "Choose file…", "Choose where to save the picture", 0.0, palette).clicked() {
            desk.files.browse(Purpose::SavePicture, ui.ctx());
        }
    });
    picture_question(ui, desk);
}

/// Says that a file is in the way of a picture and asks. Takes its place only where something waits.
fn picture_question(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    // Another name is another question.
    let Some(path) = desk.files.picture_question.take_if(|path| *path == picture_path(&desk.files.picture)) else {
        desk.files.picture_question = None;
        return;
    };
    warning(ui, &format!("{} is there already and is no picture of this lab.", path.display()), palette);
    ui.horizontal(|ui| {
        if button::text(ui, "Replace it", "Write the picture in its place", 0.0, palette).clicked() {
            order_picture(desk, true);
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
/// asked for unless it is to be replaced: the menu then has a question, and this returns false.
pub fn order_picture(desk: &mut Desk, replace: bool) -> bool {
    let light = desk.files.picture_light || desk.light;
    let path = picture_path(&desk.files.picture);
    let order = Order { path, size: desk.files.picture_size, light, replace };
    // Any other fault is told when the picture is saved.
    if let Err(WriteError::NotOurs(path)) = order.destination().check() {
        desk.files.picture_question = Some(path);
        return false;
    }
    desk.files.picture_order = Some(order);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_their_places() {
        assert_eq!(network_title(NetworkShape::default()), "3 × 128 SiLU");
        assert_eq!(
            data_title(&DataSource::Csv("/some/where/a_very_long_name_of_points.csv".into())),
            "a_very_long_name_…"
        );
        assert_eq!(rate_text(0.003), "0.003");
        assert_eq!(rate_text(0.00042), "4.2e−4");
    }
}
