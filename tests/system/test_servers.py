"""The table of notebook 07: bad servers are refused, each for its own reason, and the cloud's own is taken."""

from pmt_helpers.activity import train_shared_fast
from pmt_helpers.datasets import load_activity
from pmt_helpers.system import try_servers
from pmt_helpers.system.bundle import WHY


def test_the_cloud_is_taken_and_every_bad_server_is_refused_and_does_no_harm() -> None:
    data = load_activity("watch")
    table = try_servers(train_shared_fast(data, 1), data).set_index("server")
    results = table.pop("result")
    assert results.pop("the cloud") == "taken"
    whys = [result.removeprefix("refused: ") for result in results]
    assert set(whys) == {WHY[why] for why in ("signature", "chunk", "version", "expired", "model")}
    assert table["honest_after"].all()
    assert table["signed_by"].fillna("nobody").value_counts().to_dict() == {"cloud": 6, "another": 1, "nobody": 1}
