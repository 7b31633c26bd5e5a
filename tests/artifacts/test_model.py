"""A model is read back to the bit, or refused before anything of its size is allocated."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gancli.artifacts.arrays import load_arrays
from gancli.artifacts.model import Model, Weights, _digest, is_model, load, save
from gancli.artifacts.networks import load_networks
from gancli.errors import GancliError
from gancli.layers import weights
from gancli.modalities import get
from gancli.modalities.image.config import ImageConfig
from gancli.modalities.image.spec import ImageSpec
from gancli.storage.files import sha256
from gancli.storage.tensors import shapes

WEIGHTS = "model.safetensors"


@pytest.fixture
def folder(tmp_path):
    spec = ImageSpec(16, "RGB", "crop", ("cat", "dög"), (3, 4), 7)
    config = ImageConfig(g_width=4, d_width=4, latent=8, size=16, g_norm="spectral")
    networks = get("image").trainable().build(spec, config)
    arrays = Weights.of("m", weights.joined(networks.named()))
    save(Model(get("image"), spec, config, arrays, None, {"score": 1.5}, {"data": "x"}),
         tmp_path / "m")
    return tmp_path / "m"


@pytest.fixture
def refused(monkeypatch):
    """Check that a folder is refused, at once, and that no network was built in memory."""
    in_memory: list[str] = []
    trainable = get("image").trainable()

    def build(spec, config):
        networks = trainable.build(spec, config)
        in_memory.extend(
            name for name, network in networks.named().items()
            if not all(tensor.is_meta for tensor in network.state_dict().values())
        )
        return networks

    spied = replace(get("image"), trainable=lambda: replace(trainable, build=build))

    def check(folder, *words):
        monkeypatch.setattr("gancli.modalities.image.MODALITY", spied)
        for open_networks in (load_networks, load_arrays):
            with pytest.raises(GancliError) as caught:
                open_networks(load(folder))
            assert in_memory == []
            assert caught.value.hint
            for word in words:
                assert word in caught.value.message

    return check


def edit(folder, change):
    """Change config.json as someone would who knows the format, its digest included."""
    path = folder / "config.json"
    table = json.loads(path.read_text())
    change(table)
    try:
        table["sha256"]["config.json"] = _digest(table)
    except (KeyError, TypeError):  # the change took the place of it
        pass
    path.write_text(json.dumps(table))


def test_a_changed_setting_is_noticed(folder, refused):
    path = folder / "config.json"
    path.write_text(path.read_text().replace('"slope": 0.2', '"slope": 0.3'))
    refused(folder, "config.json")


def put(folder, data):
    """Replace the weights, the digest too, as one who means harm would."""
    (folder / WEIGHTS).write_bytes(data)
    edit(folder, lambda table: table["sha256"].update({WEIGHTS: sha256(data)}))


def header_of(data):
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def with_header(header, body):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def test_a_model_comes_back_as_it_was(folder, tmp_path):
    first = load(folder)
    assert is_model(folder)
    assert first.spec == ImageSpec(16, "RGB", "crop", ("cat", "dög"), (3, 4), 7)
    assert first.config == ImageConfig(g_width=4, d_width=4, latent=8, size=16, g_norm="spectral")
    assert (first.metrics, first.provenance) == ({"score": 1.5}, {"data": "x"})
    assert not any(each.training for each in load_networks(first).named().values())
    save(first, tmp_path / "again")
    for name in (WEIGHTS, "config.json", "README.md"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_the_writer_replaces_an_older_model(folder):
    model = load(folder)
    arrays = dict(model.weights.read())
    arrays["generator.project.bias"] = arrays["generator.project.bias"] + 1
    save(replace(model, weights=Weights.of("x", arrays)), folder)
    again = load(folder).weights.read()
    assert np.array_equal(again["generator.project.bias"], arrays["generator.project.bias"])
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("place", [0, 9, 200, 0.5, -1])
def test_a_flipped_bit_is_found(folder, refused, place):
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[int(len(data) * place) if isinstance(place, float) else place] ^= 1
    (folder / WEIGHTS).write_bytes(data)
    refused(folder, WEIGHTS)


@pytest.mark.parametrize("keep", [0, 5, 8, 100, -1])
def test_truncated_weights_are_refused(folder, refused, keep):
    put(folder, (folder / WEIGHTS).read_bytes()[:keep])
    refused(folder, WEIGHTS)


def test_bytes_behind_the_tensors_are_refused(folder, refused):
    put(folder, (folder / WEIGHTS).read_bytes() + b"\0" * 64)
    refused(folder, WEIGHTS)
    with pytest.raises(GancliError):  # before they are read, for they may be many
        shapes(folder / WEIGHTS)


@pytest.mark.parametrize(
    "shape", [[2**40], [2**62, 2**62], [-1], [1e400], "12", None, ["a"], [[1]]]
)
def test_hostile_shapes_are_refused(folder, refused, shape):
    header, body = header_of((folder / WEIGHTS).read_bytes())
    header["generator.project.bias"]["shape"] = shape
    put(folder, with_header(header, body))
    refused(folder, WEIGHTS)


def test_a_giant_shape_with_fitting_offsets_is_refused(folder, refused):
    header, body = header_of((folder / WEIGHTS).read_bytes())
    entry = header["generator.project.bias"]
    entry["shape"], begin = [2**40], entry["data_offsets"][0]
    entry["data_offsets"] = [begin, begin + 2**42]
    put(folder, with_header(header, body))
    refused(folder, WEIGHTS)


def test_tensors_that_share_bytes_are_refused(folder, refused):
    header, body = header_of((folder / WEIGHTS).read_bytes())
    for name in header:
        size = header[name]["data_offsets"][1] - header[name]["data_offsets"][0]
        header[name]["data_offsets"] = [len(body) - size, len(body)]
    put(folder, with_header(header, body))
    refused(folder, WEIGHTS)


@pytest.mark.parametrize(
    "data",
    [b"\x80\x04\x95\x20\0\0\0\0\0\0\0\x8c\x05posix\x8c\x06system\x93\x94.", b"PK\x03\x04" * 50,
     b"\xff" * 64, struct.pack("<Q", 2) + b"[]", struct.pack("<Q", 4) + b"null",
     struct.pack("<Q", 200_000) + b"[" * 200_000],
)
def test_a_pickle_or_any_other_file_is_refused(folder, refused, data):
    put(folder, data)
    refused(folder, WEIGHTS)


@pytest.mark.parametrize(
    ("name", "value"), [("g_width", 10**9), ("g_width", 512), ("latent", 4096), ("d_width", 512)]
)
def test_giant_widths_are_refused(folder, refused, name, value):
    edit(folder, lambda table: table["config"].update({name: value}))
    refused(folder)


def test_a_giant_size_is_refused(folder, refused):
    edit(folder, lambda table: table["spec"].update(size=256))
    refused(folder, WEIGHTS)


def test_a_newer_schema_says_so_even_if_all_else_changed(folder, refused):
    (folder / "config.json").write_text('{"schema": 2, "kind": "image"}')
    refused(folder, "newer")


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.pop("schema"),
        lambda table: table.update(schema=float("inf")),
        lambda table: table.update(modality="smell"),
        lambda table: table.update(modality="../image"),
        lambda table: table["spec"].pop("fit"),
        lambda table: table["spec"].update(size="16"),
        lambda table: table["spec"].update(channels="CMYK"),
        lambda table: table.update(spec=[1]),
        lambda table: table["config"].update(mystery=1),
        lambda table: table["config"].update(slope=10**400),
        lambda table: table["config"].update(slope=float("nan")),
        lambda table: table.update(metrics=3),
        lambda table: table.update(sha256={}),
    ],
)
def test_a_damaged_description_is_refused(folder, refused, change):
    edit(folder, change)
    refused(folder)


def test_a_model_of_another_version_is_not_called_damaged(folder, refused):
    edit(folder, lambda table: table["config"].update(mystery=1))
    refused(folder, "a gancli with other options", "'mystery'")


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 200_000, b"3", b" " * 10_000_001])
def test_a_description_that_is_no_table_is_refused(folder, refused, text):
    (folder / "config.json").write_bytes(text)
    refused(folder, "config.json")


def test_other_names_are_refused(folder, refused):
    header, body = header_of((folder / WEIGHTS).read_bytes())
    header["../evil"] = header.pop("generator.project.bias")
    put(folder, with_header(header, body))
    refused(folder, WEIGHTS)


def test_missing_files_are_refused(folder, refused, tmp_path):
    (folder / WEIGHTS).unlink()
    refused(folder, WEIGHTS)
    refused(tmp_path / "nowhere", "config.json")


def test_the_check_of_these_tests_sees_a_network_in_memory(folder, refused):
    assert isinstance(load_networks(load(folder)).generator, nn.Module)
    with pytest.raises(pytest.fail.Exception):
        refused(folder)


# Older schemas

GOLDEN = Path(__file__).parent / "golden"
MADE = [-0.06889473, -0.05077181, -0.09285378]  # its first pixels when it was saved


@pytest.mark.parametrize("schema", [1, 2])
def test_a_model_of_each_schema_loads_and_makes_what_it_made(schema):
    model = load(GOLDEN / f"schema-{schema}")
    assert (model.calibration is None) == (schema == 1)
    assert model.config.penalty_cutoff == 0  # not the default of an option that came later
    z = torch.linspace(-1, 1, 4)[None]
    for picture in (
        load_networks(model).generator(z, torch.tensor([1])).numpy(),
        load_arrays(model).generate(z.numpy(), np.array([1])),
    ):
        assert picture.shape == (1, 1, 16, 16)
        assert picture.flatten()[:3].tolist() == pytest.approx(MADE, abs=1e-5)


def test_weights_of_other_shapes_are_not_read(folder):
    model = load(folder)

    def read():
        raise AssertionError("the file was read")

    fitting = replace(model.weights, read=read)
    with pytest.raises(AssertionError):
        load_arrays(replace(model, weights=fitting))
    shapes_ = dict(model.weights.shapes)
    for change in ({"generator.project.bias": (3,)}, {"generator.extra": (1,)}):
        other = replace(fitting, shapes=shapes_ | change)
        with pytest.raises(GancliError, match=next(iter(change)) + " differs"):
            load_arrays(replace(model, weights=other))
    shapes_.pop("discriminator.linear.weight")
    with pytest.raises(GancliError, match="discriminator.linear.weight differs"):
        load_arrays(replace(model, weights=replace(fitting, shapes=shapes_)))
