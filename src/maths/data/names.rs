//! Names as people write them: case, hyphens, underscores and spaces make no difference.

/// What is left of a name without case, hyphens, underscores and spaces.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
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
    let found = all.iter().find(|&&one| names(one).iter().any(|name| same(name, text)));
    found.copied().ok_or_else(|| {
        let known: Vec<_> = all.iter().map(|&one| names(one)[0]).collect();
        format!("'{text}' is not {what}; use {}", known.join(", "))
    })
}
