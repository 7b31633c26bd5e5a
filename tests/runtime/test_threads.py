"""Thread counts, on a machine whose clock and load are made up."""

import pytest

from gancli.errors import UsageError
from gancli.runtime.threads import ThreadTuner, Watch, fastest, fixed

IDLE = {1: 0.051, 2: 0.031}  # seconds of a step
BUSY = {1: 0.051, 2: 0.080}  # beside a process that takes one of two cores


class Machine:
    """Two cores, the seconds of a step at each thread count, and what it was asked to do."""

    def __init__(self, load):
        self.load = load
        self.now = self.measured = 0.0
        self.threads = 2
        self.notes = []
        self.trials = []

    def step(self):
        self.now += self.load(self.now)[self.threads]

    def trial(self):
        self.trials.append(self.now)
        self.now += 0.01  # to copy the networks

        def step():
            self.step()

        return step

    def train(self, seconds, wanted="auto"):
        """Train so long and return the tuner."""
        tuner = ThreadTuner(wanted, self.trial, self.notes.append)
        tuner.start()
        while self.now < seconds:
            before = self.now
            self.step()
            taken, before = self.now - before, self.now
            tuner.after_step(taken)
            self.measured += self.now - before
        return tuner


@pytest.fixture
def machine(monkeypatch):
    def machine(load, cores=2):
        machine = Machine(load)
        threads = "gancli.runtime.threads"
        monkeypatch.setattr(f"{threads}.cores", lambda: cores)
        monkeypatch.setattr(f"{threads}.time.perf_counter", lambda: machine.now)
        monkeypatch.setattr(
            f"{threads}.torch.set_num_threads", lambda count: setattr(machine, "threads", count)
        )
        return machine

    return machine


def test_the_fastest_count_is_set(machine):
    idle = machine(lambda _: {1: 3.0, 2: 1.5})
    best, medians = fastest(idle.step)
    assert (best, idle.threads) == (2, 2) and medians == {1: 3.0, 2: 1.5}
    busy = machine(lambda _: {1: 1.0, 2: 2.0})
    assert fastest(busy.step)[0] == 1 == busy.threads


def test_a_hopeless_candidate_is_tried_once(machine):
    busy = machine(lambda _: {1: 1.0, 2: 9.0})
    busy.threads = 1
    assert fastest(busy.step) == (1, {1: 1.0, 2: 9.0})
    assert busy.now == 2 * 1.0 + 9.0  # the first step is not counted


def test_threads_go_down_with_a_neighbour_s_burst_and_up_again_after_it(machine):
    burst = machine(lambda now: BUSY if 20 <= now < 40 else IDLE)
    assert burst.train(120).count == 2 == burst.threads
    assert burst.notes == [
        "Timing steps with 1 to 2 threads (--threads saves this).",
        "Threads: 2, the fastest of those measured (1: 51 ms, 2: 31 ms a step).",
        "Threads: now 1 (1: 51 ms, 2: 80 ms a step).",
        "Threads: now 2 (1: 51 ms, 2: 31 ms a step).",
    ]
    first, down, up = burst.trials[:3]
    assert first == 0 and 20 < down < 40 and up < 100
    assert burst.measured <= 0.01 * 120


def test_the_worse_a_burst_the_cheaper_it_is_to_notice(machine):
    """Figures of two real cores: there is no use in trying twice what takes three times as long."""
    idle, busy = {1: 0.070, 2: 0.052}, {1: 0.077, 2: 0.240}
    burst = machine(lambda now: busy if 25 <= now < 45 else idle)
    assert burst.train(110).count == 2
    assert burst.trials[2] < 75 and burst.measured <= 0.01 * 110


def test_measurements_become_rare_where_nothing_changes(machine):
    idle = machine(lambda _: IDLE)
    idle.train(3600)
    assert len(idle.notes) == 2  # before and after the first
    between = [after - before for before, after in zip(idle.trials, idle.trials[1:], strict=False)]
    expected = [30, 60, 120, 240, 480, 600, 600, 600, 600]
    assert between[:9] == pytest.approx(expected, rel=0.05)
    assert idle.measured <= 0.001 * 3600


@pytest.mark.parametrize("jumps", [False, True])
def test_an_expensive_measurement_is_paid_for_before_the_next(machine, jumps):
    slow = machine(lambda now: {1: 3.0, 2: 2.0 * (1 + (jumps and now > 100))})
    slow.train(20_000)
    assert len(slow.trials) > 2
    longest = 10.01 + 6 * 3.5  # one after a jump is made at once
    assert slow.measured <= 0.01 * 20_000 + jumps * longest


def test_counts_that_differ_by_noise_do_not_take_turns(machine):
    noisy = machine(lambda now: {1: 0.050, 2: 0.049 if int(now / 40) % 2 else 0.051})
    noisy.train(1000)
    assert len(noisy.notes) == 2  # before and after the first


@pytest.mark.parametrize(("wanted", "cores", "trials"), [("2", 2, 0), ("auto", 1, 1)])
def test_where_there_is_no_choice_nothing_is_measured(machine, wanted, cores, trials):
    calm = machine(lambda now: BUSY if now > 20 else IDLE, cores)
    assert calm.train(200, wanted).count == calm.threads == (2 if wanted == "2" else 1)
    assert len(calm.trials) == trials == len(calm.notes)


def test_a_jump_of_step_time_is_noticed_once_it_lasts():
    watch = Watch()
    assert not any(watch.jumped(1.0) for _ in range(40))
    assert not any(watch.jumped(2.0) for _ in range(4))
    assert any(watch.jumped(2.0) for _ in range(20))


@pytest.mark.parametrize("wrong", ["0", "many", "-1", "1.5", ""])
def test_wrong_thread_counts(wrong):
    with pytest.raises(UsageError):
        fixed(wrong)
