//! What the symbols and the words of the lab mean. Formulas read it for their tooltips, and the help shows it whole.

/// Symbols, as they stand in formulas, and what each is.
pub const SYMBOLS: [(&str, &str); 45] = [
    ("x_0", "a point of the data, in standardised units"),
    ("x_t", "the point x_0 with the noise of time t"),
    ("x_{t−1}", "the point one step nearer to the data"),
    ("x_r", "the point at an earlier time r"),
    ("x", "a point of the plane"),
    ("y", "the second coordinate of a point"),
    ("t", "time: 0 is data, 1 is noise; in steps from 0 to T"),
    ("T", "the number of timesteps"),
    ("r", "a time before t"),
    ("ε", "the noise: a draw of N(0, I)"),
    (
        "ε_θ",
        "the network's prediction of the noise; θ are its weights",
    ),
    ("z_t", "fresh noise of one step"),
    ("z", "fresh noise of one step"),
    (
        "α_t",
        "1 − β_t: what one step keeps of the signal's variance",
    ),
    (
        "ᾱ_t",
        "the signal's variance at t: the product of all α up to t",
    ),
    (
        "ᾱ_{t−1}",
        "the signal's variance one step nearer to the data",
    ),
    ("ᾱ", "the signal's variance: the product of all α up to t"),
    ("β_t", "the variance of the noise that the step to t adds"),
    ("β", "the variance of the noise of one step"),
    ("σ_t", "a standard deviation of noise at t"),
    ("σ", "a standard deviation of noise"),
    ("a_t", "how much of x_0 is in x_t"),
    ("a", "how much of x_0 is in x_t"),
    ("s_t", "how much of ε is in x_t"),
    ("s", "how much of ε is in x_t"),
    (
        "p_t",
        "the density of x_t: the data, blurred by the noise of t",
    ),
    ("p", "a density"),
    ("x\u{302}_0", "the guess of x_0 that lies behind x_t"),
    ("ε\u{302}", "the guess of the noise in x_t"),
    ("v", "a ε − s x_0: a target between noise and data"),
    ("v_θ", "the network's prediction of v"),
    ("u", "the velocity dx / d(t / T): of flow matching ε − x_0"),
    ("u_θ", "the network's prediction of the velocity"),
    ("θ", "the weights of the network"),
    ("L", "the loss: the mean square error of the prediction"),
    (
        "L_T",
        "the part of the bound that the end of the noise costs",
    ),
    (
        "L_{t−1}",
        "the part of the bound that the step from t costs",
    ),
    ("L_0", "the part of the bound that the last step costs"),
    ("q", "how noise is added, and each step of it turned around"),
    ("p_θ", "the model: what the steps back make"),
    ("c_0", "how much of x_0 is in the mean of the step back"),
    ("ρ", "a ratio of two variances"),
    ("D", "the number of coordinates: here 2"),
    ("η", "how much noise a step adds: 0 none, 1 that of DDPM"),
    ("μ_t", "the mean of a step"),
];

/// Words, in the order of the alphabet.
pub const TERMS: [(&str, &str); 34] = [
    ("Adam", "a rule by which a gradient changes the weights"),
    ("Batch", "the points of one update"),
    (
        "Chain",
        "all steps from noise to data, or from data to noise",
    ),
    (
        "Clip",
        "holding the guess of x_0 within a box around the data",
    ),
    (
        "Cosine",
        "the schedule of Nichol and Dhariwal 2021: ᾱ falls evenly",
    ),
    (
        "DDIM",
        "steps without fresh noise, or with some of it: Song, Meng and Ermon 2021",
    ),
    ("DDPM", "steps with fresh noise: Ho, Jain and Abbeel 2020"),
    (
        "EMA",
        "the mean of the weights over the recent past, by which samples are drawn",
    ),
    ("Entropy", "how much is left unknown, in nats"),
    ("Epsilon", "ε, the noise; also the target that is the noise"),
    ("Euler", "the simplest steps along an ODE: straight on"),
    (
        "Exact",
        "computed from the data in closed form; no network is asked",
    ),
    (
        "Floor",
        "the mean distance between two honest draws of the data",
    ),
    ("Flow", "the straight way: x_t = (1 − t) x_0 + t ε"),
    ("Heun", "steps of second order: two evaluations each"),
    ("Kernel", "the small bell that a row of a file carries"),
    (
        "Linear",
        "the schedule of Ho, Jain and Abbeel 2020: β rises in a straight line",
    ),
    (
        "Literal",
        "the table of β as it stands in their paper, for any T",
    ),
    ("Log SNR", "the natural logarithm of signal over noise"),
    ("Nat", "the unit of information by natural logarithms"),
    (
        "Octave",
        "a sine and a cosine of the coordinates, at twice the frequency of the one before",
    ),
    ("ODE", "a rule of motion without chance"),
    (
        "Probability flow",
        "the ODE that has the same cloud as the SDE at every t",
    ),
    (
        "Runge–Kutta",
        "steps of fourth order: four evaluations each",
    ),
    ("Sampler", "the rule by which noise becomes data"),
    ("Schedule", "how much signal and noise belong to which t"),
    ("Score", "the slope of the log density"),
    ("SDE", "a rule of motion with fresh noise"),
    (
        "Sliced W₂",
        "the distance of two clouds: the mean over many directions",
    ),
    ("SNR", "signal over noise, a² / s²"),
    ("Stray", "a sample where the data have nothing"),
    (
        "Surprise",
        "how much rarer samples are than data, in nats; below 0 they are too thin",
    ),
    ("Target", "what the network is asked to predict"),
    (
        "VE",
        "variance exploding: noise is added, and the signal is not shrunk",
    ),
];

/// What a symbol means: as it is written, or without what hangs on it.
pub fn meaning(symbol: &str) -> Option<&'static str> {
    // A bar may be written as a mark of its own.
    let symbol = symbol.replace("α\u{304}", "ᾱ");
    let of = |symbol: &str| {
        SYMBOLS
            .iter()
            .find(|(name, _)| *name == symbol)
            .map(|(_, meaning)| *meaning)
    };
    let plain = || symbol.split(['_', '^', '²']).next();
    of(&symbol).or_else(|| plain().and_then(of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_symbol_and_no_word_stands_twice() {
        for table in [&SYMBOLS[..], &TERMS[..]] {
            let names: BTreeSet<_> = table.iter().map(|(name, _)| *name).collect();
            assert_eq!(names.len(), table.len());
        }
        assert!(TERMS.is_sorted_by_key(|(name, _)| name.to_lowercase()));
    }

    #[test]
    fn a_symbol_is_known_with_what_hangs_on_it_and_without() {
        assert_eq!(
            meaning("x_t"),
            Some("the point x_0 with the noise of time t")
        );
        assert_eq!(meaning("σ_{t|r}"), meaning("σ"));
        assert_eq!(meaning("∑"), None);
    }
}
