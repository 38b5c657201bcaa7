//! Where a server is.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use super::error::AddressError;
use crate::local::is_local;

/// The base of all URLs of a server: a scheme, a host, perhaps a port, and the path that a proxy has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Its path ends with `/`.
    base: Url,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// When it is none, or holds what does not belong there.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let mut base = Url::parse(text.trim()).map_err(|_| AddressError::NoUrl)?;
        if !base.username().is_empty() || base.password().is_some() {
            return Err(AddressError::Secret);
        }
        if !["http", "https"].contains(&base.scheme()) {
            return Err(AddressError::Scheme);
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(AddressError::Query);
        }
        if !base.has_host() {
            return Err(AddressError::NoUrl);
        }
        let path = format!("{}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        Ok(Self { base })
    }

    /// The URL of a path, which begins with `/` and may have a query behind it.
    pub fn at(&self, path: &str) -> Url {
        let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path(), path.trim_start_matches('/')));
        url.set_query(query);
        url
    }

    /// Its own URL, where one page is all that is asked for.
    pub fn itself(&self) -> Url {
        let mut url = self.base.clone();
        url.set_path(self.base.path().trim_end_matches('/'));
        url
    }

    /// The host and the port, as whoever names this server among others would: `host:9100`.
    pub fn host_and_port(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        match self.base.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Whether what is said goes over no network.
    pub fn is_local(&self) -> bool {
        self.base.host_str().is_some_and(is_local)
    }

    /// Whether it is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.base.scheme() == "https"
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str().trim_end_matches('/'))
    }
}

/// All but letters, digits and what never means anything in a path or query.
const MEANING: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text as a part of a path or query.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, MEANING).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_put_behind_what_a_proxy_has_for_them() {
        let table = [
            ("http://jm:8081", "/jobs", "http://jm:8081/jobs"),
            ("http://jm:8081/", "/jobs/a", "http://jm:8081/jobs/a"),
            ("https://proxy.example/flink/prod", "/jobs", "https://proxy.example/flink/prod/jobs"),
            (
                "https://proxy.example/flink/prod///",
                "/jobs",
                "https://proxy.example/flink/prod/jobs",
            ),
            ("http://[::1]:8081", "/config", "http://[::1]:8081/config"),
            ("HTTP://JM", "/config", "http://jm/config"),
            ("http://jm:80", "/config", "http://jm/config"),
            (
                "http://jm/a%20b",
                "/jobs?get=x%2Cy&agg=sum",
                "http://jm/a%20b/jobs?get=x%2Cy&agg=sum",
            ),
        ];
        for (base, path, url) in table {
            let address = Address::parse(base).expect("an address");
            assert_eq!(address.at(path).as_str(), url, "{base} {path}");
        }
    }

    #[test]
    fn what_is_no_address_is_named_without_being_repeated() {
        let table = [
            ("jobmanager:8081", AddressError::Scheme),
            ("", AddressError::NoUrl),
            ("http://", AddressError::NoUrl),
            ("/jobs", AddressError::NoUrl),
            ("ftp://jm", AddressError::Scheme),
            ("http://me:hunter2@jm", AddressError::Secret),
            ("http://me@jm", AddressError::Secret),
            ("http://jm/?a=b", AddressError::Query),
            ("http://jm/#a", AddressError::Query),
        ];
        for (text, error) in table {
            assert_eq!(Address::parse(text), Err(error), "{text}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn one_page_has_no_slash_behind_it_and_a_server_is_named_by_its_port() {
        let table = [
            ("http://node1:9100/metrics", "http://node1:9100/metrics", "node1:9100"),
            ("http://node1:9100/metrics/", "http://node1:9100/metrics", "node1:9100"),
            ("https://[::1]/a", "https://[::1]/a", "[::1]:443"),
            ("http://node1", "http://node1/", "node1:80"),
        ];
        for (text, url, server) in table {
            let address = Address::parse(text).expect("an address");
            assert_eq!((address.itself().as_str(), &*address.host_and_port()), (url, server));
        }
    }

    #[test]
    fn names_of_metrics_are_encoded() {
        assert_eq!(encoded("Source__a b.numRecordsIn,ä"), "Source__a%20b.numRecordsIn%2C%C3%A4");
        assert_eq!(encoded("../x"), "..%2Fx");
    }

    proptest! {
        #[test]
        fn no_question_leaves_the_host_and_the_path_that_were_given(
            host in "[a-z]{1,8}", port in 1024u16.., prefix in "(/[a-z0-9.~-]{0,6}){0,3}",
            path in "/[ -~]{0,40}",
        ) {
            let base = format!("http://{host}:{port}{prefix}");
            let address = Address::parse(&base).expect("an address");
            let url = address.at(&path);
            prop_assert_eq!(url.host_str(), Some(host.as_str()));
            prop_assert_eq!(url.port(), Some(port));
            prop_assert!(url.username().is_empty() && url.fragment().is_none());
        }
    }
}
