//! What each feature contributed to a prediction.
//!
//! SHAP values along paths: the mean, over all orders in which features could become known, of how what is expected changes
//! when the feature becomes known. Of what is not known, both ways are taken, each with the training's weight of it.
//! Lundberg et al. 2018, algorithm 2, which needs squares of a tree's depth for each leaf.

use super::error::LearningError;
use super::forest::{Forest, Node, Tree, goes_left};

/// A prediction taken apart; all parts together are its margin.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// What is expected when nothing is known, in the margin's unit.
    pub bias: f64,
    /// What each feature adds to it, in the same.
    pub features: Vec<f64>,
}

impl Contributions {
    /// The margin that they add up to.
    pub fn sum(&self) -> f64 {
        self.features.iter().fold(self.bias, |sum, part| sum + part)
    }

    /// Features by how much they contributed, the most first; of equals the one with the lower number.
    pub fn ranked(&self) -> Vec<(usize, f64)> {
        let mut ranked: Vec<(usize, f64)> = self.features.iter().copied().enumerate().collect();
        ranked.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        ranked
    }
}

impl Forest {
    /// What each feature contributed to the margin of a row.
    ///
    /// Complexity: for each leaf the square of its depth.
    ///
    /// # Errors
    /// When the row has another number of features.
    pub fn contributions(&self, row: &[Option<f32>]) -> Result<Contributions, LearningError> {
        self.fits(row)?;
        let mut parts =
            Contributions { bias: f64::from(self.base), features: vec![0.0; self.features] };
        for tree in &self.trees {
            parts.bias += tree.expected(0);
            let mut way = Way { tree, row, features: &mut parts.features };
            way.follow(0, Vec::new(), Step { feature: None, share: 1.0, taken: 1.0, weight: 0.0 });
        }
        Ok(parts)
    }
}

impl Tree {
    /// What is expected from a node on when nothing is known.
    fn expected(&self, at: u32) -> f64 {
        match self.nodes[at as usize] {
            Node::Leaf(value) => f64::from(value),
            Node::Split { left, right, left_share, .. } => {
                left_share * self.expected(left) + (1.0 - left_share) * self.expected(right)
            }
        }
    }
}

/// A feature that was asked for on the way, or the beginning.
#[derive(Debug, Clone, Copy)]
struct Step {
    feature: Option<u32>,
    /// Share of the training's weight that goes this way where the feature is not known.
    share: f64,
    /// 1 where the row goes this way, 0 where it does not.
    taken: f64,
    /// Weight of the sets of so many known features as the place of this step tells.
    weight: f64,
}

/// A walk through all of a tree.
struct Way<'a> {
    tree: &'a Tree,
    row: &'a [Option<f32>],
    features: &'a mut [f64],
}

impl Way<'_> {
    fn follow(&mut self, at: u32, mut path: Vec<Step>, step: Step) {
        extend(&mut path, step);
        match self.tree.nodes[at as usize] {
            Node::Leaf(value) => {
                for (place, step) in path.iter().enumerate() {
                    let Some(feature) = step.feature else { continue };
                    let weight = weight_without(&path, place);
                    self.features[feature as usize] +=
                        weight * (step.taken - step.share) * f64::from(value);
                }
            }
            Node::Split { feature, threshold, missing_left, left, right, left_share } => {
                // One that was asked for before counts once, with both questions.
                let before = path.iter().position(|step| step.feature == Some(feature));
                let (share, taken) = match before {
                    Some(place) => remove(&mut path, place),
                    None => (1.0, 1.0),
                };
                let goes_left = goes_left(self.row[feature as usize], threshold, missing_left);
                for (to, part, chosen) in
                    [(left, left_share, goes_left), (right, 1.0 - left_share, !goes_left)]
                {
                    let taken = if chosen { taken } else { 0.0 };
                    let step =
                        Step { feature: Some(feature), share: share * part, taken, weight: 0.0 };
                    // Where nobody goes, nothing is contributed, and weights cannot be divided by.
                    if step.share > 0.0 || step.taken > 0.0 {
                        self.follow(to, path.clone(), step);
                    }
                }
            }
        }
    }
}

/// Takes a further feature into the weights.
fn extend(path: &mut Vec<Step>, step: Step) {
    let known = path.len();
    path.push(Step { weight: if known == 0 { 1.0 } else { 0.0 }, ..step });
    let length = (known + 1) as f64;
    for place in (0..known).rev() {
        let weight = path[place].weight;
        path[place + 1].weight += step.taken * weight * (place + 1) as f64 / length;
        path[place].weight = step.share * weight * (known - place) as f64 / length;
    }
}

/// Takes a feature out of the weights again; answers with its share and whether the row went its way.
fn remove(path: &mut Vec<Step>, out: usize) -> (f64, f64) {
    let Step { share, taken, .. } = path[out];
    for (place, weight) in weights_without(path, out).into_iter().enumerate() {
        path[place].weight = weight;
    }
    for place in out..path.len() - 1 {
        let Step { feature, share, taken, .. } = path[place + 1];
        path[place] = Step { feature, share, taken, weight: path[place].weight };
    }
    path.pop();
    (share, taken)
}

fn weight_without(path: &[Step], out: usize) -> f64 {
    weights_without(path, out).into_iter().sum()
}

/// The weights as they were before a feature was taken in, by the places from the first on.
fn weights_without(path: &[Step], out: usize) -> Vec<f64> {
    let last = path.len() - 1;
    let length = path.len() as f64;
    let Step { share, taken, .. } = path[out];
    let mut weights = vec![0.0; last];
    let mut rest = path[last].weight;
    for place in (0..last).rev() {
        let ahead = (place + 1) as f64;
        if taken == 0.0 {
            weights[place] = path[place].weight * length / (share * (length - ahead));
        } else {
            weights[place] = rest * length / (ahead * taken);
            rest = path[place].weight - weights[place] * share * (length - ahead) / length;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::forest::Objective;
    use super::*;

    fn split(feature: u32, threshold: f32, ways: (u32, u32), left_share: f64) -> Node {
        let (left, right) = ways;
        Node::Split { feature, threshold, missing_left: true, left, right, left_share }
    }

    fn forest(features: usize, nodes: Vec<Node>) -> Forest {
        let tree = Tree::new(0, nodes, features).expect("it is a tree");
        Forest { features, objective: Objective::Value, base: 1.0, trees: vec![tree] }
    }

    #[test]
    fn two_features_worked_out_by_hand() {
        // Half of the training went each way at both questions; only where both answers are right is there an 8.
        let nodes = vec![
            split(0, 0.0, (1, 2), 0.5),
            Node::Leaf(0.0),
            split(1, 0.0, (3, 4), 0.5),
            Node::Leaf(0.0),
            Node::Leaf(8.0),
        ];
        let parts = forest(2, nodes).contributions(&[Some(1.0), Some(1.0)]).expect("two features");
        // Expected: 2. The first feature alone makes it 4, the second alone 4, both 8: (2 + 4) / 2 for each.
        assert_eq!(parts, Contributions { bias: 3.0, features: vec![3.0, 3.0] });
        assert_eq!(parts.sum(), 9.0);
        assert_eq!(parts.ranked(), [(0, 3.0), (1, 3.0)]);
    }

    /// What is expected of a row of which only some features are known.
    fn expected(forest: &Forest, row: &[Option<f32>], known: u32, at: u32) -> f64 {
        match forest.trees[0].nodes[at as usize] {
            Node::Leaf(value) => f64::from(value),
            Node::Split { feature, threshold, missing_left, left, right, left_share } => {
                let on = |to| expected(forest, row, known, to);
                if known & (1 << feature) == 0 {
                    return left_share * on(left) + (1.0 - left_share) * on(right);
                }
                on(if goes_left(row[feature as usize], threshold, missing_left) {
                    left
                } else {
                    right
                })
            }
        }
    }

    /// Shapley's own formula, over all sets of features.
    fn by_all_sets(forest: &Forest, row: &[Option<f32>]) -> Vec<f64> {
        let count = forest.features as u32;
        let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
        let of = |feature: u32| {
            let sets = (0..1u32 << count).filter(|set| set & (1 << feature) == 0);
            let gain = |set: u32| {
                let size = set.count_ones();
                let weight = factorial(size) * factorial(count - size - 1) / factorial(count);
                let with = expected(forest, row, set | (1 << feature), 0);
                weight * (with - expected(forest, row, set, 0))
            };
            sets.map(gain).sum()
        };
        (0..count).map(of).collect()
    }

    /// Trees of four features in which some are asked for several times on a way.
    fn trees() -> impl Strategy<Value = Vec<Node>> {
        let question = (0..4u32, -2..3i8, any::<bool>(), 0..=4u8, -8..8i8);
        prop::collection::vec(question, 1..16).prop_map(|asked| {
            let splits = asked.len() as u32;
            let node =
                |(at, (feature, threshold, missing_left, part, _)): (u32, &(_, i8, _, u8, i8))| {
                    Node::Split {
                        feature: *feature,
                        threshold: f32::from(*threshold),
                        missing_left: *missing_left,
                        left: 2 * at + 1,
                        right: 2 * at + 2,
                        left_share: f64::from(*part) / 4.0,
                    }
                };
            // A heap: node n has the children 2n + 1 and 2n + 2.
            let mut nodes: Vec<Node> = (0..splits).zip(&asked).map(node).collect();
            let leaf = |at: u32| Node::Leaf(f32::from(asked[(at % splits) as usize].4) + at as f32);
            nodes.extend((splits..=2 * splits).map(leaf));
            nodes
        })
    }

    fn rows() -> impl Strategy<Value = Vec<Option<f32>>> {
        let value = prop::option::weighted(0.8, (-3..4i8).prop_map(f32::from));
        prop::collection::vec(value, 4)
    }

    proptest! {
        #[test]
        fn they_are_shapleys_and_add_up_to_the_margin(nodes in trees(), row in rows()) {
            let forest = forest(4, nodes);
            let parts = forest.contributions(&row).expect("four features");
            let margin = f64::from(forest.margin(&row).expect("four features"));
            prop_assert!((parts.sum() - margin).abs() < 1e-9, "{} for {margin}", parts.sum());
            for (own, right) in parts.features.iter().zip(by_all_sets(&forest, &row)) {
                prop_assert!((own - right).abs() < 1e-9, "{own} for {right}");
            }
        }
    }
}
