from __future__ import annotations

import msgspec

from analyzer.ranking import by_group
from tests.unit.ranking.made import trial


def test_a_ranking_takes_each_trial_by_the_stream_that_leads() -> None:
    main = msgspec.structs.replace(trial("a"), stream="main", sensor="jetson", leads=True)
    part = msgspec.structs.replace(trial("a"), stream="cpu", sensor="rapl", leads=False)
    (chosen,) = by_group([main, part]).values()
    assert chosen == [main]


def test_without_a_manifest_no_stream_is_left_out() -> None:
    (chosen,) = by_group([msgspec.structs.replace(trial("a"), leads=None)]).values()
    assert len(chosen) == 1
