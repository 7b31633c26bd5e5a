"""The library without the shell: train, sample, load. README shows this example."""

from pathlib import Path

from PIL import Image

EXAMPLE = """\
from pathlib import Path

from gancli import modalities
from gancli.artifacts.engine import open_engine
from gancli.artifacts.finding import open_model
from gancli.artifacts.networks import load_networks
from gancli.config import resolve
from gancli.data.source import open_source
from gancli.reporting import SILENT
from gancli.sampling.request import SampleRequest
from gancli.sampling.sampler import generate
from gancli.training.session import train

image = modalities.get("image")
config, _ = resolve(image.config_type, command_line={"steps": 300}, presets=image.presets)
train(image, config, open_source("photos"), Path("cats"), SILENT, command="", force=False)

model = open_model("cats", "image", print)  # a run, a model's folder or a bundled name
codec = image.codec()(model.spec, model.config)
options = image.options_type()
with open_engine(model, options) as engine:
    requests = [SampleRequest(seed) for seed in range(16)]
    samples = list(generate(engine, codec, requests, options))
codec.preview(samples, Path("grid"))  # grid.png; samples[0].data is an array from -1 to 1

generator = load_networks(model).generator  # a torch.nn.Module in evaluation mode
"""


def test_the_example_runs(pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").symlink_to(pictures)
    names: dict = {}
    exec(EXAMPLE.replace("300", "3"), names)
    assert [sample.request.seed for sample in names["samples"]] == list(range(16))
    assert names["samples"][0].data.shape == (1, 16, 16)
    assert abs(names["samples"][0].data).max() <= 1
    with Image.open("grid.png") as grid:
        assert min(grid.size) >= 4 * 16
    assert not names["generator"].training
    assert (tmp_path / "cats" / "model" / "model.safetensors").is_file()


def test_readme_shows_it():
    readme = Path(__file__).parents[1] / "README.md"
    assert f"```python\n{EXAMPLE}```" in readme.read_text(encoding="utf-8")
