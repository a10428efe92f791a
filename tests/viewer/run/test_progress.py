import pytest

from napari_trsmi.training.report import EpochReport, Phase
from napari_trsmi.viewer.run.progress import SENTENCES, RunProgress, duration


def report(epoch, seconds=2.0, epochs=30):
    return EpochReport(epoch, epochs, 0.5, {}, 0.1, seconds, 1)


def test_each_phase_has_a_sentence():
    assert set(SENTENCES) == set(Phase)
    progress = RunProgress()
    progress.take(Phase.GRAPHS)
    assert progress.text == SENTENCES[Phase.GRAPHS]


def test_epochs_tell_loss_and_time_left():
    progress = RunProgress()
    assert progress.seconds_left == 0
    for epoch in range(1, 16):
        progress.take(report(epoch, seconds=100 if epoch < 6 else 2))
    assert (progress.epoch, progress.epochs) == (15, 30)
    assert progress.seconds_left == pytest.approx(30)  # as the last ten went
    assert progress.text == "Epoch 15 of 30, loss 0.5, about 31 s left"
    progress.take(report(30))
    assert progress.text == "Epoch 30 of 30, loss 0.5"


def test_training_anew_counts_anew():
    progress = RunProgress()
    progress.take(report(3))
    progress.take(Phase.TRAINING)
    assert (progress.epoch, progress.epochs, progress.seconds_left) == (0, 0, 0)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (59.9, "60 s"), (150, "2 min"), (3700, "1 h 2 min")]
)
def test_times_are_said_as_people_do(seconds, said):
    assert duration(seconds) == said
