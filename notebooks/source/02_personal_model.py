# %% [markdown]
# # 02 A personal model, trained at home
#
# Notebook 01 built the shared model. This one retrains it on your device, for you alone.
#
# **The claim this notebook tests:** with about twenty labelled samples of your own, a personal model beats the shared
# one. A model trained on your data alone needs more than 150 to catch up (section III-C of the paper).
#
# About 40 minutes, and 15 more for what goes further. Needs under 800 MB of memory and no network. Terms:
# [glossary](glossary.ipynb).
#
# **After this notebook you can**
# 1. retrain a network one window at a time, and decide when to stop;
# 2. compare models person by person: a gain, its interval, and how many people get a *worse* model;
# 3. say what a split tests, and where a personal model does harm.
#
# > **Threat model: who sees what while you retrain**
# >
# > | | your windows and labels | the shared weights | your personal weights |
# > |---|---|---|---|
# > | your device | yes | yes, downloaded | yes |
# > | the cloud | **no** | yes, it made them | **no** |
# > | volunteers | no | yes | no |
# >
# > Nothing goes back. Notebook 05 shows what the cloud could learn if your personal weights did.

# %% tags=["parameters"]
DATASET = "watch"  # or "wisdm", once fetched: python -m pmt_helpers data fetch wisdm; or "mine": you, see 02
PERSON = None  # None: the person chosen in notebook 00
N_SAMPLES = 20  # windows that you train on at home; as many again decide when to stop
SEED = 0

# %%
from pmt_helpers.teaching import preflight

preflight(DATASET, PERSON=PERSON, N_SAMPLES=(N_SAMPLES, (5, 10, 15, 20, 30, 40)), SEED=SEED)

import time

import numpy as np

from pmt_helpers.activity import (
    MITIGATIONS,
    Person,
    accuracy_by_epoch,
    compare_strategies,
    compare_with_keras,
    crossing,
    curve_distance,
    gain_chosen_on_others,
    gains_at,
    learning_curve,
    mean_curve,
    paired_gain,
    personalise,
    rehearsal_windows,
    strategy_family,
    train_local,
    train_shared,
)
from pmt_helpers.datasets import load_activity, load_card, paper_table
from pmt_helpers.experiments import compare_at_equal_labels, stored_curve
from pmt_helpers.teaching import (
    check,
    claims_table,
    explore,
    figures,
    label_recording,
    my_person,
    own_or_played,
    prediction,
    quiz,
    reveal,
    say,
    sgd_step,
)

# %% [markdown]
# ## The answer first
# This is the paper's Figure 3, measured again on its own data (WISDM) by its own protocol: every person in turn, five
# folds, every number of samples. Bands are intervals over people. The paper's lines and people are grey, behind ours.

# %% tags=["slide"]
wisdm = stored_curve("wisdm", "random", early_stopping=False)
smooth, points = paper_table("fig3_accuracy_smooth"), paper_table("fig3_accuracy_points")
theirs = crossing(smooth.assign(user=0), "personal", "shared", min_users=1)
ours = crossing(wisdm, "personal", "shared")
say(f"Personal is ahead of shared from {ours:.0f} samples on; in the paper's figure from {theirs:.0f}.")
figures.accuracy_by_samples(mean_curve(wisdm), smooth, points, title="Figure 3, measured again")

# %% tags=["slide"]
prediction(
    f"WISDM, {N_SAMPLES} samples, with early stopping: the mean gain is positive. What share of people lose?",
    (0, 1, 0.01),
    key="02-harmed",
)

# %% [markdown]
# With many samples the order is the paper's: the personal model is ahead of both others. The heights are not: ours are
# far above, and the lines cross earlier. *Going further: break it with one character* finds what explains most of
# this. (Few people have many samples. Where the shared line moves, the model has not changed: fewer people are left in
# the average.)
#
# These are means over people: a mean can hide people who lose. Step 4 shows each person, and answers your prediction.
#
# ## Step 1. Retrain for yourself
# The cloud trains without you. Your device downloads the result. It then takes one small training step for each of
# your windows, again and again, until the loss on the windows put aside for validation stops falling. One pass through
# all windows is an *epoch*.

# %% tags=["slide", "code"]
data = load_activity(DATASET)
person = my_person(DATASET, PERSON, default=5)
you = Person.of(data, person, seed=SEED)
shared = train_shared(data, exclude_user=person, seed=SEED)
at_home = {"validation": you.validation(N_SAMPLES), "seed": SEED}
started = time.perf_counter()
personal = personalise(shared, *you.train(N_SAMPLES), **at_home)
local = train_local(shared, *you.train(N_SAMPLES), **at_home)
say(f"At home, both models together took {time.perf_counter() - started:.2f} s.")
say(f"Epochs run: {len(personal.history)} for the personal model, {len(local.history)} for the local one.")
figures.three_models(you.compare(shared=shared, local=local, personal=personal), person=person)

# %% [markdown]
# ## Step 2. The loop inside
# `sgd_step(W, b, x, label, learning_rate)` is the step of notebook 01, for one window and its class. Give its
# arguments in this order; it returns a new `W` and `b`.
#
# **Exercise 1.** Train one softmax layer as your device does: one window per step, in the order given, `epochs` times
# through all of them. For example, 2 epochs over 3 windows are 6 steps.


# %% tags=["slide"]
def online_sgd(W, b, X, y, epochs, learning_rate):
    """W (n_features, n_classes), b (n_classes,), windows X (n, n_features), classes y (n,). Returns the new W and b."""
    ### BEGIN SOLUTION
    for _ in range(epochs):
        for x, label in zip(X, y, strict=True):
            W, b = sgd_step(W, b, x, label, learning_rate)
    return W, b
    ### END SOLUTION


def on_your_windows(train):
    """the accuracy of a softmax layer that your loop trains on your own windows."""
    X, y = you.train(N_SAMPLES)
    start = np.zeros((43, len(data.class_names))), np.zeros(len(data.class_names))
    W, b = train(*start, shared.scaler.transform(X), y, 50, 0.05)
    right = (shared.scaler.transform(you.test[0]) @ W + b).argmax(axis=1) == you.test[1]
    say(f"Your loop, 50 epochs on {len(y)} windows, without a hidden layer: {right.mean():.0%} of your test is right.")


check("online-sgd", online_sgd, use=on_your_windows)

# %% [markdown]
# The workbook's own loop does this for the whole network, compiled to machine code. Is it the same training as Keras'
# `fit` with one window per step? First compare the weights, then the time.

# %%
pair = compare_with_keras(shared, *you.train(N_SAMPLES), epochs=40)
say(f"Compiled: took {pair.ours_seconds:.4f} s. Keras: took {pair.keras_seconds:.2f} s.")
say(f"No weight differs by more than 0.0001: {pair.largest_difference < 1e-4}.")

# %% [markdown]
# The weights are the same, and the loop is hundreds of times faster: a person's whole learning curve takes a second.
#
# ## Step 3. When to stop
# Move the slider. It shows the same training after more and more epochs, for several numbers of samples.

# %%
sizes = [n for n in (2, 5, 10, 20, 30) if n <= len(you.split.train)]  # a recording of your own may have fewer
by_epoch = accuracy_by_epoch(shared, you, sizes=sizes, seed=SEED)
for stop, when in ((True, "stopped by validation"), (False, "never stopped")):
    gain = paired_gain(stored_curve(DATASET, early_stopping=stop), 5)
    say(f"Everybody, 5 samples, {when}: {gain}.")
to_see = "" if DATASET == "mine" else ": set PERSON in the first cell to see it in the slider"
say(f"Never stopped, person {gain.by_user.idxmin()} loses most{to_see}.")
explore(
    by_epoch,
    by="epoch",
    draw=lambda rows: figures.accuracy_by_samples(rows, title=f"Person {person}, epoch by epoch"),
    description="epochs",
    start=100,
)

# %% [markdown]
# (In brackets is an interval of the mean gain; you make one in Exercise 3. The watch's people probably
# exercised in pairs, so there it is over pairs.)
#
# For some people, few samples and many epochs make the personal model *worse* than the shared one: it learns those
# windows by heart. The person named above is one of them; for others, more epochs only help. The slider looks at test
# windows, so choosing an epoch by it would be cheating. Choose by the windows put aside; the two printed lines say
# what that is worth.
#
# But those windows need labels, too: "5 samples, stopped by validation" are ten windows that somebody labelled. With
# forty labels, is it better to train on all of them, or to train on half and keep half to decide when to stop?

# %% tags=["slide"]
for dataset in ("watch", "wisdm"):
    gain, harmed, harmed_stopped = compare_at_equal_labels(dataset, labels=40)
    say(f"{dataset}, personal models, 40 trained on against 20 and 20 to stop by: {gain}.")
    say(f"  Against the shared model: worse for {harmed} people without stopping, for {harmed_stopped} with it.")

# %% [markdown]
# On the watch, where retraining gains most, every label is better spent on training. On WISDM, where it gains less,
# the two means hardly differ, but stopping protects people from harm. The workbook stops early by default, because at
# home nobody can tell which case it is.
#
# **Exercise 2.** Decide when to stop: as soon as the loss has not fallen below its lowest value for `patience` epochs
# in a row. Keep the epoch with the lowest loss, the first if there are several. Without a stop, all epochs are run.
# For example, the losses $3, 2, 2.5, 2.4, 1$ with patience 2 stop after epoch 4 and keep epoch 2.


# %% tags=["slide"]
def early_stopping(val_losses, patience):
    """val_losses (n_epochs,), the loss after each epoch. Returns the epoch kept and the epochs run, both from 1."""
    ### BEGIN SOLUTION
    best, kept = np.inf, 0
    for epoch, loss in enumerate(val_losses, start=1):
        if loss < best:
            best, kept = loss, epoch
        elif epoch - kept >= patience:
            break
    return kept, epoch
    ### END SOLUTION


def on_your_training(stop):
    """where your rule stops the training of your personal model, beside ours."""
    kept, run = stop(personal.history["val_loss"].to_numpy(), 10)
    say(f"Your rule keeps epoch {kept} and runs {run}; the package ran {len(personal.history)}.")


check("early-stopping", early_stopping, use=on_your_training)

# %% [markdown]
# ## Step 4. Everybody, one by one
# One person proves nothing. Each line of the next figure is a person. Test windows come from another stretch of time
# than the training windows, and training stops early. These are stored results. Yours are computed again first, to see
# that they agree.

# %% tags=["slide"]
everybody = stored_curve(DATASET)
again = learning_curve(data, users=[person], sizes=(5, 10, 20), seed=0)  # the seed of the stored ones
mine = again.groupby(["model", "n_samples"])["accuracy"].mean()
kept = everybody[everybody["user"] == person].set_index(["model", "n_samples"])["accuracy"].loc[mine.index]
say(f"{len(again)} models live: the largest difference from the stored values is {(mine - kept).abs().max():.2f}.")
figures.gain_of_each_person(everybody, at=N_SAMPLES, highlight=person)

# %%
gain = paired_gain(stored_curve("wisdm"), N_SAMPLES)
reveal("02-harmed", len(gain.harmed) / len(gain.by_user))
losses = -100 * gain.by_user[gain.harmed]
say(f"On WISDM: {gain}.")
say(f"Of those who lose, half lose at most {losses.median():.1f} points; the largest loss is {losses.max():.1f}.")
say("And in your data set: with more samples, are fewer people harmed? Move the slider.")
kinds = everybody[everybody["model"] != "local"].rename(columns={"model": "kind"})
explore(
    kinds[kinds["n_samples"].isin((1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 60))],
    by="n_samples",
    draw=lambda rows: figures.per_person(rows, highlight=person, title="Before and after retraining"),
    description="samples",
    start=N_SAMPLES,
)

# %% [markdown] tags=["numbers-ok"]
# **Exercise 3.** With other people, would the mean gain still be above zero? Draw as many *people* as there are, with
# replacement, and average their gains. Do this `n_resamples` times. The interval holds the middle 95% of these
# averages: return its two ends. This is the *bootstrap*; people are drawn, not windows, because people are what
# differs.


# %%
def paired_interval(before, after, n_resamples, seed):
    """Accuracies of the same people before and after, (n_people,) each. Returns the 2.5% and 97.5% quantiles."""
    ### BEGIN SOLUTION
    gains = after - before
    rng = np.random.default_rng(seed)
    people = rng.integers(0, len(gains), size=(n_resamples, len(gains)))
    low, high = np.quantile(gains[people].mean(axis=1), [0.025, 0.975])
    return low, high
    ### END SOLUTION


def on_everybody(interval):
    """your interval of the mean gain on WISDM, beside the package's, a bootstrap too."""
    at = stored_curve("wisdm").query(f"n_samples == {N_SAMPLES}")
    table = at.groupby(["user", "model"])["accuracy"].mean().unstack().dropna()
    low, high = interval(table["shared"].to_numpy(), table["personal"].to_numpy(), 2000, SEED)
    say(f"Your interval: {100 * low:+.1f} to {100 * high:+.1f} points. The package: {gain}.")


check("paired-bootstrap", paired_interval, use=on_everybody)

# %% [markdown]
# ## What the paper says, and what we measured

# %%
claims_table(notebook="02")

# %%
quiz("02")

# %% [markdown]
# **Take-aways.** A little data at home helps most where the shared model is worst. Say how many people are harmed, not
# only the mean. Ask what a split tests: on new recordings the gain can vanish, or become a loss.
#
# **Limits.** We assume that labels cost nothing and are correct. "Samples" counts the windows trained on: with early
# stopping, as many again are put aside to decide when to stop. There are ten people in one study and thirty-six in the
# other. The ten come in five pairs who probably exercised together, so their intervals are over pairs, and wide.
#
# **Next:** [03 Topic models](03_topic_models.ipynb): the same idea for private documents.
#
# ## Going further: what a split tests (8 minutes)
# Windows of the watch overlap. So a training window can share readings with a test window, and then the test is too
# easy.
#
# **Exercise 4.** Find the leak: which training windows share at least one reading with a test window? Two windows
# share readings when they are of the same recording and their starts are less than one window apart.


# %%
def leaked(recordings, starts, train, test, window):
    """recordings, starts (n_windows,): of which recording a window is, and its first reading; train, test: row numbers.

    window: readings in a window. Returns a mask (len(train),): True for a training window that leaks.
    """
    ### BEGIN SOLUTION
    same = recordings[train][:, None] == recordings[test]
    apart = np.abs(starts[train][:, None] - starts[test])
    return (same & (apart < window)).any(axis=1)
    ### END SOLUTION


def in_your_splits(leaked):
    """how many of your training windows leak when you split at random, and when you split by time."""
    for kind, name in (("random", "at random"), ("blocked", "by time")):
        split = Person.of(data, person, kind, seed=SEED).split
        leaks = leaked(data.recordings, data.starts, split.train, split.test, data.window_readings)
        say(f"Split {name}: {leaks.sum()} of your {len(leaks)} training windows leak.")


check("find-the-leak", leaked, use=in_your_splits)

# %% [markdown]
# The next figures test personal models in three ways. *Random windows* is the paper's protocol, the only one here
# without early stopping. *Another time* tests on another stretch of time of the same recordings. *New recordings* of
# the watch are those of the other arm. A *bout* of WISDM is a stretch of one activity; *new bouts* were not trained
# on. They often show an activity that the person has not labelled at all.

# %%
for dataset, title in (("watch", "Watch: tested in three ways"), ("wisdm", "WISDM: tested in three ways")):
    unseen = load_card(dataset).unseen_split
    names = {"random": "random windows", "blocked": "another time", unseen: f"new {unseen}s"}
    curves = {name: stored_curve(dataset, kind, early_stopping=kind != "random") for kind, name in names.items()}
    figures.gain_by_split(gains_at(curves, (5, 10, 20, 40)), title=title).show()

# %% [markdown]
# ## Going further: forgetting, and three cures (3 minutes)
# A network that is retrained on some activities forgets others. Here are three attempts to hold it back. Retrain only
# the **output layer**. **Pull** the weights back towards the shared ones. **Rehearse** a few windows of volunteers
# beside your own (those volunteers then give their windows to everybody). In the figure, right is better on what was
# trained on, and up is better on what was not. The number at a point is the strength: how hard the weights are pulled,
# or how many windows per activity are rehearsed.

# %%
N_CURE = 40
known, new = stored_curve("wisdm", cures=True), stored_curve("wisdm", "bout", cures=True)
figures.trade_off(compare_strategies(known, new, N_CURE), "in other stretches of known bouts", "in new bouts")

# %% [markdown]
# No cure is free, and on new bouts none is better than not retraining at all. The next cell compares each cure with
# plain retraining on new bouts; the strength of each cure is the one that worked best for the other people. Then it
# tries the cures on your own data.

# %%
for family in dict.fromkeys(map(strategy_family, MITIGATIONS)):
    strengths = [cure for cure in MITIGATIONS if strategy_family(cure) == family]
    say(f"{family}: {gain_chosen_on_others(new, N_CURE, strengths)}.")
hard = Person.of(data, person, data.card.unseen_split, seed=SEED)
at_home = {"validation": hard.validation(N_SAMPLES), "seed": SEED}
public = rehearsal_windows(data, person, per_class=10, seed=SEED)
ways = {
    "personal": {},
    "output layer only": {"layers": "output"},
    "pull 3": {"pull": 3},
    "rehearsal 10": {"rehearsal": public},
}
tried = {name: personalise(shared, *hard.train(N_SAMPLES), **at_home, **way) for name, way in ways.items()}
say(f"{len(hard.test[1])} windows of one person cannot decide between these: look at the intervals.")
hard.compare(shared=shared, **tried).round(3)

# %% [markdown]
# ## Going further: break it with one character (3 minutes)
# The paper says that weights start as `N(0, 1)` divided by `sqrt(2 / n)`. The usual initialisation for this network
# (He's) *multiplies*. Which of the two gives the paper's curve?

# %% tags=["slide"]
prediction(
    "Which initial weights give a curve closer to the paper's?",
    ["multiplied (He)", "divided (as printed)"],
    key="02-init",
)

# %% tags=["slide"]
literal = stored_curve("wisdm", "random", early_stopping=False, init="literal")
apart = {"multiplied (He)": curve_distance(wisdm, smooth), "divided (as printed)": curve_distance(literal, smooth)}
reveal("02-init", min(apart, key=apart.get))
gaps = ", ".join(f"{name} {100 * gap:.0f}" for name, gap in apart.items())
say(f"Points between our lines and the paper's, on average: {gaps}.")
figures.accuracy_by_samples(mean_curve(literal), smooth, title="With the formula as printed")

# %% [markdown]
# When divided, the first weights are tens of times larger: the network starts very sure and very wrong, and small
# steps hardly change it. This fits the paper's curve well. It does not prove that the authors ran it so. What is
# certain: one character can move a curve by more than the effect that the curve is about.
#
# ## Going further: your own phone (3 minutes, and the time to record)
# Now be the person.
#
# 1. **Fetch** WISDM once, in a terminal in the workbook's folder:
#    `.venv/bin/python -m pmt_helpers data fetch wisdm`. (Without it, do the watch's exercises, with a watch or a phone
#    at your wrist.)
# 2. **Record** two minutes of each of its activities, each in a recording of its own: walking, jogging, upstairs,
#    downstairs, sitting, standing. The phone is in a front trouser pocket, with the app open and the screen on: a
#    locked screen or a call may end the recording.
#    - *phyphox*: "Acceleration with g". Its *Timed run* starts it once the phone is in your pocket. Export as CSV.
#    - *Sensor Logger*: "Total Acceleration", or on an iPhone "Gravity" beside "Accelerometer"; export the .zip.
#    - *Physics Toolbox*: "G-Force Meter"; or any other table of time, x, y and z, with gravity.
# 3. **Send** the files to this computer, by cable or AirDrop: mail and clouds show them to others.
# 4. **Name** each file after its activity, in full: `walking.csv`, `downstairs 2.zip`, `PEN.csv`. Other files need
#    labels: choose a stretch and its activity in the next cell, and add it.
# 5. **Upload** them with the button below. They and their labels are kept in `my_recordings`, and nothing is sent.
# 6. **Run** the cell after it, `own = own_or_played(person)`. The cloud is the data set's people, without you.
#
# As long as you have no recordings, a person of the watch plays you, whose readings were written as phyphox writes
# them. The first and last second of each stretch are left out. With `DATASET = "mine"` in the first cell you are the
# person of the notebooks 00, 01, 02, 05 and 07. Where these speak of stored results, yours are computed while you
# wait.

# %%
label_recording()

# %%
own = own_or_played(person)
yourself = Person.of(own, 0, seed=SEED)
n = min(N_SAMPLES, len(yourself.split.train))
cloud = train_shared(own, exclude_user=0, seed=SEED)
at_home = {"validation": yourself.validation(n), "seed": SEED}
ways = {"local": train_local, "personal": personalise}
trained = {name: train(cloud, *yourself.train(n), **at_home) for name, train in ways.items()}
folds = learning_curve(own, users=[0], sizes=(n,), shared={0: cloud}, seed=SEED)
mean = folds.groupby("model")["accuracy"].mean()
say(f"{n} windows, mean of {folds['fold'].nunique()} folds:", ", ".join(f"{m} {a:.2f}" for m, a in mean.items()) + ".")
say(f"Retraining changes your accuracy by {100 * (mean['personal'] - mean['shared']):+.0f} points.")
figures.three_models(yourself.compare(shared=cloud, **trained), person=0, n_windows=len(yourself.test[1]))
