# %% [markdown]
# # Start here: a model of your own, and your data stays home
#
# **The claim this workbook tests:** take a model trained on a few volunteers and retrain it at home with a little data
# of your own. It works better for you than the volunteers' model, and it needs less data than a model trained on your
# data alone (Servia-Rodríguez and others, *Privacy-Preserving Personal Model Training*, 2018).
#
# About 10 minutes. Needs under 800 MB of memory and no network. The terms are explained in the
# [glossary](glossary.ipynb).
#
# **After this notebook you can**
# 1. say what the shared, the local and the personal model are, and who has seen the data of each;
# 2. choose the person whose data is *yours* for the rest of the workbook;
# 3. use the checks, hints and predictions that every notebook has.
#
# > **Threat model: who sees what**
# >
# > | | your windows | shared weights | your personal weights | your predictions |
# > |---|---|---|---|---|
# > | you, on your device | yes | yes | yes | yes |
# > | the cloud that trained the shared model | no | yes | no | no |
# > | the volunteers | no | yes | no | no |
# >
# > The volunteers gave their data to the cloud: for *them* nothing is private yet (notebook 05).

# %% tags=["parameters"]
DATASET = "watch"  # or "wisdm", once fetched; or "mine": recordings of your own, see 02
PERSON = None  # None: the person chosen in the menu below
N_SAMPLES = 15  # windows that you train on at home; as many again decide when to stop
SEED = 0

# %%
from pmt_helpers.teaching import preflight

preflight(DATASET, PERSON=PERSON, N_SAMPLES=(N_SAMPLES, range(2, 21)), SEED=SEED)

import numpy as np
import pandas as pd

from pmt_helpers.activity import Person, personalise, train_local, train_shared
from pmt_helpers.datasets import load_activity, load_recordings
from pmt_helpers.teaching import (
    check,
    choose_person,
    explore,
    export_button,
    figures,
    my_person,
    my_progress,
    prediction,
    quiz,
    reveal,
    say,
)

# %% [markdown]
# ## Who are you?
# The people in this data set recorded how they move. You are one of them, and only your device has your recordings.
# Keep the person offered or choose another (of your own recordings, you are person 0). All notebooks use the person
# you choose here.

# %%
choose_person(DATASET, default=5)

# %% [markdown]
# People differ. Here ten people with a smart watch on their wrist do the same exercise. (PEN is a pendulum; the
# watch's other classes are ABD and FEL, the arm raised sideways and to the front, IR and ER, turned inwards and
# outwards, and two kinds of rowing, TRAP and ROW.) Move the slider with the arrow keys.

# %%
recordings = load_recordings("watch")
same = [r for r in recordings if (r.class_name, r.side) == (recordings[0].class_name, recordings[0].side)]
explore(
    pd.DataFrame({"person": [r.user for r in same], "recording": same}),
    by="person",
    draw=lambda rows: figures.signals(rows["recording"].tolist(), seconds=10),
    description="person",
)

# %% [markdown] tags=["slide"]
# ## The whole idea in one figure
# A recording is cut into *windows* of a few seconds. The model says which activity a window shows.
#
# The **shared** model is trained in the cloud on the other people. Your device downloads it and continues training it
# at home, with a few labelled windows of yours: this is the **personal** model. A **local** model learns from the same
# few windows, but starts from random *weights*: the numbers of a model that training sets.

# %%
data = load_activity(DATASET)
person = my_person(DATASET, PERSON, default=5)
you = Person.of(data, person, seed=SEED)
shared = train_shared(data, exclude_user=person, seed=SEED)

# %% tags=["slide", "code"]
at_home = {"validation": you.validation(N_SAMPLES), "seed": SEED}
local = train_local(shared, *you.train(N_SAMPLES), **at_home)
personal = personalise(shared, *you.train(N_SAMPLES), **at_home)
result = you.compare(shared=shared, local=local, personal=personal)
figures.three_models(result, person=person, n_windows=result["n_test"].iloc[0])

# %% [markdown]
# This was computed just now, on windows that none of the three models trained on. The black lines (intervals) are long
# because one person has few test windows. A difference of a few points means nothing here; notebook 02 repeats this
# for everybody.
#
# Nothing was sent: `train_shared` never saw your windows, and `personalise` ran here.

# %% tags=["slide"]
n_volunteers = len(shared.card["users"])
say(
    f"Trained in the cloud: {n_volunteers} volunteers, {shared.card['n_train']} windows of theirs, 0 of yours.",
    f"Trained at home: {N_SAMPLES} windows of yours, none of which left your device.",
    "As many more, or nearly so, decide when to stop: they need labels, too.",
)

# %% [markdown]
# ## Predict before you run
# Every notebook asks you for a guess before it shows a result.

# %% tags=["slide"]
more = min(2 * N_SAMPLES, len(you.split.train))
prediction(
    f"With {more} training windows instead of {N_SAMPLES}, which model gains most?",
    ["the shared one", "the local one", "the personal one", "two of them alike"],
    key="00-which-gains-most",
)

# %% tags=["slide"]
at_home = {"validation": you.validation(more), "seed": SEED}
with_more = you.compare(
    shared=shared,
    local=train_local(shared, *you.train(more), **at_home),
    personal=personalise(shared, *you.train(more), **at_home),
)
title = f"Person {person}, {more} windows"
figures.three_models(with_more, person=person, n_windows=with_more["n_test"].iloc[0], title=title)

# %%
gain = with_more.set_index("model")["accuracy"] - result.set_index("model")["accuracy"]
most = gain.index[gain > gain.max() - 1e-9]
reveal("00-which-gains-most", f"the {most[0]} one" if len(most) == 1 else "two of them alike")
say("; ".join(f"{model}: {100 * change:+.0f} points" for model, change in gain.items()) + ".")

# %% [markdown]
# The shared model cannot gain: it learns nothing from you. For one person and one split the local model may beat the
# personal one. So the rest of the workbook looks at all people, and says how many of them get a *worse* model.
#
# ## How exercises work
# Write a few lines where it says `# your code here`, then run the cell. `check(...)` tells you whether your answer is
# right, or names the likely mistake. Three hints open one after the other. A wrong answer never stops the notebook,
# and no later cell needs your answer.
#
# **Warm-up.** Accuracy is the share of predictions that are right. Write it.


# %% tags=["slide"]
def accuracy(predicted, actual):
    """Share of predictions that are right. Both are NumPy arrays of class numbers, (n_windows,)."""
    ### BEGIN SOLUTION
    return (predicted == actual).mean()
    ### END SOLUTION


def on_your_windows(accuracy):
    """the accuracy of all three models on your test windows, by your function."""
    X, y = you.test
    models = {"shared": shared, "local": local, "personal": personal}
    say("By your function:", ", ".join(f"{name} {accuracy(m.predict(X), y):.0%}" for name, m in models.items()) + ".")


check("warm-up", accuracy, use=on_your_windows)

# %% [markdown]
# **Break it:** how good is a model that always gives the same answer? Compare every accuracy with this one first.

# %%
X_test, y_test = you.test
counts = np.bincount(y_test)
frequent, share = data.class_names[counts.argmax()], counts.max() / len(y_test)
say(f"Always guessing {frequent} is right for {share:.0%} of your test windows.")

# %% [markdown]
# ## Keep your answers
# Your person, your guesses and which checks you have passed are in one small file on this machine. Your code is in the
# notebooks. On Binder, before you leave, run this cell again, download the file, and each notebook too (File,
# Download).

# %%
export_button()

# %% [markdown] tags=["slide"]
# ## The map
#
# | notebook | question | minutes |
# |---|---|---|
# | **00 start here** | what is a personal model? | 10 |
# | [01 base model](01_base_model.ipynb) | how good is a shared model for a person it has never seen? | 35 |
# | [02 personal model](02_personal_model.ipynb) | how little of your own data is enough, and whom does it harm? | 40 |
# | [03 topic models](03_topic_models.ipynb) | does the same idea work for private documents? | 40 |
# | [04 adversaries](04_adversaries.ipynb) | what can volunteers spoil, and what repairs it? | 30 |
# | [05 privacy](05_privacy.ipynb) | what do models tell about people, and what hides it? | 40 |
# | [06 on the device](06_raspberry_pi.ipynb) | can a small device do all this? | 40 |
# | [07 the whole system](07_whole_system.ipynb) | does it work with a real cloud and real devices? | 45 |
# | [glossary](glossary.ipynb) | what does a term mean? | |
#
# What you have done so far. (`python -m pmt_helpers doctor` says it in a terminal.)

# %%
my_progress()

# %%
quiz("00")

# %% [markdown]
# **Take-aways.** A shared model comes to you and nothing goes back. A few windows of your own can change a lot. The
# accuracy of one person is a rough number.
#
# **Limits.** One split, one seed, one person: the figures above are examples, not evidence.
#
# **Next:** [01 Base model](01_base_model.ipynb): how good is the shared model before you retrain it?
