//! Sequences of messages: read one by one, whole or refused, and paired with what they answer.

#[path = "support/fixtures.rs"]
mod fixtures;
#[path = "support/wire.rs"]
mod wire;

use std::io::{self, Read};
use std::sync::LazyLock;

use fixtures::{KEY, random_model};
use tacita::encoding::Grid;
use tacita::inference::{Decryptor, Encryptor, Evaluator, Header, Request, RequestReader, Response, ResponseReader};
use tacita::model::PrivateModel;
use tacita::{Error, Result};
use wire::seal;

static MODEL: LazyLock<PrivateModel> = LazyLock::new(|| random_model(3, 2, Grid::new(0.0, 1.0, 0, 255).unwrap(), 1));

/// Three requests, of one, two and three records, and their responses.
static SENT: LazyLock<Vec<(Request, Response)>> = LazyLock::new(|| {
    let spec = MODEL.spec().clone();
    let pin = spec.fingerprint();
    let encryptor = Encryptor::with_secret_key(spec, pin, KEY.clone()).unwrap();
    let evaluator = Evaluator::new(MODEL.clone());
    let exchange = |records: usize| {
        let request = encryptor.encrypt(&vec![[records as f64, 7.0]; records]).unwrap();
        let response = evaluator.evaluate(&request, KEY.public_key()).unwrap();
        (request, response)
    };
    (1..=3).map(exchange).collect()
});

fn requests() -> Vec<Vec<u8>> {
    SENT.iter().map(|(request, _)| request.to_bytes()).collect()
}

/// The headers of the requests in a sequence, and how it ended.
fn headers(input: impl Read, limit: u64) -> (Vec<Header>, Option<Error>) {
    let mut reader = RequestReader::new(input, limit);
    let mut headers = Vec::new();
    loop {
        match reader.next() {
            Some(Ok(request)) => headers.push(*request.header()),
            Some(Err(error)) => {
                assert!(reader.next().is_none(), "nothing comes after an error");
                return (headers, Some(error));
            }
            None => return (headers, None),
        }
    }
}

/// Gives out its bytes one at a time, and now and then none.
struct Trickle<'a>(&'a [u8], bool);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 { Err(io::ErrorKind::Interrupted.into()) } else { self.0.read(&mut buffer[..1]) }
    }
}

#[test]
fn messages_come_as_they_were_written_however_they_arrive() {
    let whole = requests().concat();
    let expected: Vec<_> = SENT.iter().map(|(request, _)| *request.header()).collect();
    assert_eq!(headers(&whole[..], 1 << 20), (expected.clone(), None));
    assert_eq!(headers(Trickle(&whole, true), 1 << 20), (expected, None));
    let mut reader = ResponseReader::new(io::empty(), 1 << 20);
    assert!(matches!(reader.next(), Some(Err(Error::Malformed { .. }))), "there is at least one message");
    assert!(reader.next().is_none());
}

#[test]
fn a_sequence_cut_anywhere_but_between_messages_is_refused() {
    let (whole, lengths) = (requests().concat(), requests().iter().map(Vec::len).collect::<Vec<_>>());
    let ends: Vec<usize> = (1..=3).map(|count| lengths[..count].iter().sum()).collect();
    let near = |cut: &usize| ends.iter().any(|end| cut.abs_diff(*end) < 70) || cut.is_multiple_of(97);
    for cut in (1..whole.len()).filter(near) {
        let (found, error) = headers(&whole[..cut], 1 << 20);
        assert_eq!(found.len(), ends.iter().filter(|&&end| end <= cut).count());
        match error {
            None => assert!(ends.contains(&cut), "cut to {cut}"),
            Some(Error::CutOrPadded { what: "request" }) => {}
            // So little that it is not even known to be a message.
            Some(Error::Malformed { .. }) => assert!(cut < 19, "cut to {cut}"),
            Some(other) => panic!("cut to {cut}: {other}"),
        }
    }
}

#[test]
fn a_flipped_bit_is_found_and_what_stood_before_it_is_not_lost() {
    let (whole, first) = (requests().concat(), requests()[0].len());
    for at in (first..first + 80).chain((first..whole.len()).step_by(211)) {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        let (found, error) = headers(&changed[..], 1 << 20);
        assert!(!found.is_empty() && found[0] == *SENT[0].0.header());
        assert!(
            matches!(error, Some(Error::CutOrPadded { .. } | Error::Damaged { .. } | Error::TooLarge { .. })),
            "byte {at}: {error:?}"
        );
    }
}

#[test]
fn a_length_above_the_limit_is_refused_before_anything_is_read_for_it() {
    let whole = requests().concat();
    let longest = requests().iter().map(|request| request.len() as u64).max().unwrap();
    assert_eq!(headers(&whole[..], longest).1, None);
    let too_large = |found| Some(Error::TooLarge { what: "request", found, limit: longest - 1 });
    let shorter = requests().iter().take_while(|request| (request.len() as u64) < longest).count();
    assert_eq!(
        headers(&whole[..], longest - 1),
        (headers(&whole[..], longest).0[..shorter].to_vec(), too_large(longest))
    );

    // Every form in which a length can be claimed; nothing follows, and nothing is asked of the input.
    struct Front<'a>(&'a [u8]);
    impl Read for Front<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(!self.0.is_empty(), "the content is asked for");
            self.0.read(buffer)
        }
    }
    let front = &seal("tacita.request", b"")[..51];
    for (head, length) in [
        (&[0x5a, 0x10, 0, 0, 0][..], 0x1000_0000_u64),
        (&[0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], u64::MAX >> 1),
        (&[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], u64::MAX),
    ] {
        let claim = [front, head].concat();
        let found = length.saturating_add(claim.len() as u64);
        assert_eq!(headers(Front(&claim), longest - 1), (vec![], too_large(found)));
    }
    // A reader without limit takes no memory for it either, or this would end the test.
    let claim = [front, &[0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &[0; 100]].concat();
    assert_eq!(headers(&claim[..], u64::MAX).1, Some(Error::CutOrPadded { what: "request" }));
}

#[test]
fn what_follows_a_message_is_another_of_its_kind_or_an_error() {
    let request = &requests()[0];
    for behind in [b"\0", &b"\xff\xff"[..], b" ", &SENT[0].1.to_bytes(), b"\x84", b"\x84\x6etacita.requesT"] {
        let (found, error) = headers(&[request, behind].concat()[..], 1 << 20);
        assert_eq!((found.len(), error), (1, Some(Error::CutOrPadded { what: "request" })));
    }
    // Whoever reads one message takes no sequence for it.
    assert_eq!(Request::from_bytes(&request.repeat(2)).unwrap_err(), Error::CutOrPadded { what: "request" });
    for short in 0..24 {
        let (found, error) = headers(&seal("tacita.request", &vec![0; short])[..], 1 << 20);
        assert!(found.is_empty() && matches!(error, Some(Error::Malformed { .. })), "{error:?}");
    }
}

#[test]
fn an_input_that_fails_is_an_error() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let (found, error) = headers(requests()[0][..].chain(Broken), 1 << 20);
    assert_eq!(found.len(), 1);
    assert!(matches!(error, Some(Error::Io { .. })), "{error:?}");
}

#[test]
fn responses_are_paired_with_their_requests_and_both_end_together() {
    let spec = MODEL.spec().clone();
    let pin = spec.fingerprint();
    let decryptor = Decryptor::new(spec, pin, KEY.clone()).unwrap();
    let decrypt = |requests: &[usize], responses: &[usize]| {
        let requests = requests.iter().map(|&i| Ok(*SENT[i].0.header()));
        let responses = responses.iter().map(|&i| Ok(SENT[i].1.clone()));
        let mut counts = Vec::new();
        for predictions in decryptor.decrypt_sequence(requests, responses) {
            match predictions {
                Ok(predictions) => counts.push(predictions.len()),
                Err(error) => return (counts, Some(error)),
            }
        }
        (counts, None)
    };
    let (cut, other) = (Some(Error::CutOrPadded { what: "sequence of responses" }), Some(Error::RequestMismatch));
    assert_eq!(decrypt(&[0, 1, 2], &[0, 1, 2]), (vec![1, 2, 3], None));
    assert_eq!(decrypt(&[0, 1, 2], &[0, 1]), (vec![1, 2], cut.clone()));
    assert_eq!(decrypt(&[0, 1], &[0, 1, 2]), (vec![1, 2], cut.clone()));
    assert_eq!(decrypt(&[0, 1, 2], &[1, 0, 2]), (vec![], other.clone()));
    assert_eq!(decrypt(&[0, 1, 2], &[0, 0, 1]), (vec![1], other.clone()));
    assert_eq!(decrypt(&[0, 1, 2], &[0, 2]), (vec![1], other));
    assert_eq!(decrypt(&[0], &[]), (vec![], cut));

    let failing: [Result<Response>; 1] = [Err(Error::Damaged { what: "response" })];
    let mut items = decryptor.decrypt_sequence([Ok(*SENT[0].0.header())], failing);
    assert_eq!(items.next(), Some(Err(Error::Damaged { what: "response" })));
    assert_eq!(items.next(), None);
}

#[test]
fn a_request_of_a_sequence_holds_whole_batches() {
    for (columns, expected) in [(1, 100_000), (2, 100_000), (784, 41), (40_000, 1)] {
        let model = random_model(1, columns, Grid::new(0.0, 1.0, 0, 255).unwrap(), 3);
        let spec = model.spec().clone();
        let pin = spec.fingerprint();
        let encryptor = Encryptor::with_secret_key(spec, pin, KEY.clone()).unwrap();
        let (records, capacity) = (encryptor.records_per_request(), encryptor.capacity());
        assert_eq!(records % capacity, 0);
        // By the bytes of a batch, or by the most records that an evaluator takes.
        assert_eq!(records / capacity, if expected < 100 { expected } else { expected / capacity });
    }
}
