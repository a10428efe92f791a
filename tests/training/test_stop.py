import pytest

from napari_trsmi.errors import StoppedError
from napari_trsmi.training.stop import StopToken


@pytest.mark.parametrize("keep", [True, False])
def test_a_token_remembers_whether_to_keep(keep):
    token = StopToken()
    assert (token.stopped, token.keep) == (False, False)
    token.stop(keep=keep)
    assert (token.stopped, token.keep) == (True, keep)


def test_only_a_stop_that_keeps_nothing_raises():
    token = StopToken()
    token.check()
    token.stop(keep=True)
    token.check()
    token.stop()
    with pytest.raises(StoppedError, match="nothing was kept"):
        token.check()


@pytest.mark.parametrize("at", [0, 1, 3])
def test_training_ends_within_an_epoch_and_returns_what_it_has(train, config, at):
    token = StopToken()
    if at == 0:
        token.stop()
    reports, trained = train(
        stop=token, after=lambda report: token.stop() if report.epoch == at else None
    )
    assert len(reports) == at
    assert trained.stopped == f"stopped by the user after {at} of {config.epochs} epochs"
    assert trained.embedding.shape == (81, config.embedding_dim)


def test_a_stop_after_the_last_epoch_changes_nothing(train, config):
    token = StopToken()
    _, trained = train(
        stop=token, after=lambda report: token.stop() if report.epoch == config.epochs else None
    )
    assert trained.stopped == ""
