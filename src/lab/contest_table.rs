//! The table of a contest: as Markdown, as CSV, and in a JSON object.

use std::io::{self, BufRead};

use serde::Serialize;

use super::contest::Scored;
use maths::atomic::all_lines;
use maths::measure::{Estimate, round};

/// A row of the table, and of the CSV file.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The sampler by name, with its number; one's own by its file's.
    pub sampler: String,
    /// Where its steps lie, by name, with the handles of one's own; `file` where a file says it.
    pub placement: String,
    /// Steps from noise to data.
    pub steps: u32,
    /// How often a sample asks for a prediction, on the mean.
    pub evaluations: usize,
    /// That a set of samples took.
    pub milliseconds: f64,
    /// Sliced W₂ to draws of the data, data units.
    pub sliced_w2: f64,
    /// Its standard error.
    pub sliced_w2_error: f64,
    /// The same in distances of draws of the data to other draws.
    pub floors: f64,
    /// −E ln p_0(samples) − h(p_0), nats.
    pub surprise: f64,
    /// Its standard error.
    pub surprise_error: f64,
    /// Root mean square distance from where the flow leads.
    pub apart: Option<f64>,
    /// Measured order.
    pub order: Option<f64>,
}

impl Row {
    /// What one has reached, beside what draws of the data reach.
    pub fn of(scored: &Scored, floor: Estimate) -> Self {
        Self {
            sampler: scored.entrant.pick().to_string(),
            placement: scored.entrant.placement(),
            steps: scored.entrant.steps(),
            evaluations: scored.evaluations.round() as usize,
            milliseconds: round(1e3 * scored.secs),
            sliced_w2: round(scored.distance.value),
            sliced_w2_error: round(scored.distance.error),
            floors: round(scored.distance.value / floor.value),
            surprise: round(scored.surprise.value),
            surprise_error: round(scored.surprise.error),
            apart: scored.apart.map(round),
            order: scored.order.map(round),
        }
    }

    /// The texts of the row, beneath [`HEADS`].
    pub fn cells(&self) -> [String; 10] {
        let known = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
        };
        [
            // A file may be called anything.
            self.sampler.replace('|', "\\|"),
            self.placement.clone(),
            self.steps.to_string(),
            self.evaluations.to_string(),
            format!("{:.1}", self.milliseconds),
            format!("{:.4} ± {:.4}", self.sliced_w2, self.sliced_w2_error),
            format!("{:.2}", self.floors),
            format!("{:.3} ± {:.3}", self.surprise, self.surprise_error),
            known(self.apart, 5),
            known(self.order, 2),
        ]
    }
}

/// Heads of the table's columns.
pub const HEADS: [&str; 10] = [
    "sampler",
    "steps lie",
    "steps",
    "evaluations",
    "ms",
    "sliced W₂",
    "floors",
    "surprise",
    "from the flow's end",
    "order",
];

fn line(cells: &[impl AsRef<str>]) -> String {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The table in Markdown.
pub fn markdown(rows: &[Row]) -> String {
    let mut table = line(&HEADS) + &line(&["---"; 10]);
    for row in rows {
        table += &line(&row.cells());
    }
    table
}

/// True for a table that [`markdown`] could have made.
///
/// # Errors
/// A file that cannot be read.
pub fn is_markdown(file: &mut dyn BufRead) -> io::Result<bool> {
    let head = line(&HEADS);
    all_lines(file, |index, text| match index {
        0 => text == head.trim_end(),
        _ => text.starts_with("| ") && text.matches(" | ").count() + 1 == HEADS.len(),
    })
}

/// Columns of the CSV file.
const COLUMNS: &str = "sampler,placement,steps,evaluations,milliseconds,sliced_w2,sliced_w2_error,floors,surprise,surprise_error,apart,order";

/// The table as CSV, its columns named as in JSON.
///
/// # Errors
/// Never but for memory.
pub fn csv_of(rows: &[Row]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row)?;
    }
    Ok(writer
        .into_inner()
        .map_err(csv::IntoInnerError::into_error)?)
}

/// True for a table that [`csv_of`] could have made.
///
/// # Errors
/// A file that cannot be read.
pub fn is_csv(file: &mut dyn BufRead) -> io::Result<bool> {
    all_lines(file, |index, text| match index {
        0 => text == COLUMNS,
        _ => text.matches(',').count() >= COLUMNS.matches(',').count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_known_again() {
        let row = |placement: &str| Row {
            sampler: "edm:20".to_owned(),
            placement: placement.to_owned(),
            steps: 8,
            evaluations: 15,
            milliseconds: 12.0,
            sliced_w2: 0.1,
            sliced_w2_error: 0.01,
            floors: 2.0,
            surprise: 0.3,
            surprise_error: 0.1,
            apart: None,
            order: Some(2.0),
        };
        let rows = ["karras", "own:0.8,0.5,0.2"].map(row);
        assert!(is_markdown(&mut markdown(&rows).as_bytes()).unwrap());
        let table = csv_of(&rows).unwrap();
        assert!(is_csv(&mut table.as_slice()).unwrap());
        // The commas of handles are none between cells.
        let mut reader = csv::Reader::from_reader(table.as_slice());
        let cells: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!([&cells[0][1], &cells[1][1]], ["karras", "own:0.8,0.5,0.2"]);
        for other in ["| a |\n", "x,y\n1,2\n"] {
            assert!(!is_markdown(&mut other.as_bytes()).unwrap());
            assert!(!is_csv(&mut other.as_bytes()).unwrap());
        }
    }
}
