"""Options of training on and sampling sounds, and the presets."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gancli.config import TrainConfig, option
from gancli.errors import UsageError
from gancli.layers.names import ACTIVATIONS
from gancli.modalities import options as shared
from gancli.sampling.config import SampleConfig

if TYPE_CHECKING:
    from gancli.modalities.audio.spec import AudioSpec


@dataclass(frozen=True, kw_only=True)
class AudioConfig(TrainConfig):
    """Options of ``gancli train audio``."""

    preset: str = option(
        "relativistic", "A named set of values for the options below.", "Training",
        choices=("relativistic", "vae"),
    )

    rate: int | None = option(
        None, "Sample rate in Hz; found from the data, and 16000 where that has more than "
        "24000.", "Data", minimum=1000, maximum=192_000,
    )
    channels: int = option(
        1, "1 mixes stereo; 2 keeps it, and doubles what is mono.", "Data", minimum=1, maximum=2
    )
    length: float | None = option(
        None, "Longest clip, e.g. 1s or 1.5s; longer recordings are sliced. Found from the data, "
        "at most 1.5s.", "Data", parse="duration", metavar="DURATION",
    )
    trim: bool = option(True, "Cut silence off both ends of each recording.", "Data")
    labels: str = shared.labels()
    bins: int | None = option(
        None, "Mel bands of a frame (n_mels); 64 up to 8 kHz, 80 above.", "Data", minimum=8,
        maximum=256
    )
    hop: int | None = option(
        None, "Hop length: samples from frame to frame; the power of two nearest to 16 ms.", "Data",
        minimum=16, maximum=4096,
    )

    latent: int = shared.latent()
    noise: int = option(
        8, "Fresh random numbers that the generator gets at every step, beside z.", "Networks",
        minimum=1, maximum=1024,
    )
    # Measured by the prototype: 4 frames a step read better than 2, 73% against 64% of digits.
    step_frames: int = option(
        4, "Frames that one step of a recurrent network makes or reads.", "Networks",
        minimum=1, maximum=4,
    )
    components: int = option(
        96, "Principal components that the generator's windows of two steps are made of, and that "
        "the discriminator sees of them; few are smooth, many are noisy.", "Networks",
        minimum=1, maximum=4096,
    )
    g_cell: str = shared.cell("generator")
    d_cell: str = shared.cell("discriminator")
    g_width: int = option(
        128, "Hidden size: values that the generator carries from step to step.", "Networks",
        minimum=4, maximum=8192,
    )
    d_width: int = option(
        128, "Hidden size: values that the discriminator carries in each direction.", "Networks",
        minimum=4, maximum=8192,
    )
    g_layers: int = option(2, "Layers of the generator's cell.", "Networks", minimum=1, maximum=24)
    d_layers: int = option(
        1, "Layers of the discriminator's cell.", "Networks", minimum=1, maximum=24
    )
    d_direction: str = option(
        "both", "How the discriminator reads.", "Networks", choices=("forward", "both")
    )
    g_activation: str = option(
        "leaky_relu", "Activation in the generator's output network.", "Networks",
        choices=ACTIVATIONS,
    )
    d_activation: str = shared.d_activation()
    slope: float = shared.slope()

    warm_start: float = option(
        0.35, "Share of the budget in which the generator learns to rebuild clips from a code, as "
        "a variational autoencoder; without it the rest fails.", "Training", minimum=0.0,
        maximum=1.0,
    )
    kl: float = option(
        3e-3, "Weight of the code's divergence from noise in the warm start.", "Objective",
        minimum=0.0, maximum=1e3,
    )
    objective: str = shared.objective()
    noise_penalty: float = option(
        1.0, "Weight of the penalty on how much a little noise moves the discriminator; 0 is off.",
        "Objective", minimum=0.0, maximum=1e4,
    )
    penalty_share: float = shared.penalty_share(0.25)
    matching: float = option(
        2.0, "Weight of the distance between the means of the discriminator's features over real "
        "and over generated batches (feature matching); 0 is off.", "Objective", minimum=0.0,
        maximum=1e3,
    )
    class_weight: float = shared.class_weight(0.3, "clips")

    batch: int = option(32, "Batch size: clips in a step.", "Training", minimum=2, maximum=65536)
    lr: float = shared.learning_rate(1e-3, "warm start")
    g_lr: float = shared.learning_rate(4e-4, "generator in the adversarial phase")
    d_lr: float = shared.learning_rate(4e-4, "discriminator")
    beta1: float = shared.beta1()
    beta2: float = shared.beta2()
    clip: float = shared.clip(5.0)
    lr_end: float = shared.lr_end("adversarial phase")
    ema: float = shared.ema("clips")


PRESETS: dict[str, dict[str, Any]] = {
    "relativistic": {},
    # The warm start alone, and a discriminator that guides sampling: blurry, and never collapses.
    "vae": {"warm_start": 1.0},
}


@dataclass(frozen=True, kw_only=True)
class AudioSampleConfig(SampleConfig):
    """Options of ``gancli sample audio``."""

    length: float | None = option(
        None, "Longest clip, e.g. 500ms or 3s; longer than in training only where clips were "
        "slices of long recordings.", "Samples", parse="duration", metavar="DURATION",
    )
    interpolate: int | None = option(
        None, "This many clips from each seed to the next, joined.", "Samples", minimum=2,
        maximum=1000,
    )
    gap: float | None = option(
        None, "Silence between clips that are joined, e.g. 100ms or 0; 250ms if left out.",
        "Output", minimum=0.0, maximum=3600.0, parse="duration", metavar="DURATION",
    )
    spectrogram: str | None = option(
        None, "Write a picture of the spectrograms, too.", "Output", metavar="FILE.png"
    )
    raw: bool = option(
        False, "Write plain samples without a header: 16 bit, little endian.", "Output"
    )
    format: str | None = option(
        None, "Format, where no file name implies one.", "Output", choices=("wav", "flac", "ogg")
    )
    show: bool = shared.show("spectrograms")

    @property
    def shown(self) -> bool:
        return self.show

    def frames(self, spec: "AudioSpec") -> int:
        """Return the frames that the generator is to make at most.

        Raises:
            UsageError: The model cannot make such clips.
        """
        if self.length is None:
            return spec.frames
        wanted = round(self.length * spec.rate / spec.hop)
        if wanted < 1 or (spec.ends and wanted > spec.frames):
            raise UsageError(
                f"--length {self.length:g}s cannot be: clips of this model last up to "
                f"{spec.seconds:.2f} s.",
                "It has learned where clips end. Ask for less, or join several with -n and --gap.",
            )
        return wanted
