"""What commands hand to the library, which is stubbed here."""

import contextlib
import json
import os
import sys
import types
from pathlib import Path

import pytest
from helpers import tiny_model, tiny_run

from gancli.artifacts import finding, model
from gancli.artifacts.networks import load_networks
from gancli.cli import invocation
from gancli.errors import GancliError
from gancli.storage import bundled


@pytest.fixture
def session(monkeypatch, tmp_path):
    """Stand-ins for training that record how they are called."""
    stub = types.SimpleNamespace(calls=[])

    def train(modality, config, source, run_path, reporter, **details):
        stub.calls.append((modality.name, config, source.name, run_path, details))
        return finished(run_path)

    def resume(run_path, data, reporter, *, modality_name, budget, command):
        stub.calls.append((run_path, data, modality_name, budget, command))
        return finished(run_path)

    def finished(run_path: Path) -> Path:
        (run_path / "model").mkdir(parents=True)
        (run_path / "model" / "config.json").write_text('{"metrics": {"score": 1.5}}')
        return run_path / "model"

    module = types.ModuleType("gancli.training.session")
    module.train, module.resume = train, resume  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gancli.training.session", module)
    monkeypatch.setattr("gancli.training.session", module, raising=False)
    (tmp_path / "my data").mkdir()
    return stub


def test_train(call, session):
    result = call("train", "image", "my data", "--steps", "5", "--mirror", "-o", "a b")
    assert (result.status, result.out) == (0, "a b\n")
    assert "Done. Sample it with: gancli sample image 'a b' -n 16 -o out/\n" in result.err
    ((name, config, source, path, details),) = session.calls
    assert (name, config.steps, config.mirror, source, path) == (
        "image", 5, True, "my-data", Path("a b")
    )
    assert details == {
        "force": False, "origin": None, "origin_name": "",
        "command": "gancli train image 'my data' --steps 5 --mirror -o 'a b'",
    }


def test_train_from_a_model_takes_what_its_networks_need(call, session, monkeypatch):
    origin = tiny_model(size=28, width=6)
    monkeypatch.setattr(finding, "open_model", lambda *_: origin)
    assert call("train", "image", "my data", "--from", "emoji", "--d-width", "9").status == 0
    ((_, config, _, _, details),) = session.calls
    assert (config.g_width, config.d_width, config.latent) == (6, 9, 8)
    assert (config.size, config.channels, config.labels) == (28, "RGB", "none")
    assert (details["origin"], details["origin_name"]) == (origin, "emoji")


def test_train_plans_a_directory_and_speaks_json(call, session, tmp_path):
    (tmp_path / "runs" / "my-data-1").mkdir(parents=True)
    result = call("train", "image", "my data", "--json")
    assert json.loads(result.out) == {
        "run": "runs/my-data-2", "model": "runs/my-data-2/model", "score": 1.5,
            "floor": None, "trend": None, "forecast": None,
        "metrics": {"score": 1.5},
    }
    assert result.err == ""


def test_train_speaks_beside_json_to_those_who_watch(call, session, monkeypatch):
    monkeypatch.setattr(invocation, "stderr_is_terminal", lambda: True)
    result = call("train", "image", "my data", "--json")
    assert json.loads(result.out)["score"] == 1.5
    assert "Done. Sample it with: gancli sample image runs/my-data-1 " in result.err
    assert call("train", "image", "my data", "--json", "-q").err == ""


def test_train_without_data_says_what_it_takes(call, session, monkeypatch, tmp_path):
    monkeypatch.setattr(bundled, "default", lambda kind, modality: str(tmp_path / "my data"))
    result = call("train", "image")
    assert result.status == 0
    assert "bundled sample" in result.err


CONFIG = 'batch = 16\n[run]\nmodality = "image"\ndata = "{}"\n'


def test_the_config_of_a_run_brings_its_data(call, session, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "config.toml").write_text(CONFIG.format(tmp_path / "my data"))
    for name in ("old", "old/config.toml"):
        result = call("train", "image", "--config", name, "-o", name[:3] + str(len(name)))
        assert result.status == 0, result.err
        assert f"trains on that of {name}: {tmp_path / 'my data'}." in result.err
    assert [(source, config.batch) for _, config, source, *_ in session.calls] == (
        [("my-data", 16)] * 2
    )
    (tmp_path / "other").mkdir()
    assert call("train", "image", "other", "--config", "old", "-o", "x").status == 0
    assert session.calls[-1][2] == "other"


def test_the_config_of_a_run_whose_data_or_modality_differs(call, session, tmp_path):
    (tmp_path / "gone.toml").write_text(CONFIG.format("/gone"))
    moved = call("train", "image", "--config", "gone.toml")
    assert (moved.status, session.calls) == (2, [])
    assert "The data of gone.toml cannot be opened: '/gone' is neither" in moved.err
    assert "If it moved, use: gancli train image DATA --config gone.toml" in moved.err
    assert call("train", "text", "--config", "gone.toml").err == (
        "gancli: gone.toml is of a run of image, not of text. "
        "Use: gancli train image --config gone.toml\n"
    )


def test_resume(call, session):
    result = call("train", "image", "--resume", "old", "moved")
    assert (result.status, result.out) == (0, "old\n")
    command = "gancli train image --resume old moved"
    assert session.calls == [(Path("old"), "moved", "image", {}, command)]


def test_resume_for_longer(call, session):
    result = call("train", "image", "--resume", "old", "--time", "30m")
    assert result.status == 0
    command = "gancli train image --resume old --time 30m"
    assert session.calls == [(Path("old"), None, "image", {"time": "30m"}, command)]


@pytest.mark.parametrize("budget", [["--steps", "5", "--time", "1m"], ["--steps", "0"],
                                    ["--time", "soon"]])
def test_resume_refuses_a_budget_that_is_none(call, session, budget):
    result = call("train", "image", "--resume", "old", *budget)
    assert (result.status, session.calls) == (2, [])


@pytest.mark.parametrize(
    "more", [["--batch", "3"], ["--no-mirror"], ["-o", "x"], ["--force"], ["--dry-run"],
             ["--config", "x.toml"], ["--from", "emoji"]]
)
def test_resume_takes_no_options(call, session, more):
    result = call("train", "image", "--resume", "old", *more)
    assert (result.status, session.calls) == (2, [])
    assert more[0].replace("--no-", "--") in result.err


@pytest.fixture
def sampler(monkeypatch):
    """Stand-ins for sampling that write what they are asked for."""
    stub = types.SimpleNamespace(options=None, model=None, seeds=None, device=None)

    def open_model(name, modality, warn):
        stub.model = types.SimpleNamespace(
            name=name, modality=modality, spec="spec", config="config", calibration="calibration"
        )
        return stub.model

    class Codec:
        def __init__(self, spec, config):
            assert (spec, config) == ("spec", "config")

        def writer(self, seeds, options, reporter, stdout, model):
            stub.seeds, stub.options = seeds, options
            return Writer(seeds, options.output, stdout)

    class Writer(contextlib.AbstractContextManager):
        def __init__(self, seeds, output, stdout):
            self.requests, self.stdout = [f"request {seed}" for seed in seeds], stdout
            self.files = [] if output in (None, "-") else [Path(name) for name in output.split()]

        def __exit__(self, *error):
            pass

        def write(self, sample):
            if not self.files:
                self.stdout().write(sample)

    @contextlib.contextmanager
    def open_engine(model, options):
        assert model is stub.model and options is stub.options
        yield "engine"

    def generate(engine, codec, requests, options, calibration, reporter):
        assert (engine, calibration, options) == ("engine", "calibration", stub.options)
        assert requests == [f"request {seed}" for seed in stub.seeds]
        assert isinstance(codec, Codec)
        yield b"\x89PNG\x00"

    for name, attributes in {
        "gancli.sampling.sampler": {"generate": generate},
        "gancli.artifacts.finding": {"open_model": open_model},
        "gancli.artifacts.engine": {"open_engine": open_engine},
        "gancli.modalities.image.codec": {"ImageCodec": Codec},
    }.items():
        module = types.ModuleType(name)
        vars(module).update(attributes)
        monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(name, module, raising=False)
    return stub


def test_sample_to_stdout(call, sampler, capfdbinary):
    from gancli.cli import app

    assert app.run(["sample", "image", "some", "--seed", "3"]) == 0
    captured = capfdbinary.readouterr()
    assert (captured.out, captured.err) == (b"\x89PNG\x00", b"")
    assert (sampler.model.name, sampler.model.modality) == ("some", "image")
    assert (list(sampler.seeds), sampler.options.device) == ([3], "auto")


@pytest.mark.parametrize("count", ["1", "3"])
def test_seeds_say_how_many(call, sampler, count):
    result = call("sample", "image", "some", "--seeds", "4-6", "-n", count, "-o", "x")
    assert (result.status, sampler.seeds) == (2, None)
    assert result.err == (
        "gancli: Both -n and --seeds are given. --seeds says how many there are: leave out -n, or "
        "count up from a --seed instead.\n"
    )


def test_a_random_seed_is_said(call, sampler):
    result = call("sample", "image", "some", "-n", "3", "-o", "x")
    assert result.out == ""
    first = sampler.seeds[0]
    assert list(sampler.seeds) == [first, first + 1, first + 2]
    assert f"--seed {first} -n 3" in result.err
    assert "Wrote x." in result.err


def test_what_was_written_is_said_with_every_folder(call, sampler):
    result = call("sample", "image", "some", "--seed", "1", "-o", "a/1 a/2 3")
    assert "Wrote 3 files in a and this folder." in result.err
    assert "Wrote a/1 and b/2." in call("sample", "image", "some", "-o", "a/1 b/2").err


def test_sample_json_is_on_stdout_unless_the_data_is(call, sampler, capfdbinary):
    from gancli.cli import app

    result = call("sample", "image", "some", "--seeds", "4-6", "-o", "x", "--json")
    table = json.loads(result.out)
    assert (table["files"], table["seeds"], result.err) == (["x"], [4, 5, 6], "")
    assert app.run(["sample", "image", "some", "--seed", "3", "--json"]) == 0
    captured = capfdbinary.readouterr()
    assert captured.out == b"\x89PNG\x00"
    assert json.loads(captured.err)["seeds"] == [3]


def test_only_compute_options_of_sampling_come_from_the_environment(call, sampler, monkeypatch):
    for name, value in {"GANCLI_OUTPUT": "tanh", "GANCLI_SEED": "9", "GANCLI_BATCH": "5"}.items():
        monkeypatch.setenv(name, value)
    assert call("sample", "image", "some", "--seeds", "1", "-o", "x").status == 0
    assert (sampler.options.batch, sampler.options.seed, list(sampler.seeds)) == (5, None, [1])


def test_doctor_fails_on_damage(call, monkeypatch):
    def check(kind: str, name: str) -> None:
        raise GancliError(f"The bundled {name} is damaged.", "Install gancli again.")

    items = {"thing": {"modality": "image", "files": {}}}
    monkeypatch.setattr(bundled, "names", lambda kind: items)
    monkeypatch.setattr(bundled, "check", check)
    result = call("doctor")
    assert result.status == 1
    line = next(line for line in result.out.splitlines() if line.startswith("PROBLEM"))
    assert "thing is damaged. Install gancli again." in line.replace("  ", " ")


@pytest.mark.parametrize(
    ("capabilities", "shown"),
    [({}, "none"), ({"avx512_bf16": True}, "cpu (timed as training starts)"),
     ({"avx512_bf16": True, "amx_bf16": True}, "cpu")],
)
def test_doctor_tells_where_bf16_is_fast(call, monkeypatch, capabilities, shown):
    import torch

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    line = next(line for line in call("doctor").out.splitlines() if " fast bf16 " in line)
    assert line.split("fast bf16")[1].strip() == shown


def test_info_of_a_run(call, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.toml").write_text('batch = 64\n[run]\nmodality = "image"\n[spec]\nsize = 28\n')
    (run / "metrics.jsonl").write_text(
        '{"step": 10, "g": 1.0}\n{"step": 12, "score": 3.5, "best": true}\n'
        '{"step": 15, "score": 4.5, "floor": 1.5, "best": false}\n{"st'
    )
    table = json.loads(call("info", "run", "--json").out)
    assert table["figures"] == {
        "steps": 15, "score": 3.5, "best_step": 12, "last_score": 4.5, "floor": 1.5
    }
    assert table["config"] == {"batch": 64}
    assert "size  28" in call("info", "run").out


def test_info_shows_the_beginning_of_a_long_list(call, tmp_path):
    (tmp_path / "config.toml").write_text(f"[run]\n[spec]\nvocabulary = {list(range(1000))}\n")
    shown = ", ".join(map(str, range(30)))
    assert f"  vocabulary  {shown} and 970 more\n" in call("info", ".").out
    assert len(json.loads(call("info", ".", "--json").out)["spec"]["vocabulary"]) == 1000


def test_info_of_a_run_has_the_figures_of_its_model(call, tmp_path, pictures):
    tiny_run(pictures, tmp_path / "run", steps=2)
    log = tmp_path / "run" / "metrics.jsonl"
    of_model = json.loads(call("info", "run/model", "--json").out)["figures"]
    for text in (log.read_text(), ""):  # an older log has no floor
        log.write_text(text)
        of_run = json.loads(call("info", "run", "--json").out)["figures"]
        assert of_run["floor"] == of_model["floor"] > 0
        assert {**of_run, **of_model} == of_run
        assert of_run.keys() - of_model.keys() <= {"last_score"}


def test_info_with_layers(call, tmp_path):
    model.save(tiny_model(), tmp_path / "m")
    result = call("info", "m", "--layers", "--json")
    assert result.status == 0, result.err
    layers = json.loads(result.out)["layers"]
    assert layers["generator"][-1]["output_shape"] == [3, 28, 28]
    networks = load_networks(model.load(tmp_path / "m"))
    assert sum(row["parameters"] for row in layers["discriminator"]) == sum(
        parameter.numel() for parameter in networks.discriminator.parameters()
    )
    assert "ConvTranspose2d" in call("info", "m", "--layers").out


def test_doctor_says_what_to_set_where_there_is_no_home(call, monkeypatch, tmp_path):
    import tempfile

    import platformdirs

    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda _: "~/.cache/gancli")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    findings = json.loads(call("doctor", "--json").out)["findings"]
    (cache,) = [finding for finding in findings if finding["name"] == "cache"]
    assert cache == {
        "name": "cache", "ok": True,
        "value": f"{tmp_path / f'gancli-{os.getuid()}'}, 0.0 MB, which may not last: there is no "
                 "home directory",
        "remedy": "Set HOME, or GANCLI_CACHE to a folder that stays and that you may write to.",
    }


def test_three_trainings_at_once_have_a_directory_each(call, session):
    module = sys.modules["gancli.training.session"]
    alone = module.train  # type: ignore[attr-defined]

    def train(modality, config, *more, **details):
        if config.seed < 2:  # the next begins before this one has written anything
            assert call("train", "image", "my data", "--seed", str(config.seed + 1)).status == 0
        return alone(modality, config, *more, **details)

    module.train = train  # type: ignore[attr-defined]
    assert call("train", "image", "my data").status == 0
    paths = {config.seed: str(path) for _, config, _, path, _ in session.calls}
    assert paths == {seed: f"runs/my-data-{seed + 1}" for seed in range(3)}


def test_a_directory_that_was_reserved_goes_with_a_training_that_fails(call, session, tmp_path):
    def fail(*_, **__):
        raise GancliError("There are no pictures.")

    sys.modules["gancli.training.session"].train = fail  # type: ignore[attr-defined]
    assert call("train", "image", "my data").status == 1
    assert not (tmp_path / "runs").exists()
