import pytest

from napari_trsmi.config import Config
from napari_trsmi.training.report import EpochReport, Phase, PictureReport, SizeReport
from napari_trsmi.viewer.run.progress import SENTENCES, Expected, RunProgress, duration


def report(epoch, seconds=2.0, epochs=30):
    return EpochReport(epoch, epochs, 0.5, {}, 0.1, seconds, 1)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def expected(config=None, n_spots=2000):
    return Expected.of(config or Config(n_domains=8), n_spots=n_spots, n_modalities=2)


def test_each_phase_has_a_sentence():
    assert set(SENTENCES) == set(Phase)
    progress = RunProgress()
    progress.take(Phase.GRAPHS)
    assert progress.text == SENTENCES[Phase.GRAPHS]
    assert (progress.share, progress.seconds_left) == (0, None)


@pytest.mark.parametrize("speed", [0.25, 1, 4])
@pytest.mark.parametrize("epochs", [0, 20])
def test_one_bar_goes_over_all_phases_and_never_back(clock, speed, epochs):
    """A machine may be faster or slower than the one that was measured."""
    awaited = expected(Config(n_domains=8, epochs=epochs))
    progress = RunProgress(awaited, clock)
    whole = speed * sum(awaited.seconds.values())
    shares, errors, checks = [], [], 0
    for phase in Phase:
        if not awaited.seconds[phase]:
            continue
        progress.take(phase, checks)
        for step in range(1, 21):
            clock.now += speed * awaited.seconds[phase] / 20
            if phase is Phase.CLUSTERING:
                checks += awaited.checks // 20
            if phase is Phase.TRAINING:
                seconds = speed * awaited.seconds[phase] / 20
                progress.take(EpochReport(step, epochs, 0.5, {}, 0.1, seconds, 1))
            progress.look(checks)
            shares.append(progress.share)
            if phase is Phase.CLUSTERING:  # before it, only the clock tells how far a phase is
                errors.append(abs(progress.seconds_left - (whole - clock.now)))
    assert shares == sorted(shares)
    assert shares[0] > 0
    assert shares[-1] == pytest.approx(1, abs=0.05)
    assert max(errors) < 0.25 * whole


def test_the_time_left_is_of_all_that_is_to_come(clock):
    progress = RunProgress(expected(Config(n_domains=8, epochs=30)), clock)
    progress.take(Phase.TRAINING)
    clock.now = 40
    for epoch in range(1, 16):
        progress.take(report(epoch, seconds=100 if epoch < 6 else 2))
    assert (progress.epoch, progress.epochs) == (15, 30)
    assert progress.seconds_left > 30  # as the last ten went, and the domains after that
    assert progress.text.startswith("Epoch 15 of 30, loss 0.5, about ")
    assert progress.text.endswith(" left")


def test_training_anew_counts_anew():
    progress = RunProgress()
    progress.take(report(3))
    progress.take(Phase.TRAINING)
    assert (progress.epoch, progress.epochs) == (0, 0)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (59.9, "60 s"), (150, "2 min"), (3700, "1 h 2 min")]
)
def test_times_are_said_as_people_do(seconds, said):
    assert duration(seconds) == said


def test_a_picture_tells_the_spots_that_are_done(clock):
    awaited = Expected.of(Config(n_domains=8), n_spots=2000, n_modalities=2, n_pictures=1)
    progress = RunProgress(awaited, clock)
    progress.take(Phase.MEASURING)
    progress.take(PictureReport(1200, 20000))
    early = progress.share
    assert progress.text == "Measuring the picture: 1,200 of 20,000 spots"
    progress.take(PictureReport(20000, 20000))
    assert progress.share > early > 0


def test_tiles_are_said_before_the_work_and_in_every_phase(clock):
    progress = RunProgress(clock=clock)
    progress.take(SizeReport(6, "The run needs about 31.0 GB: 6 tiles."))
    assert progress.text == "The run needs about 31.0 GB: 6 tiles."
    progress.take(Phase.GRAPHS)
    assert progress.text == "Building the graphs in 6 tiles…"
