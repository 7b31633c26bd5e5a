"""Training longer: a run that was planned for one budget goes on with another."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gancli.config import resolve, to_table
from gancli.modalities.base import ConfigT
from gancli.phases.base import Phase
from gancli.training.budget import KINDS, Budget
from gancli.training.schedule import lr_progress, phase_due
from gancli.training.state import Progress


def extended(config: ConfigT, now: Progress, added: Mapping[str, object]) -> ConfigT:
    """Return the config of a run that goes on for so much more.

    Args:
        config: Of the run so far.
        now: Where it stands.
        added: The budget from here on, as the command line gives it.

    Raises:
        UsageError: The budget is not valid, or too large.
    """
    more = Budget.of(resolve(type(config), command_line=added)[0])
    done = {"time": now.seconds, "steps": now.step, "images": now.items}[more.kind]
    table = {name: value for name, value in to_table(config).items() if name not in KINDS}
    table[more.kind] = round(done + more.amount, 3)
    return resolve(type(config), file=table)[0]


def rebased(now: Progress, budget: Budget, phases: Sequence[Phase]) -> Progress:
    """Return where a run stands if its budget is another than before.

    A phase at work goes on as it would in a run of the new length. Where the generator has had all
    of its training, the last phase that trains it begins again, with learning rates from where a
    run of that length would have them now; unless it ended because the held-out loss rose, when
    more of it would only memorize, and the phases after it get what is added.

    Args:
        now: As a checkpoint has it.
        budget: The new one.
        phases: All, in order.
    """
    former = now.budget
    if former in (None, budget):
        return replace(now, budget=budget)
    assert former is not None
    spent, done = (each.progress(now.step, now.items, now.seconds) for each in (former, budget))
    scale = done / spent if spent else 1.0
    # The best is scored anew: another budget may measure on another number of samples.
    quality = replace(now.quality, measured_at=now.quality.measured_at * scale, floor=None)
    now = replace(now, budget=budget, phase_start=now.phase_start * scale, quality=quality)
    last = max(index for index, phase in enumerate(phases) if phase.trains_generator)
    if now.phase <= last or (phases[last].stops_early and quality.overfits):
        return now
    start = sum(phase.fraction for phase in phases[:last])
    lr_start = (done - start) / phases[last].fraction
    return replace(
        now, phase=last, phase_start=done, phase_ended=False,
        lr_start=min(max(lr_start, 0.0), 1.0),
    )


def extension_sentence(before: Progress, now: Progress, phases: Sequence[Phase]) -> str:
    """Return what another budget means for a run, or an empty string if it has the same."""
    if before.budget in (None, now.budget):
        return ""
    if not any(phase.trains_generator for phase in phases[now.phase :]):
        return (
            f"The budget is now {now.budget} in all. The generator stays as it is, since its "
            "held-out loss had begun to rise; what is added goes to the discriminator of --guided."
        )
    assert now.budget is not None
    done = now.budget.progress(now.step, now.items, now.seconds)
    index, start, end = phase_due(phases, done, now.phase, now.phase_start, now.phase_ended)
    factor = now.lr_scale * phases[index].lr_factor(
        lr_progress(done, start, end, now.lr_start)
    )
    return (
        f"The budget is now {now.budget} in all. Learning rates continue at {factor:.0%} of their "
        "full value, where a run of that length would be, and follow its schedule. The result is "
        "not that of a run planned for that long, whose rates fall more slowly from the start."
    )
