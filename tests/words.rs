//! The words on the sheets, in the lessons, the help and the tour: each is spelled as in `tests/words.txt`, where a new one is written
//! by whoever has looked it up, and each sign of them is in the fonts.

use std::collections::BTreeSet;

use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::glossary::{SYMBOLS, TERMS};
use noise_compass::ui::shell::help::KEYS;
use noise_compass::ui::shell::lessons::Lesson;
use noise_compass::ui::shell::tour::STEPS;
use noise_compass::ui::theme::{BODY, install, strong_font, text_font};

/// All of it.
fn texts() -> Vec<&'static str> {
    let sheets = Chapter::ALL
        .iter()
        .flat_map(|chapter| chapter.sheet().text());
    let lessons = Lesson::ALL.iter().flat_map(|lesson| {
        let words = lesson.words();
        [
            words.title,
            words.differs,
            words.look,
            words.happens,
            words.because,
        ]
    });
    let pairs = KEYS.iter().chain(&SYMBOLS).chain(&TERMS);
    let tour = STEPS.iter().flat_map(|step| [step.title, step.words]);
    sheets
        .chain(lessons)
        .chain(pairs.flat_map(|(name, meaning)| [*name, *meaning]))
        .chain(tour)
        .collect()
}

/// The words of a text: runs of letters of at least two; what hangs on a letter is a symbol.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| c.is_whitespace() || "()/.,:;?!|=+−".contains(c))
        .filter(|word| !word.contains(['_', '{', '\u{302}', '\u{304}']))
        .flat_map(|word| word.split(|c: char| !c.is_alphabetic() && c != '\'' && c != '’'))
        .map(|word| word.trim_matches(['\'', '’']).to_lowercase())
        .filter(|word| word.chars().count() > 1)
}

#[test]
fn every_word_is_spelled_as_it_was_looked_up() {
    let known: BTreeSet<&str> = include_str!("words.txt").lines().collect();
    let unknown: BTreeSet<String> = texts()
        .into_iter()
        .flat_map(words)
        .filter(|word| !known.contains(word.as_str()))
        .collect();
    assert!(
        unknown.is_empty(),
        "look these up and add them to tests/words.txt: {}",
        Vec::from_iter(unknown).join(" ")
    );
}

#[test]
fn every_sign_is_in_the_fonts() {
    let ctx = egui::Context::default();
    install(&ctx);
    // New fonts hold from the second frame on.
    for _ in 0..2 {
        ctx.run_ui(egui::RawInput::default(), |_| {})
            .drop_without_applying_deltas();
    }
    let missing: BTreeSet<char> = texts()
        .into_iter()
        .flat_map(str::chars)
        .filter(|c| {
            ctx.fonts_mut(|fonts| {
                [text_font(BODY), strong_font(BODY)]
                    .iter()
                    .any(|font| !fonts.has_glyphs(font, &c.to_string()))
            })
        })
        .collect();
    assert!(missing.is_empty(), "no font has {missing:?}");
}

/// Sentences end, and say one thing: none is longer than can be read at a glance.
#[test]
fn sentences_are_whole_and_short() {
    for chapter in Chapter::ALL {
        for answer in chapter.sheet().answers {
            assert!(answer.answer.ends_with('.'), "{}", answer.answer);
            assert!(answer.question.ends_with(['?', '.']), "{}", answer.question);
            for sentence in answer.answer.split(". ") {
                let count = sentence.split_whitespace().count();
                assert!(count <= 34, "{count} words: {sentence}");
            }
        }
    }
}
