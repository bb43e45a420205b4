//! Entropic optimal transport by Sinkhorn's iterations (Cuturi 2013; Peyré & Cuturi 2019, sections 4.1 and 4.4).
//!
//! The plan P minimises Σ P·cost − ε H(P) among those with rows and columns of 1/n. It is exp((f_i + g_j − cost)/ε)/n², and the
//! iterations find f and g. They run in the scaling form, as products with a matrix; whenever its scalings grow, they are taken over into
//! f and g and the matrix is made anew (Schmitzer 2019, "Stabilized sparse scaling algorithms", section 3.1), so that no ε underflows.

use super::squared_distance;

/// ε falls by this factor from one solution to the next, which begins where that one ended.
const COOLING: f64 = 0.25;
/// By how much the columns or rows of a plan on the way to a smaller ε may be wrong, in all.
const WARM_TOLERANCE: f64 = 0.05;
/// The largest ln of a scaling before it is taken over.
const MOST_LN: f64 = 30.0;

/// A transport plan between n points and n others, equally weighted.
#[derive(Clone, Debug, PartialEq)]
pub struct TransportPlan {
    n: usize,
    /// [n, n], the sum 1.
    weights: Vec<f64>,
}

/// What is iterated on.
struct Iterations<'a> {
    n: usize,
    cost: &'a [f64],
    eps: f64,
    f: Vec<f64>,
    g: Vec<f64>,
    /// exp((f_i + g_j − cost)/ε)/n².
    kernel: Vec<f64>,
    u: Vec<f64>,
    v: Vec<f64>,
}

impl Iterations<'_> {
    /// Make the matrix anew, with scalings of 1 and the f that gives its rows 1/n.
    fn absorb(&mut self) {
        let Self {
            n,
            cost,
            eps,
            f,
            g,
            kernel,
            u,
            v,
        } = self;
        for (g, v) in g.iter_mut().zip(v) {
            *g += *eps * v.ln();
            *v = 1.0;
        }
        u.fill(1.0);
        let rows = kernel.chunks_exact_mut(*n).zip(cost.chunks_exact(*n));
        for ((row, cost), f) in rows.zip(f) {
            let exponent = |(cost, g): (&f64, &f64)| (*g - *cost) / *eps;
            let most = cost.iter().zip(&*g).map(exponent);
            let most = most.fold(f64::NEG_INFINITY, f64::max);
            let mut sum = 0.0;
            for (weight, pair) in row.iter_mut().zip(cost.iter().zip(&*g)) {
                *weight = (exponent(pair) - most).exp();
                sum += *weight;
            }
            *f = *eps * ((*n as f64).ln() - most - sum.ln());
            row.iter_mut().for_each(|weight| *weight /= sum * *n as f64);
        }
    }

    /// One iteration: columns, then rows. Says by how much the columns were wrong before, in all.
    fn iterate(&mut self) -> f64 {
        let share = 1.0 / self.n as f64;
        let mut columns = vec![0.0; self.n];
        for (row, u) in self.kernel.chunks_exact(self.n).zip(&self.u) {
            for (column, weight) in columns.iter_mut().zip(row) {
                *column += u * weight;
            }
        }
        let mut wrong = 0.0;
        for (v, column) in self.v.iter_mut().zip(columns) {
            wrong += (*v * column - share).abs();
            *v = share / column.max(f64::MIN_POSITIVE);
        }
        for (u, row) in self.u.iter_mut().zip(self.kernel.chunks_exact(self.n)) {
            let sum: f64 = row.iter().zip(&self.v).map(|(weight, v)| weight * v).sum();
            *u = share / sum.max(f64::MIN_POSITIVE);
        }
        wrong
    }

    /// Until the columns are wrong by no more than `tolerance` in all, in `most` iterations at most.
    fn settle(&mut self, tolerance: f64, most: usize) {
        self.absorb();
        for _ in 0..most {
            if self.iterate() <= tolerance {
                break;
            }
            let grown = |scalings: &[f64]| scalings.iter().any(|x| x.ln().abs() > MOST_LN);
            if grown(&self.u) || grown(&self.v) {
                self.absorb();
            }
        }
    }
}

impl TransportPlan {
    /// The entropic plan between as many points on either side, at squared distances; its columns are wrong by at most `tolerance` in
    /// all, or as they are after `most` iterations at one ε. The smaller ε, the longer it takes.
    pub fn entropic(
        a: &[[f32; 2]],
        b: &[[f32; 2]],
        eps: f64,
        (tolerance, most): (f64, usize),
    ) -> Self {
        let n = a.len().min(b.len());
        if n == 0 {
            let weights = Vec::new();
            return Self { n, weights };
        }
        let (a, b) = (&a[..n], &b[..n]);
        let cost: Vec<f64> = a
            .iter()
            .flat_map(|a| b.iter().map(|b| squared_distance(*a, *b)))
            .collect();
        let dearest = cost.iter().copied().fold(0.0, f64::max);
        let mut iterations = Iterations {
            n,
            cost: &cost,
            eps: dearest.max(eps),
            f: vec![0.0; n],
            g: vec![0.0; n],
            kernel: vec![0.0; n * n],
            u: vec![1.0; n],
            v: vec![1.0; n],
        };
        while iterations.eps > eps {
            iterations.settle(WARM_TOLERANCE, most);
            // The next one begins by taking these scalings over, which are of this ε.
            iterations.absorb();
            iterations.eps = (COOLING * iterations.eps).max(eps);
        }
        iterations.settle(tolerance, most);
        let Iterations { kernel, u, v, .. } = iterations;
        let mut weights = kernel;
        for (row, u) in weights.chunks_exact_mut(n).zip(u) {
            for (weight, v) in row.iter_mut().zip(&v) {
                *weight *= u * v;
            }
        }
        Self { n, weights }
    }

    /// Of how much goes from `row` to each column.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.weights[row * self.n..(row + 1) * self.n]
    }

    /// Σ P·|a − b|²: without the entropy.
    pub fn cost(&self, a: &[[f32; 2]], b: &[[f32; 2]]) -> f64 {
        let of_row = |row: usize| -> f64 {
            let each = self.row(row).iter().zip(b);
            each.map(|(weight, b)| weight * squared_distance(a[row], *b))
                .sum()
        };
        (0..self.n).map(of_row).sum()
    }

    /// A column for a row, with its share of the row; `u` is uniform in (0, 1].
    pub fn draw(&self, row: usize, u: f32) -> usize {
        let row = self.row(row);
        let wanted = f64::from(u) * row.iter().sum::<f64>();
        let mut sum = 0.0;
        let reached = row.iter().position(|weight| {
            sum += weight;
            sum >= wanted
        });
        reached.unwrap_or(self.n - 1)
    }
}
