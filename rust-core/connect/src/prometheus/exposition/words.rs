//! Families, samples and what belongs to them.

/// Names and values, in the order in which they stand there.
pub type Labels = Vec<(String, String)>;

/// As what it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus's text format, 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// What a target is asked for.
    pub const ACCEPT: &'static str =
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

    /// The one that a content type names; nothing where that is something else. Old exporters name none.
    pub fn of(content_type: &str) -> Option<Self> {
        let name = content_type.split(';').next().unwrap_or_default().trim();
        match name.to_ascii_lowercase().as_str() {
            "application/openmetrics-text" => Some(Self::OpenMetrics),
            "text/plain" | "" => Some(Self::Text),
            _ => None,
        }
    }
}

/// What is kept at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a line.
    pub line: usize,
    /// Families.
    pub families: usize,
    /// Samples of all families.
    pub samples: usize,
    /// Labels of a sample.
    pub labels: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line: 1 << 16, families: 50_000, samples: 1_000_000, labels: 128 }
    }
}

/// What kind of a metric a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Nobody says.
    #[default]
    Unknown,
    /// It only grows, but for restarts.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Counts in buckets.
    Histogram,
    /// Quantiles.
    Summary,
    /// Buckets that go up and down.
    GaugeHistogram,
    /// Texts.
    Info,
    /// States of which each holds or not.
    StateSet,
}

impl Kind {
    /// The kind of this name in a format.
    pub fn of(name: &str, format: Format) -> Option<Self> {
        Some(match (name, format) {
            ("counter", _) => Self::Counter,
            ("gauge", _) => Self::Gauge,
            ("histogram", _) => Self::Histogram,
            ("summary", _) => Self::Summary,
            ("untyped", Format::Text) | ("unknown", Format::OpenMetrics) => Self::Unknown,
            ("gaugehistogram", Format::OpenMetrics) => Self::GaugeHistogram,
            ("info", Format::OpenMetrics) => Self::Info,
            ("stateset", Format::OpenMetrics) => Self::StateSet,
            _ => return None,
        })
    }

    /// What stands behind the family's name in the names of its samples.
    pub fn suffixes(self, format: Format) -> &'static [&'static str] {
        match (self, format) {
            (Self::Counter, Format::OpenMetrics) => &["_total", "_created"],
            (Self::Histogram, Format::OpenMetrics) => &["_bucket", "_count", "_sum", "_created"],
            (Self::Histogram, Format::Text) => &["_bucket", "_count", "_sum"],
            (Self::Summary, Format::OpenMetrics) => &["", "_count", "_sum", "_created"],
            (Self::Summary, Format::Text) => &["", "_count", "_sum"],
            (Self::GaugeHistogram, _) => &["_bucket", "_gcount", "_gsum"],
            (Self::Info, _) => &["_info"],
            _ => &[""],
        }
    }
}

/// What was exposed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exposition {
    /// In the order in which they were first named.
    pub families: Vec<Family>,
}

impl Exposition {
    /// All samples.
    pub fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.families.iter().flat_map(|family| &family.samples)
    }
}

/// The samples of one metric.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Family {
    /// Its name.
    pub name: String,
    /// What kind of a metric it is.
    pub kind: Kind,
    /// The unit, which the name ends with; empty where none is told.
    pub unit: String,
    /// What it means; empty where nothing is told.
    pub help: String,
    /// Its samples, in their order.
    pub samples: Vec<Sample>,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// Its whole name, with what stands behind the family's.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// The value; also infinite, or not a number.
    pub value: f64,
    /// When it was so, in ms since 1970, where the target says it.
    pub at: Option<i64>,
    /// One event of those that it counts.
    pub exemplar: Option<Exemplar>,
}

/// An event that was counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exemplar {
    /// Its labels.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
    /// When it was, in ms since 1970.
    pub at: Option<i64>,
}
