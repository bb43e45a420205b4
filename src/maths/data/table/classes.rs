//! The column of a table that says which class each row is of.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::data::dialect::number_of;

/// The classes that a column of the name `label` or `class` gives the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Classes {
    /// What they are called: the values of the column, numbers by their size, else by the alphabet.
    pub names: Vec<String>,
    /// The number of each row's class.
    pub of_rows: Vec<u32>,
}

/// Names of the column that gives classes, in any capitals.
const NAMES: [&str; 2] = ["label", "class"];
/// As many classes as can be told apart on a picture; a column of more values gives none.
const MOST: usize = 16;

/// True of a column that gives classes.
pub(super) fn is_named_so(name: &str) -> bool {
    NAMES.iter().any(|of| name.eq_ignore_ascii_case(of))
}

/// The column of the classes while it is read.
#[derive(Default)]
pub(super) struct ClassColumn {
    /// It was looked for.
    is_sought: bool,
    /// Its place, where there is one.
    place: Option<usize>,
    /// Its values, in the order in which they came.
    values: HashMap<Vec<u8>, u32>,
    of_rows: Vec<u32>,
}

impl ClassColumn {
    /// One more row, under these names, which the header gave or nobody.
    pub(super) fn see(&mut self, names: &[String], named: bool, cells: &[Cow<'_, [u8]>]) {
        if !self.is_sought {
            let found = names.iter().position(|name| is_named_so(name));
            (self.is_sought, self.place) = (true, found.filter(|_| named));
        }
        let Some(cell) = self.place.and_then(|place| cells.get(place)) else {
            return;
        };
        let next = self.values.len() as u32;
        let known = self.values.get(cell.trim_ascii()).copied();
        let class = known.unwrap_or_else(|| {
            self.values.insert(cell.trim_ascii().to_vec(), next);
            next
        });
        self.of_rows.push(class);
        // More than can be told apart are no classes.
        if self.values.len() > MOST {
            *self = Self {
                is_sought: true,
                ..Self::default()
            };
        }
    }

    /// The classes: two at least, each with a name.
    pub(super) fn classes(self) -> Option<Classes> {
        let mut values: Vec<(String, u32)> = self
            .values
            .iter()
            .map(|(value, class)| (String::from_utf8_lossy(value).into_owned(), *class))
            .collect();
        if values.len() < 2 || values.iter().any(|(name, _)| name.is_empty()) {
            return None;
        }
        let number = |name: &str| number_of(name).filter(|value| !value.is_nan());
        let numbers = values.iter().all(|(name, _)| number(name).is_some());
        values.sort_by(|(a, _), (b, _)| match (number(a), number(b)) {
            (Some(a), Some(b)) if numbers => a.total_cmp(&b),
            _ => a.cmp(b),
        });
        let mut place = vec![0; values.len()];
        for (at, (_, class)) in values.iter().enumerate() {
            place[*class as usize] = at as u32;
        }
        Some(Classes {
            names: values.into_iter().map(|(name, _)| name).collect(),
            of_rows: self
                .of_rows
                .into_iter()
                .map(|class| place[class as usize])
                .collect(),
        })
    }
}
