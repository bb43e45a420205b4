//! What the question mark opens: the words and symbols of the lab, and its keys.

use egui::{Align2, Context, Key, Label, Ui, vec2};

use crate::glossary::{SYMBOLS, TERMS};
use crate::theme::{Palette, strong_font};
use crate::widgets::maths;
use crate::widgets::segmented;
use crate::widgets::text;

/// A page of the help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HelpPage {
    /// The keys.
    #[default]
    Keys,
    /// The symbols.
    Symbols,
    /// The words.
    Words,
}

/// Keys and what they do.
pub const KEYS: [(&str, &str); 15] = [
    ("Space", "play or pause what the chapter is about"),
    ("R", "back to the chapter's beginning"),
    ("← →", "the clock, by hundredths"),
    ("Shift ← →", "the clock, by tenths"),
    ("1 to 9, 0, −", "open a chapter, in the order of the list"),
    ("W", "open or fold the sheet Why"),
    ("Alt 1 to 3", "what the sheet says to try"),
    ("P", "fold or open the panel"),
    ("F11", "full screen, and back"),
    ("Ctrl +", "larger type, for a class"),
    ("Ctrl −", "smaller type"),
    ("Ctrl 0", "type of the usual size"),
    ("Tab", "the next control; Shift Tab the one before"),
    ("Enter", "press the control, or take what was typed"),
    ("F1 or ?", "this sheet"),
];

/// Draw the help while it is open. Returns false where it is closed.
pub fn help_ui(ctx: &Context, page: &mut HelpPage, palette: &Palette) -> bool {
    let mut open = true;
    let screen = ctx.content_rect();
    let size = vec2(
        520.0_f32.min(screen.width() - 40.0),
        (0.74 * screen.height()).min(620.0),
    );
    egui::Window::new("Help")
        .id(egui::Id::unique("help"))
        .open(&mut open)
        .collapsible(false)
        .resizable(false)
        .fixed_size(size)
        .pivot(Align2::CENTER_CENTER)
        .fixed_pos(screen.center())
        .order(egui::Order::Foreground)
        .show(ctx, |ui| {
            let options = [
                (HelpPage::Keys, "Keys"),
                (HelpPage::Symbols, "Symbols"),
                (HelpPage::Words, "Words"),
            ];
            segmented::choose(ui, "Help page", page, &options, palette);
            ui.add_space(6.0);
            egui::ScrollArea::vertical()
                .auto_shrink(false)
                .show(ui, |ui| page_ui(ui, *page, palette));
        });
    open && !ctx.input(|i| i.key_pressed(Key::Escape))
}

fn page_ui(ui: &mut Ui, page: HelpPage, palette: &Palette) {
    let rows: &[(&str, &str)] = match page {
        HelpPage::Keys => &KEYS,
        HelpPage::Symbols => &SYMBOLS,
        HelpPage::Words => &TERMS,
    };
    for (head, meaning) in rows {
        ui.horizontal_top(|ui| {
            ui.allocate_ui_with_layout(
                vec2(126.0, 18.0),
                egui::Layout::top_down(egui::Align::Min),
                |ui| {
                    ui.set_min_width(126.0);
                    let job = maths::job(ui.painter(), head, &strong_font(13.0), palette.ink);
                    ui.add(Label::new(job).wrap()).accessible_name(*head);
                },
            );
            ui.vertical(|ui| {
                text::note(ui, meaning, palette);
            });
        });
        ui.add_space(3.0);
    }
}
