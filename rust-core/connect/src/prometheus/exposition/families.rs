//! Which sample belongs to which metric, and whether it may.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::words::{Exposition, Family, Format, Kind, Limits, Sample};

/// Takes what lines say.
#[derive(Debug)]
pub struct Families {
    format: Format,
    limits: Limits,
    all: Vec<Known>,
    /// Where each is, by its name.
    by_name: BTreeMap<String, usize>,
    samples: usize,
}

/// A family, and which lines about it have been there.
#[derive(Debug, Default)]
struct Known {
    family: Family,
    has: [bool; 3],
}

/// What a line says of a whole family.
#[derive(Debug, Clone, PartialEq)]
pub enum Said {
    /// Of which kind it is.
    Kind(Kind),
    /// What it means.
    Help(String),
    /// In which unit it is.
    Unit(String),
}

impl Families {
    /// Nothing yet.
    pub fn new(format: Format, limits: Limits) -> Self {
        Self { format, limits, all: Vec::new(), by_name: BTreeMap::new(), samples: 0 }
    }

    /// Takes a line about a family.
    pub fn say(&mut self, name: &str, said: Said) -> Result<(), Fault> {
        let at = self.named(name)?;
        let strict = self.format == Format::OpenMetrics;
        let known = &mut self.all[at];
        let behind = !known.family.samples.is_empty();
        let which = match &said {
            Said::Kind(_) => 0,
            Said::Help(_) => 1,
            Said::Unit(_) => 2,
        };
        if std::mem::replace(&mut known.has[which], true) {
            return Err(Fault::Twice);
        }
        match said {
            Said::Kind(_) if behind => return Err(Fault::BehindSamples),
            _ if behind && strict => return Err(Fault::BehindSamples),
            Said::Kind(kind) => known.family.kind = kind,
            Said::Help(help) => known.family.help = help,
            Said::Unit(unit) => {
                let ends = name.strip_suffix(unit.as_str()).is_some_and(|rest| rest.ends_with('_'));
                if !(unit.is_empty() || ends) {
                    return Err(Fault::Unit);
                }
                known.family.unit = unit;
            }
        }
        Ok(())
    }

    /// Takes a sample.
    pub fn take(&mut self, sample: Sample) -> Result<(), Fault> {
        if self.samples >= self.limits.samples {
            return Err(Fault::TooMuch { limit: self.limits.samples, of: "samples" });
        }
        let at = match self.home(&sample.name) {
            Some(at) if self.format == Format::Text || at + 1 == self.all.len() => at,
            Some(_) => return Err(Fault::Apart),
            None => self.named(&sample.name)?,
        };
        let family = &mut self.all[at].family;
        if self.format == Format::OpenMetrics {
            fits(family, &sample)?;
        }
        family.samples.push(sample);
        self.samples += 1;
        Ok(())
    }

    /// The family that a sample of this name belongs to.
    fn home(&self, sample: &str) -> Option<usize> {
        let suffixes =
            ["", "_total", "_created", "_bucket", "_count", "_sum", "_gcount", "_gsum", "_info"];
        let found = suffixes.iter().find_map(|suffix| {
            let at = *self.by_name.get(sample.strip_suffix(suffix)?)?;
            let kind = self.all[at].family.kind;
            kind.suffixes(self.format).contains(suffix).then_some(at)
        });
        found.or_else(|| self.by_name.get(sample).copied())
    }

    /// The family of this name, which is begun if there is none.
    fn named(&mut self, name: &str) -> Result<usize, Fault> {
        let last = self.all.len().checked_sub(1);
        if let Some(&at) = self.by_name.get(name) {
            return match self.format == Format::OpenMetrics && Some(at) != last {
                true => Err(Fault::Apart),
                false => Ok(at),
            };
        }
        if self.all.len() >= self.limits.families {
            return Err(Fault::TooMuch { limit: self.limits.families, of: "metrics" });
        }
        let family = Family { name: name.to_owned(), ..Family::default() };
        self.all.push(Known { family, ..Known::default() });
        self.by_name.insert(name.to_owned(), self.all.len() - 1);
        Ok(self.all.len() - 1)
    }

    /// All of them.
    pub fn end(self) -> Exposition {
        Exposition { families: self.all.into_iter().map(|known| known.family).collect() }
    }
}

/// What OpenMetrics asks of a sample.
fn fits(family: &Family, sample: &Sample) -> Result<(), Fault> {
    let suffix = sample.name.strip_prefix(family.name.as_str()).ok_or(Fault::Suffix)?;
    if !family.kind.suffixes(Format::OpenMetrics).contains(&suffix) {
        return Err(Fault::Suffix);
    }
    let counts = match family.kind {
        Kind::Counter => suffix == "_total",
        Kind::Histogram => ["_bucket", "_count"].contains(&suffix),
        Kind::GaugeHistogram => ["_bucket", "_gcount"].contains(&suffix),
        Kind::Summary => suffix == "_count",
        _ => false,
    };
    if counts && (sample.value.is_nan() || sample.value < 0.0) {
        return Err(Fault::NoCount);
    }
    let may = suffix == "_bucket" || (family.kind == Kind::Counter && suffix == "_total");
    if sample.exemplar.is_some() && !may { Err(Fault::NoExemplar) } else { Ok(()) }
}
