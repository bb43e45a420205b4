//! What a chapter's sheet says: why things are as they are, what to look at, and what to try. Text only; what a try does is the
//! page's own.

/// Do this, see that, because.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// What to do.
    pub act: &'static str,
    /// What is then seen.
    pub see: &'static str,
    /// Why.
    pub because: &'static str,
}

/// A question that people ask, and its answer in a short paragraph.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// As they ask it.
    pub question: &'static str,
    /// A short paragraph.
    pub answer: &'static str,
}

/// The sheet of a chapter.
#[derive(Clone, Copy, Debug)]
pub struct Sheet {
    /// Three to five of them.
    pub answers: &'static [Answer],
    /// What the picture shows when something is done.
    pub looks: &'static [Look],
    /// What to try. A click sets the lab up; it is ticked when it is done.
    pub tries: &'static [&'static str],
    /// Which chapter comes next, by its name, and what for.
    pub next: (&'static str, &'static str),
}

impl Sheet {
    /// All that it says, for whoever checks the words.
    pub fn text(&self) -> impl Iterator<Item = &'static str> {
        let answers = self.answers.iter().flat_map(|a| [a.question, a.answer]);
        let looks = self.looks.iter().flat_map(|l| [l.act, l.see, l.because]);
        let tries = self.tries.iter().copied();
        answers.chain(looks).chain(tries).chain([self.next.1])
    }
}
