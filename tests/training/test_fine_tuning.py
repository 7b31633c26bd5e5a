"""A training on other data starts from a model: what it knew of the same things stays."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import Recorder, assert_same, killed_at, tiny_run
from PIL import Image

from gancli import modalities
from gancli.artifacts.finding import open_model
from gancli.artifacts.model import Model, Weights
from gancli.artifacts.networks import load_networks
from gancli.artifacts.record import read_record
from gancli.config import resolve
from gancli.data.source import open_source
from gancli.errors import GancliError, UsageError
from gancli.layers import weights
from gancli.modalities.audio.inputs import latent_size
from gancli.modalities.audio.spec import AudioSpec
from gancli.modalities.image.spec import ImageSpec
from gancli.modalities.text.spec import TextSpec
from gancli.reporting import Silent
from gancli.training.fine_tuning import inherited, take_over, weights_kept
from gancli.training.session import resume, train
from gancli.training.trainer import Trainer


def classes(*names):
    return {"classes": names, "class_counts": (3,) * len(names)}


def image_spec(**values):
    table = {"size": 16, "channels": "RGB", "fit": "crop", "count": 9, **classes(), **values}
    return ImageSpec(**table)


def text_spec(**values):
    table = {
        "tokens": "char", "vocabulary": tuple("abc"), "rules": "", "length": 6, "split": "lines",
        "field": "", "text_column": 0, "label_column": 0, "count": 9, **classes(), **values,
    }
    return TextSpec(**table)


def audio_spec(**values):
    table = {
        "rate": 8000, "channels": 1, "hop": 128, "window": 512, "bins": 8, "frames": 16,
        "ends": True, "trim": True, "count": 9, "mean": (0.0,) * 8, "deviation": (1.0,) * 8,
        **classes(), **values,
    }
    return AudioSpec(**table)


SMALL = {
    "image": {"g_width": 4, "d_width": 4, "latent": 5},
    "text": {"g_width": 8, "d_width": 8, "embedding": 6},
    "audio": {"g_width": 8, "d_width": 8, "latent": 5, "noise": 3, "components": 12},
}


def built(name, spec, seed=0, **options):
    """Return a config and networks, of which no buffer that is saved is all zeros."""
    modality = modalities.get(name)
    config, _ = resolve(modality.config_type, command_line={**SMALL[name], **options})
    torch.manual_seed(seed)
    networks = modality.trainable().build(spec, config)
    for network in networks.named().values():
        network.eval().requires_grad_(False)
        learned = {key for key, _ in network.named_parameters()}
        for key, buffer in network.state_dict().items():
            if buffer.is_floating_point() and key not in learned:
                buffer.uniform_(0.5, 1.5)
    return config, networks


def moved(name, spec, former_spec, **options):
    """Return networks for a spec that start from a model for another, and that model's."""
    config, former = built(name, former_spec, seed=1, **options)
    model = Model(
        modalities.get(name), former_spec, config,
        Weights.of("m", weights.joined(former.named())), None, {}, {},
    )
    config, networks = built(name, spec, seed=2, **options)
    take_over(networks, spec, config, model)
    return networks, former


@pytest.mark.parametrize("options", [{}, {"g_norm": "spectral"}, {"g_norm": "batch"}])
def test_pictures_of_a_class_that_stays_stay_the_same(options):
    networks, former = moved(
        "image", image_spec(**classes("cat", "dog", "eel")),
        image_spec(**classes("bee", "cat", "dog", "fox")), **options,
    )
    z = torch.randn(4, 5)
    now, before = torch.tensor([0, 1, 0, 1]), torch.tensor([1, 2, 1, 2])
    pictures = networks.generator(z, now)
    assert torch.equal(pictures, former.generator(z, before))
    assert torch.equal(
        networks.discriminator(pictures, now).logits, former.discriminator(pictures, before).logits
    )
    # The new one is no copy of another.
    embedding = former.generator.embedding.weight
    assert not torch.isin(networks.generator.embedding.weight[2], embedding).any()


@pytest.mark.parametrize(("now", "before"), [((), ("a", "b")), (("a", "b"), ())])
def test_what_z_does_stays_where_classes_come_or_go(now, before):
    networks, former = moved("image", image_spec(**classes(*now)), image_spec(**classes(*before)))
    for key, weight in networks.generator.state_dict().items():
        if key.endswith("modulation") or key == "project.weight":
            assert torch.equal(weight[:, :5], former.generator.state_dict()[key][:, :5])
        elif key != "embedding.weight":
            assert torch.equal(weight, former.generator.state_dict()[key]), key


@pytest.mark.parametrize("options", [{}, {"tied": False}, {"g_cell": "transformer"}])
def test_text_of_known_tokens_stays_as_likely(options):
    networks, former = moved(
        "text", text_spec(vocabulary=tuple("abcxy"), length=9, **classes("a", "new")),
        text_spec(**classes("z", "a")), **options,
    )
    tokens = torch.tensor([[2, 3, 4, 0], [4, 4, 0, 0]])
    logits = networks.generator.logits(tokens, torch.tensor([0, 0]))
    expected = former.generator.logits(tokens, torch.tensor([1, 1]))
    assert torch.allclose(logits[..., :5], expected, atol=1e-6)
    assert logits.shape[-1] == 7


@pytest.mark.parametrize("cell", ["lstm", "transformer"])
def test_sounds_of_a_class_that_stays_stay_the_same(cell):
    spec = audio_spec(**classes("one", "two"))
    networks, former = moved("audio", spec, audio_spec(**classes("two", "six")), g_cell=cell)
    config, _ = built("audio", spec)
    z = torch.randn(3, latent_size(spec, config))
    now, before = torch.ones(3, dtype=torch.int64), torch.zeros(3, dtype=torch.int64)
    sounds = networks.generator(z, now)
    assert torch.equal(sounds, former.generator(z, before))
    assert torch.equal(
        networks.discriminator(sounds, now).logits, former.discriminator(sounds, before).logits
    )


def test_what_a_cell_sees_keeps_its_place_where_classes_and_ends_go():
    networks, former = moved(
        "audio", audio_spec(ends=False), audio_spec(ends=True, **classes("a", "b"))
    )
    own = networks.generator.cell.stack.weight_ih_l0
    theirs = former.generator.cell.stack.weight_ih_l0
    assert own.shape[1] == 5 + 3 and theirs.shape[1] == 5 + 5 + 3 + 1
    assert torch.equal(own[:, :5], theirs[:, :5])  # z
    assert torch.equal(own[:, 5:], theirs[:, 10:13])  # noise


def test_the_vocabulary_grows_behind_the_models():
    adopt = modalities.get("text").loader().transfer.adopt
    spec, sentences = adopt(text_spec(vocabulary=tuple("acü")), text_spec())
    assert spec.vocabulary == ("a", "b", "c", "ü")
    assert sentences == ["Vocabulary: the model's 3 units; new: 'ü'."]


def test_sounds_keep_the_scale_of_their_frames_only_if_these_are_the_same():
    adopt = modalities.get("audio").loader().transfer.adopt
    other = audio_spec(mean=(2.0,) * 8, deviation=(3.0,) * 8)
    assert adopt(other, audio_spec())[0].mean == (0.0,) * 8
    spec, sentences = adopt(replace(other, hop=256), audio_spec())
    assert spec.mean == (2.0,) * 8 and "what it knows of them fits others badly" in sentences[0]


def test_classes_that_stay_come_and_go_are_said():
    adopt = modalities.get("image").loader().transfer.adopt

    def said(now, before):
        return adopt(image_spec(**classes(*now)), image_spec(**classes(*before)))[1]

    assert said(("b", "c"), ("a", "b")) == ["Classes: kept b; new c; dropped a."]
    assert said((), ("a", "b")) == ["Classes: the model's are dropped, since the data has none."]
    assert said(("a", "b"), ()) == ["Classes: all are new, since the model has none."]
    assert said((), ()) == []


# A whole training


def test_a_model_says_how_many_items_were_held_out(model):
    assert model.metrics["held_out"] == 4


@pytest.fixture(scope="module")
def model(tmp_path_factory, pictures):
    run = tmp_path_factory.mktemp("model") / "run"
    tiny_run(pictures, run)
    return open_model(str(run), "image", pytest.fail)


@pytest.fixture
def others(pictures, tmp_path):
    """Pictures of which one class is known and one is new."""
    shutil.copytree(pictures / "left", tmp_path / "others" / "left")
    shutil.copytree(pictures / "right", tmp_path / "others" / "up")
    return tmp_path / "others"


def tune(model, data, run, reporter=None, force=False, **options):
    image = modalities.get("image")
    chosen = {"batch": 8, "threads": "1", "precision": "fp32", "steps": 12, **options}
    config, _ = resolve(
        image.config_type, command_line=chosen, model=inherited(model), presets=image.presets
    )
    return train(
        image, config, open_source(str(data)), run, reporter or Silent(), command="x",
        force=force, origin=model, origin_name=str(run.parent / "origin"),
    )


def test_a_training_starts_from_the_model_and_says_what_is_new(model, others, tmp_path):
    heard = Recorder()
    tune(model, others, tmp_path / "run", heard)
    record = read_record(tmp_path / "run")
    assert record.origin == str(tmp_path / "origin")
    assert (record.config.g_width, record.config.latent, record.spec.size) == (4, 8, 16)
    assert "Classes: kept left; new up; dropped right." in heard.notes
    assert "From the model: networks, size 16, channels L." in heard.notes
    assert any(note.startswith("Weights: 100% of the generator's and") for note in heard.notes)


def test_color_that_the_model_does_not_have_is_said_to_be_lost(model, others, tmp_path):
    for path in others.rglob("*.png"):
        Image.merge("RGB", [Image.open(path).convert("L").point(lambda v, k=k: v // k)
                            for k in (1, 2, 3)]).save(path)
    heard = Recorder()
    tune(model, others, tmp_path / "gray", heard)
    assert any("Color is lost in" in warning for warning in heard.warnings)
    assert not any("requested" in note for note in heard.notes)
    heard = Recorder()
    tune(model, others, tmp_path / "color", heard, channels="RGB")
    assert not any("Color" in warning for warning in heard.warnings)
    assert read_record(tmp_path / "color").spec.channels == "RGB"


def test_a_run_may_be_replaced_by_one_that_starts_from_it(model, others, pictures, tmp_path):
    tiny_run(pictures, tmp_path / "run")
    own = open_model(str(tmp_path / "run"), "image", pytest.fail)
    tune(own, others, tmp_path / "run", force=True)
    assert read_record(tmp_path / "run").spec.classes == ("left", "up")


def test_its_first_checkpoint_is_the_model(model, others, tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(Trainer, "train", lambda self, stop, until: started.append(self))
    tune(model, others, tmp_path / "run")
    former = load_networks(model)
    z, left = torch.randn(3, 8), torch.zeros(3, dtype=torch.int64)
    for network in (started[0].networks.generator, started[0].ema.network):
        assert torch.equal(network.eval()(z, left), former.generator(z, left))


def test_killed_before_its_first_checkpoint_it_starts_from_the_model_again(
    model, others, tmp_path, monkeypatch
):
    tune(model, others, tmp_path / "whole")

    def killed(self, stop, until):
        raise MemoryError

    with monkeypatch.context() as context, pytest.raises(MemoryError):
        context.setattr(Trainer, "train", killed)
        tune(model, others, tmp_path / "run")
    with pytest.raises(GancliError, match="origin"):
        resume(tmp_path / "run", None, Silent(), modality_name="image")
    monkeypatch.setattr("gancli.training.session.open_model", lambda *_: model)
    with pytest.raises(MemoryError):
        resume(tmp_path / "run", None, killed_at(5), modality_name="image")
    monkeypatch.setattr("gancli.training.session.open_model", pytest.fail)  # no longer needed
    resume(tmp_path / "run", None, Silent(), modality_name="image")
    assert_same(tmp_path / "run", tmp_path / "whole")


@pytest.mark.parametrize(
    ("options", "words"),
    [({"g_width": 8}, "--g-width 8 (the model has 4)"), ({"size": 32}, "--size 32 (the model ha")],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(model, others, tmp_path, options, words):
    with pytest.raises(UsageError, match="of the generator's weights fit") as refused:
        tune(model, others, tmp_path / "run", **options)
    assert words in refused.value.hint
    assert not (tmp_path / "run").exists()


def test_a_model_without_classes_takes_none_unless_asked(others, tmp_path):
    config, networks = built("image", image_spec(channels="L"))
    arrays = Weights.of("m", weights.joined(networks.named()))
    plain = Model(
        modalities.get("image"), image_spec(channels="L"), config, arrays, None, {}, {}
    )
    tune(plain, others, tmp_path / "without", steps=1)
    assert read_record(tmp_path / "without").spec.classes == ()
    tune(plain, others, tmp_path / "with", steps=1, labels="folders")
    assert read_record(tmp_path / "with").spec.classes == ("left", "up")


def test_a_modality_that_says_nothing_of_it_refuses(ring, tmp_path):
    spec, config = object(), ring.config_type()
    model = Model(ring, spec, config, Weights.of("m", {}), None, {}, {})
    with pytest.raises(UsageError, match="ring cannot be trained on other data"):
        inherited(model)


def test_how_much_is_kept_is_counted_without_memory(model):
    spec = replace(model.spec, classes=("left", "up"))
    assert weights_kept(model.spec, model.config, model) == (
        "Weights: 100% of the generator's and 100% of the discriminator's are the model's; the "
        "rest is new."
    )
    features = np.prod(model.weights.shapes["discriminator.projection.weight"]) // 2
    total = sum(
        np.prod(shape) for name, shape in model.weights.shapes.items() if name.startswith("disc")
    )
    share = f"{1 - features / total:.0%}"
    assert f"generator's and {share} of" in weights_kept(spec, model.config, model)
