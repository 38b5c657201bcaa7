//! Scrapes targets directly, as a Prometheus would.

use std::collections::BTreeMap;

use thalweg_core::units::Timestamp;

use super::error::PrometheusError;
use super::exposition::{Format, Limits, parse};
use super::names::is_read;
use super::series::{Point, Series};
use crate::http::{Access, Client, HttpError, Server};

/// Where something exposes its metrics.
#[derive(Debug)]
pub struct Target {
    client: Client,
    instance: String,
}

impl Target {
    /// Prepares to scrape; nothing is sent yet.
    ///
    /// # Errors
    /// When a file of certificates or a key cannot be used.
    pub fn new(access: Access) -> Result<Self, PrometheusError> {
        let instance = access.address.host_and_port();
        Ok(Self { client: Client::new(access)?, instance })
    }

    /// What it is called: its host and port.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// What it exposes now, as far as it is read of nodes.
    ///
    /// # Errors
    /// When it does not answer, or not with what a target exposes.
    pub fn scrape(&self, now: Timestamp) -> Result<Vec<Series>, PrometheusError> {
        let place = self.client.access().address.to_string();
        let answer = self.client.get_itself(Format::ACCEPT)?;
        let Some(format) = Format::of(&answer.content_type) else {
            let reason = format!("the answer is {}", answer.content_type);
            return Err(HttpError::Stranger { place, expected: Server::Target, reason }.into());
        };
        let found = parse(&answer.body, format, &Limits::default())
            .map_err(|error| PrometheusError::Exposition { place, error })?;
        let mut all = Vec::new();
        for sample in found.samples().filter(|sample| is_read(&sample.name)) {
            let mut labels: BTreeMap<String, String> = sample.labels.iter().cloned().collect();
            // As Prometheus keeps what a target says of itself apart from what is known of it.
            if let Some(own) = labels.insert("instance".to_owned(), self.instance.clone()) {
                labels.insert("exported_instance".to_owned(), own);
            }
            let at = sample.at.map_or(now, Timestamp::from_millis);
            let points = vec![Point { at, value: sample.value }];
            all.push(Series { name: sample.name.clone(), labels, points });
        }
        Ok(all)
    }
}

/// What several scrapes came to.
#[derive(Debug, Default)]
pub struct Scrapes(BTreeMap<(String, BTreeMap<String, String>), Vec<Point>>);

impl Scrapes {
    /// Takes a later one.
    pub fn take(&mut self, scraped: Vec<Series>) {
        for series in scraped {
            let points = self.0.entry((series.name, series.labels)).or_default();
            for point in series.points {
                // A target that says its own times may say the same again.
                if points.last().is_none_or(|last| last.at < point.at) {
                    points.push(point);
                }
            }
        }
    }

    /// The values of each metric.
    pub fn series(self) -> Vec<Series> {
        let series = |((name, labels), points)| Series { name, labels, points };
        self.0.into_iter().map(series).collect()
    }
}
