//! What a writer wrote comes back, what is wrong is named by its place, and nothing panics.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn read(text: &str, format: Format) -> Result<Exposition, ExpositionError> {
    parse(text.as_bytes(), format, &Limits::default())
}

/// As an exporter written in Go writes it.
const NODE: &str = "\
# HELP node_cpu_seconds_total Seconds the CPUs spent in each mode.\n\
# TYPE node_cpu_seconds_total counter\n\
node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 1.23456789e+06\n\
node_cpu_seconds_total{cpu=\"0\",mode=\"steal\"} 0\n\
# a comment\n\
\n\
# TYPE node_load1 gauge\n\
node_load1 0.21 1795910400000\n\
node_filesystem_avail_bytes{mountpoint=\"/a \\\"b\\\"\\\\c\\nd\",} +Inf\n\
  spaced\t{ a = \"b\" , c=\"d\"}   NaN  \n\
http_seconds_bucket{le=\"0.1\"} 3\n";

#[test]
fn the_older_format_is_read_with_its_liberties() {
    let found = read(NODE, Format::Text).expect("it is right");
    let names: Vec<(&str, Kind, usize)> =
        found.families.iter().map(|f| (f.name.as_str(), f.kind, f.samples.len())).collect();
    assert_eq!(
        names,
        [
            ("node_cpu_seconds_total", Kind::Counter, 2),
            ("node_load1", Kind::Gauge, 1),
            ("node_filesystem_avail_bytes", Kind::Unknown, 1),
            ("spaced", Kind::Unknown, 1),
            ("http_seconds_bucket", Kind::Unknown, 1),
        ]
    );
    let samples: Vec<&Sample> = found.samples().collect();
    assert_eq!((samples[0].value, samples[0].labels.len()), (1_234_567.89, 2));
    assert_eq!(samples[2].at, Some(1_795_910_400_000));
    assert_eq!(samples[3].labels[0].1, "/a \"b\"\\c\nd");
    assert!(samples[3].value.is_infinite() && samples[4].value.is_nan());
    assert_eq!(samples[4].labels.len(), 2);
}

const OPEN: &str = "\
# TYPE requests_seconds counter\n\
# UNIT requests_seconds seconds\n\
# HELP requests_seconds With \\\"quotes\\\".\n\
requests_seconds_total{path=\"/\"} 17.0 1795910400.5 # {trace_id=\"abc\"} 0.67 1795910400.25\n\
requests_seconds_created{path=\"/\"} 1795910000.0\n\
# TYPE waiting histogram\n\
waiting_bucket{le=\"1.0\"} 2 # {} 0.5\n\
waiting_bucket{le=\"+Inf\"} 3\n\
waiting_count 3\n\
waiting_sum 4.5\n\
# TYPE build info\n\
build_info{version=\"1\"} 1\n\
bare 1\n\
# EOF\n";

#[test]
fn openmetrics_is_read_with_units_creation_times_and_exemplars() {
    let found = read(OPEN, Format::OpenMetrics).expect("it is right");
    let requests = &found.families[0];
    assert_eq!((requests.kind, requests.unit.as_str()), (Kind::Counter, "seconds"));
    assert_eq!(requests.help, "With \"quotes\".");
    assert_eq!(requests.samples[0].at, Some(1_795_910_400_500));
    let exemplar = requests.samples[0].exemplar.as_ref().expect("there is one");
    assert_eq!((exemplar.value, exemplar.at), (0.67, Some(1_795_910_400_250)));
    assert_eq!(exemplar.labels, [("trace_id".to_owned(), "abc".to_owned())]);
    assert_eq!(requests.samples[1].name, "requests_seconds_created");
    assert_eq!(found.families[1].samples.len(), 4);
    assert_eq!(found.families.len(), 4);
}

#[test]
fn what_is_wrong_is_named_by_its_place() {
    let table = [
        (Format::Text, "a 1\nb{x=\"1\"", (2, 8), "EXPECTED"),
        (Format::Text, "a{x=\"1} 2", (1, 5), "UNCLOSED"),
        (Format::Text, "a{x=\"\\t\"} 2", (1, 6), "ESCAPE"),
        (Format::Text, "a{x=\"ä\",x=\"2\"} 2", (1, 9), "LABEL_TWICE"),
        (Format::Text, "a{x=1} 2", (1, 5), "EXPECTED"),
        (Format::Text, "a{0=\"\"} 2", (1, 3), "EXPECTED"),
        (Format::Text, "a one", (1, 3), "EXPECTED"),
        (Format::Text, "a", (1, 2), "EXPECTED"),
        (Format::Text, "a 1 2.5", (1, 5), "EXPECTED"),
        (Format::Text, "a 1 2 3", (1, 7), "BEHIND"),
        (Format::Text, "-a 1", (1, 1), "EXPECTED"),
        (Format::Text, "# TYPE a nothing", (1, 10), "UNKNOWN_TYPE"),
        (Format::Text, "# TYPE a gauge\n# TYPE a gauge", (2, 1), "TWICE"),
        (Format::Text, "a 1\n# TYPE a gauge", (2, 1), "BEHIND_SAMPLES"),
        (Format::Text, "<html>\n", (1, 1), "EXPECTED"),
        (Format::OpenMetrics, "a 1\n", (2, 1), "NOT_WHOLE"),
        (Format::OpenMetrics, "a 1", (1, 1), "NOT_WHOLE"),
        (Format::OpenMetrics, "", (1, 1), "NOT_WHOLE"),
        (Format::OpenMetrics, "# EOF\na 1\n", (2, 1), "BEHIND_END"),
        (Format::OpenMetrics, "\n# EOF\n", (1, 1), "EMPTY"),
        (Format::OpenMetrics, "# hello\n# EOF\n", (1, 1), "EXPECTED"),
        (Format::OpenMetrics, "a  1\n# EOF\n", (1, 3), "EXPECTED"),
        (Format::OpenMetrics, "a 1 \n# EOF\n", (1, 5), "EXPECTED"),
        (Format::OpenMetrics, "# TYPE a counter\na 1\n# EOF\n", (2, 1), "SUFFIX"),
        (Format::OpenMetrics, "# TYPE a counter\na_total -1\n# EOF\n", (2, 1), "NO_COUNT"),
        (Format::OpenMetrics, "# TYPE a counter\na_total NaN\n# EOF\n", (2, 1), "NO_COUNT"),
        (Format::OpenMetrics, "# UNIT a_ms s\n# EOF\n", (1, 1), "UNIT"),
        (Format::OpenMetrics, "a 1\nb 1\na 2\n# EOF\n", (3, 1), "APART"),
        (Format::OpenMetrics, "a 1 # {} 1\n# EOF\n", (1, 1), "NO_EXEMPLAR"),
        (Format::OpenMetrics, "a{x=\"1\",} 1\n# EOF\n", (1, 9), "EXPECTED"),
    ];
    for (format, text, place, code) in table {
        let error = read(text, format).expect_err(text);
        assert_eq!(((error.line, error.column), error.fault.code()), (place, code), "{text}");
    }
    let bytes = b"a 1\nb{x=\"\xff\"} 1\n";
    let error = parse(bytes, Format::Text, &Limits::default()).expect_err("no text");
    assert_eq!(error.to_string(), "line 2, column 6: no UTF-8");
}

#[test]
fn no_more_is_kept_than_may_be() {
    let limits = Limits { line: 40, families: 2, samples: 3, labels: 1 };
    let table = [
        ("a 1\nb 1\nc 1\n", "metrics"),
        ("a{x=\"1\"} 1\na{x=\"2\"} 1\na{x=\"3\"} 1\na{x=\"4\"} 1\n", "samples"),
        ("a{x=\"1\",y=\"1\"} 1\n", "labels"),
        (&format!("a{{x=\"{}\"}} 1\n", "x".repeat(50)), "bytes in a line"),
    ];
    for (text, of) in table {
        let error = parse(text.as_bytes(), Format::Text, &limits).expect_err(text);
        assert!(matches!(error.fault, Fault::TooMuch { of: found, .. } if found == of), "{error}");
    }
    let labels = format!("{{x=\"{}\"}}", "x".repeat(128));
    let text = format!("# TYPE a counter\na_total 1 # {labels} 1\n# EOF\n");
    let error = read(&text, Format::OpenMetrics).expect_err("too long");
    assert_eq!((error.line, error.column), (2, 13), "{error}");
}

/// Writes an exposition as an exporter would.
fn write(exposition: &Exposition, format: Format) -> String {
    let open = format == Format::OpenMetrics;
    let mut text = String::new();
    for family in &exposition.families {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Unknown if open => "unknown",
            _ => "untyped",
        };
        let _ = writeln!(text, "# TYPE {} {kind}", family.name);
        if open && !family.unit.is_empty() {
            let _ = writeln!(text, "# UNIT {} {}", family.name, family.unit);
        }
        if !family.help.is_empty() {
            let help = family.help.replace('\\', "\\\\").replace('\n', "\\n");
            let help = if open { help.replace('"', "\\\"") } else { help };
            let _ = writeln!(text, "# HELP {} {help}", family.name);
        }
        for sample in &family.samples {
            let _ =
                write!(text, "{}{} {}", sample.name, braces(&sample.labels), value(sample.value));
            let _ = sample.at.map(|at| write!(text, " {}", time(at, open)));
            if let Some(exemplar) = &sample.exemplar {
                let labels = if exemplar.labels.is_empty() {
                    "{}".to_owned()
                } else {
                    braces(&exemplar.labels)
                };
                let _ = write!(text, " # {labels} {}", value(exemplar.value));
                let _ = exemplar.at.map(|at| write!(text, " {}", time(at, open)));
            }
            text.push('\n');
        }
    }
    if open {
        text += "# EOF\n";
    }
    text
}

fn braces(labels: &Labels) -> String {
    let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) }
}

fn value(value: f64) -> String {
    match value {
        _ if value.is_nan() => "NaN".to_owned(),
        _ if value.is_infinite() => if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
        // Rust's shortest form, as Go's `%g` would have it.
        _ => format!("{value:e}"),
    }
}

fn time(at: i64, open: bool) -> String {
    if open { format!("{}.{:03}", at / 1000, at % 1000) } else { at.to_string() }
}

fn labels() -> impl Strategy<Value = Labels> {
    let pair = ("[a-zA-Z_][a-zA-Z0-9_]{0,6}", "[ -~äß\n\"\\\\]{0,12}");
    vec(pair, 0..4).prop_map(|mut labels| {
        labels.sort();
        labels.dedup_by(|one, other| one.0 == other.0);
        labels
    })
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(0.0),
        (0u64..1 << 53).prop_map(|whole| whole as f64),
    ]
}

fn at() -> impl Strategy<Value = Option<i64>> {
    proptest::option::of(0i64..4_000_000_000_000)
}

fn family(open: bool) -> impl Strategy<Value = Family> {
    let exemplar = (labels(), number(), at());
    let exemplar = exemplar.prop_map(|(mut labels, value, at)| {
        labels.truncate(2);
        Exemplar { labels, value, at }
    });
    let sample = (labels(), number(), at(), proptest::option::of(exemplar), any::<bool>());
    let kind = prop_oneof![Just(Kind::Counter), Just(Kind::Gauge), Just(Kind::Unknown)];
    let told = ("[a-zA-Z_:][a-zA-Z0-9_:]{0,8}", kind, any::<bool>(), "[ -~\n\"\\\\]{0,20}");
    (told, vec(sample, 0..5)).prop_map(move |((name, kind, unit, help), samples)| {
        let unit = if open && unit { "seconds" } else { "" };
        let name = if unit.is_empty() { name } else { format!("{name}_{unit}") };
        let of = |(labels, value, at, exemplar, created): (_, f64, _, _, bool)| {
            let counts = open && kind == Kind::Counter;
            let suffix = if !counts {
                ""
            } else if created {
                "_created"
            } else {
                "_total"
            };
            let value =
                if counts && !created && (value.is_nan() || value < 0.0) { 1.0 } else { value };
            let exemplar = if suffix == "_total" { exemplar } else { None };
            Sample { name: format!("{name}{suffix}"), labels, value, at, exemplar }
        };
        let samples = samples.into_iter().map(of).collect();
        // What a line begins with is not told apart from what keeps words apart.
        let help = help.trim().to_owned();
        Family { name: name.clone(), kind, unit: unit.to_owned(), help, samples }
    })
}

fn exposition(open: bool) -> impl Strategy<Value = Exposition> {
    vec(family(open), 0..6).prop_map(|mut families| {
        families.sort_by(|one, other| one.name.cmp(&other.name));
        families.dedup_by(|one, other| one.name == other.name);
        // Whose samples would be taken for those of another.
        let names: Vec<String> = families.iter().map(|family| family.name.clone()).collect();
        let confusing = |name: &str| {
            ["_total", "_created"]
                .iter()
                .any(|end| name.strip_suffix(end).is_some_and(|n| names.iter().any(|o| o == n)))
        };
        families.retain(|family| !confusing(&family.name));
        Exposition { families }
    })
}

/// The same, where not a number is the same as itself.
fn same(one: &Exposition, other: &Exposition) -> bool {
    format!("{one:?}") == format!("{other:?}")
}

proptest! {
    #[test]
    fn what_a_writer_wrote_comes_back(text in exposition(false), open in exposition(true)) {
        for (exposition, format) in [(text, Format::Text), (open, Format::OpenMetrics)] {
            let written = write(&exposition, format);
            let found = read(&written, format);
            prop_assert!(found.is_ok(), "{:?}\n{}", found, written);
            prop_assert!(same(&found.clone().unwrap_or_default(), &exposition), "{found:?}\n{written}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..300), open in any::<bool>()) {
        let format = if open { Format::OpenMetrics } else { Format::Text };
        let _ = parse(&bytes, format, &Limits::default());
    }

    #[test]
    fn what_is_nearly_right_is_read_or_named_by_a_place_that_is_there(
        exposition in exposition(true), open in any::<bool>(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6),
    ) {
        let format = if open { Format::OpenMetrics } else { Format::Text };
        let mut bytes = write(&exposition, format).into_bytes();
        for (place, byte, what) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, b"{}\"\\\n #=,x"[usize::from(byte) % 10]),
                _ => bytes.truncate(at),
            }
        }
        if let Err(error) = parse(&bytes, format, &Limits::default()) {
            let text = String::from_utf8_lossy(&bytes);
            let lines: Vec<&str> = text.split('\n').collect();
            prop_assert!((1..=lines.len()).contains(&error.line), "{error}");
            let line = lines[error.line - 1];
            prop_assert!((1..=line.chars().count() + 1).contains(&error.column), "{error}: {line}");
        }
    }
}
