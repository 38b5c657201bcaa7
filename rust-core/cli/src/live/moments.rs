//! Times as people write them on a command line.

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use thalweg_control::now_millis;
use thalweg_core::windows;

/// Seconds of a time such as `90s` or `8h`.
pub fn seconds(text: &str) -> Result<u32, String> {
    let unit = text.chars().last().filter(char::is_ascii_alphabetic);
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u32 =
        number.parse().map_err(|_| "expected a number and s, m, h or d".to_owned())?;
    let factor = match unit {
        None | Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        Some('d') => 86_400,
        Some(_) => return Err("expected a number and s, m, h or d".to_owned()),
    };
    number.checked_mul(factor).filter(|secs| *secs > 0).ok_or("too long, or nothing".to_owned())
}

/// The moment in ms since 1970 of a time that is to come, as people or programs write it.
pub fn coming(text: &str) -> Result<i64, String> {
    moment(text, now_millis(), Side::After)
}

/// The same of one that is past.
pub fn past(text: &str) -> Result<i64, String> {
    moment(text, now_millis(), Side::Before)
}

/// Which moment is meant by a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The next one.
    After,
    /// The last one.
    Before,
}

fn moment(text: &str, now: i64, side: Side) -> Result<i64, String> {
    const EXPECTED: &str = "expected HH:MM, YYYY-MM-DDTHH:MM, both with ` in ZONE` behind it unless it is UTC, \
        or seconds since 1970";
    let wrong = || EXPECTED.to_owned();
    if let Ok(secs) = text.parse::<i64>() {
        return secs.checked_mul(1000).ok_or_else(wrong);
    }
    let (time, zone) = text.split_once(" in ").unwrap_or((text, "UTC"));
    let zone = windows::zone(zone.trim()).map_err(|why| why.to_string())?;
    let at = |time: DateTime| zone.to_zoned(time).map(|at| at.timestamp().as_millisecond());
    if let Ok(time) = time.trim().parse::<DateTime>() {
        return at(time).map_err(|why| why.to_string());
    }
    let time = Time::strptime("%H:%M", time.trim()).map_err(|_| wrong())?;
    let today = Timestamp::from_millisecond(now).map_err(|why| why.to_string())?;
    let today = today.to_zoned(zone.clone()).date();
    // Today, or the day beside it where that is on the other side of now.
    let beside = if side == Side::After { today.tomorrow() } else { today.yesterday() };
    let days = [Some(today), beside.ok()].into_iter().flatten();
    let mut times = days.filter_map(|day| at(day.to_datetime(time)).ok());
    times.find(|at| if side == Side::After { *at > now } else { *at <= now }).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("45m"), Ok(2_700));
        assert_eq!(seconds("8h"), Ok(28_800));
        assert_eq!(seconds("7"), Ok(7));
        assert!(seconds("h").is_err() && seconds("0s").is_err() && seconds("9w").is_err());
    }

    #[test]
    fn a_time_of_day_is_by_the_clock_of_a_zone() {
        // 100,000 s are 03:46:40 on the second day.
        let after = |text: &str| moment(text, 100_000_000, Side::After);
        assert_eq!(after("06:00"), Ok((86_400 + 21_600) * 1000));
        assert_eq!(after("03:00"), Ok((2 * 86_400 + 10_800) * 1000));
        assert_eq!(after("200000"), Ok(200_000_000));
        assert_eq!(after("1970-01-05T06:30"), Ok((4 * 86_400 + 23_400) * 1000));
        // In Tokyo it is 12:46:40: 13:00 comes in a quarter of an hour, 12:00 tomorrow.
        assert_eq!(after("13:00 in Asia/Tokyo"), Ok((86_400 + 4 * 3_600) * 1000));
        assert_eq!(after("12:00 in Asia/Tokyo"), Ok((2 * 86_400 + 3 * 3_600) * 1000));
        assert_eq!(after("1970-07-01T06:00 in Europe/London"), after("1970-07-01T05:00"));
        let before = |text: &str| moment(text, 100_000_000, Side::Before);
        assert_eq!(before("03:00"), Ok((86_400 + 10_800) * 1000), "earlier today");
        assert_eq!(before("06:00"), Ok(21_600 * 1000), "yesterday");
        for wrong in ["25:00", "noon", "1970-13-01T00:00", ""] {
            assert!(after(wrong).is_err(), "{wrong}");
        }
        assert!(after("06:00 in Mars/Base").is_err_and(|why| why.contains("Mars/Base")));
    }

    /// 02:30 is left out where clocks are put forward, and comes twice where they are put back.
    #[test]
    fn a_time_that_a_clock_leaves_out_or_repeats_is_one_moment() {
        let utc =
            |text: &str| moment(text, 0, Side::After).unwrap_or_else(|why| panic!("{text}: {why}"));
        let berlin = |text: &str| utc(&format!("{text} in Europe/Berlin"));
        assert_eq!(berlin("2026-03-29T02:30"), utc("2026-03-29T01:30"), "as long after the gap");
        assert_eq!(berlin("2026-10-25T02:30"), utc("2026-10-25T00:30"), "the first time");
    }
}
