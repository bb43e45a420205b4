//! What the chapter has run: arrows, draws, and a single point.

use super::{Field, ScoreField};
use crate::chapters::score_field::bundle::velocity_plan;
use crate::chapters::score_field::draws::Draws;
use crate::chapters::score_field::streamlines::Lattice;
use crate::chapters::shared::field_time::{field_scales, field_tau};
use crate::desk::Desk;
use lab::message::RunRequest;
use maths::diffusion::solver::Plan;
use maths::diffusion::target::Quantity;
use std::sync::Arc;

/// The plan whose result is the score.
pub(super) fn score_plan(desk: &Desk) -> Plan {
    Plan::field(
        desk.here.snapshot.experiment.plan_context(),
        field_tau(desk),
        Quantity::Score,
    )
}

impl ScoreField {
    /// The plan of the arrows on show.
    fn arrow_plan(&self, desk: &Desk) -> Option<Plan> {
        match self.show.field {
            Field::Score => Some(score_plan(desk)),
            Field::Velocity => velocity_plan(desk),
        }
    }

    /// Ask for what is shown and not there yet.
    pub(super) fn ask(&mut self, desk: &Desk) {
        let Some((visible, plan)) = self.visible.zip(self.arrow_plan(desk)) else {
            return;
        };
        let lattice = Lattice::over(visible, self.show.grid);
        for (grid, exact) in self.grids.iter_mut().zip([false, true]) {
            let make = || RunRequest::at(Arc::new(lattice.points()), plan.clone(), exact);
            grid.want_patiently(desk, (plan.clone(), lattice), make);
        }
        let (point, plan) = if self.show.field == Field::Velocity {
            self.at_draws.iter_mut().for_each(|slot| slot.end(desk));
            let context = desk.here.snapshot.experiment.plan_context();
            let x_0 = Plan::field(context, field_tau(desk), Quantity::X0);
            (Some(self.hand.at().map(|c| c as f32)), x_0)
        } else {
            let draws = Draws::of(&mut self.draws, desk);
            let (version, x_t) = (draws.version, draws.at(field_scales(desk)));
            for (at, exact) in self.at_draws.iter_mut().zip([false, true]) {
                at.want_patiently(desk, (plan.clone(), version), || {
                    RunRequest::at(x_t.clone(), plan.clone(), exact)
                });
            }
            (self.pointed, plan)
        };
        match point {
            None => self.at_pointer.end(desk),
            Some(point) => {
                let make = || RunRequest::at(Arc::new(vec![point]), plan.clone(), false);
                self.at_pointer
                    .want_patiently(desk, (plan.clone(), point), make);
            }
        }
    }
}
