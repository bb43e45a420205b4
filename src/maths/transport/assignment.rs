//! The exact assignment of one point set to another.

/// No row, no column.
const NONE: usize = usize::MAX;

/// The assignment of n rows to n columns of least total cost: `answer[row]` is a column. Jonker & Volgenant 1987: a
/// cheap start (column reduction, then row reduction by augmentation), then one shortest augmenting path for each row
/// that the start left over.
pub fn assign(n: usize, cost: impl Fn(usize, usize) -> f64) -> Vec<usize> {
    let mut matching = Matching {
        price: vec![0.0; n],
        row_of: vec![NONE; n],
        column_of: vec![NONE; n],
    };
    matching.reduce_columns(&cost);
    matching.reduce_rows(&cost);
    matching.augment_all(&cost);
    matching.column_of
}

/// A partial assignment. Invariant: each assigned row holds a column that is cheapest for it at the current prices, i.e.
/// that minimises cost(row, column) − price(column); a complete assignment of that kind is optimal.
struct Matching {
    /// Dual variable of each column.
    price: Vec<f64>,
    row_of: Vec<usize>,
    column_of: Vec<usize>,
}

impl Matching {
    fn give(&mut self, row: usize, column: usize) {
        self.row_of[column] = row;
        self.column_of[row] = column;
    }

    /// Price each column at its least cost; give it to that row if the row is still free.
    fn reduce_columns(&mut self, cost: &impl Fn(usize, usize) -> f64) {
        let n = self.price.len();
        for column in (0..n).rev() {
            let (mut best, mut least) = (0, f64::INFINITY);
            for row in 0..n {
                let c = cost(row, column);
                if c < least {
                    (best, least) = (row, c);
                }
            }
            self.price[column] = least;
            if self.column_of[best] == NONE {
                self.give(best, column);
            }
        }
    }

    /// Each free row takes its cheapest column, whose price drops until the row's second choice is as good; whoever held
    /// the column becomes free. Bounded, since in floating point a drop can round to nothing.
    fn reduce_rows(&mut self, cost: &impl Fn(usize, usize) -> f64) {
        let n = self.price.len();
        if n < 2 {
            return;
        }
        let mut free: Vec<usize> = (0..n).filter(|&row| self.column_of[row] == NONE).collect();
        for _sweep in 0..2 {
            let mut budget = 4 * n;
            let mut later = Vec::new();
            while let Some(row) = free.pop() {
                if budget == 0 {
                    later.push(row);
                    continue;
                }
                budget -= 1;
                let (first, first_cost, second, second_cost) = self.two_cheapest(row, cost);
                let gap = second_cost - first_cost;
                let column = if gap > 0.0 || self.row_of[first] == NONE {
                    first
                } else {
                    second
                };
                self.price[first] -= gap;
                let evicted = self.row_of[column];
                self.give(row, column);
                if evicted != NONE {
                    self.column_of[evicted] = NONE;
                    if gap > 0.0 {
                        free.push(evicted);
                    } else {
                        later.push(evicted);
                    }
                }
            }
            free = later;
        }
    }

    /// (column, reduced cost) of the cheapest column for a row and of the runner-up.
    fn two_cheapest(
        &self,
        row: usize,
        cost: &impl Fn(usize, usize) -> f64,
    ) -> (usize, f64, usize, f64) {
        let (mut first, mut first_cost, mut second, mut second_cost) =
            (0, f64::INFINITY, 0, f64::INFINITY);
        for (column, price) in self.price.iter().enumerate() {
            let c = cost(row, column) - price;
            if c < second_cost {
                if c < first_cost {
                    (second, second_cost) = (first, first_cost);
                    (first, first_cost) = (column, c);
                } else {
                    (second, second_cost) = (column, c);
                }
            }
        }
        (first, first_cost, second, second_cost)
    }

    /// A shortest augmenting path (Dijkstra on reduced costs) for each free row.
    fn augment_all(&mut self, cost: &impl Fn(usize, usize) -> f64) {
        let n = self.price.len();
        let mut distance = vec![0.0; n];
        let mut parent = vec![0; n];
        for free in 0..n {
            if self.column_of[free] != NONE {
                continue;
            }
            for column in 0..n {
                distance[column] = cost(free, column) - self.price[column];
                parent[column] = free;
            }
            // Columns whose distance may still fall, and those that are settled.
            let mut open: Vec<usize> = (0..n).collect();
            let mut settled = Vec::new();
            let mut nearest = (0..n).fold(0, |best, k| {
                if distance[k] < distance[best] {
                    k
                } else {
                    best
                }
            });
            let end = loop {
                let column = open.swap_remove(nearest);
                let row = self.row_of[column];
                if row == NONE {
                    break column;
                }
                settled.push(column);
                // What a path through this row has paid already, less what the row pays for its own column.
                let base = distance[column] - (cost(row, column) - self.price[column]);
                let mut least = f64::INFINITY;
                for (k, &next) in open.iter().enumerate() {
                    let through = base + cost(row, next) - self.price[next];
                    if through < distance[next] {
                        distance[next] = through;
                        parent[next] = row;
                    }
                    if distance[next] < least {
                        (nearest, least) = (k, distance[next]);
                    }
                }
            };
            for &column in &settled {
                self.price[column] += distance[column] - distance[end];
            }
            // Walk back, handing each column on the path to the row that reached it.
            let mut column = end;
            loop {
                let row = parent[column];
                let given_up = self.column_of[row];
                self.give(row, column);
                if row == free {
                    break;
                }
                column = given_up;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row takes its own column where all others cost more, whatever the order.
    #[test]
    fn rows_take_the_columns_that_cost_nothing() {
        let wanted = [3, 0, 4, 1, 2];
        let cost = |row: usize, column: usize| f64::from(u8::from(wanted[row] != column));
        assert_eq!(assign(5, cost), wanted);
        assert_eq!(assign(0, cost), Vec::<usize>::new());
    }
}
