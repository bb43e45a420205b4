//! For tests: what a formula on the screen is worth, read from its text alone.

/// The values of a formula's letters. A letter is all of its text, as in `ᾱ_t` or `x_θ(x, t)`.
pub struct Letters(Vec<(String, f64)>);

impl Letters {
    /// From names and values.
    pub fn new<const N: usize>(letters: [(&str, f64); N]) -> Self {
        let mut letters: Vec<_> = letters
            .iter()
            .map(|&(name, value)| (plain(name), value))
            .collect();
        // The longest first: `x_θ(x, t)` is not `x`.
        letters.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Self(letters)
    }

    /// The value of a formula. Factors stand side by side; a quotient goes on from left to right, so that `a/b c` is (a/b) c.
    ///
    /// # Panics
    ///
    /// On a letter without a value, and on what is no formula.
    pub fn value(&self, formula: &str) -> f64 {
        let text = plain(formula);
        let mut reader = Reader {
            letters: &self.0,
            rest: text.trim(),
        };
        let value = reader.sum();
        assert!(
            reader.rest.is_empty(),
            "'{}' is left of '{formula}'",
            reader.rest
        );
        value
    }
}

/// A bar as part of its letter, and no thin spaces.
fn plain(text: &str) -> String {
    text.replace("α\u{304}", "ᾱ").replace('\u{2009}', "")
}

struct Reader<'a> {
    letters: &'a [(String, f64)],
    rest: &'a str,
}

impl Reader<'_> {
    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start();
        rest.strip_prefix(sign)
            .map(|rest| self.rest = rest)
            .is_some()
    }

    fn sum(&mut self) -> f64 {
        let minus = self.takes("−");
        let mut sum = self.product() * if minus { -1.0 } else { 1.0 };
        loop {
            if self.takes("+") {
                sum += self.product();
            } else if self.takes("−") {
                sum -= self.product();
            } else {
                return sum;
            }
        }
    }

    fn product(&mut self) -> f64 {
        let mut product = self.power().expect("a factor");
        loop {
            if self.takes("/") {
                product /= self.power().expect("a divisor");
            } else if let Some(factor) = self.power() {
                product *= factor;
            } else {
                self.rest = self.rest.trim_start();
                return product;
            }
        }
    }

    fn power(&mut self) -> Option<f64> {
        let value = if self.takes("√") {
            self.atom()?.sqrt()
        } else {
            self.atom()?
        };
        Some(if self.takes("²") {
            value * value
        } else {
            value
        })
    }

    fn atom(&mut self) -> Option<f64> {
        if self.takes("(") {
            let inner = self.sum();
            assert!(self.takes(")"), "unclosed before '{}'", self.rest);
            return Some(inner);
        }
        let rest = self.rest.trim_start();
        if let Some((name, value)) = self
            .letters
            .iter()
            .find(|(name, _)| rest.starts_with(name.as_str()))
        {
            self.rest = &rest[name.len()..];
            return Some(*value);
        }
        let digits = rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
                .len();
        let number = rest[..digits].parse().ok()?;
        self.rest = &rest[digits..];
        Some(number)
    }
}

#[test]
fn formulas_are_read_as_they_are_written() {
    let letters = Letters::new([
        ("ᾱ_t", 0.64),
        ("x", 3.0),
        ("x_θ(x, t)", 5.0),
        ("s′", 2.0),
        ("s", 4.0),
    ]);
    for (formula, value) in [
        ("√(ᾱ_t) x", 2.4),
        ("√ᾱ_t x", 2.4),
        ("x_θ(x, t) − x", 2.0),
        ("−(x + 1) / 2 x", -6.0),
        ("(s² − s′²) / s²", 0.75),
        ("(1 − 0.5)/(1 − 0.75) x", 6.0),
    ] {
        assert!((letters.value(formula) - value).abs() < 1e-12, "{formula}");
    }
}
