# %% [markdown]
# # 04 Adversaries
#
# **The claim this notebook tests:** volunteers who send false data can spoil the shared model, but not the personal
# one (section V-A of the paper argues; here it is measured).
#
# About 30 minutes, and 2 more for what goes further. Needs under 800 MB of memory and no network. Terms:
# [glossary](glossary.ipynb).
#
# **After this notebook you can**
# 1. attack a shared model through its volunteers, with false labels and with a backdoor;
# 2. say what retraining at home repairs, and what it cannot repair;
# 3. judge a defence by what it saves and by what it costs each person.
#
# > **Threat model: who can do what, in three designs**
# >
# > | | upload everything | federated averaging | this design |
# > |---|---|---|---|
# > | malicious volunteers reach you | yes | yes, in every round | through a download, which you may refuse |
# > | malware on your own device spoils | everybody's model | everybody's model | **only yours**, unless you volunteer |
# > | you can repair your model | no | if you retrain it at home | **yes**, with your own clean windows |
# > | the cloud can remove bad windows | yes | no, it sees weights | yes, those of volunteers |

# %% tags=["parameters"]
DATASET = "watch"  # or "wisdm", once fetched: python -m pmt_helpers data fetch wisdm
PERSON = None  # None: the person chosen in notebook 00
SEED = 0

# %%
from pmt_helpers.teaching import preflight

preflight(DATASET, PERSON=PERSON, SEED=SEED)

from dataclasses import replace

import numpy as np
from scipy.special import softmax

from pmt_helpers.activity import Person, personalise, train_local, train_shared, train_shared_fast
from pmt_helpers.attacks import poison_volunteers, score_attack, score_defence, score_sheet
from pmt_helpers.datasets import load_activity
from pmt_helpers.experiments import (
    compare_defences,
    cost_per_user,
    recovery_by_samples,
    stored_defences,
    stored_poisoning,
    stored_topic_attacks,
)
from pmt_helpers.teaching import (
    check,
    claims_table,
    explore,
    figures,
    my_person,
    prediction,
    quiz,
    reveal,
    say,
)

# %% [markdown]
# ## The answer first
# *Poison* is training data that somebody made false on purpose. On WISDM, half of the volunteers send poison of six
# kinds. Then each person retrains the model that they downloaded, with sixty clean windows of their own. The bars are
# two standard errors over people. The ticks are the same models without poison.

# %% tags=["slide"]
poison = stored_poisoning("wisdm")
ends = poison[poison["n_samples"].isin((0, 60)) & poison["model"].isin(("shared", "personal"))]
honest = ends[ends["kind"] == "none"]
honest = dict(zip(honest["model"], honest["accuracy"], strict=True))
by_volunteers = ends[ends["who"] == "volunteers"]
figures.poisoned_models(by_volunteers.query("fraction == 0.5"), honest, title="Half of the volunteers send poison")

# %% [markdown]
# The worst poison ruins the shared model. Personal models recover most of their accuracy. Step 2 explains one of the
# kinds, the *backdoor*.
#
# ## Step 1. False labels
# A careless attacker sends random labels. A careful one asks the clean model of the last release, which every
# volunteer has downloaded. It gives a probability to each class. The class with the lowest probability is the label
# that is furthest from what the window looks like, so it does most harm.
#
# **Exercise 1.** Write this attacker, so that you know what the cloud is up against. Of $n$ windows, a given fraction
# gets a false label, rounded to the nearest whole number of windows. `order` lists all rows in random order: flip the
# first ones. A false label is never the true class, not even where the model gives the true class the lowest
# probability. Do not change the arrays that you are given.


# %% tags=["slide"]
def flip_labels(y, probabilities, fraction, order):
    """y (n,): true labels; probabilities (n, n_classes): what the clean model says; order (n,): rows, in random order.

    Returns (n,), the labels that the volunteer sends: the first `fraction` of the rows in `order` get a false one.
    """
    ### BEGIN SOLUTION
    flipped = y.copy()
    believed = probabilities.copy()
    believed[range(len(y)), y] = np.inf
    chosen = order[: round(fraction * len(y))]
    flipped[chosen] = believed.argmin(axis=1)[chosen]
    return flipped
    ### END SOLUTION


def against_the_cloud(flip):
    """what your attacker does to the accuracy of the shared model, when half of the volunteers use it."""
    watch = load_activity("watch")
    clean, labels = train_shared_fast(watch, 1), np.array(watch.y)
    for user in watch.user_ids[1::2]:
        rows = np.flatnonzero(watch.users == user)
        order = np.random.default_rng(int(user)).permutation(len(rows))
        labels[rows] = flip(watch.y[rows], softmax(clean.logits(watch.X[rows]), axis=1), 0.9, order)
    bad, own = train_shared_fast(replace(watch, y=labels), 1), watch.select(watch.users == 1)
    before, after = ((model.predict(own.X) == own.y).mean() for model in (clean, bad))
    say(f"Person 1 of the watch: {before:.0%} with honest volunteers, {after:.0%} when half of them use your attack.")


check("label-flip", flip_labels, use=against_the_cloud)

# %%
explore(
    by_volunteers,
    by="fraction",
    draw=lambda rows: figures.poisoned_models(rows, honest, title="Some volunteers send poison"),
    description="share of malicious volunteers",
    start=0.3,
    label="{:.0%}".format,
)

# %% tags=["slide"]
prediction(
    "With the worst poison (half of the volunteers), how far from the clean personal model is one retrained with sixty "
    "clean windows, in points of accuracy?",
    (0, 40, 1),
    key="04-healing",
)

# %% tags=["slide"]
curves = {}
for name, kind in (("honest volunteers", "none"), ("random labels", "random"), ("least likely label", "least_likely")):
    rows = recovery_by_samples(poison, "volunteers", kind, 0.5)
    curves[name] = rows[rows["model"].isin(("shared", "personal"))]
at_60 = {name: float(rows.query("n_samples == 60")["accuracy"].iloc[0]) for name, rows in curves.items()}
reveal("04-healing", 100 * (at_60["honest volunteers"] - at_60["least likely label"]), digits=1)
figures.healing(curves)

# %% [markdown]
# Now live, for you: half of the volunteers send the least likely labels, the cloud trains as usual, and your device
# retrains with clean windows. The local model, trained on your windows alone, never met the poison. (*lower* and
# *upper* are an interval; a difference inside it means nothing.)

# %%
data = load_activity(DATASET)
person = my_person(DATASET, PERSON, default=5)
you = Person.of(data, person, seed=SEED)
n_clean = min(60, len(you.split.train))
bad = train_shared(poison_volunteers(data, person, 0.5, "least_likely", seed=SEED), exclude_user=person, seed=SEED)
healed = personalise(bad, *you.train(n_clean), validation=you.validation(n_clean), seed=SEED)
local = train_local(bad, *you.train(n_clean), validation=you.validation(n_clean), seed=SEED)
say(f"Person {person}: the poisoned shared model, and after {n_clean} clean windows the personal and the local one:")
you.compare(shared=bad, personal=healed, local=local).round(2)

# %% [markdown] tags=["slide"]
# ## Step 2. A poisoned device, and a backdoor
# Malware on *your* device changes your own labels. If you are no volunteer, the damage stays with you: nobody downloads
# your model.
#
# A **backdoor** is different. Volunteers mark some windows with an unusual pattern of features and give all of them
# one label. The model learns that the mark means this class. Whoever carries the mark is then taken for that class,
# and everybody else is classified as before.

# %% tags=["slide"]
at_home = poison[(poison["who"] == "user") & (poison["n_samples"] == 60) & (poison["fraction"] == 0.5)]
clean_home = poison[(poison["kind"] == "none") & (poison["n_samples"] == 60)]
clean_home = dict(zip(clean_home["model"], clean_home["accuracy"], strict=True))
door = by_volunteers[by_volunteers["kind"] == "backdoor"].query("fraction == 0.5").set_index("model")
for model in ("shared", "personal"):
    before, after, taken = honest[model], door["accuracy"][model], door["attack_success"][model]
    to_class = f"{taken:.0%} of the marked windows are taken for the attacker's class"
    say(f"Backdoor, {model}: accuracy {before:.0%} to {after:.0%}; {to_class}.")
never_stopped = stored_poisoning("wisdm", "random").query("who == 'user' and fraction == 0.5 and n_samples == 60")
worst = never_stopped.query("model == 'personal' and kind == 'least_likely'")["accuracy"].item()
say(f"Least likely labels of your own, in the paper's protocol, which never stops early: personal {worst:.0%}.")
figures.poisoned_models(at_home, clean_home, title="Half of your own windows are poisoned")

# %% [markdown]
# With half of your own labels false, the personal model loses less than the local one: it starts from a good model.
# Retraining repairs what your clean windows contradict. No clean window carries the mark, so none contradicts the
# backdoor. The least likely labels do more harm in the paper's protocol than in the figure. It never stops early, but
# it also splits windows at random, so part of this may be the split.
#
# ## Step 3. Defences, and what they cost
# The cloud has three kinds of defence. *Filters* leave out windows that look unusual for their class (outlier filter)
# or whose neighbours have other labels (neighbour filter). A *trimmed loss* leaves out the windows that the model
# finds hardest. *Robust averages* train one model per volunteer and average the weights so that a few cannot pull far.
#
# **Exercise 2.** Write the trimmed mean. Each row of `weights` is the model of one volunteer. For each weight
# (column), leave out the `n_trim` lowest and the `n_trim` highest values, and return the mean of the rest. For
# example, the values 1, 2, 90, 3 with `n_trim` 1 give the mean of 2 and 3.


# %% tags=["slide"]
def trimmed_mean(weights, n_trim):
    """weights (n_volunteers, n_weights): one model per row; n_trim: how many values to leave out at each end.

    Returns (n_weights,): for each weight, the mean of what is left.
    """
    ### BEGIN SOLUTION
    ordered = np.sort(weights, axis=0)
    kept = ordered[n_trim : len(weights) - n_trim]
    return kept.mean(axis=0)
    ### END SOLUTION


def with_a_malicious_volunteer(average):
    """how far one malicious volunteer of ten moves a plain mean, and your average."""
    honest = np.random.default_rng(SEED).normal(size=(10, 1000))
    sent = honest.copy()
    sent[0] = 100
    for name, mean in {"plain mean": lambda rows: rows.mean(axis=0), "yours": lambda rows: average(rows, 2)}.items():
        say(f"{name}: a weight moves by {np.abs(mean(sent) - mean(honest)).mean():.2f} on average.")


check("trimmed-mean", trimmed_mean, use=with_a_malicious_volunteer)

# %% [markdown]
# What does each defence save, and what does it cost when nobody attacks? Each row of a figure is a defence; a point is
# what it changes, compared with no defence (the dark line), for people who did not volunteer. The bars are two
# standard errors over people; *averaged: mean* is the average without protection. The table is the cost without
# attackers, in points, for honest volunteers of WISDM, tested on their own windows. There robust averages are compared
# with the average without protection, so that only the protection differs.

# %% tags=["slide"]
for name, title in (("watch", "The watch's ten people"), ("wisdm", "WISDM's many people")):
    compared = compare_defences(stored_defences(name))
    compared = compared.query("kind == 'none' or (kind == 'least_likely' and fraction == 0.3)")
    figures.defences(compared, "30% send the least likely labels", title=title).show()
paid = cost_per_user(stored_defences("wisdm", volunteers=True))
paid = paid[~paid["defence"].isin(("none", "averaged: mean"))]  # what the others are compared with
by_defence = paid.assign(points=100 * paid["change"]).groupby("defence")
cost = by_defence["points"].agg(["mean", "min"]).set_axis(["mean change", "worst person"], axis=1).round(1)
worse = by_defence["points"].agg(lambda points: f"{(points < -1e-9).sum()} of {len(points)}")
ranks = by_defence[["unusual", "points"]].corr("spearman").xs("points", level=1)["unusual"]
say("The last column is the rank correlation of a person's change with how unusually that person moves.")
cost.assign(**{"people worse off": worse, "correlation": ranks.round(2)}).sort_values("mean change", ascending=False)

# %% [markdown]
# Under attack robust averages are ahead on both data sets, on WISDM by less than the bars. There most people lose a
# little when nobody attacks, and a few lose a great deal. We expected that these are the people who move in an unusual
# way. They are not: the correlations are close to zero. So this number does not tell the cloud whom to warn.

# %% [markdown] tags=["slide"]
# ## Red team, blue team
# Write an attack or a filter of your own. **Red:** half of the volunteers use your attack. It may change half of their
# labels. You get points for the accuracy that the model loses on people it has never seen. **Blue:** your filter
# chooses the windows to train on. You get points for the accuracy that it gains under attack, less what it costs
# without attackers.
#
# **The goal** is to beat the strongest simple attack, or the strongest simple filter, by more than two standard
# errors. (*one label*: all false labels are of one class.) The examples below do not reach it. Some questions to start
# with: which windows matter most to the model? Which false labels help each other? What do all windows of a malicious
# volunteer have in common?
#
# The score comes from *hidden rounds*. Each round leaves other people out, makes other volunteers malicious, and
# starts training from another seed.


# %%
def my_attack(X, y, likelihood, n_flips, rng):
    """X (n, n_features), y (n,), likelihood (n, n_classes) of the last clean model. Returns n labels.

    The windows are those of one malicious volunteer, in random order.
    """
    labels = y.copy()
    labels[:n_flips] = rng.integers(likelihood.shape[1], size=n_flips)
    return labels


def my_filter(X, y, users):
    """X (n, n_features), y (n,), users (n,): what the volunteers sent. Returns (n,) bool, True for those to keep."""
    return np.ones(len(y), bool)


# With insecure_seed the rounds are the same each time, so that this notebook shows the same numbers each time. Leave it
# out to be scored on rounds that nobody knows.
red = score_attack(my_attack, data, insecure_seed=SEED)
blue = score_defence(my_filter, data, insecure_seed=SEED)
say(f"Red: {red}")
say(f"Blue: {blue}")
score_sheet({"red": red, "blue": blue})

# %% [markdown]
# ## Ethics
# We teach attacks so that you can compare designs and test defences. The people in these data sets gave their
# movements for research, without their names; do not try to find them. Try what you have learnt on your own models, or
# on models whose owners asked you to. If you find a weakness, tell the owners first.
#
# ## What the paper says, and what we measured

# %%
claims_table(notebook="04")

# %%
quiz("04")

# %% [markdown]
# **Take-aways.** Clean windows at home repair most of what false labels do, but hardly a backdoor. A defence has a
# cost, and a few people pay most of it. On the device of somebody who is no volunteer, poison hurts only that person.
#
# **Limits.** The attackers here are strong, but not the strongest there are. There are few people: ten, in five pairs
# who probably exercised together, and thirty-six.
#
# **Next:** [05 Privacy](05_privacy.ipynb): what do models tell about the people behind them, and what hides it?
#
# ## Going further: poisoned documents (2 minutes)
# Attackers can write documents, too. A few documents repeat a target word together with a word that the attacker wants
# to attach to it. The shared topics then learn that the two belong together. The figure shows
# $p(\text{attached word} \mid \text{target})$.

# %%
figures.crafted_documents(stored_topic_attacks("poison", "wikipedia"))

# %% [markdown]
# The personal model that only *starts* from the shared topics forgets the poison. The one that keeps them as a
# *prior*, which notebook 03 found to be the better model, keeps the poison as well. A simple defence ends it: count no
# word more than a few times per document.
