# %% [markdown]
# # 04 Adversaries
#
# **The claim this notebook tests:** lying volunteers can spoil the shared model but not the personal one, and data that
# never leaves a device cannot be stolen from elsewhere (section V-A of the paper argues; here it is measured).
#
# About 45 minutes. Needs under 800 MB of memory and no network.
#
# **After this notebook you can**
# 1. attack a shared model through its volunteers, and say what heals it and what a defence costs whom;
# 2. measure what a model tells about the data behind it;
# 3. train with differential privacy, say what its epsilon promises, and catch an implementation that leaks.
#
# > **Threat model: who can do what, in three designs**
# >
# > | | upload everything | federated averaging | this design |
# > |---|---|---|---|
# > | the cloud reads your data | yes | no, but your gradients | **no** |
# > | lying volunteers reach you | yes | yes, in every round | once, through the download |
# > | others attack your model | by asking the cloud | yes, it is everybody's | **no**, it stays home |
# > | volunteers are exposed | yes | yes | yes, through the shared model |

# %% tags=["parameters"]
DATASET = "watch"  # or "wisdm", once fetched: python -m pmt_helpers data fetch wisdm
PERSON = None  # None: the person chosen in notebook 00
SEED = 0

# %%
import time

import numpy as np
from IPython.display import display

from pmt_helpers.activity import Person, personalise, train_shared
from pmt_helpers.attacks import (
    gradient_at,
    poison_volunteers,
    recover_from_gradient,
    recover_word_counts,
    score_attack,
    score_defence,
)
from pmt_helpers.datasets import load_activity, load_documents
from pmt_helpers.experiments import (
    compare_defences,
    cost_per_user,
    privacy_cost,
    recovery_by_samples,
    stored_defences,
    stored_gradients,
    stored_inversion,
    stored_membership,
    stored_poisoning,
    stored_privacy,
    stored_private_attacks,
    stored_topic_attacks,
)
from pmt_helpers.privacy import (
    LEAKY,
    audit,
    digits_attack,
    noisy_counts,
    on_gradients,
    replay_attack,
    single_precision_noise,
    train_shared_private,
)
from pmt_helpers.teaching import (
    check,
    claims_table,
    explore,
    figures,
    my_person,
    prediction,
    preflight,
    quiz,
    reveal,
    say,
)
from pmt_helpers.topics import GibbsLDA

preflight(DATASET)

# %% [markdown]
# ## The answer first
# On WISDM, half of the volunteers hand in poison of six kinds. Each person then retrains what they downloaded with
# sixty clean windows. Whiskers are two standard errors over people; the ticks are the same models without poison.

# %%
poison = stored_poisoning("wisdm")
ends = poison[poison["n_samples"].isin((0, 60)) & poison["model"].isin(("shared", "personal"))]
honest = ends[ends["kind"] == "none"]
honest = dict(zip(honest["model"], honest["accuracy"], strict=True))
by_volunteers = ends[ends["who"] == "volunteers"]
figures.poisoned_models(by_volunteers.query("fraction == 0.5"), honest, title="Half of the volunteers lie")

# %% [markdown]
# The worst lies ruin the shared model, and personal models come back from most of it. (The backdoor hides in this
# figure: accuracy does not see it. We come to that.)
#
# ## Step 1. Lying volunteers
# A careless liar says anything. One who wants to do harm asks the clean model of the last release, which every
# volunteer has downloaded: the label that it finds *least likely* is farthest from what the window looks like.
#
# **Exercise 1.** Write that liar, so that you know what you are up against. Of $n$ windows, the given fraction lies,
# rounded to the nearest whole number of them. Lots were drawn for who: `order` lists all rows, the first liar first. A
# lie is never the true class, not even where the model finds that one least likely. Leave the arrays that you are given
# as they are.


# %%
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


check("label-flip", flip_labels)

# %%
explore(
    by_volunteers,
    by="fraction",
    draw=lambda rows: figures.poisoned_models(rows, honest, title="Volunteers who lie"),
    description="share of liars",
    start=0.3,
    label="{:.0%}".format,
)

# %%
prediction(
    "With the worst poison (half of the volunteers), how far from the clean personal model is one retrained with sixty "
    "clean windows, in points of accuracy?",
    (0, 40, 1),
    key="04-healing",
)

# %%
curves = {}
for name, kind in (("honest volunteers", "none"), ("random labels", "random"), ("least likely label", "least_likely")):
    rows = recovery_by_samples(poison, "volunteers", kind, 0.5)
    curves[name] = rows[rows["model"].isin(("shared", "personal"))]
at_60 = {name: float(rows.query("n_samples == 60")["accuracy"].iloc[0]) for name, rows in curves.items()}
reveal("04-healing", round(100 * (at_60["honest volunteers"] - at_60["least likely label"]), 1))
figures.healing(curves)

# %%
# Now live, for you: half of the volunteers hand in the least likely labels, the cloud trains as ever, and your device
# retrains with clean windows.
data = load_activity(DATASET)
person = PERSON or my_person(DATASET, default=5)
you = Person.of(data, person, seed=SEED)
n_clean = 60 if len(you.train(60)[1]) >= 60 else len(you.train(30)[1])
bad = train_shared(poison_volunteers(data, person, 0.5, "least_likely", seed=SEED), exclude_user=person, seed=SEED)
healed = personalise(bad, *you.train(n_clean), validation=you.validation(n_clean), seed=SEED)
say(f"Person {person}, poisoned shared model and personal one after {n_clean} clean windows:")
you.compare(shared=bad, personal=healed).round(2)

# %% [markdown]
# ## Step 2. A poisoned device, and a backdoor
# Something on *your* device changes your own labels. The damage stays with you: nobody downloads your model. And a
# **backdoor**: volunteers mark some windows with an odd pattern of features and label them all alike, so that whoever
# carries the mark is taken for that class.

# %%
at_home = poison[(poison["who"] == "user") & (poison["n_samples"] == 60) & (poison["fraction"] == 0.5)]
clean_home = poison[(poison["kind"] == "none") & (poison["n_samples"] == 60)]
clean_home = dict(zip(clean_home["model"], clean_home["accuracy"], strict=True))
door = by_volunteers[by_volunteers["kind"] == "backdoor"].query("fraction == 0.5").set_index("model")
for model in ("shared", "personal"):
    before, after, taken = honest[model], door["accuracy"][model], door["attack_success"][model]
    say(f"Backdoor, {model}: accuracy {before:.0%} to {after:.0%}; marked windows taken: {taken:.0%}.")
never_stopped = stored_poisoning("wisdm", "random").query("who == 'user' and fraction == 0.5 and n_samples == 60")
worst = never_stopped.query("model == 'personal' and kind == 'least_likely'")["accuracy"].item()
say(f"Your own labels, least likely, in the paper's protocol, which never stops early: personal {worst:.0%}.")
figures.poisoned_models(at_home, clean_home, title="Half of your windows poisoned")

# %% [markdown]
# Retraining heals what clean windows contradict. No clean window carries the mark, so none contradicts the backdoor.
# Poison at home does most harm where training never stops early: the windows that tell when to stop lie as well, but
# fewer steps are taken.
#
# ## Step 3. Defences, and who pays for them
# The cloud can leave out windows that look odd for their class, whose neighbours bear other labels, or that the model
# finds hardest; or average models trained by each volunteer in a way that a few cannot pull. To the right is better in
# peace, up is better under attack. Below is the bill: nobody lies, and honest volunteers of WISDM are tested on their
# own windows.

# %%
for name, title in (("watch", "The watch's ten people"), ("wisdm", "WISDM's many people")):
    strangers = compare_defences(stored_defences(name))
    peace = strangers[strangers["kind"] == "none"].set_index("defence")[["accuracy", "accuracy_se"]]
    war = strangers.query("kind == 'least_likely' and fraction == 0.3").set_index("defence")
    points = peace.set_axis(["clean", "clean_se"], axis=1)
    points = points.assign(attacked=war["accuracy"], attacked_se=war["accuracy_se"]).reset_index()
    figures.defences(points, "30% lie", title=title).show()
paid = cost_per_user(stored_defences("wisdm", volunteers=True))
paid = paid[~paid["defence"].isin(("none", "averaged: mean"))]  # what the others are compared with
by_defence = paid.groupby("defence")
bill = by_defence["change"].agg(mean="mean", worst="min", worse_off=lambda change: (change < 0).sum())
ranks = by_defence[["unusual", "change"]].corr("spearman").xs("change", level=1)["unusual"]
say(f"Change of accuracy over {paid['user'].nunique()} people, and its rank correlation with how unusually they move:")
bill.assign(correlation=ranks).round(3)

# %% [markdown]
# No defence wins on both data sets. And none is free: the mean hides a few people who lose a great deal. We expected
# those to be the ones who move like nobody else. They are not: how unusual somebody is says next to nothing about the
# bill, so nobody can be warned beforehand.
#
# ## Step 4. What a model tells
# A model knows the windows that it was trained on a little better than others. Whoever has its probabilities can turn
# this round: a low loss says *this one was there*. How much does that give away? The area under the ROC curve is the
# probability that a member scores above somebody else. It can look harmless while a few members are named for certain;
# so the share of members found at hardly any false alarm belongs beside it.
#
# **Exercise 2.** Score each window by minus its loss, $\log p_y$. Return the area, over all pairs of a member and
# another window, a tie counting a half; and the largest share of members that have *at least* some threshold's score,
# for a threshold that at most `max_fpr` of the others reach.


# %%
def loss_attack(probabilities, y, member, max_fpr):
    """probabilities (n, n_classes); y (n,): true classes; member (n,): whether the model was trained on the window.

    Returns two numbers: the area under the ROC curve, and the true positive rate at `max_fpr` false positives or fewer.
    """
    ### BEGIN SOLUTION
    score = np.log(probabilities[range(len(y)), y])
    members, others = score[member], score[~member]
    wins = (members[:, None] > others).mean()
    ties = (members[:, None] == others).mean()
    rate = 0.0
    for threshold in score:
        if (others >= threshold).mean() <= max_fpr:
            rate = max(rate, (members >= threshold).mean())
    return wins + ties / 2, rate
    ### END SOLUTION


check("loss-threshold", loss_attack)

# %%
prediction(
    "Which model tells more about the windows that it was trained on?",
    ["the shared model", "the personal model"],
    key="04-leak",
)

# %%
membership, drawn = stored_membership("wisdm"), stored_membership("wisdm", "roc")
keys = {
    "shared": "target == 'shared' and level == 'window, no overlap'",
    "personal, early stopping": "target == 'personal' and n_samples == 60 and training == 'stopped'",
    "personal, 300 passes": "target == 'personal' and n_samples == 60 and training == '300'",
}
by_lira = membership.query("attack == 'lira'")
auc = {name: by_lira.query(key).iloc[0] for name, key in keys.items()}
more = "shared" if auc["shared"]["auc"] > auc["personal, early stopping"]["auc"] else "personal"
reveal("04-leak", f"the {more} model")
for name, row in auc.items():
    interval, caught = f"[{row['auc_low']:.2f}, {row['auc_high']:.2f}]", f"{100 * row['tpr']:.0f}%"
    say(f"{name}: AUC {row['auc']:.2f} {interval}; at 1% false alarms {caught} of the members are named.")
figures.roc({name: drawn.query("attack == 'lira'").query(key) for name, key in keys.items()})

# %% [markdown]
# This is LiRA, the strongest attack here: the attacker trains *shadow models* of their own, with and without the
# window, to compare with. (Your `loss_attack` finds far less.) The paradox: what makes a personal model good for you is
# that it knows *your* windows, and so it tells of them. It may do so at home. The longer it trains, the more it tells.
#
# And *who* volunteered? Whoever holds the very windows that a volunteer gave can tell (first table). Of new recordings
# of the same person hardly anything is told: the model remembers windows, not how a person moves.
#
# Membership is one question; another is what *you* look like. An attacker who has your model climbs to the window that
# it takes for the purest walking, or reads in the weights what your windows changed (second table: distance from your
# true mean, smaller is closer). The cloud knew something anyway: the mean of everybody else, *population*.

# %%
people = by_lira.query("target == 'shared'").set_index("level")
display(people[["auc", "auc_low", "auc_high", "tpr"]].round(2))
inverted = stored_inversion("wisdm").query("n_samples == 60").groupby("method")[["distance", "correlation"]].mean()
inverted.sort_values("distance").round(2)

# %% [markdown]
# The famous attack, climbing, tells less than knowing nobody in particular. Only who has the shared weights as well,
# and looks at what changed, comes closer than that.
#
# ## Step 5. What if your device uploaded only its gradient?
# Federated learning sends no data. In its simplest form (FedSGD) a device uploads the gradient of one step; federated
# averaging uploads what several steps have changed. Here is the gradient of one of your windows. What does the cloud
# read from it? (*found*: share of windows that come out exactly; *labels*: share of their labels.)

# %%
shared = train_shared(data, exclude_user=person, seed=SEED)
X, y = you.train(1)
leak = recover_from_gradient(gradient_at(shared, X, y))
scaled = shared.scaler.transform(X)[0]
say(f"Largest error over the window's {len(scaled)} features: {np.abs(leak.windows[0] - scaled).max():.6f}.")
say(f"The label, too: {data.class_names[leak.labels[0]]}; it is {data.class_names[y[0]]}.")
gradients = stored_gradients("wisdm").query("upload == 'gradient'")
gradients[["windows", "found", "labels"]].round(2).set_index("windows").T

# %% [markdown]
# From one window everything; from many in one step the windows blur. In this design the device uploads neither.
#
# ## Step 6. Topics tell, too
# Topics look like a summary: probabilities of words, no documents in sight. But they were made in a way that everybody
# knows, from how often topic $k$ has word $w$ in the texts, $n_{kw}$, and how many tokens it has in all, $n_k$:
#
# $$\phi_{kw} = \frac{n_{kw} + \beta}{n_k + V\beta}$$
#
# **Exercise 3.** A name stands in one column of the matrix. How often do the private texts have it, in all topics
# together? $\beta$ is known, and every topic has at least one word of the vocabulary without a token in it.


# %%
def recover_count(phi, beta, column):
    """phi (n_topics, n_words): the published topics; column: that of the word. Returns its number of tokens."""
    ### BEGIN SOLUTION
    denominator = beta / phi.min(axis=1)
    in_topic = phi[:, column] * denominator - beta
    return in_topic.sum().round()
    ### END SOLUTION


check("recover-word", recover_count)

# %%
mine = load_documents("news").counts[:100]
published = GibbsLDA(n_topics=20, seed=SEED).fit(mine, iterations=50).phi_
started = time.perf_counter()
read = recover_word_counts(published, beta=0.1)
seconds = time.perf_counter() - started
right = (read.by_word == mine.sum(axis=0)).sum()
say(f"{right:,} of {mine.shape[1]:,} word counts are exactly right; reading them took {seconds:.2f} s.")
leaks = stored_topic_attacks("leak", "wikipedia").groupby("way", sort=False)[["words", "tokens"]].mean()
asked = stored_topic_attacks("membership", "wikipedia").query("documents == 100")
by_attack = asked.groupby(["way", "attack"])["auc"].mean().reset_index()
strongest = by_attack.loc[by_attack.groupby("way")["auc"].idxmax()].set_index("way")[["attack", "auc"]]
leaks.join(strongest).round(2).dropna()

# %% [markdown]
# The table asks what hides them: topics published in full, in fewer digits, with noise, or in part. *words* is the
# share of words whose count is still read exactly, *tokens* the share of all that was written in such counts;
# *auc* is how well the strongest *attack* tells whether a given document was among those behind the topics: by the
# likelihood of its words, or, where counts can be read, by whether the counts hold all of its words. Rounding that
# hides the counts does not hide the documents.
#
# And liars can write documents. A few that set an evil word beside a target word, over and over, teach the shared
# topics that the two belong together: $p(\text{evil} \mid \text{target})$.

# %%
figures.crafted_documents(stored_topic_attacks("poison", "wikipedia"))

# %% [markdown]
# The model that only *starts* from shared topics forgets the lie; the one that keeps them as a *prior*, which notebook
# 03 found to be the better model, keeps the lie as well. Counting no word more than a few times a document ends it.
#
# ## Step 7. Hide each volunteer: differential privacy
# What would hide each window in the crowd? Not an average by itself: one odd window can still pull it anywhere.
# *Differential privacy* first bounds the pull, then drowns it in noise of a known size. For each step, every window is
# drawn or not by a toss of its own (*sampling*: who was drawn stays secret, which hides a little more). The gradients
# of those drawn are *clipped* and added, and noise is added to the sum.
#
# What is promised compares *neighbours*: two data sets that differ by one window (or by one volunteer with all their
# windows). Whatever comes out is at most $e^\varepsilon$ times as likely with one of them as with the other, but for a
# chance of $\delta$. Each look at the data adds to $\varepsilon$ (*composition*): the accountant adds up all steps.
# What is done afterwards with what came out adds nothing (*post-processing*), not even retraining at home.
#
# **Exercise 4.** Write that step. Scale down each row $g_i$ whose Euclidean length exceeds the bound $C$, then
#
# $$\frac{1}{B}\Big(\sum_i g_i \min\big(1, C / \lVert g_i\rVert\big) + \sigma\,C\,z\Big)$$
#
# with $\sigma$ the noise multiplier, $z$ the given draws, and $B$ the batch that is *expected*: how many were drawn in
# fact is a secret, too, and may be nobody.


# %%
def private_mean(gradients, clip, noise_multiplier, expected_batch, noise):
    """gradients (n, d): one row a window drawn; clip: the longest a row may be; noise (d,): standard normal draws.

    Returns (d,), the noisy mean gradient.
    """
    ### BEGIN SOLUTION
    length = np.sqrt((gradients**2).sum(axis=1, keepdims=True))
    clipped = gradients / np.maximum(1, length / clip)
    total = clipped.sum(axis=0) + noise_multiplier * clip * noise
    return total / expected_batch
    ### END SOLUTION


check("clip-and-noise", private_mean)

# %%
# Such steps train the whole network. "Each window protected" hides one window of a volunteer; "each volunteer
# protected" hides all that a person gave, which costs more. Retraining at home wins much of it back, but the line to
# beat is the local model: it needs no volunteer at all. (Learning rate and clipping were chosen on WISDM's people.) Who
# is drawn and the noise are secret: the system's secure source makes them anew, and nobody can repeat this model.
private = train_shared_private(data, exclude_user=person, epsilon=8, seed=SEED)
say(f"Epsilon {private.epsilon:.2f}, delta {private.delta:g}. It covers {private.guarantee}.")
for dataset in ("watch", "wisdm"):
    spent = stored_privacy(dataset)
    costs = {level: privacy_cost(spent, level) for level in ("example", "user")}
    at_60 = {level: rows[rows["n_samples"] == 60] for level, rows in costs.items()}
    figures.accuracy_by_epsilon(at_60, f"What privacy costs, {dataset}: 60 windows at home").show()

# %%
attacked = stored_private_attacks("wisdm")
found = attacked[attacked["attack"] == "lira"]
found = found.assign(epsilon=found["epsilon"].map(figures.named_epsilon))
say("How well the strongest membership attack does against either promise (AUC by LiRA; one half is guessing):")
display(found.pivot_table(index=["level", "game"], columns="epsilon", values="auc", sort=False).round(2))
noisy = stored_topic_attacks("privacy", "news").query("attack == 'calibrated' and model != 'topics'")
noisy = noisy.assign(epsilon=noisy["epsilon"].map(figures.named_epsilon))
say("Topics of news with noise: bits a word on texts of nobody, AUC for a document, and the most an attack can have:")
display(noisy.groupby(["model", "epsilon"], sort=False)[["bits", "auc", "strongest"]].mean().round(2))
explore(
    figures.utility_and_leakage(costs["user"], attacked, level="user"),
    by="epsilon",
    draw=figures.accuracy_and_attack,
    description="epsilon, each volunteer protected",
    start=8,
    label=figures.named_epsilon,
)

# %% [markdown]
# Hiding a window does not hide the person: with each window protected, who volunteered is still told by the windows
# they gave. And a promise is about the *worst* case: an attack that fails here proves no epsilon, and an epsilon holds
# against attacks not yet invented. (Noise on the counts of a finished topic sampler would promise nothing, since the
# sampler has read every document; what is noised is how often each document has each word, at most so often.)
#
# ## Break it: an implementation that leaks
# Four ways to get DP-SGD nearly right, and our own, each run thousands of times on data with and without one window.
# The audit looks for what gives that window away.
#
# It measures sizes. Noise of the right size can give itself away in two more ways. One adversary reads *digits*: 32-bit
# floating point has at most $2^{23}$ normal numbers, and hardly one of them leads from the wrong sum to what was
# published. Ours are whole numbers, where every one leads to every other. Another knows the *seed*, releases both data
# sets again, and looks which comes out. Each plays a hundred rounds; the right one of two data sets is to be found.


# %%
def score(right):
    """A coin is right between 30 and 70 times of 100, but for one case in thirty thousand."""
    return "no better than a coin" if 30 <= right <= 70 else f"right {right} times of 100"


say(f"ours: {audit()}")
for name, step in LEAKY.items():
    say(f"{name}: {audit(on_gradients(step))}")
for name, step in {"32-bit noise": on_gradients(single_precision_noise), "whole numbers": None}.items():
    say(f"By the digits of {name}: {score(digits_attack(step, noise_multiplier=3, trials=100))}.")
one_document_less = mine[:50], mine[1:50]
for name, seed in {"a known seed": 0, "secret noise": None}.items():

    def release(counts, seed=seed):
        return noisy_counts(None, counts, 1.0, 1e-5, tokens=100, mechanism="gaussian", insecure_seed=seed)

    right = sum(
        replay_attack(release, one_document_less, release(one_document_less[n % 2])) == n % 2 for n in range(100)
    )
    say(f"By releasing word counts again with {name}: {score(right)}.")

# %% [markdown]
# ## Red team, blue team
# Write a poisoning of your own under a budget (some of the volunteers, half of their labels), or a filter that chooses
# which windows to train on. Both are scored on hidden rounds: other people left out, other volunteers malicious.


# %%
def my_attack(X, y, likelihood, n_flips, rng):
    """X (n, n_features), y (n,), likelihood (n, n_classes) of the last clean model. Returns n labels."""
    labels = y.copy()
    labels[:n_flips] = (y[:n_flips] + 1) % likelihood.shape[1]
    return labels


def my_filter(X, y, users):
    """X (n, n_features), y (n,), users (n,): what the volunteers sent. Returns (n,) bool, True for those to keep."""
    return np.ones(len(y), bool)


say(f"Red: {score_attack(my_attack, data, n_rounds=3)}")
say(f"Blue: {score_defence(my_filter, data, n_rounds=2)}")

# %% [markdown]
# ## Ethics
# Attacks are taught here so that designs can be compared and defences tested. The people in these data sets gave their
# movements for research, without their names; nobody in them is to be found. Try what you have learnt on models of your
# own or on those whose owners asked for it, and tell owners what you find before you tell others.
#
# ## What the paper says, and what we measured

# %%
claims_table(notebook="04")

# %%
quiz("04")

# %% [markdown]
# **Take-aways.** Clean data at home heal most poison, but hardly a backdoor. A defence has a bill, and a few pay it. A
# personal model tells more than a shared one, so it stays home; a gradient of one window tells everything, and so do
# topics in full digits. An epsilon is a promise about one window or one person: ask which.
#
# **Limits.** Attackers here are strong where we could make them so, not the strongest there are. People are ten and
# thirty-six; intervals count them as independent.
#
# **Next:** [05 On the device](05_raspberry_pi.ipynb): can a small computer do all this?
