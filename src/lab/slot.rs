//! For what the window has runs recorded.

/// What a run is for. A wish of the same slot takes the place of the one before. Where several wait, they are run in the order
/// of these variants: first what the hand waits for, then what is drawn, then what is only measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// The learned score where the pointer is.
    ScoreAtPointer,
    /// The learned needle of the noise compass.
    Compass,
    /// The learned x̂_0 at the point of the chapter ELBO.
    BoundAtPoint,
    /// The learned x̂_0 at the point of the chapter Guidance, told no class.
    ToldNone,
    /// The same, told the class.
    ToldClass,
    /// The guided chain of the chapter Guidance.
    Guided,
    /// The chain of the chapter Reverse.
    Reverse,
    /// The chain of the chapter Algorithm.
    Algorithm,
    /// What the chapter Editing draws, of the edit with this number.
    Edited(usize),
    /// What that begins from, or is held against.
    EditedBeside(usize),
    /// The learned arrows of the score field.
    LearnedArrows,
    /// The exact arrows of the score field.
    ExactArrows,
    /// Trajectories by Euler's method.
    PathsByEuler,
    /// Trajectories by Heun's method.
    PathsByHeun,
    /// Trajectories by Runge–Kutta.
    PathsByRk4,
    /// Trajectories in steps of their own by Dormand and Prince.
    PathsByDormandPrince,
    /// Trajectories in steps of their own by Bogacki and Shampine.
    PathsByBogackiShampine,
    /// Trajectories of the SDE.
    PathsByNoise,
    /// Where the exact field leads.
    ExactPaths,
    /// Where the exact field leads, landed from t = 1.
    ExactPathsLanded,
    /// The chain of the sampler at this place of the chapter Samplers.
    SideBySide(usize),
    /// End points of many particles by the ODE.
    EndsByOde,
    /// End points of many particles by the SDE.
    EndsByNoise,
    /// What the chapter Editing measures along one setting.
    EditSeries(usize),
    /// Samples of one of the samplers that are held against each other.
    Contest,
    /// Guided samples by one of several weights.
    GuidedWeights,
    /// The paths that the chapter Few steps shows.
    FewPaths,
    /// Paths whose straightness is measured.
    ManyPaths,
    /// Samples by one Euler step.
    OneStep,
    /// Samples by an adaptive solver.
    Adaptive,
    /// The exact paths along which a model says where they end.
    EndedPaths,
    /// What it says at one time of these.
    SaidEnds,
    /// The pairs of reflow.
    Pairs,
    /// The learned score at draws of p_t.
    LearnedDraws,
    /// The exact score at draws of p_t.
    ExactDraws,
    /// The learned x̂_0 at all timesteps, for the variational bound.
    Bound,
    /// Of somebody who drives a lab without its window.
    Other(&'static str),
}
