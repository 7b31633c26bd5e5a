"""What a training came to, in sentences for its end, its report and its model card."""

from gancli.metrics.memorization import MANY, NEAR_TRAINING
from gancli.training.monitor import COLLAPSED, Monitor

_LOST = 100.0  # the score that the mean of real items would have, repeated


def failure(quality: Monitor) -> str:
    """Return why the best generator is of no use, or nothing if it may be."""
    if quality.best_score is None or not quality.best_collapsed:
        return ""
    return (
        "The generator collapsed: its samples are nearly alike (diversity "
        f"{quality.best_diversity:.2g}, where real data has 1)."
    )


def warnings(quality: Monitor) -> list[str]:
    """Return what a person should know of a generator that may be of use."""
    best, floor = quality.best_score, quality.floor
    if best is None or failure(quality):
        return []
    sentences = []
    if floor is not None and best > _LOST + floor:
        sentences.append(
            f"The score never came within sight of the floor: the best is {best:,.4g} and the "
            f"floor {floor:.3g}, so samples will hardly resemble the data. Training longer may "
            "help (--time or --steps), or other learning rates."
        )
    if quality.diversity is not None and quality.diversity < COLLAPSED:
        sentences.append(
            "The generator had collapsed at the end: its samples were nearly alike. "
            + _kept(quality)
        )
    elif quality.diverges:
        sentences.append(
            f"Training had diverged at the end: the last score is {quality.score:,.4g}, the best "
            f"{best:.4g}. " + _kept(quality)
        )
    near = quality.best_notes.get(NEAR_TRAINING, 0.0)
    if near > MANY:
        sentences.append(
            f"{near:.0%} of the samples are nearer to an item of the training data than all but "
            "5% of the items held out: the model repeats what it has seen. More data helps, or a "
            "shorter --time."
        )
    return sentences


def _kept(quality: Monitor) -> str:
    return f"The model is the best one, of step {quality.best_step:,}."
