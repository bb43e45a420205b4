//! How the things that one can choose are called. Each has one row of words, which the parser, error texts, the command
//! line's help, menus, differences and tests read.
//!
//! Names are understood as people write them: case, hyphens, underscores and spaces make no difference.

/// What one of a kind is called, wherever it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// On the command line and in files.
    pub name: &'static str,
    /// In menus.
    pub title: &'static str,
    /// Where there is room for no more.
    pub symbol: &'static str,
    /// Between the words that tell two experiments apart.
    pub short: &'static str,
    /// What it is, in a few words, for help and tips.
    pub help: &'static str,
}

/// Names one after the other: `eps, x0, v, score or velocity`.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// What is left of a name without case, hyphens, underscores and spaces.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .flat_map(char::to_lowercase)
        .collect()
}

/// True where two names mean the same.
pub fn same(a: &str, b: &str) -> bool {
    plain(a) == plain(b)
}

/// The one of `all` that bears this name. Each has several: the first is how it is written.
///
/// # Errors
/// One sentence that lists the names.
pub fn find<T: Copy, const N: usize>(
    all: impl IntoIterator<Item = T>,
    what: &str,
    text: &str,
    names: impl Fn(T) -> [&'static str; N],
) -> Result<T, String> {
    let all: Vec<T> = all.into_iter().collect();
    let found = all
        .iter()
        .find(|&&one| names(one).iter().any(|name| same(name, text)));
    found.copied().ok_or_else(|| {
        let known: Vec<_> = all.iter().map(|&one| names(one)[0]).collect();
        format!("'{text}' is not {what}; use {}", known.join(", "))
    })
}
