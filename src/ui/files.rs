//! Choosing files: a path typed by hand, or the system's dialog, which runs in a thread of its own.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::picture::Order;

/// What a chosen path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Points in a CSV.
    OpenCsv,
    /// A directory for the model.
    SaveModel,
    /// A PNG of the chapter.
    SavePicture,
}

/// Paths typed by hand and dialogs that are open.
pub struct Files {
    /// The CSV to open.
    pub csv: String,
    /// The directory to save in.
    pub model: String,
    /// The PNG to write.
    pub picture: String,
    /// Pixels of a picture, across and down.
    pub picture_size: [u32; 2],
    /// Pictures in the light theme, as for print; else as the window is.
    pub picture_light: bool,
    /// A picture that was asked for and is not yet laid out.
    pub picture_order: Option<Order>,
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
            model: "model".into(),
            picture: "noise-compass.png".into(),
            picture_size: [2560, 1600],
            picture_light: true,
            picture_order: None,
            picture_question: None,
            chosen,
            outlet,
        }
    }
}

impl Files {
    /// Open the system's dialog. Where there is none, nothing is chosen and the path can still be typed.
    pub fn browse(&self, purpose: Purpose, ctx: &egui::Context) {
        let dialog = rfd::AsyncFileDialog::new();
        // The dialog is made here, on the window's thread, as some systems demand; only the waiting is elsewhere.
        let answer: std::pin::Pin<Box<dyn Future<Output = Option<rfd::FileHandle>> + Send>> = match purpose {
            Purpose::OpenCsv => Box::pin(dialog.set_title("Open CSV").add_filter("CSV", &["csv"]).pick_file()),
            Purpose::SaveModel => {
                Box::pin(dialog.set_title("Save the model as a directory").set_file_name(&self.model).save_file())
            }
            Purpose::SavePicture => {
                let dialog = dialog.set_title("Save the picture").add_filter("PNG", &["png"]);
                Box::pin(dialog.set_file_name(&self.picture).save_file())
            }
        };
        let (outlet, ctx) = (self.outlet.clone(), ctx.clone());
        let waiting = std::thread::Builder::new().name("file dialog".into()).spawn(move || {
            if let Some(file) = pollster::block_on(answer) {
                // The window may be gone by now: then nobody waits for the path.
                let _ = outlet.send((purpose, file.path().to_path_buf()));
                ctx.request_repaint();
            }
        });
        if let Err(error) = waiting {
            log::warn!("no file dialog ({error}); type the path instead");
        }
    }

    /// A path that was chosen since the last call.
    pub fn take(&mut self) -> Option<(Purpose, PathBuf)> {
        let (purpose, path) = self.chosen.try_recv().ok()?;
        let text = path.display().to_string();
        match purpose {
            Purpose::OpenCsv => self.csv = text,
            Purpose::SaveModel => self.model = text,
            Purpose::SavePicture => self.picture = text,
        }
        Some((purpose, path))
    }
}
