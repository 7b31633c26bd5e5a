"""Measuring the averaged generator, and keeping the best."""

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gancli.training.trainer import Trainer

_FIRST = 64  # seed of the measured items; those before are previews


def measure(trainer: "Trainer") -> None:
    """Score the averaged generator, keep it if it is the best, and act on trouble."""
    started = time.perf_counter()
    now, quality = trainer.progress, trainer.progress.quality
    score, diversity, notes = _figures(trainer)
    loss = trainer.scorer.loss(trainer.ema.network)
    early = trainer.phases[now.phase].stops_early
    best = quality.take(now.step, score, diversity, loss, latest=early)
    quality.cost = time.perf_counter() - started
    quality.spent += quality.cost
    trainer.log(
        {"step": now.step, "items": now.items, "seconds": round(trainer.elapsed(), 3),
         "score": score, "diversity": diversity, "best": best,
         **({} if loss is None else {"held_out_loss": loss}), **notes}
    )
    quality.last, quality.looked = trainer.share(), now.items
    _end_early(trainer)
    if best:
        trainer.save()
    elif trouble := quality.trouble():
        trainer.roll_back(trouble)


def look(trainer: "Trainer") -> None:
    """Take the averaged generator's held-out loss, and keep it if it is the best.

    Learning by likelihood for longer makes better samples for some time after the held-out loss
    was least, so the latest that comes near to the least is kept.
    """
    now, quality = trainer.progress, trainer.progress.quality
    loss = trainer.scorer.loss(trainer.ema.network)
    assert loss is not None  # or the phase could not end by it
    best = quality.look(now.step, loss)
    trainer.log(
        {"step": now.step, "items": now.items, "seconds": round(trainer.elapsed(), 3),
         "best": best, "held_out_loss": loss}
    )
    quality.looked = now.items
    _end_early(trainer)
    if best:
        trainer.save()


def score_best(trainer: "Trainer") -> None:
    """Score a best generator whose loss alone is known; what follows is compared with it."""
    now, quality = trainer.progress, trainer.progress.quality
    quality.best, quality.best_diversity, notes = _figures(trainer)
    trainer.log(
        {"step": now.step, "items": now.items, "seconds": round(trainer.elapsed(), 3),
         "score": quality.best, "diversity": quality.best_diversity, "best": True,
         "best_step": quality.best_step, "held_out_loss": quality.best_loss, **notes}
    )
    trainer.save()  # a resumed run shall not do it again


def _figures(trainer: "Trainer") -> tuple[float, float, dict[str, float]]:
    """Return score, diversity and further figures of the averaged generator."""
    items = trainer.sample(trainer.schedule.samples, first=_FIRST)
    scorer = trainer.scorer
    return scorer.score(items), scorer.diversity(items), scorer.notes(items)


def _end_early(trainer: "Trainer") -> None:
    """End a phase that has nothing more to learn."""
    now = trainer.progress
    phase = trainer.phases[now.phase]
    if phase.stops_early and now.quality.overfits and not now.ended:
        now.ended = True
        trainer.reporter.note(
            f"The held-out loss rises: the {phase.name} phase ends early, and its best is kept."
        )
