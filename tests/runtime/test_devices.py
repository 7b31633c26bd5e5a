"""The device is one that is here, and bf16 is taken only where it is fast."""

import pytest
import torch

from gancli.errors import UsageError
from gancli.runtime.devices import bf16, bf16_is_to_be_timed, choose


def _here(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "found"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_takes_the_fastest(monkeypatch, cuda, mps, found):
    _here(monkeypatch, cuda, mps)
    assert choose("auto").type == found


def test_the_cpu_can_be_had_beside_a_gpu(monkeypatch):
    _here(monkeypatch, True, False)
    assert choose("cpu").type == "cpu"
    assert choose("cuda").type == "cuda"


def test_a_missing_one_names_those_that_are_here(monkeypatch):
    _here(monkeypatch, False, True)
    with pytest.raises(UsageError) as caught:
        choose("cuda")
    assert "cuda" in caught.value.message
    assert "mps, cpu" in caught.value.hint


@pytest.mark.parametrize("kind", ["cpu", "cuda", "mps"])
def test_a_wish_is_a_wish(kind):
    assert bf16("bf16", torch.device(kind)) is True
    assert bf16("fp32", torch.device(kind)) is False


@pytest.mark.parametrize(("major", "fast"), [(7, False), (8, True), (9, True)])
def test_a_gpu_from_ampere_on_computes_in_bf16(monkeypatch, major, fast):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (major, 5))
    assert bf16("auto", torch.device("cuda")) is fast


@pytest.mark.parametrize(
    ("capabilities", "fast"),
    [({"avx512_bf16": True, "amx_bf16": False}, False),
     ({"avx512_bf16": True, "amx_bf16": True}, True), ({}, False)],
)
def test_a_cpu_that_multiplies_matrices_of_bf16_uses_it(monkeypatch, capabilities, fast):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert bf16("auto", torch.device("cpu")) is fast


@pytest.mark.parametrize(
    ("capabilities", "timed"),
    [({"avx512_bf16": True, "amx_bf16": False}, True),
     ({"avx512_bf16": True, "amx_bf16": True}, False), ({"avx512_bf16": False}, False),
     ({}, False)],
)
def test_only_a_cpu_whose_bf16_may_be_slow_is_timed(monkeypatch, capabilities, timed):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert bf16_is_to_be_timed(torch.device("cpu")) is timed
    assert not bf16_is_to_be_timed(torch.device("cuda"))


def test_an_older_torch_cannot_tell_and_mps_is_left_alone(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert bf16("auto", torch.device("cpu")) is False
    assert bf16("auto", torch.device("mps")) is False
