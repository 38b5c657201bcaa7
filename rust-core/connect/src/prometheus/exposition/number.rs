//! Numbers as expositions have them.

use super::words::Format;

/// The most that a double holds without gaps; a time beyond that in ms is none.
const LATEST: f64 = 9_007_199_254_740_992.0;

/// A value, also infinite or not a number. Digits that mean more than a number can hold are none.
pub fn value(word: &str) -> Option<f64> {
    let bare = word.strip_prefix(['+', '-']).unwrap_or(word);
    if ["inf", "infinity"].iter().any(|name| bare.eq_ignore_ascii_case(name)) {
        return Some(if word.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    if word.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    let plain = word.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    word.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

/// A time in ms since 1970: a whole number of ms, or in OpenMetrics seconds.
pub fn time(word: &str, format: Format) -> Option<i64> {
    match format {
        Format::Text => word.parse().ok(),
        Format::OpenMetrics => {
            let millis = (value(word)? * 1000.0).round();
            (millis.abs() <= LATEST).then_some(millis as i64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_prometheus_reads_them_and_nothing_else_is_one() {
        let table = [
            ("1", Some(1.0)),
            ("-0.5e3", Some(-500.0)),
            ("+Inf", Some(f64::INFINITY)),
            ("Inf", Some(f64::INFINITY)),
            ("-inf", Some(f64::NEG_INFINITY)),
            (".5", Some(0.5)),
            ("1e400", None),
            ("0x10", None),
            ("1_000", None),
            ("", None),
            ("one", None),
            ("1,5", None),
            ("+", None),
        ];
        for (word, number) in table {
            assert_eq!(value(word), number, "{word}");
        }
        assert!(value("NaN").is_some_and(f64::is_nan));
    }

    #[test]
    fn times_are_ms_in_one_format_and_seconds_in_the_other() {
        let both = |word| [Format::Text, Format::OpenMetrics].map(|format| time(word, format));
        assert_eq!(both("1795910400000"), [Some(1_795_910_400_000), Some(1_795_910_400_000_000)]);
        assert_eq!(both("1795910400.1234"), [None, Some(1_795_910_400_123)]);
        assert_eq!(both("-5"), [Some(-5), Some(-5000)]);
        assert_eq!(both("NaN"), [None, None]);
        assert_eq!(both("1e300"), [None, None]);
    }
}
