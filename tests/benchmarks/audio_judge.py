"""How well a classifier of real clips reads generated ones, for RESULTS.md.

    python tests/benchmarks/audio_judge.py MODEL TRAIN TEST --samples 1000 --guided 1,4

MODEL is a conditional audio model; TRAIN and TEST hold class folders of recordings, TEST some that
the model was not trained on. Prints a line of JSON for each set of clips: TEST itself, TEST through
mel frames and back, other recordings (as many of TRAIN as the model makes, also through mel frames:
the floor of fd, since no recording is there twice; the rest flatters them, as the classifier
learned them), and the model's clips, as many of each class, for each number of candidates in
--guided; all as sound and cut to frames anew.

accuracy: share that the classifier reads as their class; is: its inception score; fd, diversity:
the monitor's Frechet distance from TEST, and spread over TEST's; spread: root of the summed
variances within a class in the classifier's last layer, over TEST's, whose own standard error, from
resampled recordings, comes first; grain: mean change from frame to frame, over TEST's; seam: that
change where a step of the generator begins, over that elsewhere. The classifier is a small
convolutional network that each call trains anew from --seed.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from model_samples import samples_of
from torch import nn
from torch.nn.functional import cross_entropy

from gancli.artifacts.finding import open_model
from gancli.data.dataset import Dataset
from gancli.data.source import open_source
from gancli.modalities.audio.config import AudioConfig
from gancli.modalities.audio.dataset import load
from gancli.modalities.audio.encode import normalized
from gancli.modalities.audio.frames import frames_inside
from gancli.modalities.audio.inversion import mel_to_audio
from gancli.modalities.audio.mel import to_items
from gancli.modalities.audio.score import AudioScorer
from gancli.reporting import Silent
from gancli.training.measurement import stack


class Classifier(nn.Module):
    """Items (n, frames, depth) to logits (n, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((1, 32), (32, 64), (64, 128)):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs),
                       nn.ReLU(), nn.MaxPool2d(2)]
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d((4, 2)), nn.Flatten(),
                                  nn.Dropout(0.5), nn.Linear(1024, 128), nn.ReLU())
        self.last = nn.Linear(128, classes)

    def forward(self, items):
        return self.last(self.body(items[:, None]))


def fit(items, labels, classes, seed, epochs=25):
    torch.manual_seed(seed)
    network = Classifier(classes)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=1e-3)
    steps = epochs * (len(items) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
    for _ in range(epochs):
        order = torch.randperm(len(items))
        for chosen in order.split(64)[: len(items) // 64]:
            batch = items[chosen]
            late = int(torch.randint(5, ()))
            batch = torch.cat([batch[:, :1].expand(-1, late, -1), batch], 1)[:, : items.shape[1]]
            loss = cross_entropy(network(batch), labels[chosen], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


@torch.no_grad()
def look(network, items, labels):
    features = torch.cat([network.body(part[:, None]) for part in items.split(200)])
    chances = network.last(features).softmax(1)
    mean = chances.mean(0)
    score = (chances * (chances.clamp_min(1e-9) / mean).log()).sum(1).mean().exp()
    right = (chances.argmax(1) == labels).float()
    return float(right.mean()), float(score), spread_within(features, labels)


def spread_within(features, labels):
    within = [features[labels == each].var(0).sum() for each in labels.unique()]
    return float(torch.stack(within).mean().sqrt())


@torch.no_grad()
def spread_error(network, items, labels, rounds=400):
    """Return the standard error of the spread of items as a share of it, by resampling them."""
    features = network.body(items[:, None])
    random = torch.Generator().manual_seed(0)
    found = []
    for _ in range(rounds):
        chosen = torch.randint(len(items), (len(items),), generator=random)
        found.append(spread_within(features[chosen], labels[chosen]))
    return float(np.std(found) / np.mean(found))


def changes(items, step):
    """Return the mean change from frame to frame, and that at seams over that elsewhere."""
    inside = items[:, 1:, -1] > 0
    change = (items[:, 1:, :-1] - items[:, :-1, :-1]).abs().mean(2)
    seams = (torch.arange(1, items.shape[1]) % step == 0).expand_as(inside)
    between = float(change[inside & seams].mean() / change[inside & ~seams].mean())
    return float(change[inside].mean()), between


def as_clips(items, spec, seeds):
    """Return items made sound and cut to frames anew."""
    samples = np.zeros((len(items), spec.samples, spec.channels), np.int16)
    lengths = np.zeros(len(items), np.int32)
    for index, (item, seed) in enumerate(zip(items, seeds, strict=True)):
        sound = normalized(mel_to_audio(item, spec, seed))
        samples[index, : len(sound)] = np.rint(sound * 32767)
        lengths[index] = frames_inside(item, spec)
    return samples, lengths


def draw(model, name, seeds, guided):
    """Return items of a class by the library's own sampler, shape (n, frames, depth)."""
    return stack(list(samples_of(model, seeds, class_name=name, guided=guided)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("train", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--guided", default="1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    model = open_model(given.model, "audio", print)
    spec = model.spec

    def clips(path):
        dataset = load(open_source(str(path)), spec, AudioConfig(), Silent())
        arrays = [torch.from_numpy(np.array(dataset.arrays[name]))
                  for name in ("samples", "lengths")]
        return dataset, to_items(*arrays, spec), torch.from_numpy(dataset.labels)

    _, train, train_labels = clips(given.train)
    dataset, test, labels = clips(given.test)
    network = fit(train, train_labels, len(spec.classes), given.seed)
    everything = np.arange(len(test))
    scorer = AudioScorer(
        Dataset(dataset.arrays, dataset.labels, everything, everything, ""), spec, 0, given.samples
    )
    real_spread = look(network, test, labels)[2]
    real_grain = changes(test, model.config.step_frames)[0]

    def say(name, items, of):
        accuracy, inception, spread = look(network, items, of)
        grain, seam = changes(items, model.config.step_frames)
        print(json.dumps({
            "clips": name, "count": len(items), "accuracy": round(accuracy, 4),
            "is": round(inception, 3), "fd": round(scorer.score(items), 2),
            "diversity": round(scorer.diversity(items), 3),
            "spread": round(spread / real_spread, 3), "grain": round(grain / real_grain, 3),
            "seam": round(seam, 3),
        }), flush=True)

    def back(items, seeds):
        samples, lengths = as_clips(items.numpy(), spec, seeds)
        return to_items(torch.from_numpy(samples), torch.from_numpy(lengths), spec)

    print(json.dumps({"standard error of spread": round(spread_error(network, test, labels), 3)}))
    say("test", test, labels)
    say("test through mel frames", back(test, range(len(test))), labels)
    others = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[: given.samples]
    say("others", train[others], train_labels[others])
    say("others through mel frames", back(train[others], range(len(others))), train_labels[others])
    each = given.samples // len(spec.classes)
    of = torch.arange(len(spec.classes)).repeat_interleave(each)
    for guided in map(int, given.guided.split(",")):
        made = torch.cat([
            draw(model, name, range(index * each, (index + 1) * each), guided)
            for index, name in enumerate(spec.classes)
        ])
        say("model" if guided == 1 else f"model, guided {guided}", back(made, range(len(of))), of)


if __name__ == "__main__":
    main()
