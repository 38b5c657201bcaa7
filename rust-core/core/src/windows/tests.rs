use super::*;
use crate::units::{Millis, Timestamp};

/// An instant of a time in Universal Time.
fn at(text: &str) -> Timestamp {
    let at: jiff::Timestamp = format!("{text}Z").parse().expect("a time");
    Timestamp::from_millis(at.as_millisecond())
}

fn window(text: &str) -> Window {
    Window::read(text, "UTC").expect(text)
}

/// A span as its ends in Universal Time.
fn told(span: Option<Span>) -> Option<(String, String)> {
    let utc = window("00:00-24:00 in UTC");
    let told = |at| utc.told(at).replace(" UTC", "");
    span.map(|span| (told(span.from), told(span.to)))
}

fn pair(from: &str, to: &str) -> Option<(String, String)> {
    Some((from.to_owned(), to.to_owned()))
}

#[test]
fn a_weekend_by_cron_begins_on_friday_evening_and_lasts() {
    let weekend = window("0 18 * * FRI for 62h in Europe/Berlin");
    let span = pair("2026-11-27 17:00", "2026-11-30 07:00");
    assert_eq!(told(weekend.around(at("2026-11-29T12:00"), Edge::Wide)), span);
    assert_eq!(told(weekend.around(at("2026-11-27T17:00"), Edge::Wide)), span);
    assert_eq!(told(weekend.around(at("2026-11-27T16:59:59"), Edge::Wide)), None);
    assert_eq!(told(weekend.around(at("2026-11-30T07:00"), Edge::Wide)), None);
    assert_eq!(told(weekend.after(at("2026-11-23T00:00"), Edge::Wide)), span);
}

#[test]
fn hours_may_go_over_midnight_and_be_of_some_days_only() {
    let night = window("22:00-06:00");
    let span = pair("2026-11-28 22:00", "2026-11-29 06:00");
    assert_eq!(told(night.around(at("2026-11-29T05:59"), Edge::Narrow)), span);
    assert_eq!(told(night.around(at("2026-11-29T06:00"), Edge::Narrow)), None);
    let office = window("mon-fri 09:00-17:00");
    assert_eq!(told(office.around(at("2026-11-28T12:00"), Edge::Narrow)), None, "a Saturday");
    let monday = pair("2026-11-30 09:00", "2026-11-30 17:00");
    assert_eq!(told(office.after(at("2026-11-28T12:00"), Edge::Narrow)), monday);
    let some = window("sat-mon,wed 00:00-24:00");
    let days = [("29", true), ("30", true), ("27", false)];
    for (day, covered) in days {
        let noon = at(&format!("2026-11-{day}T12:00"));
        assert_eq!(some.around(noon, Edge::Narrow).is_some(), covered, "{day}");
    }
}

#[test]
fn one_stretch_of_time_comes_once() {
    for text in [
        "2026-12-24T00:00 until 2026-12-27T06:00 in America/New_York",
        "2026-12-24T00:00 for 3d6h in America/New_York",
    ] {
        let holidays = window(text);
        let span = pair("2026-12-24 05:00", "2026-12-27 11:00");
        assert_eq!(told(holidays.around(at("2026-12-25T00:00"), Edge::Wide)), span);
        assert_eq!(told(holidays.after(at("2026-11-25T00:00"), Edge::Wide)), span);
        assert_eq!(told(holidays.after(at("2026-12-25T00:00"), Edge::Wide)), None);
    }
}

// In Berlin, clocks go from 02:00 to 03:00 on 2026-03-29 (01:00 in Universal Time), and from 03:00 back to 02:00 on
// 2026-10-25 (also 01:00), so that the hour from 02:00 comes twice.

#[test]
fn what_forbids_takes_an_hour_that_comes_twice_both_times_and_what_allows_takes_it_once() {
    let hour = window("02:15-02:45 in Europe/Berlin");
    let noon = at("2026-10-24T12:00");
    assert_eq!(told(hour.after(noon, Edge::Wide)), pair("2026-10-25 00:15", "2026-10-25 01:45"));
    // From the second 02:15 until the first 02:45 is no time at all.
    let narrow = hour.after(noon, Edge::Narrow).expect("it comes");
    assert!(narrow.to < narrow.from);
    let until = window("00:00-02:30 in Europe/Berlin");
    assert_eq!(told(until.after(noon, Edge::Wide)), pair("2026-10-24 22:00", "2026-10-25 01:30"));
    assert_eq!(told(until.after(noon, Edge::Narrow)), pair("2026-10-24 22:00", "2026-10-25 00:30"));
}

#[test]
fn hours_that_are_left_out_begin_before_them_for_what_forbids_and_after_them_for_what_allows() {
    let from = window("02:30-05:00 in Europe/Berlin");
    let noon = at("2026-03-28T12:00");
    assert_eq!(told(from.after(noon, Edge::Wide)), pair("2026-03-29 00:30", "2026-03-29 03:00"));
    assert_eq!(told(from.after(noon, Edge::Narrow)), pair("2026-03-29 01:30", "2026-03-29 03:00"));
}

#[test]
fn a_cron_time_that_is_left_out_comes_right_after_and_one_that_comes_twice_counts_once() {
    let daily = window("30 2 * * * for 1h in Europe/Berlin");
    let spring = pair("2026-03-29 01:00", "2026-03-29 02:00");
    assert_eq!(told(daily.after(at("2026-03-28T12:00"), Edge::Wide)), spring);
    let autumn = pair("2026-10-25 00:30", "2026-10-25 01:30");
    assert_eq!(told(daily.after(at("2026-10-24T12:00"), Edge::Wide)), autumn);
    let next = pair("2026-10-26 01:30", "2026-10-26 02:30");
    assert_eq!(told(daily.after(at("2026-10-25T00:30"), Edge::Wide)), next);
}

#[test]
fn a_time_each_day_follows_the_clock_and_a_length_does_not() {
    let day = window("0 12 * * * for 24h in Europe/Berlin");
    let autumn = pair("2026-10-24 10:00", "2026-10-25 10:00");
    assert_eq!(told(day.around(at("2026-10-25T09:59"), Edge::Wide)), autumn);
    // The hour that the longer day has more is not covered.
    assert_eq!(told(day.around(at("2026-10-25T10:30"), Edge::Wide)), None);
}

#[test]
fn what_cannot_be_read_says_why() {
    let cases = [
        ("", "tells no hours"),
        ("0 18 * * FRI", "tells no hours, and not how long"),
        ("0 18 * FRI for 62h", "no cron expression of five fields"),
        ("0 25 * * * for 1h", "no cron expression of five fields"),
        ("0 18 * * FRI for long", "no length of time"),
        ("0 18 * * FRI for 0h", "no length of time"),
        ("0 18 * * FRI for 62h in Berlin/Europe", "no time zone \"Berlin/Europe\""),
        ("9-17", "tells no hours"),
        ("09:00-25:00", "tells no hours"),
        ("freitag 09:00-17:00", "tells no hours"),
        ("2026-12-24 until Christmas", "no time such as"),
        ("2026-12-24T00:00 until 2026-12-23T00:00", "over before it begins"),
        ("0 0 30 2 * for 1h", "it never comes"),
    ];
    for (text, why) in cases {
        let error = Window::read(text, "UTC").expect_err(text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    assert_eq!(duration("1d2h3m4s"), Ok(Millis::saturating(93_784_000.0)));
}

#[test]
fn a_window_is_kept_as_its_text_with_its_zone() {
    let read = Window::read("22:00-06:00", "Asia/Tokyo").expect("a window");
    let json = serde_json::to_string(&read).expect("a text");
    assert_eq!(json, r#""22:00-06:00 in Asia/Tokyo""#);
    assert_eq!(serde_json::from_str::<Window>(&json).expect("the same"), read);
    assert!(serde_json::from_str::<Window>(r#""soon""#).is_err());
}
