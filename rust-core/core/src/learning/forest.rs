//! Boosted trees, walked as XGBoost walks them.

use super::error::{LearningError, Place};

/// Trees that are taken.
pub const MAX_TREES: usize = 10_000;
/// Nodes of all trees together that are taken: 16 MB.
pub const MAX_NODES: usize = 500_000;
/// Splits on a way from root to leaf that are taken; contributions are worked out in squares of it.
pub const MAX_DEPTH: usize = 64;
/// Features that are taken.
pub const MAX_FEATURES: usize = 4096;

/// What trees add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// The prediction itself: `reg:squarederror`, `reg:absoluteerror`, `reg:pseudohubererror`, or `reg:quantileerror` of one
    /// quantile.
    Value,
    /// The logarithm of the odds: `binary:logistic`.
    LogOdds,
}

/// A node of a tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Node {
    /// A question.
    Split {
        /// The feature, by its number.
        feature: u32,
        /// Below it, the way goes left.
        threshold: f32,
        /// Which way what is missing goes.
        missing_left: bool,
        /// Where the way goes on to the left.
        left: u32,
        /// Where it goes on to the right.
        right: u32,
        /// Share of the training's weight that went left.
        left_share: f64,
    },
    /// What is added at the end of the way.
    Leaf(f32),
}

/// A tree; the way begins at node 0, and no node is reached by two ways.
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    pub(super) nodes: Vec<Node>,
}

/// Boosted trees that have been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    pub(super) features: usize,
    pub(super) objective: Objective,
    /// What is there before any tree adds to it.
    pub(super) base: f32,
    pub(super) trees: Vec<Tree>,
}

impl Tree {
    /// Makes a tree of nodes.
    ///
    /// # Errors
    /// When a way leads out of it, is reached twice, or is too long, or a feature is not below `features`.
    pub(super) fn new(
        number: usize,
        nodes: Vec<Node>,
        features: usize,
    ) -> Result<Self, LearningError> {
        let mut reached = vec![false; nodes.len()];
        let mut ahead = vec![(0, 0)];
        while let Some((at, depth)) = ahead.pop() {
            let place = Place::Node(number, at);
            let Some(seen) = reached.get_mut(at) else {
                let reason = format!("a way leads to it, and there are {} nodes", nodes.len());
                return Err(LearningError::Malformed { place, reason });
            };
            if std::mem::replace(seen, true) {
                return Err(LearningError::Circle(place));
            }
            let Node::Split { feature, threshold, left, right, .. } = nodes[at] else {
                continue;
            };
            if depth == MAX_DEPTH {
                let found = depth + 1;
                let what = "splits on a way";
                return Err(LearningError::TooLarge { place, what, found, most: MAX_DEPTH });
            }
            if feature as usize >= features {
                let reason = format!("it asks for feature {feature} of {features}");
                return Err(LearningError::Malformed { place, reason });
            }
            if threshold.is_nan() {
                let found = threshold.to_string();
                return Err(LearningError::Number { place, what: "its threshold", found });
            }
            ahead.extend([(left as usize, depth + 1), (right as usize, depth + 1)]);
        }
        Ok(Self { nodes })
    }

    /// What it adds for a row.
    fn leaf(&self, row: &[Option<f32>]) -> f32 {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Leaf(value) => return value,
                Node::Split { feature, threshold, missing_left, left, right, .. } => {
                    let goes_left = goes_left(row[feature as usize], threshold, missing_left);
                    at = if goes_left { left } else { right } as usize;
                }
            }
        }
    }
}

/// Which way a value goes; NaN is as good as missing.
pub(super) fn goes_left(value: Option<f32>, threshold: f32, missing_left: bool) -> bool {
    match value {
        Some(value) if !value.is_nan() => value < threshold,
        _ => missing_left,
    }
}

impl Forest {
    /// How many features a row has.
    pub fn features(&self) -> usize {
        self.features
    }

    /// What its trees add up to.
    pub fn objective(&self) -> Objective {
        self.objective
    }

    /// How many trees there are.
    pub fn len(&self) -> usize {
        self.trees.len()
    }

    /// Whether there is no tree.
    pub fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    /// What the trees add up to for a row, with the base: in single precision and in their order, as XGBoost adds.
    ///
    /// # Errors
    /// When the row has another number of features.
    pub fn margin(&self, row: &[Option<f32>]) -> Result<f32, LearningError> {
        self.fits(row)?;
        Ok(self.trees.iter().fold(self.base, |sum, tree| sum + tree.leaf(row)))
    }

    /// The prediction for a row: the margin itself, or the chance that it is the logarithm of the odds of.
    ///
    /// # Errors
    /// When the row has another number of features.
    pub fn predict(&self, row: &[Option<f32>]) -> Result<f32, LearningError> {
        let margin = self.margin(row)?;
        Ok(match self.objective {
            Objective::Value => margin,
            Objective::LogOdds => chance(margin),
        })
    }

    pub(super) fn fits(&self, row: &[Option<f32>]) -> Result<(), LearningError> {
        let (found, wanted) = (row.len(), self.features);
        if found == wanted { Ok(()) } else { Err(LearningError::Row { found, wanted }) }
    }
}

/// The chance whose odds have this logarithm: 1 / (1 + e^-x), its power worked out in double precision and then rounded, so that
/// it is the nearest single one. Beyond -88.7 the power is that of -88.7, as with XGBoost.
fn chance(margin: f32) -> f32 {
    let power = f64::from((-margin).min(88.7)).exp() as f32;
    1.0 / (power + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(feature: u32, threshold: f32, missing_left: bool, left: u32, right: u32) -> Node {
        Node::Split { feature, threshold, missing_left, left, right, left_share: 0.5 }
    }

    fn forest(nodes: Vec<Node>, objective: Objective, base: f32) -> Forest {
        let tree = Tree::new(0, nodes, 2).expect("it is a tree");
        Forest { features: 2, objective, base, trees: vec![tree] }
    }

    #[test]
    fn below_goes_left_equal_goes_right_and_missing_where_the_node_says() {
        let nodes = vec![split(1, 2.0, true, 1, 2), Node::Leaf(10.0), Node::Leaf(20.0)];
        let forest = forest(nodes, Objective::Value, 0.5);
        let margin = |value| forest.margin(&[None, value]).expect("two features");
        assert_eq!(margin(Some(1.999)), 10.5);
        assert_eq!(margin(Some(2.0)), 20.5);
        assert_eq!(margin(None), 10.5);
        assert_eq!(margin(Some(f32::NAN)), 10.5);
        assert_eq!(margin(Some(f32::INFINITY)), 20.5);
        let short = forest.margin(&[None]).expect_err("one is missing");
        assert_eq!(
            (short.code(), short),
            ("MODEL_ROW", LearningError::Row { found: 1, wanted: 2 })
        );
    }

    #[test]
    fn odds_of_three_to_one_are_a_chance_of_three_quarters() {
        let forest = forest(vec![Node::Leaf(3f32.ln())], Objective::LogOdds, 0.0);
        // The logarithm of 3 is not exact in single precision.
        let found = forest.predict(&[None, None]).expect("two features");
        assert!((found - 0.75).abs() < 1e-7, "{found}");
        assert_eq!(chance(0.0), 0.5);
        assert_eq!(chance(200.0), 1.0);
        assert!(chance(-200.0) > 0.0, "nothing is impossible");
    }

    #[test]
    fn ways_that_lead_out_or_back_or_too_far_are_refused() {
        let refused = |nodes| Tree::new(3, nodes, 2).expect_err("it is none").to_string();
        let out = vec![split(0, 1.0, true, 1, 7), Node::Leaf(1.0)];
        assert_eq!(refused(out), "tree 3, node 7: a way leads to it, and there are 2 nodes");
        let back = vec![split(0, 1.0, true, 1, 0), Node::Leaf(1.0)];
        assert_eq!(refused(back), "tree 3, node 0: it is reached by more than one way");
        let twice = vec![split(0, 1.0, true, 1, 1), Node::Leaf(1.0)];
        assert_eq!(refused(twice), "tree 3, node 1: it is reached by more than one way");
        let feature = vec![split(2, 1.0, true, 1, 2), Node::Leaf(1.0), Node::Leaf(1.0)];
        assert_eq!(refused(feature), "tree 3, node 0: it asks for feature 2 of 2");
        let nan = vec![split(0, f32::NAN, true, 1, 2), Node::Leaf(1.0), Node::Leaf(1.0)];
        assert_eq!(refused(nan), "tree 3, node 0: its threshold is NaN");
        let mut deep: Vec<Node> = (0..=MAX_DEPTH as u32)
            .flat_map(|level| [split(0, 1.0, true, 2 * level + 1, 2 * level + 2), Node::Leaf(0.0)])
            .collect();
        deep.push(Node::Leaf(0.0));
        assert!(refused(deep).contains("65 splits on a way, and at most 64 are taken"));
        assert_eq!(Tree::new(0, Vec::new(), 2).expect_err("no root").code(), "MODEL_MALFORMED");
    }
}
