//! Which queries are neither judged nor changed, and why.

use thalweg_core::model::Obstacle;

use super::told::{Query, Told};

/// Why a query is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftAlone {
    /// Several queries of a driver share its executors.
    Shared,
    /// Spark itself asks for executors.
    DynamicAllocation,
    /// There are no executors but the driver.
    Local,
    /// It works without batches.
    Continuous,
    /// It ends by itself.
    EndsByItself,
    /// What starts its batches is not known.
    UnknownTrigger,
}

impl Told {
    /// What stands against judging one of its queries, if anything does.
    pub fn left_alone(&self, query: &Query) -> Option<LeftAlone> {
        LeftAlone::of(self, query)
    }
}

impl LeftAlone {
    fn of(told: &Told, query: &Query) -> Option<Self> {
        if told.application.master == "local" {
            return Some(Self::Local);
        }
        if told.dynamic_allocation {
            return Some(Self::DynamicAllocation);
        }
        if told.queries.len() > 1 {
            return Some(Self::Shared);
        }
        match query.trigger.as_deref() {
            Some("processing_time") => None,
            Some("continuous" | "real_time") => Some(Self::Continuous),
            Some("once" | "available_now") => Some(Self::EndsByItself),
            _ => Some(Self::UnknownTrigger),
        }
    }

    /// The same in the core's words.
    pub fn obstacle(self) -> Obstacle {
        match self {
            Self::Shared | Self::DynamicAllocation | Self::Local => Obstacle::OtherScheduler,
            Self::EndsByItself => Obstacle::Batch,
            Self::Continuous | Self::UnknownTrigger => Obstacle::Unreadable,
        }
    }

    /// The same for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::Shared => {
                "shares its executors with other queries of its driver, so what it needs alone does not show: give it a driver of \
                 its own"
            }
            Self::DynamicAllocation => {
                "Spark's own dynamic allocation asks for executors there: spark.dynamicAllocation.enabled: false"
            }
            Self::Local => "runs in its driver, on a local master without executors",
            Self::Continuous => {
                "works without batches, of which nothing is told that it could be judged by"
            }
            Self::EndsByItself => "takes what is there and ends",
            Self::UnknownTrigger => "nobody can tell what starts its batches on this Spark",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::told::tests::told;
    use super::*;

    /// What stands against judging the first query of a driver that is changed so.
    fn of(change: impl FnOnce(&mut Told)) -> Option<LeftAlone> {
        let mut told = told();
        change(&mut told);
        LeftAlone::of(&told, &told.queries[0])
    }

    #[test]
    fn what_cannot_be_judged_is_left_alone() {
        assert_eq!(of(|_| ()), None);
        assert_eq!(of(|told| told.dynamic_allocation = true), Some(LeftAlone::DynamicAllocation));
        assert_eq!(of(|told| told.application.master = "local".into()), Some(LeftAlone::Local));
        let another = |told: &mut Told| told.queries.push(told.queries[0].clone());
        assert_eq!(of(another), Some(LeftAlone::Shared));
        let table = [
            (Some("once"), LeftAlone::EndsByItself),
            (Some("available_now"), LeftAlone::EndsByItself),
            (Some("continuous"), LeftAlone::Continuous),
            (Some("real_time"), LeftAlone::Continuous),
            (Some("SomethingNew"), LeftAlone::UnknownTrigger),
            (None, LeftAlone::UnknownTrigger),
        ];
        for (trigger, why) in table {
            let found = of(|told| told.queries[0].trigger = trigger.map(str::to_owned));
            assert_eq!(found, Some(why), "{trigger:?}");
            assert!(why.obstacle().is_left_alone());
        }
    }
}
