"""Envelopes open for whom they were sealed, under any key that is still known, and never when altered."""

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fostr.kernel.crypto.envelopes import EnvelopeRefused, decrypt, encrypt, is_current
from fostr.kernel.crypto.keys import open_key_ring

OLD = "the old secret of this server, long enough"
NEW = "the new secret of this server, long enough"
OURS = UUID("01900000-0000-7000-8000-000000000001")
THEIRS = UUID("01900000-0000-7000-8000-000000000002")
ring = open_key_ring([NEW, OLD])


@given(st.binary(), st.one_of(st.none(), st.uuids()), st.text(max_size=30))
def test_what_is_sealed_opens_to_the_same(plaintext: bytes, workspace: UUID | None, purpose: str) -> None:
    envelope = encrypt(ring, plaintext, workspace=workspace, purpose=purpose)
    assert envelope.startswith("v1:")
    assert decrypt(ring, envelope, workspace=workspace, purpose=purpose) == plaintext


def test_same_value_sealed_twice_looks_different() -> None:
    envelopes = {encrypt(ring, b"key", workspace=OURS, purpose="ai") for _ in range(50)}
    assert len(envelopes) == 50


@given(st.data())
def test_any_altered_byte_is_refused(data: st.DataObject) -> None:
    envelope = encrypt(ring, b"the secret of a workspace", workspace=OURS, purpose="ai")
    assert decrypt(ring, envelope, workspace=OURS, purpose="ai")
    at = data.draw(st.integers(0, len(envelope) - 1))
    instead = data.draw(st.characters(codec="ascii").filter(lambda character: character != envelope[at]))
    with pytest.raises(EnvelopeRefused):
        decrypt(ring, envelope[:at] + instead + envelope[at + 1 :], workspace=OURS, purpose="ai")


@given(st.integers(0, 8 * 40 - 1))
def test_any_flipped_bit_of_nonce_or_ciphertext_is_refused(bit: int) -> None:
    envelope = encrypt(ring, b"twelve bytes", workspace=OURS, purpose="ai")
    head, _, body = envelope.rpartition(":")
    sealed = bytearray(base64.b64decode(body))
    assert len(sealed) == 40
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(EnvelopeRefused):
        decrypt(ring, f"{head}:{base64.b64encode(sealed).decode()}", workspace=OURS, purpose="ai")


@given(st.integers(0, 60))
def test_truncated_envelope_is_refused(length: int) -> None:
    envelope = encrypt(ring, b"the secret", workspace=OURS, purpose="ai")
    assert length < len(envelope)
    with pytest.raises(EnvelopeRefused):
        decrypt(ring, envelope[:length], workspace=OURS, purpose="ai")


@given(st.text())
def test_nonsense_is_refused_and_nothing_else_is_raised(nonsense: str) -> None:
    with pytest.raises(EnvelopeRefused):
        decrypt(ring, nonsense, workspace=OURS, purpose="ai")


def test_envelope_moved_to_another_workspace_or_purpose_is_refused() -> None:
    envelope = encrypt(ring, b"the secret", workspace=OURS, purpose="ai")
    assert decrypt(ring, envelope, workspace=OURS, purpose="ai") == b"the secret"
    for workspace, purpose in ((THEIRS, "ai"), (None, "ai"), (OURS, "mail")):
        with pytest.raises(EnvelopeRefused):
            decrypt(ring, envelope, workspace=workspace, purpose=purpose)


def test_rotation_keeps_old_envelopes_readable_and_says_that_they_are_due() -> None:
    before = open_key_ring([OLD])
    envelope = encrypt(before, b"the secret", workspace=OURS, purpose="ai")
    assert is_current(before, envelope, purpose="ai")
    assert not is_current(ring, envelope, purpose="ai")

    renewed = encrypt(ring, decrypt(ring, envelope, workspace=OURS, purpose="ai"), workspace=OURS, purpose="ai")
    assert is_current(ring, renewed, purpose="ai")
    assert decrypt(open_key_ring([NEW]), renewed, workspace=OURS, purpose="ai") == b"the secret"


def test_envelope_of_a_forgotten_key_is_refused() -> None:
    envelope = encrypt(open_key_ring([OLD]), b"the secret", workspace=OURS, purpose="ai")
    with pytest.raises(EnvelopeRefused, match="not on the ring"):
        decrypt(open_key_ring([NEW]), envelope, workspace=OURS, purpose="ai")


def test_ring_refuses_to_open_without_a_long_enough_secret() -> None:
    for secrets in ([], ["short"], [NEW, "short"]):
        with pytest.raises(ValueError, match="secret"):
            open_key_ring(secrets)


def test_keys_differ_by_purpose_and_by_secret_and_hide_their_value() -> None:
    keys = [*ring.keys("one"), *ring.keys("two")]
    assert len({key.value for key in keys}) == 4
    assert len({key.id for key in keys}) == 2
    assert ring.find("one", key_id=keys[1].id) == keys[1]
    assert ring.find("one", key_id="00") is None
    shown = repr(ring) + repr(keys)
    assert all(word not in shown for word in (OLD, NEW, repr(keys[0].value)))
