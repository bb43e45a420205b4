//! The middle of the window: the canvases of one or two experiments, and the plots beneath them.

mod controls;
mod layout;

use egui::{Pos2, Rect, Response, Sense, Ui, UiBuilder, WidgetInfo, vec2};

use crate::canvas::{self, Entry, Mark, Painting, Role, View, empty_ui};
use crate::chapters::{Chapter, Page, Pages};
use crate::desk::Desk;
use crate::shell::fault;
use crate::truths;
use lab::message::Side;

/// How two experiments share the canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrangement {
    /// Each its own.
    #[default]
    Beside,
    /// One canvas, A left of a line and B right of it.
    Divider,
    /// One canvas, B drawn over A.
    Overlay,
}

/// What the stage remembers.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// How two experiments share the canvas.
    pub arrangement: Arrangement,
    /// Where the divider stands, of the canvas's width.
    pub divider: f32,
}

impl Default for Stage {
    fn default() -> Self {
        Self {
            arrangement: Arrangement::Beside,
            divider: 0.5,
        }
    }
}

/// Half the width of the strip in which the divider is taken hold of.
const GRIP: f32 = 6.0;

/// A canvas of this frame.
struct Canvas {
    side: Side,
    view: View,
    response: Response,
    clip: Rect,
    over: bool,
    /// The pointer on the other side, carried over to here.
    mark: Option<Pos2>,
}

/// Where one side's canvases go.
#[derive(Clone, Copy)]
struct Region {
    side: Side,
    rect: Rect,
    clip: Rect,
    over: bool,
    hand: bool,
}

/// The pages of all sides, and which chapter each shows.
pub struct Book<'a> {
    /// Of A and of B.
    pub pages: &'a mut [Pages; 2],
    /// What A and B show.
    pub chapters: [Chapter; 2],
    /// The side whose settings are on show.
    pub focus: Side,
}

impl Book<'_> {
    /// One side's open page.
    fn page(&mut self, side: Side) -> &mut dyn Page {
        self.pages[side.index()].page(self.chapters[side.index()])
    }

    fn chapter(&self, side: Side) -> Chapter {
        self.chapters[side.index()]
    }

    fn same_chapter(&self) -> bool {
        self.chapters[0] == self.chapters[1]
    }

    /// Let the other side show things as this one does.
    pub fn spread(&mut self, from: Side, points: bool) {
        if self.same_chapter() {
            let [a, b] = &mut *self.pages;
            let (own, other) = if from == Side::A { (a, b) } else { (b, a) };
            other.show_as(own, self.chapters[0]);
            if points {
                other.follow_hand(own, self.chapters[0]);
            }
        }
    }
}

impl Stage {
    /// Draw everything into a place of the window.
    pub fn show(&mut self, ui: &mut Ui, rect: Rect, desk: &mut Desk, book: &mut Book<'_>) {
        let sides = desk.sides();
        let mut height = 0.0_f32;
        for &side in sides {
            desk.turn_to(side);
            height = height.max(book.page(side).plots_height(rect.height()).round());
        }
        let (canvas, plots) = rect.split_top_bottom_at_y(rect.bottom() - height);
        let one_canvas = self.one_canvas(desk, book);
        // What lies on one canvas looks at one place.
        let links = desk.links;
        desk.links.camera |= one_canvas;
        desk.one_canvas = one_canvas;
        let regions = self.regions(canvas, desk, book, one_canvas);
        let mut canvases = Self::canvases(ui, desk, book, &regions, canvas);
        layout::carry_pointer(
            &mut canvases,
            desk.links.cursor && book.same_chapter() && !desk.is_drawing(),
        );
        Self::take_hand(ui, desk, book, &canvases);
        let legends = Self::paint(ui, desk, book, &canvases);
        if one_canvas && self.arrangement == Arrangement::Divider {
            self.divider_ui(ui, canvas, desk);
        }
        Self::overlays_ui(ui, desk, book, &canvases, &legends);
        desk.turn_to(book.focus);
        if !desk.still {
            controls::reset_view_ui(ui, canvas, desk, book);
            controls::way_back_ui(ui, &canvases, desk, book);
        }
        for region in &regions {
            desk.turn_to(region.side);
            fault::fault_ui(ui, region.clip, desk);
        }
        desk.turn_to(book.focus);
        desk.links = links;
        if regions.len() > 1 && !one_canvas {
            let line = (1.0, desk.palette().line);
            let second = regions[1].rect;
            if layout::is_stacked(canvas) {
                ui.painter().hline(canvas.x_range(), second.top(), line);
            } else {
                ui.painter().vline(second.left(), canvas.y_range(), line);
            }
        }
        if height > 0.0 {
            Self::plots_ui(ui, plots, desk, book);
        }
        desk.turn_to(book.focus);
    }

    /// True where both experiments are drawn on one canvas.
    fn one_canvas(self, desk: &mut Desk, book: &mut Book<'_>) -> bool {
        desk.turn_to(Side::A);
        self.arrangement != Arrangement::Beside
            && desk.is_split()
            && book.same_chapter()
            // A drawing has units of its own.
            && !desk.is_drawing()
            && book.page(Side::A).canvases(desk) == 1
    }

    /// Let the pages do what the hand asks for, the other side's follow, and all start what is missing.
    fn take_hand(ui: &mut Ui, desk: &mut Desk, book: &mut Book<'_>, canvases: &[Canvas]) {
        for Canvas {
            side,
            view,
            response,
            ..
        } in canvases
        {
            desk.turn_to(*side);
            book.page(*side).take_hand(ui, view, response, desk);
            if response.contains_pointer()
                || response.is_pointer_button_down_on()
                || response.clicked()
            {
                book.spread(*side, desk.links.points);
            }
        }
        for &side in desk.sides() {
            desk.turn_to(side);
            book.page(side).prepare(ui.ctx(), desk);
        }
        for Canvas { side, view, .. } in canvases.iter().filter(|canvas| canvas.view.index == 0) {
            desk.turn_to(*side);
            if let Some(tau) = book.page(*side).density_tau(desk) {
                let moving = desk.here.clock.playing || ui.ctx().egui_is_using_pointer();
                desk.want_density(tau, view.camera.visible(view.rect), moving);
            }
        }
    }

    /// Paint all canvases. Returns their legends, which lie over what all of them painted.
    fn paint(
        ui: &Ui,
        desk: &mut Desk,
        book: &mut Book<'_>,
        canvases: &[Canvas],
    ) -> Vec<Vec<Entry>> {
        let overlaid = canvases.iter().any(|canvas| canvas.over);
        let one_truth = truths::are_one(desk);
        let mut legends = Vec::with_capacity(canvases.len());
        for Canvas {
            side,
            view,
            clip,
            over,
            ..
        } in canvases
        {
            desk.turn_to(*side);
            let (palette, split) = (desk.palette(), desk.is_split());
            let page = book.page(*side);
            let mut scene = page.scene(view.index, desk);
            if split && view.index == 0 {
                let letter = Entry {
                    role: Role::Other,
                    mark: Mark::Letter,
                    color: palette.learned,
                    text: side.letter().to_owned(),
                };
                scene.legend.insert(0, letter);
            }
            // A file has no outline.
            if scene.outline.is_empty() {
                scene.legend.retain(|entry| entry.mark != Mark::Dashes);
            }
            let empty = scene.layers.is_empty();
            if overlaid && !one_truth {
                truths::tint(&mut scene, palette);
            } else if *over {
                truths::leave_out(&mut scene);
            }
            let painter = ui.painter_at(clip.intersect(ui.clip_rect()));
            legends.push(std::mem::take(&mut scene.legend));
            canvas::paint_scene(
                &painter,
                view,
                scene,
                Painting {
                    over: *over,
                    format: desk.format,
                    palette,
                },
            );
            if empty && view.index == 0 && page.refusal(view.index, desk).is_none() {
                empty_ui(
                    &painter,
                    view.rect.intersect(*clip),
                    page.waiting(),
                    palette,
                );
            }
            // Between it and its neighbours of the same side.
            let of_side = canvases.iter().filter(|other| other.side == *side);
            let rects = || of_side.clone().map(|other| other.view.rect);
            let (rect, line) = (view.rect, (1.0, palette.line));
            if rects().any(|other| other.right() <= rect.left() + 1.0) {
                painter.vline(rect.left(), rect.y_range(), line);
            }
            if rects().any(|other| other.bottom() <= rect.top() + 1.0) {
                painter.hline(rect.x_range(), rect.top(), line);
            }
        }
        legends
    }

    /// What lies over the canvases: the pages' own, and the pointer on the other side.
    fn overlays_ui(
        ui: &mut Ui,
        desk: &mut Desk,
        book: &mut Book<'_>,
        canvases: &[Canvas],
        legends: &[Vec<Entry>],
    ) {
        let mut legend_above = 0.0;
        for (
            Canvas {
                side,
                view,
                clip,
                over,
                mark,
                ..
            },
            legend,
        ) in canvases.iter().zip(legends)
        {
            desk.turn_to(*side);
            let palette = desk.palette();
            let lower = if *over { legend_above } else { 0.0 };
            let seen = view.rect.intersect(*clip);
            legend_above = canvas::legend_ui(&ui.painter_at(seen), seen, lower, legend, palette);
            let mut child = ui.new_child(
                UiBuilder::new()
                    .max_rect(view.rect)
                    .id_salt(("over", side.letter())),
            );
            child.set_clip_rect(clip.intersect(ui.clip_rect()));
            book.page(*side).overlay_ui(&mut child, view, desk);
            if let Some(why) = book.page(*side).refusal(view.index, desk) {
                canvas::refusal_ui(&mut child, seen, &why, palette);
            }
            let Some(at) = *mark else { continue };
            let painter = child.painter_at(view.rect);
            for (arm, width, color) in [(9.0, 3.5, palette.canvas), (8.0, 1.5, palette.ink)] {
                painter.hline(at.x - arm..=at.x + arm, at.y, (width, color));
                painter.vline(at.x, at.y - arm..=at.y + arm, (width, color));
            }
            let place = Rect::from_center_size(at, vec2(2.0, 2.0));
            let name = format!("Pointer on {}", side.letter());
            let id = child.make_persistent_id(("pointer", view.index));
            let response = child.interact(place, id, Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &name));
        }
    }

    fn plots_ui(ui: &mut Ui, rect: Rect, desk: &mut Desk, book: &mut Book<'_>) {
        let palette = desk.palette();
        ui.painter().rect_filled(rect, 0.0, palette.canvas);
        ui.painter()
            .hline(rect.x_range(), rect.top(), (1.0, palette.line));
        let child = |ui: &mut Ui, rect: Rect, side: Side| {
            let mut child = ui.new_child(
                UiBuilder::new()
                    .max_rect(rect)
                    .id_salt(("plots", side.letter()))
                    .sense(Sense::hover()),
            );
            child.set_clip_rect(rect.intersect(ui.clip_rect()));
            child
        };
        let focus = book.focus;
        desk.turn_to(focus);
        if !desk.is_split() || book.same_chapter() {
            let mut child = child(ui, rect, Side::A);
            let chapter = book.chapter(focus);
            let [a, b] = &mut *book.pages;
            let (own, other) = if focus == Side::A { (a, b) } else { (b, a) };
            let twin = desk.is_split().then_some(other);
            own.plots_ui(chapter, &mut child, desk, twin);
            return;
        }
        let (left, right) = rect.split_left_right_at_fraction(0.5);
        for (side, place) in [(Side::A, left), (Side::B, right)] {
            desk.turn_to(side);
            let mut child = child(ui, place, side);
            let chapter = book.chapter(side);
            book.pages[side.index()].plots_ui(chapter, &mut child, desk, None);
        }
        ui.painter()
            .vline(right.left(), rect.y_range(), (1.0, palette.line));
    }
}
