//! What is remembered of the losses: the curve, and the loss by timestep over the recent past.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::message::LossCurve;
use engine::{LOSS_BINS, LossHistogram};

/// The most points of the loss curve; beyond it every other one is dropped.
pub const CURVE_LIMIT: usize = 4096;
/// Horizon of the smoothed loss, in updates.
const SMOOTHING_UPDATES: f64 = 50.0;
/// Samples after which the weight of an old per-timestep loss has fallen to 1/e: a thousand for each bin.
const HISTOGRAM_SAMPLES: f64 = 1000.0 * LOSS_BINS as f64;

/// One line of `metrics.jsonl`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Number of the update.
    pub step: u64,
    /// Its mean loss.
    pub loss: f32,
    /// Seconds of training when it became known.
    pub secs: f64,
}

/// The losses of one training run.
#[derive(Clone, Debug)]
pub struct LossRecord {
    curve: Arc<LossCurve>,
    /// Seconds of training, one for each point of the curve.
    secs: Vec<f64>,
    /// Every `stride`-th update is kept; a power of two.
    stride: u64,
    mean: f64,
    updates: i32,
    sum: [f64; LOSS_BINS],
    count: [f64; LOSS_BINS],
    by_timestep: Arc<[f32; LOSS_BINS]>,
}

impl Default for LossRecord {
    fn default() -> Self {
        Self {
            curve: Arc::default(),
            secs: Vec::new(),
            stride: 1,
            mean: 0.0,
            updates: 0,
            sum: [0.0; LOSS_BINS],
            count: [0.0; LOSS_BINS],
            by_timestep: Arc::new([f32::NAN; LOSS_BINS]),
        }
    }
}

impl LossRecord {
    /// Take in the mean loss of one update, known after `secs` of training.
    pub fn push(&mut self, step: u64, loss: f32, secs: f64) {
        self.updates = self.updates.saturating_add(1);
        self.mean += (f64::from(loss) - self.mean) / SMOOTHING_UPDATES;
        if !step.is_multiple_of(self.stride) {
            return;
        }
        let smooth = self.smoothed().unwrap_or(loss);
        let curve = Arc::make_mut(&mut self.curve);
        curve.raw.push((step, loss));
        curve.smooth.push((step, smooth));
        self.secs.push(secs);
        if curve.raw.len() >= CURVE_LIMIT {
            self.stride *= 2;
            let stride = self.stride;
            let mut kept = curve
                .raw
                .iter()
                .map(|(step, _)| step.is_multiple_of(stride));
            self.secs.retain(|_| kept.next().unwrap_or(false));
            curve.raw.retain(|(step, _)| step.is_multiple_of(stride));
            curve.smooth.retain(|(step, _)| step.is_multiple_of(stride));
        }
    }

    /// The record of a training whose losses were saved. Of a thinned curve the smoothed one is as good as its points.
    pub fn of_metrics(metrics: &[Metric]) -> Self {
        let mut record = Self::default();
        for metric in metrics {
            record.push(metric.step, metric.loss, metric.secs);
        }
        let gap = metrics
            .windows(2)
            .map(|pair| pair[1].step.saturating_sub(pair[0].step))
            .min()
            .unwrap_or(1);
        record.stride = record.stride.max(gap.max(1).next_power_of_two());
        record
    }

    /// Take in the per-timestep losses of the latest updates; older ones fade.
    pub fn push_histogram(&mut self, news: &LossHistogram) {
        let samples: u64 = news.count.iter().sum();
        let fade = (-(samples as f64) / HISTOGRAM_SAMPLES).exp();
        let mut means = [f32::NAN; LOSS_BINS];
        for (bin, mean) in means.iter_mut().enumerate() {
            self.sum[bin] = fade * self.sum[bin] + news.sum[bin];
            self.count[bin] = fade * self.count[bin] + news.count[bin] as f64;
            if self.count[bin] > 0.0 {
                *mean = (self.sum[bin] / self.count[bin]) as f32;
            }
        }
        self.by_timestep = Arc::new(means);
    }

    /// From here on a loss means something else: neither the smoothed loss nor the losses by timestep mix the two. The curve
    /// keeps what was.
    pub fn break_off(&mut self) {
        (self.mean, self.updates) = (0.0, 0);
        self.forget_timesteps();
    }

    fn forget_timesteps(&mut self) {
        self.sum = [0.0; LOSS_BINS];
        self.count = [0.0; LOSS_BINS];
        self.by_timestep = Arc::new([f32::NAN; LOSS_BINS]);
    }

    /// Forget what came after update `step`, because the weights went back to it.
    pub fn rewind(&mut self, step: u64) {
        let curve = Arc::make_mut(&mut self.curve);
        curve.raw.retain(|(at, _)| *at <= step);
        curve.smooth.retain(|(at, _)| *at <= step);
        self.secs.truncate(curve.raw.len());
        let last = curve.smooth.last().map(|(_, loss)| f64::from(*loss));
        // The smoothing goes on from the point it came back to, as if that had been the whole past.
        (self.mean, self.updates) = last.map_or((0.0, 0), |loss| (loss, i32::MAX));
        self.forget_timesteps();
    }

    /// The smoothed loss, bias-corrected as Adam's moments are (Kingma & Ba 2015, section 3); `None` before the first.
    pub fn smoothed(&self) -> Option<f32> {
        let weight = 1.0 - (1.0 - 1.0 / SMOOTHING_UPDATES).powi(self.updates);
        (self.updates > 0).then(|| (self.mean / weight) as f32)
    }

    /// The curve.
    pub fn curve(&self) -> &Arc<LossCurve> {
        &self.curve
    }

    /// Mean loss per timestep bin over the recent past; NaN where nothing is known.
    pub fn by_timestep(&self) -> &Arc<[f32; LOSS_BINS]> {
        &self.by_timestep
    }

    /// The curve as lines of `metrics.jsonl`.
    pub fn metrics(&self) -> Vec<Metric> {
        let points = self.curve.raw.iter().zip(&self.secs);
        points
            .map(|(&(step, loss), &secs)| Metric { step, loss, secs })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_loss_is_smoothed_to_itself_from_the_first_update() {
        let mut record = LossRecord::default();
        assert_eq!(record.smoothed(), None);
        for step in 1..=300 {
            record.push(step, 0.7, 0.0);
            assert!((record.smoothed().unwrap() - 0.7).abs() < 1e-6);
        }
    }

    #[test]
    fn the_smoothed_loss_is_the_weighted_mean_of_all_losses() {
        let losses: Vec<f32> = (0..120).map(|i| (i as f32 * 0.3).sin() + 2.0).collect();
        let mut record = LossRecord::default();
        for (i, &loss) in losses.iter().enumerate() {
            record.push(i as u64 + 1, loss, 0.0);
        }
        // From the definition: weights 0.98^age, normalised.
        let (mut top, mut bottom) = (0.0, 0.0);
        for (age, &loss) in losses.iter().rev().enumerate() {
            let weight = 0.98_f64.powi(age as i32);
            top += weight * f64::from(loss);
            bottom += weight;
        }
        assert!((f64::from(record.smoothed().unwrap()) - top / bottom).abs() < 1e-5);
    }

    #[test]
    fn a_long_run_is_thinned_evenly_and_keeps_its_last_updates() {
        let mut record = LossRecord::default();
        for step in 1..=100_000 {
            record.push(step, 1.0 / step as f32, step as f64 * 0.01);
        }
        let steps: Vec<u64> = record.curve().raw.iter().map(|(step, _)| *step).collect();
        assert!(
            steps.len() < CURVE_LIMIT && steps.len() >= CURVE_LIMIT / 2 - 1,
            "{} points",
            steps.len()
        );
        let gap = steps[1] - steps[0];
        assert!(steps.windows(2).all(|pair| pair[1] - pair[0] == gap));
        assert!(100_000 - steps[steps.len() - 1] < gap);
        for metric in record.metrics() {
            assert!((metric.secs - metric.step as f64 * 0.01).abs() < 1e-9);
        }
    }

    #[test]
    fn old_timestep_losses_fade_behind_new_ones() {
        let report = |loss: f64| {
            let mut news = LossHistogram::default();
            news.sum[5] = 4000.0 * loss;
            news.count[5] = 4000;
            news
        };
        let mut record = LossRecord::default();
        record.push_histogram(&report(10.0));
        assert_eq!(record.by_timestep()[5], 10.0);
        assert!(record.by_timestep()[6].is_nan());
        for _ in 0..100 {
            record.push_histogram(&report(1.0));
        }
        assert!((record.by_timestep()[5] - 1.0).abs() < 0.05);
    }

    #[test]
    fn losses_of_another_meaning_are_not_mixed() {
        let mut record = LossRecord::default();
        for step in 1..=100 {
            record.push(step, 4.0, 0.0);
        }
        let mut news = LossHistogram::default();
        (news.sum[3], news.count[3]) = (40.0, 10);
        record.push_histogram(&news);
        record.break_off();
        assert_eq!(record.smoothed(), None);
        assert!(record.by_timestep().iter().all(|loss| loss.is_nan()));
        record.push(101, 1.0, 0.0);
        assert!(
            (record.smoothed().unwrap() - 1.0).abs() < 1e-6,
            "{:?}",
            record.smoothed()
        );
        assert_eq!(record.curve().raw.len(), 101, "the curve keeps what was");
    }

    #[test]
    fn going_back_forgets_what_came_after() {
        let mut record = LossRecord::default();
        for step in 1..=10 {
            record.push(step, 1.0, 0.0);
        }
        record.push(11, f32::NAN, 0.0);
        record.rewind(7);
        assert_eq!(record.curve().raw.last(), Some(&(7, 1.0)));
        assert_eq!(record.metrics().len(), 7);
        record.push(8, 1.0, 0.0);
        assert!((record.smoothed().unwrap() - 1.0).abs() < 1e-6);
    }
}
