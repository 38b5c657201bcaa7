//! A model as XGBoost writes it in JSON, and what of it is taken.
//!
//! Only what is understood is taken; whatever would make a prediction another one, and is not understood, is refused by name
//! and place: other boosters, objectives, categories, several outputs.

use serde::Deserialize;

use super::error::{LearningError, Place};
use super::forest::{Forest, MAX_FEATURES, MAX_NODES, MAX_TREES, Node, Objective, Tree};

/// The newest version of the format that is known.
const NEWEST: u64 = 3;
/// The child of a leaf.
const NO_CHILD: i64 = -1;

/// A model as it is written. Numbers that XGBoost writes as text are text here.
#[derive(Debug, Clone, Deserialize)]
pub struct Document {
    version: Vec<u64>,
    learner: Learner,
}

#[derive(Debug, Clone, Deserialize)]
struct Learner {
    #[serde(default)]
    feature_names: Vec<String>,
    gradient_booster: Booster,
    learner_model_param: Parameters,
    objective: Named,
}

#[derive(Debug, Clone, Deserialize)]
struct Parameters {
    base_score: String,
    #[serde(default)]
    num_class: Option<String>,
    num_feature: String,
    #[serde(default)]
    num_target: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    quantile_loss_param: Option<Quantiles>,
}

#[derive(Debug, Clone, Deserialize)]
struct Quantiles {
    quantile_alpha: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Booster {
    name: String,
    #[serde(default)]
    model: Option<Trees>,
}

#[derive(Debug, Clone, Deserialize)]
struct Trees {
    #[serde(default)]
    cats: Categories,
    #[serde(default)]
    tree_info: Vec<i64>,
    trees: Vec<Written>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Categories {
    feature_segments: Vec<i64>,
}

/// A tree as a column for each thing that its nodes have.
#[derive(Debug, Clone, Deserialize)]
struct Written {
    left_children: Vec<i64>,
    right_children: Vec<i64>,
    split_indices: Vec<i64>,
    split_conditions: Vec<f32>,
    default_left: Vec<Flag>,
    sum_hessian: Vec<f64>,
    #[serde(default)]
    split_type: Vec<i64>,
    #[serde(default)]
    categories_nodes: Vec<i64>,
    tree_param: TreeParameters,
}

#[derive(Debug, Clone, Deserialize)]
struct TreeParameters {
    #[serde(default)]
    size_leaf_vector: Option<String>,
}

/// Yes or no, as older and newer versions write it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Flag {
    Truth(bool),
    Number(u8),
}

impl Flag {
    fn is_set(self) -> bool {
        matches!(self, Self::Truth(true) | Self::Number(1..))
    }
}

impl Document {
    /// Names of its features, in their order; none where it was trained without names.
    pub fn feature_names(&self) -> &[String] {
        &self.learner.feature_names
    }

    /// Checks it, and makes of it what can be walked.
    ///
    /// # Errors
    /// With the place, when anything in it is not understood, does not fit, or is too much.
    pub fn forest(&self) -> Result<Forest, LearningError> {
        let version = self.version.first().copied().unwrap_or(0);
        if !(1..=NEWEST).contains(&version) {
            return Err(LearningError::Version(version));
        }
        let Learner {
            gradient_booster: booster, learner_model_param: parameters, objective, ..
        } = &self.learner;
        if booster.name != "gbtree" {
            return Err(LearningError::Booster(booster.name.clone()));
        }
        let objective = objective.known()?;
        let features = parameters.features()?;
        let base = parameters.base(objective)?;
        parameters.one_output()?;
        let Some(model) = &booster.model else {
            return Err(whole("there are no trees"));
        };
        if !model.cats.feature_segments.is_empty() {
            return Err(LearningError::Categories(Place::Whole));
        }
        if let Some(tree) = model.tree_info.iter().position(|output| *output != 0) {
            let found = format!("more than {}", model.tree_info[tree]);
            return Err(LearningError::Outputs { place: Place::Tree(tree), found });
        }
        at_most(Place::Whole, "trees", model.trees.len(), MAX_TREES)?;
        let nodes = model.trees.iter().map(|tree| tree.left_children.len()).sum();
        at_most(Place::Whole, "nodes", nodes, MAX_NODES)?;
        let trees = model.trees.iter().enumerate();
        let trees = trees.map(|(number, tree)| tree.checked(number, features));
        Ok(Forest { features, objective, base, trees: trees.collect::<Result<_, _>>()? })
    }
}

impl Named {
    fn known(&self) -> Result<Objective, LearningError> {
        match self.name.as_str() {
            "reg:squarederror" | "reg:absoluteerror" | "reg:pseudohubererror" => {
                Ok(Objective::Value)
            }
            "reg:quantileerror" => {
                let quantiles = self.quantile_loss_param.as_ref();
                let quantiles = quantiles.map_or("", |param| param.quantile_alpha.as_str());
                match numbers(quantiles).len() {
                    1 => Ok(Objective::Value),
                    found => {
                        let found = found.to_string();
                        Err(LearningError::Outputs { place: Place::Whole, found })
                    }
                }
            }
            "binary:logistic" => Ok(Objective::LogOdds),
            other => Err(LearningError::Objective(other.to_owned())),
        }
    }
}

impl Parameters {
    fn features(&self) -> Result<usize, LearningError> {
        let found = self.num_feature.parse::<usize>();
        let features = found.map_err(|_| number("num_feature", &self.num_feature))?;
        at_most(Place::Whole, "features", features, MAX_FEATURES)?;
        Ok(features)
    }

    fn one_output(&self) -> Result<(), LearningError> {
        let many = [&self.num_class, &self.num_target].into_iter().flatten();
        match many.into_iter().find(|count| !["0", "1"].contains(&count.as_str())) {
            None => Ok(()),
            Some(found) => {
                Err(LearningError::Outputs { place: Place::Whole, found: found.clone() })
            }
        }
    }

    /// What is there before any tree: XGBoost writes it as a prediction, and adds to the margin.
    fn base(&self, objective: Objective) -> Result<f32, LearningError> {
        let wrong = || number("base_score", &self.base_score);
        let [text] = numbers(&self.base_score)[..] else { return Err(wrong()) };
        let base = text.parse::<f32>().map_err(|_| wrong())?;
        let base = match objective {
            Objective::Value => base,
            // The logarithm of its odds, worked out in double precision and then rounded.
            Objective::LogOdds if 0.0 < base && base < 1.0 => {
                -f64::from(1.0 / base - 1.0).ln() as f32
            }
            Objective::LogOdds => return Err(wrong()),
        };
        if base.is_finite() { Ok(base) } else { Err(wrong()) }
    }
}

impl Written {
    fn checked(&self, number: usize, features: usize) -> Result<Tree, LearningError> {
        let place = Place::Tree(number);
        let outputs = self.tree_param.size_leaf_vector.as_deref().unwrap_or("1");
        if !["0", "1"].contains(&outputs) {
            return Err(LearningError::Outputs { place, found: outputs.to_owned() });
        }
        if !self.categories_nodes.is_empty() {
            return Err(LearningError::Categories(place));
        }
        let count = self.left_children.len();
        for (what, length) in [
            ("right_children", self.right_children.len()),
            ("split_indices", self.split_indices.len()),
            ("split_conditions", self.split_conditions.len()),
            ("default_left", self.default_left.len()),
            ("sum_hessian", self.sum_hessian.len()),
        ] {
            if length != count {
                let reason = format!("{what} has {length} entries, left_children {count}");
                return Err(LearningError::Malformed { place, reason });
            }
        }
        let nodes = (0..count).map(|at| self.node(number, at));
        Tree::new(number, nodes.collect::<Result<_, _>>()?, features)
    }

    fn node(&self, number: usize, at: usize) -> Result<Node, LearningError> {
        let place = Place::Node(number, at);
        let value = self.split_conditions[at];
        let (left, right) = (self.left_children[at], self.right_children[at]);
        if (left, right) == (NO_CHILD, NO_CHILD) {
            if !value.is_finite() {
                let found = value.to_string();
                return Err(LearningError::Number { place, what: "its value", found });
            }
            return Ok(Node::Leaf(value));
        }
        if self.split_type.get(at).is_some_and(|kind| *kind != 0) {
            return Err(LearningError::Categories(place));
        }
        let index = |what: &str, found: i64| {
            u32::try_from(found).map_err(|_| {
                let reason = format!("{what} is {found}");
                LearningError::Malformed { place, reason }
            })
        };
        let (left, right) = (index("its left child", left)?, index("its right child", right)?);
        Ok(Node::Split {
            feature: index("its feature", self.split_indices[at])?,
            threshold: value,
            missing_left: self.default_left[at].is_set(),
            left,
            right,
            left_share: self.left_share(place, left, right)?,
        })
    }

    /// Share of the training's weight that went left; a half where none went either way.
    fn left_share(&self, place: Place, left: u32, right: u32) -> Result<f64, LearningError> {
        let weight = |child: u32| {
            let Some(weight) = self.sum_hessian.get(child as usize).copied() else {
                let reason = format!("its child is {child} of {} nodes", self.sum_hessian.len());
                return Err(LearningError::Malformed { place, reason });
            };
            if weight.is_finite() && weight >= 0.0 {
                return Ok(weight);
            }
            let (what, found) = ("a child's weight", weight.to_string());
            Err(LearningError::Number { place, what, found })
        };
        let (left, right) = (weight(left)?, weight(right)?);
        Ok(if left + right > 0.0 { left / (left + right) } else { 0.5 })
    }
}

/// The numbers of a list as newer versions write it, `[5E-1]`, or of one number as older ones do.
fn numbers(text: &str) -> Vec<&str> {
    let inner = text.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let inner = inner.unwrap_or(text).trim();
    if inner.is_empty() { Vec::new() } else { inner.split(',').map(str::trim).collect() }
}

fn at_most(
    place: Place,
    what: &'static str,
    found: usize,
    most: usize,
) -> Result<(), LearningError> {
    if found <= most { Ok(()) } else { Err(LearningError::TooLarge { place, what, found, most }) }
}

fn number(what: &'static str, found: &str) -> LearningError {
    LearningError::Number { place: Place::Whole, what, found: found.to_owned() }
}

fn whole(reason: &str) -> LearningError {
    LearningError::Malformed { place: Place::Whole, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A tree of one question, as XGBoost writes it: below 2.5 it says -1, else 4.
    fn written() -> Value {
        json!({
            "version": [3, 2, 0],
            "learner": {
                "feature_names": ["load"],
                "gradient_booster": { "name": "gbtree", "model": {
                    "tree_info": [0],
                    "trees": [{
                        "left_children": [1, -1, -1], "right_children": [2, -1, -1],
                        "split_indices": [0, 0, 0], "split_conditions": [2.5, -1.0, 4.0],
                        "default_left": [1, 0, 0], "sum_hessian": [8.0, 6.0, 2.0],
                        "split_type": [0, 0, 0], "tree_param": { "size_leaf_vector": "1" },
                    }],
                }},
                "learner_model_param": {
                    "base_score": "[5E-1]", "num_class": "0", "num_feature": "1", "num_target": "1",
                },
                "objective": { "name": "reg:squarederror" },
            },
        })
    }

    fn forest(document: &Value) -> Result<Forest, LearningError> {
        serde_json::from_value::<Document>(document.clone()).expect("it has the form").forest()
    }

    /// The code and words of what is said when a part is another.
    fn refused(part: &str, other: Value) -> (&'static str, String) {
        let mut document = written();
        *document.pointer_mut(part).expect("the part is there") = other;
        let error = forest(&document).expect_err(part);
        (error.code(), error.to_string())
    }

    #[test]
    fn a_tree_of_one_question_says_what_it_was_written_to_say() {
        let forest = forest(&written()).expect("it is sound");
        let says = |value| forest.predict(&[value]).expect("one feature");
        assert_eq!([says(Some(2.0)), says(Some(2.5)), says(None)], [-0.5, 4.5, -0.5]);
        let parts = forest.contributions(&[Some(3.0)]).expect("one feature");
        // Six of eight said -1: 0.25 is expected.
        assert_eq!((parts.bias, parts.features), (0.75, vec![3.75]));
    }

    #[test]
    fn what_older_versions_wrote_is_taken() {
        let mut old = written();
        old["version"] = json!([1, 7, 4]);
        old["learner"]["learner_model_param"] = json!({ "base_score": "5E-1", "num_feature": "1" });
        old["learner"]["gradient_booster"]["model"]["trees"][0]["default_left"] =
            json!([true, false, false]);
        assert_eq!(forest(&old), forest(&written()));
    }

    #[test]
    fn the_base_of_a_chance_is_the_logarithm_of_its_odds() {
        let mut document = written();
        document["learner"]["objective"]["name"] = json!("binary:logistic");
        document["learner"]["learner_model_param"]["base_score"] = json!("[7.5E-1]");
        let forest = forest(&document).expect("it is sound");
        assert_eq!(forest.margin(&[Some(9.0)]), Ok(3f32.ln() + 4.0));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_code_and_place() {
        let tree = |part: &str| format!("/learner/gradient_booster/model/trees/0/{part}");
        let at = |part: &str, other| refused(&tree(part), other);
        let is = |found: (&'static str, String), code, words: &str| {
            assert_eq!(found.0, code);
            assert!(found.1.contains(words), "{}", found.1);
        };
        is(refused("/version", json!([4, 0, 0])), "MODEL_VERSION", "version 4");
        is(refused("/version", json!([])), "MODEL_VERSION", "version 0");
        let booster = "/learner/gradient_booster/name";
        is(refused(booster, json!("dart")), "MODEL_BOOSTER", "dart");
        is(refused(booster, json!("gblinear")), "MODEL_BOOSTER", "gblinear");
        let objective = "/learner/objective/name";
        is(refused(objective, json!("count:poisson")), "MODEL_OBJECTIVE", "count:poisson");
        is(refused(objective, json!("reg:quantileerror")), "MODEL_OUTPUTS", "0 outputs");
        let parameter = |name: &str, other| {
            refused(&format!("/learner/learner_model_param/{name}"), json!(other))
        };
        is(parameter("num_class", "3"), "MODEL_OUTPUTS", "3 outputs");
        is(parameter("num_target", "2"), "MODEL_OUTPUTS", "2 outputs");
        is(parameter("num_feature", "many"), "MODEL_NUMBER", "num_feature is many");
        is(parameter("num_feature", "5000"), "MODEL_TOO_LARGE", "5000 features");
        is(parameter("num_feature", "0"), "MODEL_MALFORMED", "tree 0, node 0");
        is(parameter("base_score", "[1,2]"), "MODEL_NUMBER", "base_score is [1,2]");
        is(parameter("base_score", "NaN"), "MODEL_NUMBER", "base_score is NaN");
        let info = "/learner/gradient_booster/model/tree_info";
        is(refused(info, json!([1])), "MODEL_OUTPUTS", "tree 0");
        is(at("split_type", json!([1, 0, 0])), "MODEL_CATEGORIES", "tree 0, node 0");
        is(at("tree_param", json!({ "size_leaf_vector": "2" })), "MODEL_OUTPUTS", "tree 0");
        is(at("left_children", json!([0, -1, -1])), "MODEL_CIRCLE", "tree 0, node 0");
        is(at("left_children", json!([2, -1, -1])), "MODEL_CIRCLE", "tree 0, node 2");
        is(at("left_children", json!([9, -1, -1])), "MODEL_MALFORMED", "tree 0, node 0");
        is(at("left_children", json!([-1, -1, -1])), "MODEL_MALFORMED", "left child is -1");
        is(at("left_children", json!([1, -1])), "MODEL_MALFORMED", "tree 0: ");
        is(at("split_indices", json!([3, 0, 0])), "MODEL_MALFORMED", "feature 3 of 1");
        is(at("sum_hessian", json!([8.0, -6.0, 2.0])), "MODEL_NUMBER", "tree 0, node 0");
        is(at("split_conditions", json!([2.5, 1e39, 4.0])), "MODEL_NUMBER", "tree 0, node 1");
        let none = json!({
            "left_children": [], "right_children": [], "split_indices": [], "split_conditions": [],
            "default_left": [], "sum_hessian": [], "tree_param": {},
        });
        let trees = "/learner/gradient_booster/model/trees";
        is(refused(trees, json!([none])), "MODEL_MALFORMED", "tree 0, node 0");
    }

    #[test]
    fn as_many_trees_as_nobody_needs_are_refused() {
        let mut document = written();
        let model = &mut document["learner"]["gradient_booster"]["model"];
        let tree = model["trees"][0].clone();
        model["trees"] = Value::Array(vec![tree; MAX_TREES + 1]);
        let error = forest(&document).expect_err("they are too many");
        assert_eq!(error.to_string(), "model: 10001 trees, and at most 10000 are taken");
    }
}
