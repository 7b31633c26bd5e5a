"""What a log or a model's figures say of a score, in words."""

import pytest

from gancli import modalities
from gancli.artifacts.outlook import Outlook, meaning
from gancli.metrics.trend import Forecast

GOAL = "Done when the score stops falling or comes near its floor"
FLAT = "The score has stopped improving in this run; it is 20 times the floor."
AHEAD = "Training for twice as long should"
NEAR = "the floor, as near to real data as it can tell."
FALLING = [16.0, 12.0, 10.0, 8.9, 8.1, 7.5, 7.0, 6.6]


def log(scores, floor=2.0, phase="adversarial", first=1, **more):
    """Return measurements every 100 steps; the best is marked as the monitor does."""
    found, least = [], float("inf")
    for index, score in enumerate(scores):
        best = score is not None and score < least
        least = score if best else least
        of_floor = {} if floor is None else {"floor": floor}
        found.append({"step": 100 * (first + index), "score": score, "best": best, "phase": phase,
                      **of_floor, **more})
    return found


def words(scores, **options):
    return Outlook.of_log(log(scores, **options)).done_when


@pytest.mark.parametrize(("scores", "sentence"), [
    ([], f"{GOAL}; nothing has been measured yet."),
    ([7.0], f"{GOAL}; it is 3.5 times the floor; a trend takes 5 measurements (1 so far)."),
    (FALLING, f"{GOAL}; it is 3.3 times the floor and improving. {AHEAD} bring it to"),
    ([40.0, 41, 39, 40, 41, 39, 40], f"{FLAT} {AHEAD} still bring it to about 3"),
    ([7.0, 8, 9, 10, 11, 12, 13], "The score is getting worse; the best, 3.5 times the floor, is "
                                  "kept."),
    ([2.6, 2.5, 2.4, 2.3, 2.2, 2.1], f"Done: the score is 1.1 times {NEAR}"),
    ([1.9], f"Done: the score is 0.9 times {NEAR}"),
    ([7.0, None], f"{GOAL}; it is 3.5 times the floor; the last measurement is not a finite "
                  "number."),
    ([None], f"{GOAL}; the last measurement is not a finite number."),
])
def test_each_state_has_its_sentence(scores, sentence):
    assert words(scores).startswith(sentence), words(scores)


@pytest.mark.parametrize(("scores", "held_out", "sentence"), [
    ([0.2], 600, "The score is 0.1 times the floor, below what new real data gets: samples may "
                 "repeat the training data."),
    ([0.2], 0, "The score is 0.1 times the floor, but cannot tell new samples from repeated "
               "training data with no items held out (more data helps)."),
    ([1.9], 1, "The score is 0.9 times the floor, but cannot tell new samples from repeated "
               "training data with 1 item held out (more data helps)."),
    ([1.9], 20, f"Done: the score is 0.9 times {NEAR}"),
    ([7.0], 1, f"{GOAL}; it is 3.5 times the floor; a trend takes 5 measurements (1 so far)."),
])
def test_what_memorizing_would_give_is_not_praised(scores, held_out, sentence):
    found = Outlook.of_log(log(scores, held_out=held_out))
    assert found.done_when == sentence
    figures = {"score": found.score, "floor": found.floor, "held_out": held_out}
    assert Outlook.of_figures(figures).done_when == sentence.split("; a trend")[0].rstrip(".") + "."


def test_the_ratio_is_that_of_the_best_generator():
    assert "it is 3.3 times the floor" in words([*FALLING, 7.0])


def test_without_a_floor_only_the_trend_is_told():
    sentence = words(FALLING, floor=None)
    assert sentence.startswith(f"{GOAL}; it is improving. {AHEAD} bring it to about")
    assert words([40.0, 41, 39, 40, 41, 39, 40], floor=None).startswith(
        f"The score has stopped improving in this run. {AHEAD} still bring it to about"
    )
    assert words([7.0, 8, 9, 10, 11, 12, 13], floor=None) == (
        "The score is getting worse; the best is kept."
    )
    told = Outlook.of_log(log(FALLING, floor=None), 2.0)  # that of the model
    assert told == Outlook.of_log(log(FALLING))


def test_a_forecast_is_told_with_its_range_and_only_where_more_helps():
    falling = Outlook.of_log(log(FALLING))
    ahead = falling.forecast
    assert 4.5 < ahead.score < 5.5  # the distance of 4.6 shrinks by a third and more
    assert falling.done_when.endswith(
        f" {AHEAD} bring it to about {ahead.score:.3g} ({ahead.low:.3g} to {ahead.high:.3g} in "
        "four of five cases)."
    )
    for scores in ([2.6, 2.5, 2.4, 2.3, 2.2, 2.1], [7.0, 8, 9, 10, 11, 12], [*FALLING, None]):
        assert Outlook.of_log(log(scores)).forecast is None


def test_only_the_last_phase_and_the_last_measure_make_the_curve():
    rising = log([5.0, 6, 7, 8, 9, 10], phase="likelihood")
    assert Outlook.of_log(rising + log(FALLING, first=7)).trend == "improving"
    assert Outlook.of_log(rising + log(FALLING[:3], first=7)).count == 3
    other = log([5.0, 6, 7, 8, 9, 10], floor=1.9)
    assert Outlook.of_log(other + log(FALLING, first=7)).trend == "improving"
    # A training for longer, whose generator rests while the discriminator is refit.
    resting = [{"step": 850, "d_loss": 1.0, "phase": "refit"}]
    both = log(FALLING[:4]) + resting + log(FALLING[4:], first=9)
    assert Outlook.of_log(both) == Outlook.of_log(
        log(FALLING[:4]) + log(FALLING[4:], first=9)
    ) and Outlook.of_log(both).count == 8


def test_the_score_of_an_earlier_generator_is_no_point_of_the_curve():
    taken = log([3.0], first=9, best_step=200)
    found = Outlook.of_log(log(FALLING) + taken)
    assert found.score == 3.0 and found.count == 8
    assert found.forecast is not None and found.trend == "improving"
    # Where it is the only one, a score is known all the same.
    assert Outlook.of_log(taken).done_when == (
        f"{GOAL}; it is 1.5 times the floor; a trend takes 5 measurements."
    )


@pytest.mark.parametrize("score", ["7", True, float("nan"), 10**400, [1.0]])
@pytest.mark.parametrize("name", ["score", "floor", "best_step", "phase"])
def test_a_damaged_log_is_read_as_far_as_it_makes_sense(name, score):
    entries = log(FALLING)
    entries[3] |= {name: score}
    assert Outlook.of_log(entries).score == 6.6
    entries[-1] |= {name: score, "step": 10**400}
    assert Outlook.of_log(entries).done_when.startswith("Done when")


def test_figures_keep_what_a_log_told():
    found = Outlook.of_log(log(FALLING))
    figures = {"score": found.score, "floor": found.floor, **found.figures}
    again = Outlook.of_figures(figures)
    assert again.done_when == found.done_when and again.trend == "improving"
    assert figures["forecast"] == {
        name: round(getattr(found.forecast, name), 4) for name in ("score", "low", "high")
    }


@pytest.mark.parametrize("figures", [
    {}, {"trend": "odd"}, {"trend": ["improving"]}, {"forecast": 3.0}, {"forecast": {"score": 1.0}},
    {"forecast": {"score": "1", "low": 0.5, "high": 2.0}},
])
def test_figures_of_other_versions_tell_less(figures):
    assert Outlook.of_figures({"score": 6.0, "floor": 2.0, **figures}) == Outlook(6.0, 2.0)
    assert Outlook(6.0, 2.0).summary == f"Score 6, floor 2. {GOAL}; it is 3.0 times the floor."


def test_the_summary_of_nothing_is_what_is_to_be_done():
    assert Outlook.of_figures({}).summary == f"{GOAL}."
    assert Outlook(150.0, 1.5, "improving", Forecast(80.0, 60.0, 110.0)).summary == (
        f"Score 150, floor 1.5. {GOAL}; it is 100 times the floor and improving. {AHEAD} "
        "bring it to about 80 (60 to 110 in four of five cases)."
    )


@pytest.mark.parametrize("name", modalities.names())
def test_the_meaning_names_what_is_compared_and_what_the_floor_is(name):
    modality = modalities.get(name)
    sentence = meaning(modality)
    assert sentence.startswith(f"The score is the Frechet distance of {modality.items} from real ")
    assert f"The floor is what as many real {modality.items} get." in sentence
    assert {"image": "clusters", "text": "tokens", "audio": "spectrograms"}[name] in sentence
