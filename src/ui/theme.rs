//! Colours, fonts and sizes. Colour carries meaning everywhere alike, and is safe for colour-blind eyes (Okabe & Ito).

use std::sync::Arc;

use egui::{
    Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Stroke, TextStyle,
    Visuals, vec2,
};
use lab::message::Side;

/// Size of small labels, in points.
pub const SMALL: f32 = 11.0;
/// Size of text.
pub const BODY: f32 = 13.0;
/// Size of titles.
pub const TITLE: f32 = 17.0;

const SEMIBOLD: &str = "semibold";
const MATHS_ITALIC: &str = "maths italic";
const MATHS_UPRIGHT: &str = "maths upright";

/// The colours of one theme.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Palette {
    /// Background of the bars and panels.
    pub panel: Color32,
    /// Background of the canvas and the plots.
    pub canvas: Color32,
    /// Lines between panels, frames of controls.
    pub line: Color32,
    /// Background of what is selected, or under the pointer.
    pub raised: Color32,
    /// Text.
    pub ink: Color32,
    /// Text of second rank.
    pub weak: Color32,
    /// Labels that only name.
    pub faint: Color32,
    /// Grid lines.
    pub grid: Color32,
    /// The lines through zero.
    pub axis: Color32,
    /// The dashed manifold.
    pub outline: Color32,
    /// The experiment and all it learned: A blue, B vermilion.
    pub learned: Color32,
    /// What is set against it: the other experiment, the second of two schedules.
    pub other: Color32,
    /// The exact answer.
    pub exact: Color32,
    /// The true noise and the true clean point behind one x_t.
    pub truth: Color32,
    /// Data.
    pub data: Color32,
    /// Noise.
    pub noise: Color32,
    /// The density's glow; its alpha is that of the maximum.
    pub glow: Color32,
    /// Something is wrong.
    pub fault: Color32,
    /// Curves that stand for nothing but themselves (Okabe & Ito 2008, told apart by colour-blind eyes).
    pub series: [Color32; 6],
}

const DARK: Palette = Palette {
    panel: Color32::from_rgb(26, 29, 34),
    canvas: Color32::from_rgb(17, 19, 23),
    line: Color32::from_rgb(42, 46, 53),
    raised: Color32::from_rgb(38, 42, 49),
    ink: Color32::from_rgb(232, 234, 238),
    weak: Color32::from_rgb(158, 165, 175),
    faint: Color32::from_rgb(122, 129, 140),
    grid: Color32::from_rgb(27, 30, 35),
    axis: Color32::from_rgb(46, 50, 57),
    outline: Color32::from_rgb(168, 174, 184),
    learned: Color32::from_rgb(86, 165, 236),
    other: Color32::from_rgb(240, 120, 50),
    exact: Color32::from_rgb(38, 192, 144),
    truth: Color32::from_rgb(222, 140, 190),
    data: Color32::from_rgb(214, 218, 224),
    noise: Color32::from_rgb(150, 155, 163),
    glow: Color32::from_rgba_unmultiplied_const(48, 106, 162, 175),
    // Yellow: B's vermilion is orange, and neither is taken for the other.
    fault: Color32::from_rgb(240, 200, 70),
    series: [
        Color32::from_rgb(86, 180, 233),
        Color32::from_rgb(230, 159, 0),
        Color32::from_rgb(0, 178, 130),
        Color32::from_rgb(214, 130, 180),
        Color32::from_rgb(240, 228, 66),
        Color32::from_rgb(230, 100, 50),
    ],
};

const LIGHT: Palette = Palette {
    panel: Color32::from_rgb(251, 251, 252),
    canvas: Color32::from_rgb(255, 255, 255),
    line: Color32::from_rgb(223, 226, 231),
    raised: Color32::from_rgb(232, 235, 240),
    ink: Color32::from_rgb(28, 31, 36),
    weak: Color32::from_rgb(88, 95, 106),
    faint: Color32::from_rgb(120, 128, 139),
    grid: Color32::from_rgb(242, 243, 246),
    axis: Color32::from_rgb(222, 225, 230),
    outline: Color32::from_rgb(92, 98, 108),
    learned: Color32::from_rgb(0, 114, 178),
    other: Color32::from_rgb(204, 85, 0),
    exact: Color32::from_rgb(0, 138, 100),
    truth: Color32::from_rgb(168, 70, 128),
    data: Color32::from_rgb(38, 42, 48),
    noise: Color32::from_rgb(120, 125, 133),
    glow: Color32::from_rgba_unmultiplied_const(86, 164, 214, 112),
    fault: Color32::from_rgb(122, 92, 0),
    series: [
        Color32::from_rgb(0, 114, 178),
        Color32::from_rgb(190, 120, 0),
        Color32::from_rgb(0, 130, 95),
        Color32::from_rgb(168, 70, 128),
        Color32::from_rgb(110, 105, 0),
        Color32::from_rgb(200, 70, 0),
    ],
};

/// As experiment B sees them: what is learned is vermilion.
const DARK_B: Palette = Palette {
    learned: DARK.other,
    other: DARK.learned,
    ..DARK
};
const LIGHT_B: Palette = Palette {
    learned: LIGHT.other,
    other: LIGHT.learned,
    ..LIGHT
};

/// The colours of the light or the dark theme, for one side.
pub fn palette(light: bool, side: Side) -> &'static Palette {
    match (light, side) {
        (false, Side::A) => &DARK,
        (false, Side::B) => &DARK_B,
        (true, Side::A) => &LIGHT,
        (true, Side::B) => &LIGHT_B,
    }
}

/// The text face.
pub fn text_font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Proportional)
}

/// The maths face for variables: italic.
pub fn variable_font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(MATHS_ITALIC.into()))
}

/// The maths face for signs and numbers: upright.
pub fn sign_font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(MATHS_UPRIGHT.into()))
}

/// The text face, heavier: values and titles.
pub fn strong_font(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(SEMIBOLD.into()))
}

/// The seven stops of viridis (Smith & van der Walt 2015), from data to noise.
const VIRIDIS: [[u8; 3]; 7] = [
    [68, 1, 84],
    [70, 50, 127],
    [54, 92, 141],
    [39, 127, 142],
    [31, 161, 135],
    [109, 205, 89],
    [253, 231, 37],
];

/// The colour of time t/T.
pub fn time_color(tau: f32) -> Color32 {
    let at = tau.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f32;
    let low = (at as usize).min(VIRIDIS.len() - 2);
    let share = at - low as f32;
    let mix = |c: usize| {
        let [a, b] = [VIRIDIS[low][c], VIRIDIS[low + 1][c]].map(f32::from);
        (a + (b - a) * share).round() as u8
    };
    Color32::from_rgb(mix(0), mix(1), mix(2))
}

/// Put fonts and both themes into a context.
pub fn install(ctx: &egui::Context) {
    let mut fonts = FontDefinitions::empty();
    let faces: [(&str, &'static [u8]); 4] = [
        (
            "text",
            include_bytes!("../../assets/fonts/CompassSans-Regular.otf"),
        ),
        (
            SEMIBOLD,
            include_bytes!("../../assets/fonts/CompassSans-SemiBold.otf"),
        ),
        (
            MATHS_ITALIC,
            include_bytes!("../../assets/fonts/CompassMaths-Italic.otf"),
        ),
        (
            MATHS_UPRIGHT,
            include_bytes!("../../assets/fonts/CompassMaths-Regular.otf"),
        ),
    ];
    for (name, bytes) in faces {
        fonts
            .font_data
            .insert(name.into(), Arc::new(FontData::from_static(bytes)));
    }
    // The families fall back on each other, so that every glyph in use is found in each.
    for (family, order) in [
        (
            FontFamily::Proportional,
            ["text", MATHS_UPRIGHT, MATHS_ITALIC],
        ),
        (FontFamily::Monospace, ["text", MATHS_UPRIGHT, MATHS_ITALIC]),
        (
            FontFamily::Name(SEMIBOLD.into()),
            [SEMIBOLD, "text", MATHS_UPRIGHT],
        ),
        (
            FontFamily::Name(MATHS_ITALIC.into()),
            [MATHS_ITALIC, MATHS_UPRIGHT, "text"],
        ),
        (
            FontFamily::Name(MATHS_UPRIGHT.into()),
            [MATHS_UPRIGHT, MATHS_ITALIC, "text"],
        ),
    ] {
        fonts
            .families
            .insert(family, order.map(str::to_owned).into());
    }
    ctx.set_fonts(fonts);
    for (theme, light) in [(egui::Theme::Dark, false), (egui::Theme::Light, true)] {
        ctx.style_mut_of(theme, |style| {
            style.text_styles = [
                (TextStyle::Small, text_font(SMALL)),
                (TextStyle::Body, text_font(BODY)),
                (TextStyle::Button, text_font(BODY)),
                (TextStyle::Monospace, text_font(BODY)),
                (TextStyle::Heading, strong_font(TITLE)),
            ]
            .into();
            style.visuals = visuals(light);
            style.animation_time = 0.0;
            style.scroll_animation = egui::style::ScrollAnimation::none();
            style.spacing.item_spacing = vec2(8.0, 6.0);
            style.spacing.button_padding = vec2(10.0, 5.0);
            style.spacing.interact_size = vec2(24.0, 26.0);
            style.spacing.slider_rail_height = 3.0;
            style.spacing.menu_margin = egui::Margin::same(10);
            style.interaction.selectable_labels = false;
            style.interaction.tooltip_delay = 0.4;
            style.explanation_tooltips = false;
            // As wide as the panel: what a control changes lies beside it.
            style.spacing.tooltip_width = 250.0;
        });
    }
}

fn visuals(light: bool) -> Visuals {
    let palette = palette(light, Side::A);
    let mut visuals = if light {
        Visuals::light()
    } else {
        Visuals::dark()
    };
    visuals.panel_fill = palette.panel;
    visuals.window_fill = palette.panel;
    visuals.extreme_bg_color = palette.canvas;
    visuals.faint_bg_color = palette.raised;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.window_corner_radius = CornerRadius::same(8);
    visuals.menu_corner_radius = CornerRadius::same(8);
    visuals.weak_text_color = Some(palette.weak);
    visuals.hyperlink_color = palette.learned;
    visuals.warn_fg_color = palette.fault;
    visuals.error_fg_color = palette.fault;
    visuals.selection.bg_fill = palette
        .learned
        .gamma_multiply(if light { 0.85 } else { 0.8 });
    visuals.selection.stroke = Stroke::new(1.0, palette.ink);
    visuals.slider_trailing_fill = true;
    let radius = CornerRadius::same(6);
    for (widget, fill, line, text) in [
        (
            &mut visuals.widgets.noninteractive,
            palette.panel,
            palette.line,
            palette.ink,
        ),
        (
            &mut visuals.widgets.inactive,
            palette.panel,
            palette.line,
            palette.ink,
        ),
        (
            &mut visuals.widgets.hovered,
            palette.raised,
            palette.faint,
            palette.ink,
        ),
        (
            &mut visuals.widgets.active,
            palette.raised,
            palette.learned,
            palette.ink,
        ),
        (
            &mut visuals.widgets.open,
            palette.raised,
            palette.line,
            palette.ink,
        ),
    ] {
        widget.bg_fill = fill;
        widget.weak_bg_fill = fill;
        widget.bg_stroke = Stroke::new(1.0, line);
        widget.fg_stroke = Stroke::new(1.0, text);
        widget.corner_radius = radius;
        widget.expansion = 0.0;
    }
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_have_one_width_in_both_weights_so_that_numbers_do_not_jitter() {
        let ctx = egui::Context::default();
        install(&ctx);
        let output = ctx.run_ui(egui::RawInput::default(), |ui| {
            for font in [text_font(BODY), strong_font(BODY)] {
                let width = |text: &str| {
                    ui.painter()
                        .layout_no_wrap(text.to_owned(), font.clone(), Color32::WHITE)
                        .size()
                        .x
                };
                let reference = width("0000000000");
                for digit in '1'..='9' {
                    let other = width(&digit.to_string().repeat(10));
                    assert!(
                        (other - reference).abs() < 1e-3,
                        "{digit}: {other} and not {reference}"
                    );
                }
            }
        });
        output.drop_without_applying_deltas();
    }

    #[test]
    fn time_runs_from_violet_to_yellow() {
        assert_eq!(time_color(0.0), Color32::from_rgb(68, 1, 84));
        assert_eq!(time_color(0.5), Color32::from_rgb(39, 127, 142));
        assert_eq!(time_color(1.0), Color32::from_rgb(253, 231, 37));
    }

    /// WCAG 2.1: text needs 4.5 : 1 against its background, graphics 3 : 1.
    #[test]
    fn text_and_marks_stand_out_from_their_backgrounds() {
        let luminance = |c: Color32| {
            let rgba = egui::Rgba::from(c);
            0.2126 * rgba.r() + 0.7152 * rgba.g() + 0.0722 * rgba.b()
        };
        let contrast = |a: Color32, b: Color32| {
            let (a, b) = (luminance(a), luminance(b));
            (a.max(b) + 0.05) / (a.min(b) + 0.05)
        };
        for light in [false, true] {
            let p = palette(light, Side::A);
            for (text, behind) in [
                (p.ink, p.panel),
                (p.weak, p.panel),
                (p.ink, p.raised),
                (p.weak, p.canvas),
            ] {
                assert!(
                    contrast(text, behind) >= 4.5,
                    "{text:?} on {behind:?}: {}",
                    contrast(text, behind)
                );
            }
            for mark in [
                p.learned, p.other, p.exact, p.data, p.noise, p.faint, p.fault,
            ] {
                assert!(
                    contrast(mark, p.canvas) >= 3.0,
                    "{mark:?}: {}",
                    contrast(mark, p.canvas)
                );
            }
        }
    }
}
