//! Whom to trust, and who we are.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::access::Access;
use super::error::HttpError;

/// How encrypted connections are set up, by one provider of cryptography: ring.
pub fn client(access: &Access) -> Result<ClientConfig, HttpError> {
    let setup = |error: rustls::Error| HttpError::Setup(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .with_root_certificates(trusted(access)?);
    let mut config = match &access.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = certificates(certificate)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| wrong(certificate, &error))?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The authorities that are trusted; none where nothing is encrypted.
fn trusted(access: &Access) -> Result<RootCertStore, HttpError> {
    let mut store = RootCertStore::empty();
    match &access.authorities {
        Some(file) => {
            for authority in certificates(file)? {
                store.add(authority).map_err(|error| wrong(file, &error))?;
            }
        }
        None if access.address.is_encrypted() => {
            let found = rustls_native_certs::load_native_certs();
            let (added, _) = store.add_parsable_certificates(found.certs);
            if added == 0 {
                let text = "this machine trusts no authority: name a file with one's certificate";
                return Err(HttpError::Setup(text.to_owned()));
            }
        }
        None => {}
    }
    Ok(store)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, HttpError> {
    let found: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(file, &error))?;
    if found.is_empty() {
        return Err(wrong(file, &"there is no certificate in it"));
    }
    Ok(found)
}

fn wrong(file: &Path, reason: &dyn std::fmt::Display) -> HttpError {
    HttpError::Credentials { file: file.to_owned(), reason: reason.to_string() }
}
