//! One page with the table and all plots.

use crate::table::{Results, shown};

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem;color:#222}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;font-size:13px}\
th,td{padding:.25rem .6rem;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}\
th:first-child,td:first-child{text-align:left}.wide{overflow-x:auto}svg{max-width:100%;height:auto}\
.best{font-weight:600}p.note{color:#555}";

/// A plot with what it shows.
pub struct Figure {
    /// What it shows, for people.
    pub title: String,
    /// The plot.
    pub svg: String,
}

/// Makes the page.
pub fn page(results: &Results<'_>, notes: &[String], figures: &[Figure]) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Policies compared</title>\
         <style>{STYLE}</style><h1>Policies compared in the simulator</h1>"
    );
    for note in notes {
        html.push_str(&format!("<p class=\"note\">{}</p>", escaped(note)));
    }
    html.push_str(
        "<h2>Medians with 95 % confidence intervals</h2><div class=\"wide\"><table><tr><th></th>",
    );
    for contestant in results.contestants {
        html.push_str(&format!("<th>{}</th>", escaped(contestant.name())));
    }
    html.push_str("</tr>");
    for (title, unit, row) in results.rows() {
        html.push_str(&format!("<tr><td>{} [{}]</td>", escaped(&title), escaped(&unit)));
        let policies = row.iter().zip(results.contestants).filter(|(_, c)| !c.is_reference());
        let best = policies.filter_map(|(s, _)| Some(s.as_ref()?.median)).fold(f64::MAX, f64::min);
        for (summary, contestant) in row.iter().zip(results.contestants) {
            let is_best = !contestant.is_reference()
                && summary.as_ref().is_some_and(|summary| summary.median <= best);
            let class = if is_best { " class=\"best\"" } else { "" };
            let text = summary.as_ref().map_or("–".to_owned(), shown);
            html.push_str(&format!("<td{class}>{text}</td>"));
        }
        html.push_str("</tr>");
    }
    html.push_str("</table></div>");
    for figure in figures {
        html.push_str(&format!("<h2>{}</h2>{}", escaped(&figure.title), figure.svg));
    }
    html.push_str("</html>");
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
