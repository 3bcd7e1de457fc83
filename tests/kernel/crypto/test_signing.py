"""Signatures hold for exactly the fields, the purpose and the keys that they were made with."""

from hypothesis import given
from hypothesis import strategies as st

from fostr.kernel.crypto.keys import open_key_ring
from fostr.kernel.crypto.signing import is_signed, sign

ring = open_key_ring(["the first secret of this server, long enough"])
other_ring = open_key_ring(["the other secret of this server, long enough"])
both = open_key_ring(["the other secret of this server, long enough", "the first secret of this server, long enough"])
FIELDS = st.dictionaries(st.text(max_size=8), st.one_of(st.text(max_size=8), st.integers(), st.none()), max_size=4)


@given(FIELDS)
def test_signature_holds_for_its_fields_in_any_order_and_fits_a_url(
    fields: dict[str, str | int | None],
) -> None:
    signature = sign(ring, fields, purpose="files")
    assert is_signed(ring, dict(reversed(fields.items())), signature=signature, purpose="files")
    assert signature.replace("-", "").replace("_", "").isalnum()


@given(FIELDS, FIELDS)
def test_signature_of_some_fields_is_none_of_others(
    fields: dict[str, str | int | None], others: dict[str, str | int | None]
) -> None:
    signature = sign(ring, fields, purpose="files")
    assert is_signed(ring, others, signature=signature, purpose="files") is (fields == others)


def test_values_cannot_slide_from_one_field_into_the_next() -> None:
    signature = sign(ring, {"a": "1", "b": "23"}, purpose="files")
    assert not is_signed(ring, {"a": "12", "b": "3"}, signature=signature, purpose="files")
    assert not is_signed(ring, {"a": 1, "b": "23"}, signature=signature, purpose="files")


@given(st.text(max_size=50))
def test_made_up_signature_is_refused(signature: str) -> None:
    assert not is_signed(ring, {"a": "1"}, signature=signature, purpose="files")


def test_signature_is_bound_to_purpose_and_key_and_survives_rotation() -> None:
    fields = {"a": "1"}
    signature = sign(ring, fields, purpose="files")
    assert is_signed(ring, fields, signature=signature, purpose="files")
    assert not is_signed(ring, fields, signature=signature, purpose="links")
    assert not is_signed(other_ring, fields, signature=signature, purpose="files")
    assert is_signed(both, fields, signature=signature, purpose="files")
    assert sign(both, fields, purpose="files") == sign(other_ring, fields, purpose="files")
