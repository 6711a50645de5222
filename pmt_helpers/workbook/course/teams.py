"""Red and blue team of notebook 04: each student's attack and filter in the same hidden rounds, run apart."""

from collections.abc import Callable
from contextlib import ExitStack, closing, redirect_stdout
from functools import cache, partial
from io import StringIO
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from tqdm import tqdm

from pmt_helpers.attacks import score_attack, score_defence, score_sheet
from pmt_helpers.attacks.challenge import Score
from pmt_helpers.datasets import load_activity
from pmt_helpers.teaching.exercises.calling import TimeUp
from pmt_helpers.workbook.course.answers import Submitted, submitted_function
from pmt_helpers.workbook.course.grading import check_sandbox
from pmt_helpers.workbook.course.sandbox import Sandboxed
from pmt_helpers.workbook.files import learner_paths

# The functions' names in notebook 04.
SIDES: dict[str, Callable[..., Score]] = {"my_attack": score_attack, "my_filter": score_defence}
SECONDS = 120.0  # for all rounds of one function


def team_scores(collected: Path, seed: int, n_rounds: int = 12) -> dict[str, pd.DataFrame]:
    """Function's name -> a row per student who changed the notebook's example: points, baselines, lead over the best.

    Points are means over hidden rounds drawn from the secret seed, the same for everybody; "±" is two standard errors.
    """
    check_sandbox()
    data = load_activity("watch")
    [example] = [nbformat.read(path, as_version=4) for path in learner_paths(["04"])]
    tables = {}
    for name, score in SIDES.items():
        play = partial(score, data=data, n_rounds=n_rounds, insecure_seed=seed, progress=False)
        shipped, scores = submitted_function(example, name).code, {}
        for path in tqdm(sorted(collected.glob("*/*.ipynb")), desc=name, unit="notebook", leave=False):
            mine = submitted_function(nbformat.read(path, as_version=4), name)
            if not mine.blank and mine.code != shipped:
                scores[path.parent.name] = _apart(mine, play)
        means = {student: {str(who): _mean(its) for who, its in one.rounds.items()} for student, one in scores.items()}
        table = pd.DataFrame.from_dict(means, orient="index").rename(columns={"yours": "points"})
        table = table.join(score_sheet(scores).reindex(columns=["lead", "needed", "goal"]), how="right")
        tables[name] = table.rename_axis("student").reset_index().astype(object).fillna("")
    return tables


def _mean(points: pd.Series) -> str:
    return f"{float(points.mean()):.1f} ± {2 * float(points.std()) / len(points) ** 0.5:.1f}"


def _apart(mine: Submitted, play: Callable[..., Score]) -> Score:
    """Its score, played in a process that knows neither the rounds nor what is poisoned."""
    with ExitStack() as stack, redirect_stdout(StringIO()):
        process = cache(lambda: stack.enter_context(closing(Sandboxed(mine.code, mine.expression, SECONDS))))

        def submission(*arguments: Any) -> Any:
            try:
                return process()(*arguments)
            except TimeUp:
                raise TimeoutError(f"all rounds together take longer than {SECONDS:g} s") from None

        return play(submission)
