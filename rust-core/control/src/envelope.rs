//! Requests that are signed with a token, good for a short time, and answered once: those that go over a store which
//! others reach too, and those of a server that speaks for several people.

use serde::{Deserialize, Serialize};

use crate::token::{Role, Token, nonce};
use crate::wire::{ErrorCode, Refusal, Request, VERSION};

/// The longest time in ms for which a request is good.
pub const LONGEST_LIFE_MS: i64 = 300_000;
/// How far clocks of two machines may be apart, in ms.
const CLOCKS_APART_MS: i64 = 60_000;

/// A request that is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The version of the protocol.
    pub v: u32,
    /// A name that no other request has, under which the answer will lie.
    pub id: String,
    /// The name of the token with which it is signed.
    pub token: String,
    /// When it was signed, in ms since 1970.
    pub at: i64,
    /// When it is not to be answered any more.
    pub expires: i64,
    /// The request, as a line.
    pub request: String,
    /// The signature of all that.
    pub mac: String,
}

/// An answer as it lies in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedAnswer {
    /// The answer, as a line.
    pub answer: String,
    /// Its signature with the token of the request.
    pub mac: String,
}

impl Envelope {
    /// Signs a request that is good for so many ms from `now` on.
    ///
    /// # Errors
    /// When it cannot be written, or there are no random bits.
    pub fn seal(request: &Request, token: &Token, now: i64, life_ms: i64) -> Result<Self, String> {
        let request = serde_json::to_string(request).map_err(|error| error.to_string())?;
        let expires = now + life_ms.clamp(1, LONGEST_LIFE_MS);
        let id = nonce().map_err(|error| error.to_string())?;
        let envelope = Self {
            v: VERSION,
            id,
            token: token.name.clone(),
            at: now,
            expires,
            request,
            mac: String::new(),
        };
        let mac = token.sign(&envelope.signed());
        Ok(Self { mac, ..envelope })
    }

    /// Whether a line is meant as a signed request rather than a plain one.
    pub fn is_meant(line: &[u8]) -> bool {
        #[derive(Deserialize)]
        struct Signed {
            #[serde(rename = "mac")]
            _mac: serde::de::IgnoredAny,
        }
        serde_json::from_slice::<Signed>(line).is_ok()
    }

    /// Reads one, whoever has made it.
    ///
    /// # Errors
    /// When it is none, or of another version.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let bad = |text: String| Refusal::of(ErrorCode::BadRequest, "", text);
        let envelope: Self =
            serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        let plain =
            |text: &str| text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_graphic());
        if envelope.v != VERSION {
            let text = format!("this engine speaks version {VERSION}, not {}", envelope.v);
            return Err(Refusal::of(ErrorCode::Version, "v", text));
        }
        if !plain(&envelope.id) || !plain(&envelope.token) {
            return Err(bad("id and token are plain names".to_owned()));
        }
        Ok(envelope)
    }

    /// The request, if a token that is known has signed it, it is in time, and the token allows it.
    ///
    /// # Errors
    /// Why not, with the token that has signed it, if one has: only its owner is answered.
    pub fn open<'a>(
        &self,
        tokens: &'a [Token],
        now: i64,
    ) -> Result<(&'a Token, Result<Request, Refusal>), Refusal> {
        let known = tokens.iter().find(|token| token.name == self.token);
        let signer = known.filter(|token| token.has_signed(&self.signed(), &self.mac));
        let text = "no token that is known here has signed it";
        let token = signer.ok_or_else(|| Refusal::of(ErrorCode::Forbidden, "mac", text))?;
        Ok((token, self.check(token, now)))
    }

    fn check(&self, token: &Token, now: i64) -> Result<Request, Refusal> {
        let expired = |text: &str| Refusal::of(ErrorCode::Expired, "expires", text);
        if now >= self.expires {
            return Err(expired("it came too late"));
        }
        // Whoever has the token writes any times.
        let life = self.expires.saturating_sub(self.at);
        if life > LONGEST_LIFE_MS || self.at > now.saturating_add(CLOCKS_APART_MS) {
            return Err(expired("it is good for too long, or clocks are more than a minute apart"));
        }
        let request = Request::read(self.request.as_bytes())?;
        let refuse =
            |field: &str, text: String| Err(Refusal::of(ErrorCode::Forbidden, field, text));
        let name = &token.name;
        match (token.role, request.on_behalf_of.is_empty()) {
            (Role::Viewer, _) if request.command.is_order() => {
                refuse("token", format!("token {name} may only ask"))
            }
            (Role::Delegate, true) if request.command.is_order() => {
                refuse("on_behalf_of", format!("token {name} gives orders in somebody's name only"))
            }
            (Role::Viewer | Role::Operator, false) => {
                refuse("on_behalf_of", format!("token {name} speaks for nobody else"))
            }
            _ => Ok(request),
        }
    }

    /// All that is signed. The request comes last, so that no two envelopes have the same text.
    fn signed(&self) -> String {
        let Self { v, id, token, at, expires, request, .. } = self;
        format!("thalweg request\n{v}\n{id}\n{token}\n{at}\n{expires}\n{request}")
    }
}

impl SealedAnswer {
    /// Signs the answer to a request.
    pub fn seal(id: &str, answer: String, token: &Token) -> Self {
        let mac = token.sign(&signed_answer(id, &answer));
        Self { answer, mac }
    }

    /// The answer, if the token has signed it as the one to this request.
    pub fn open(self, id: &str, token: &Token) -> Option<String> {
        token.has_signed(&signed_answer(id, &self.answer), &self.mac).then_some(self.answer)
    }
}

fn signed_answer(id: &str, answer: &str) -> String {
    format!("thalweg answer\n{id}\n{answer}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::wire::Command;

    fn token(name: &str, role: Role) -> Token {
        Token::new(name, role, &name.repeat(32)).unwrap()
    }

    fn drain() -> Request {
        Request::of(Command::Drain { host: "node3".to_owned() })
    }

    fn opened(envelope: &Envelope, tokens: &[Token], now: i64) -> Result<Request, Refusal> {
        envelope.open(tokens, now).and_then(|(_, request)| request)
    }

    #[test]
    fn what_is_signed_is_taken_and_whatever_is_changed_is_not() {
        let night = token("night", Role::Operator);
        let tokens = [token("day", Role::Operator), night.clone()];
        let sealed = Envelope::seal(&drain(), &night, 1_000, 60_000).unwrap();
        let read = Envelope::read(&serde_json::to_vec(&sealed).unwrap()).unwrap();
        assert_eq!(opened(&read, &tokens, 2_000), Ok(drain()));
        for changed in [
            Envelope { id: "another".to_owned(), ..sealed.clone() },
            Envelope { token: "day".to_owned(), ..sealed.clone() },
            Envelope { at: 1_001, ..sealed.clone() },
            Envelope { expires: sealed.expires + 1, ..sealed.clone() },
            Envelope { request: sealed.request.replace("node3", "node4"), ..sealed.clone() },
            Envelope { mac: sealed.mac.replace(['a', '1'], "b"), ..sealed.clone() },
            Envelope { mac: String::new(), ..sealed.clone() },
        ] {
            let refusal = opened(&changed, &tokens, 2_000).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::Forbidden, "{changed:?}");
        }
        assert_eq!(opened(&sealed, &tokens[..1], 2_000).unwrap_err().code, ErrorCode::Forbidden);
    }

    #[test]
    fn it_is_good_for_a_short_time_only() {
        let night = token("night", Role::Operator);
        let tokens = [night.clone()];
        let sealed = Envelope::seal(&drain(), &night, 1_000, i64::MAX / 2).unwrap();
        assert_eq!(sealed.expires, 1_000 + LONGEST_LIFE_MS);
        assert!(opened(&sealed, &tokens, sealed.expires - 1).is_ok());
        assert_eq!(opened(&sealed, &tokens, sealed.expires).unwrap_err().code, ErrorCode::Expired);
        // A clock that is ahead by an hour would make it good for an hour more.
        let ahead = Envelope::seal(&drain(), &night, 3_600_000, 60_000).unwrap();
        assert_eq!(opened(&ahead, &tokens, 1_000).unwrap_err().code, ErrorCode::Expired);
    }

    #[test]
    fn no_times_that_somebody_signs_make_it_good_for_ever() {
        let night = token("night", Role::Operator);
        let sealed = Envelope::seal(&drain(), &night, 1_000, 60_000).unwrap();
        for (at, expires) in [(i64::MIN, i64::MAX), (i64::MIN, 2_001), (i64::MAX, i64::MAX)] {
            let changed = Envelope { at, expires, ..sealed.clone() };
            let signed = Envelope { mac: night.sign(&changed.signed()), ..changed };
            let refusal = opened(&signed, std::slice::from_ref(&night), 2_000).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::Expired, "{signed:?}");
        }
    }

    #[test]
    fn who_may_only_look_gives_no_orders_and_answers_are_signed_too() {
        let watch = token("watch", Role::Viewer);
        let tokens = [watch.clone()];
        let order = Envelope::seal(&drain(), &watch, 0, 1_000).unwrap();
        let refusal = opened(&order, &tokens, 1).unwrap_err();
        assert_eq!((refusal.code, refusal.field.as_str()), (ErrorCode::Forbidden, "token"));
        let look = Envelope::seal(&Request::of(Command::Status {}), &watch, 0, 1_000).unwrap();
        assert!(opened(&look, &tokens, 1).is_ok());
        let sealed = SealedAnswer::seal(&look.id, "fine".to_owned(), &watch);
        assert_eq!(sealed.clone().open(&order.id, &watch), None, "of another request");
        let forged = SealedAnswer { answer: "done".to_owned(), ..sealed.clone() };
        assert_eq!(forged.open(&look.id, &watch), None);
        assert_eq!(sealed.open(&look.id, &watch).as_deref(), Some("fine"));
    }

    #[test]
    fn only_a_delegate_speaks_for_others_and_it_does_so_only() {
        let [dashboard, night] =
            [token("dashboard", Role::Delegate), token("night", Role::Operator)];
        let tokens = [dashboard.clone(), night.clone()];
        let of_ann = Request { on_behalf_of: "ann".to_owned(), ..drain() };
        let sealed = |request, token| Envelope::seal(request, token, 0, 1_000).unwrap();
        assert_eq!(opened(&sealed(&of_ann, &dashboard), &tokens, 1), Ok(of_ann.clone()));
        let nobodys = drain();
        for (request, token) in [(&of_ann, &night), (&nobodys, &dashboard)] {
            let refusal = opened(&sealed(request, token), &tokens, 1).unwrap_err();
            assert_eq!((refusal.code, &*refusal.field), (ErrorCode::Forbidden, "on_behalf_of"));
        }
        let look = Request::of(Command::Status {});
        assert!(opened(&sealed(&look, &dashboard), &tokens, 1).is_ok());
    }

    #[test]
    fn tokens_are_read_from_a_file_of_ones_own() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tokens");
        let secret = crate::token::secret().unwrap();
        let read = |text: &str, mode: u32| {
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            crate::token::read(&file).map_err(|error| error.to_string())
        };
        let tokens =
            read(&format!("# of the night shift\nnight operator {secret}\n"), 0o600).unwrap();
        assert_eq!((tokens[0].name.as_str(), tokens[0].role), ("night", Role::Operator));
        assert!(!format!("{tokens:?}").contains(&secret));
        assert!(
            read(&format!("night operator {secret}\n"), 0o640).unwrap_err().contains("chmod 600")
        );
        for wrong in ["night operator", "night owner 1", "night operator short"] {
            let said = read(wrong, 0o600).unwrap_err();
            assert!(said.contains("tokens:1: "), "{said}");
        }
    }
}
