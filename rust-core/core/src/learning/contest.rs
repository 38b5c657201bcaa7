//! Whether a model has earned to be asked: it runs beside the simple rule that it would replace, on this very cluster.

use serde::{Deserialize, Serialize};

/// Predictions that must have come true or not before a model may be asked.
const TESTED: u32 = 20;
/// A model that is better errs this much less.
const BETTER: f64 = 0.95;
/// Weight of the newest error in the mean errors, once so many have been tested.
const ERROR_WEIGHT: f64 = 0.02;

/// How a model and the rule beside it did so far; both are judged by what came.
///
/// As long as few have been tested, errors are means of all; later the newest weigh more, so that a model that no longer is
/// right loses its place.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Contest {
    tested: u32,
    model_error: f64,
    rule_error: f64,
}

impl Contest {
    /// Notes what both said and what came, all in one unit. What is not a number counts for nobody.
    pub fn note(&mut self, model: f64, rule: f64, came: f64) {
        let (model, rule) = ((model - came).abs(), (rule - came).abs());
        if !(model.is_finite() && rule.is_finite()) {
            return;
        }
        self.tested = self.tested.saturating_add(1);
        let weight = ERROR_WEIGHT.max(1.0 / f64::from(self.tested));
        self.model_error += weight * (model - self.model_error);
        self.rule_error += weight * (rule - self.rule_error);
    }

    /// How many have been tested.
    pub fn tested(&self) -> u32 {
        self.tested
    }

    /// The mean absolute errors of model and rule; nothing before anything was tested.
    pub fn errors(&self) -> Option<(f64, f64)> {
        (self.tested > 0).then_some((self.model_error, self.rule_error))
    }

    /// Whether the model is to be asked: it was tested often enough, and errs clearly less than the rule.
    pub fn is_won(&self) -> bool {
        self.tested >= TESTED && self.model_error < BETTER * self.rule_error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_asked_once_it_was_clearly_better_often_enough() {
        let mut contest = Contest::default();
        assert_eq!((contest.errors(), contest.is_won()), (None, false));
        for _ in 0..19 {
            contest.note(11.0, 12.0, 10.0);
        }
        assert!(!contest.is_won(), "nineteen are too few");
        contest.note(11.0, 12.0, 10.0);
        assert_eq!((contest.errors(), contest.is_won()), (Some((1.0, 2.0)), true));
    }

    #[test]
    fn one_that_is_hardly_better_stays_out_and_one_that_gets_worse_goes() {
        let mut even = Contest::default();
        (0..100).for_each(|_| even.note(10.97, 11.0, 10.0));
        assert!(!even.is_won());
        let mut lost = Contest::default();
        (0..100).for_each(|_| lost.note(10.1, 11.0, 10.0));
        assert!(lost.is_won());
        (0..40).for_each(|_| lost.note(13.0, 11.0, 10.0));
        assert!(!lost.is_won(), "{lost:?}");
    }

    #[test]
    fn what_is_no_number_counts_for_nobody() {
        let mut contest = Contest::default();
        contest.note(f64::NAN, 1.0, 1.0);
        contest.note(1.0, f64::INFINITY, 1.0);
        assert_eq!(contest, Contest::default());
    }
}
