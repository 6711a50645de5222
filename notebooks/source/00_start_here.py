# %% [markdown]
# # Start here: a model of your own, and your data stays home
#
# **The claim this workbook tests:** start from a model trained on a few volunteers, retrain it at home on a little data
# of your own, and it serves you better than theirs and sooner than one you train alone (Servia-Rodríguez and others,
# *Privacy-Preserving Personal Model Training*, 2018).
#
# About 5 to 10 minutes. Needs under 800 MB of memory and no network.
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
DATASET = "watch"  # or "wisdm", once fetched
PERSON = None  # None: the person chosen in the menu below
N_SAMPLES = 15  # windows that you label at home
SEED = 0

# %%
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
    prediction,
    preflight,
    quiz,
    reveal,
    say,
)

preflight(DATASET)

# %% [markdown]
# ## Who are you?
# Ten people wore a smart watch while doing shoulder exercises. You are one of them, and only your device has your
# recordings. Keep the person offered or choose another; your number follows you through the workbook.

# %%
choose_person(DATASET, default=5)

# %% [markdown]
# Meet the others: the same exercise on each person's wrist. Move the slider with the arrow keys.

# %%
recordings = load_recordings("watch")
same = [r for r in recordings if (r.class_name, r.side) == (recordings[0].class_name, recordings[0].side)]
explore(
    pd.DataFrame({"person": [r.user for r in same], "recording": same}),
    by="person",
    draw=lambda rows: figures.signals(rows["recording"].tolist(), seconds=10),
    description="person",
)

# %% [markdown]
# ## The whole idea in one figure
# The **shared** model is trained in the cloud on the other people. Your device downloads it and trains on, at home,
# with a few labelled windows of yours: the **personal** model. A **local** model learns from the same few windows, but
# from scratch.

# %%
data = load_activity(DATASET)
person = PERSON or my_person(DATASET, default=5)
you = Person.of(data, person, seed=SEED)
shared = train_shared(data, exclude_user=person, seed=SEED)

# %%
at_home = {"validation": you.validation(N_SAMPLES), "seed": SEED}
local = train_local(shared, *you.train(N_SAMPLES), **at_home)
personal = personalise(shared, *you.train(N_SAMPLES), **at_home)
result = you.compare(shared=shared, local=local, personal=personal)
figures.three_models(result, person=person, n_windows=result["n_test"].iloc[0])

# %% [markdown]
# This was computed just now, on windows that none of the three models trained on. The whiskers are wide because one
# person's test is small: a few points mean nothing here, and notebook 02 will repeat this for everybody.
#
# Nothing was sent: `train_shared` never saw your windows, and `personalise` ran here.

# %%
n_volunteers = len(shared.card["users"])
say(
    f"Trained in the cloud: {n_volunteers} volunteers, {shared.card['n_train']} windows of theirs, 0 of yours.",
    f"Trained at home: {N_SAMPLES} windows of yours, none of which left.",
)

# %% [markdown]
# ## Predict before you run
# With twice as many labelled windows, which model gains most?

# %%
prediction(
    f"With {2 * N_SAMPLES} labelled windows instead of {N_SAMPLES}, which model gains most?",
    ["the shared one", "the local one", "the personal one", "two of them alike"],
    key="00-which-gains-most",
)

# %%
more = 2 * N_SAMPLES
at_home = {"validation": you.validation(more), "seed": SEED}
with_more = you.compare(
    shared=shared,
    local=train_local(shared, *you.train(more), **at_home),
    personal=personalise(shared, *you.train(more), **at_home),
)
figures.three_models(with_more, person=person, n_windows=with_more["n_test"].iloc[0])

# %%
gain = with_more.set_index("model")["accuracy"] - result.set_index("model")["accuracy"]
most = gain.index[gain > gain.max() - 1e-9]
reveal("00-which-gains-most", f"the {most[0]} one" if len(most) == 1 else "two of them alike")
say("; ".join(f"{model}: {100 * change:+.0f} points" for model, change in gain.items()) + ".")

# %% [markdown]
# The shared model cannot gain: it learns nothing from you. Local and personal may swap places for one person and one
# split; that is why the rest of the workbook counts over people and says how many are made *worse*.

# %% [markdown]
# ## How exercises work
# You write a few lines where it says `# your code here`, then run the cell with `check(...)`. It tells you what is
# right, or names the likely mistake; hints open one after the other. It never stops the notebook, and no later cell
# needs your answer.
#
# **Warm-up.** Accuracy is the share of predictions that are right. Write it.


# %%
def accuracy(predicted, actual):
    """Share of predictions that are right. Both are NumPy arrays of class numbers, (n_windows,)."""
    ### BEGIN SOLUTION
    return (predicted == actual).mean()
    ### END SOLUTION


check("warm-up", accuracy)

# %% [markdown]
# **Break it:** how good is a model that always gives the same answer? Before you believe any accuracy, know this one.

# %%
X_test, y_test = you.test
counts = pd.Series(y_test).value_counts()
frequent, share = data.class_names[counts.idxmax()], counts.max() / len(y_test)
say(f"Always guessing {frequent} is right for {share:.0%} of your test windows.")

# %% [markdown]
# ## Keep your answers
# Your person, guesses and check results are in one small file on this machine. On Binder, download it before you leave.

# %%
export_button()

# %% [markdown]
# ## The map
#
# | notebook | question | minutes |
# |---|---|---|
# | **00 start here** | what is a personal model? | 5 to 10 |
# | **01 base model** | how good is a shared model for someone it has never seen? | 30 to 45 |
# | **02 personal model** | how little of your own data is enough, and whom does it harm? | 30 to 45 |
# | **03 topic models** | does the same idea work for private documents? | 30 to 45 |
# | **04 adversaries** | what can volunteers poison, and what does a model tell about you? | 45 |
# | **05 on the device** | can a small device do all this? | 30 to 45 |

# %%
quiz("00")

# %% [markdown]
# **Take-aways.** A shared model comes to you and nothing goes back; a few windows of your own can change a lot; one
# person's accuracy is a rough number. **Limits.** One split, one seed, one person: the figures above are examples, not
# evidence.
#
# **Next:** [01 Base model](01_base_model.ipynb).
