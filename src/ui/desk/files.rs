//! Choosing files: a path typed by hand, or the system's dialog, which runs in a thread of its own.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use crate::shell::picture::PictureRequest;
use crate::shell::toasts::tell;
use lab::message::Notice;
use maths::diffusion::schedule_file;

/// A dialog that answers sooner than this was never there: nobody cancels so fast.
const FASTEST_HAND: Duration = Duration::from_millis(300);

const NO_DIALOG: &str = "this desktop opened no file dialog (it has neither an XDG portal nor zenity); type the path in the field instead";

/// A path as it was typed; `~` at its beginning is the home directory, as in a shell.
pub fn typed_path(text: &str) -> PathBuf {
    let path = Path::new(text);
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_path_buf(),
    }
}

/// What a chosen path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Points in a CSV.
    OpenCsv,
    /// A noise schedule in a CSV.
    OpenSchedule,
    /// A sampler's plan in JSON.
    OpenSampler,
    /// A saved model.
    OpenModel,
    /// A directory for the model.
    SaveModel,
    /// A PNG of the chapter.
    SavePicture,
    /// A CSV for a drawing.
    KeepDrawing,
}

/// What a file that is dropped on the window is for, by its name, and of a table by its header; `None` where the lab has no use
/// for it.
pub fn purpose_of(path: &Path) -> Option<Purpose> {
    let extension = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
    match extension.as_ref().and_then(|extension| extension.to_str()) {
        _ if path.is_dir() => Some(Purpose::OpenModel),
        Some("safetensors") => Some(Purpose::OpenModel),
        Some("csv" | "tsv" | "txt" | "dat") if schedule_file::is_schedule(path) => {
            Some(Purpose::OpenSchedule)
        }
        Some("csv" | "tsv" | "txt" | "dat") => Some(Purpose::OpenCsv),
        Some("json") => Some(Purpose::OpenSampler),
        _ => None,
    }
}

/// Paths typed by hand and dialogs that are open.
pub struct Files {
    /// The CSV to open.
    pub csv: String,
    /// The schedule to open.
    pub schedule: String,
    /// The sampler to open.
    pub sampler: String,
    /// The model to open.
    pub opened: String,
    /// The directory to save in.
    pub model: String,
    /// The CSV to keep a drawing in.
    pub drawing: String,
    /// It was chosen in the dialog.
    pub drawing_chosen: bool,
    /// The PNG to write.
    pub picture: String,
    /// Pixels of a picture, across and down.
    pub picture_size: [u32; 2],
    /// Pictures in the light theme, as for print; else as the window is.
    pub picture_light: bool,
    /// Pictures of the whole window; else of the chapter's figure alone.
    pub picture_window: bool,
    /// A picture that was asked for and is not yet laid out.
    pub picture_order: Option<PictureRequest>,
    /// A file that is no picture of the lab and was named for one: whether to replace it is asked.
    pub picture_question: Option<PathBuf>,
    chosen: Receiver<(Purpose, PathBuf)>,
    outlet: Sender<(Purpose, PathBuf)>,
}

impl Default for Files {
    fn default() -> Self {
        let (outlet, chosen) = channel();
        Self {
            csv: String::new(),
            schedule: String::new(),
            sampler: String::new(),
            opened: String::new(),
            model: "model".into(),
            drawing: String::new(),
            drawing_chosen: false,
            picture: "noise-compass.png".into(),
            picture_size: [2560, 1600],
            picture_light: true,
            picture_window: false,
            picture_order: None,
            picture_question: None,
            chosen,
            outlet,
        }
    }
}

impl Files {
    /// Open the system's dialog. Where there is none, a notice says so: the path can still be typed.
    pub fn browse(&self, purpose: Purpose, ctx: &egui::Context) {
        let dialog = rfd::AsyncFileDialog::new();
        // The dialog is made here, on the window's thread, as some systems demand; only the waiting is elsewhere.
        let answer: std::pin::Pin<Box<dyn Future<Output = Option<rfd::FileHandle>> + Send>> =
            match purpose {
                Purpose::OpenCsv => Box::pin(
                    dialog
                        .set_title("Open CSV")
                        .add_filter("CSV", &["csv"])
                        .pick_file(),
                ),
                Purpose::OpenSchedule => Box::pin(
                    dialog
                        .set_title("Open a schedule")
                        .add_filter("CSV", &["csv"])
                        .pick_file(),
                ),
                Purpose::OpenSampler => Box::pin(
                    dialog
                        .set_title("Open a sampler")
                        .add_filter("JSON", &["json"])
                        .pick_file(),
                ),
                Purpose::OpenModel => {
                    Box::pin(dialog.set_title("Open a model's directory").pick_folder())
                }
                Purpose::SaveModel => Box::pin(
                    dialog
                        .set_title("Save the model as a directory")
                        .set_file_name(&self.model)
                        .save_file(),
                ),
                Purpose::SavePicture => {
                    let dialog = dialog
                        .set_title("Save the picture")
                        .add_filter("PNG", &["png"]);
                    Box::pin(dialog.set_file_name(&self.picture).save_file())
                }
                Purpose::KeepDrawing => {
                    let dialog = dialog
                        .set_title("Keep the drawing as a CSV")
                        .add_filter("CSV", &["csv"]);
                    Box::pin(dialog.set_file_name("drawing.csv").save_file())
                }
            };
        let (outlet, waker) = (self.outlet.clone(), ctx.clone());
        let waiting = std::thread::Builder::new()
            .name("file dialog".into())
            .spawn(move || {
                let asked = Instant::now();
                if let Some(file) = pollster::block_on(answer) {
                    // The window may be gone by now: then nobody waits for the path.
                    let _ = outlet.send((purpose, file.path().to_path_buf()));
                    waker.request_repaint();
                } else if asked.elapsed() < FASTEST_HAND {
                    // No dialog and a cancelled one answer alike.
                    tell(&waker, Notice::Error(NO_DIALOG.to_owned()));
                }
            });
        if waiting.is_err() {
            tell(ctx, Notice::Error(NO_DIALOG.to_owned()));
        }
    }

    /// As if this path had been chosen in the dialog.
    pub fn choose(&self, purpose: Purpose, path: PathBuf) {
        // The other end lives as long as this one.
        let _ = self.outlet.send((purpose, path));
    }

    /// A path that was chosen since the last call.
    pub fn take(&mut self) -> Option<(Purpose, PathBuf)> {
        let (purpose, path) = self.chosen.try_recv().ok()?;
        let text = path.display().to_string();
        match purpose {
            Purpose::OpenCsv => self.csv = text,
            Purpose::OpenSchedule => self.schedule = text,
            Purpose::OpenSampler => self.sampler = text,
            Purpose::OpenModel => self.opened = text,
            Purpose::SaveModel => self.model = text,
            Purpose::SavePicture => self.picture = text,
            Purpose::KeepDrawing => (self.drawing, self.drawing_chosen) = (text, true),
        }
        Some((purpose, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_is_told_by_its_name() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(purpose_of(directory.path()), Some(Purpose::OpenModel));
        for (name, purpose) in [
            ("points.csv", Some(Purpose::OpenCsv)),
            ("POINTS.CSV", Some(Purpose::OpenCsv)),
            ("model.safetensors", Some(Purpose::OpenModel)),
            ("mine.JSON", Some(Purpose::OpenSampler)),
            ("picture.png", None),
            ("README", None),
        ] {
            assert_eq!(purpose_of(Path::new(name)), purpose, "{name}");
        }
        let table = directory.path().join("table.csv");
        for (header, purpose) in [
            ("x,y", Purpose::OpenCsv),
            ("t,log_snr", Purpose::OpenSchedule),
        ] {
            std::fs::write(&table, format!("{header}\n0,9\n1,-9\n")).unwrap();
            assert_eq!(purpose_of(&table), Some(purpose), "{header}");
        }
    }

    #[test]
    fn a_tilde_is_the_home_directory_at_the_beginning_alone() {
        let home = std::env::home_dir().unwrap();
        for (text, path) in [
            ("~", home.clone()),
            ("~/", home.clone()),
            ("~/models/first", home.join("models/first")),
            ("~name/file", "~name/file".into()),
            ("models/~/x", "models/~/x".into()),
            ("/tmp/~", "/tmp/~".into()),
        ] {
            assert_eq!(typed_path(text), path, "{text}");
        }
    }
}
