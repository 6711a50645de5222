# %% [markdown]
# # 05 Privacy
#
# **The claim this notebook tests:** data that never leaves a device cannot be stolen from elsewhere, so training at
# home is private. Section V-A of the paper argues for this; here we measure what models tell, and what hides it.
#
# About 40 minutes, and 10 more for what goes further. Needs under 800 MB of memory and no network. Terms:
# [glossary](glossary.ipynb).
#
# **After this notebook you can**
# 1. measure what a gradient, a model or a table of topics tells about the data behind it;
# 2. train with differential privacy, say what its epsilon promises, and say what it costs against training alone;
# 3. test an implementation, and find one that does not keep its promise.
#
# > **Threat model: who sees what**
# >
# > | design | who looks | your windows | what was learnt from them |
# > |---|---|---|---|
# > | upload everything | the cloud | yes | yes |
# > | federated averaging | the cloud | not sent, but may be read | yes, your weights (or the sum of several people's) |
# > | this design | the cloud | **no**, if you are no volunteer | **no**, your personal model stays home |
# > | all three | whoever downloads the shared model | no | what it tells about *volunteers* |

# %% tags=["parameters"]
DATASET = "watch"  # or "wisdm", once fetched: python -m pmt_helpers data fetch wisdm; or "mine": you, see 02
PERSON = None  # None: the person chosen in notebook 00
SEED = 0

# %%
from pmt_helpers.teaching import preflight

preflight(DATASET, PERSON=PERSON, SEED=SEED)

import numpy as np
from IPython.display import display
from scipy.stats import binom

from pmt_helpers.activity import Person, personalise, train_shared
from pmt_helpers.attacks import gradient_at, recover_from_gradient, recover_word_counts
from pmt_helpers.datasets import load_activity, load_documents
from pmt_helpers.experiments import (
    privacy_cost,
    private_lead,
    stored_gradients,
    stored_inversion,
    stored_membership,
    stored_privacy,
    stored_private_attacks,
    stored_topic_attacks,
    stored_unlearning,
    unlearning_by_steps,
)
from pmt_helpers.privacy import (
    LEAKY,
    Mechanism,
    audit,
    audit_sampling,
    audit_training,
    digits_attack,
    epsilon_of,
    noisy_counts,
    on_gradients,
    randomised_response,
    replay_attack,
    shuffled_batches,
    single_precision_noise,
    train_shared_private,
    tuned_on_validation,
)
from pmt_helpers.teaching import (
    check,
    claims_table,
    explore,
    figures,
    my_person,
    prediction,
    quiz,
    release_memory,
    reveal,
    say,
)
from pmt_helpers.topics import GibbsLDA

# %% [markdown]
# ## The answer first
# In this design your device uploads nothing. Would it be as private to upload only a *gradient*, as federated learning
# does? In its simplest form (FedSGD) a device sends the gradient of one training step; federated averaging sends what
# several steps have changed. Here is the gradient of one of your windows, and what the cloud reads from it.

# %% tags=["slide"]
data = load_activity(DATASET)
person = my_person(DATASET, PERSON, default=5)
you = Person.of(data, person, seed=SEED)
shared = train_shared(data, exclude_user=person, seed=SEED)
X, y = you.train(1)
leak = recover_from_gradient(gradient_at(shared, X, y))
scaled = shared.scaler.transform(X)[0]
say(f"Largest error over the window's {len(scaled)} features: {np.abs(leak.windows[0] - scaled).max():.6f}.")
say(f"The cloud reads the label {data.class_names[leak.labels[0]]}; it is {data.class_names[y[0]]}.")
gradients = stored_gradients("wisdm").query("upload == 'gradient'")
gradients[["windows", "found", "labels"]].round(2).set_index("windows").T

# %% [markdown]
# From one window the cloud reads everything. The table says what happens with more *windows* in one step: *found* is
# the share of windows that are read exactly, *labels* the share of their activities that the cloud can name. Many
# windows blur each other. So "no data leaves the device" is not enough: what was computed from the data counts, too.
# What does a *model* tell?
#
# ## Step 1. What a model tells
# A model fits the windows it was trained on a little better than other windows of the same people. An attacker who can
# ask the model for probabilities uses this: a low loss suggests that *this window was in the training data*. This is
# membership inference.
#
# The attacker picks a threshold and says "member" for every score at or above it. Two numbers describe how well this
# works. The *true positive rate* is the share of members found, the *false positive rate* the share of other windows
# called members (*false alarms*). The **ROC curve** shows the first against the second for every threshold. The area
# under it (*AUC*) is the probability that a member scores higher than another window; one half is guessing. A harmless
# AUC can still hide a few members that are certain, so we also read the true positive rate at very few false positives.
#
# **Exercise 1.** Score each window by minus its loss, $\log p_y$. Return the AUC, over all pairs of a member and
# another window, where a tie counts one half. Return also the largest true positive rate among thresholds whose false
# positive rate is at most `max_fpr`. Use each score as a threshold.


# %%
def loss_attack(probabilities, y, member, max_fpr):
    """probabilities (n, n_classes), some may be 0; y (n,): true classes; member (n,): trained on the window or not.

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


def on_your_model(attack):
    """how well your attack finds your training windows in a personal model of yours."""
    trained = you.train(min(40, len(you.split.train)))
    personal = personalise(shared, *trained, epochs=300, seed=SEED)
    X, y = (np.concatenate(part) for part in zip(trained, you.test, strict=True))
    member = np.arange(len(y)) < len(trained[1])
    auc, rate = attack(personal.model.predict(personal.scaler.transform(X), verbose=0), y, member, 0.1)
    say(f"Your attack on your own model: AUC {auc:.2f}; {rate:.0%} of its training windows at 10% false positives.")


check("loss-threshold", loss_attack, use=on_your_model)

# %% tags=["slide"]
prediction(
    "Which model tells more about the windows that it was trained on?",
    ["the shared model", "the personal model"],
    key="05-leak",
)

# %% tags=["slide"]
membership, drawn = stored_membership("wisdm"), stored_membership("wisdm", "roc")
keys = {
    "shared": "target == 'shared' and level == 'window, no overlap'",
    "personal, early stopping": "target == 'personal' and n_samples == 60 and training == 'stopped'",
    "personal, 300 passes": "target == 'personal' and n_samples == 60 and training == '300'",
}
by_lira = membership.query("attack == 'lira'")
auc = {name: by_lira.query(key).iloc[0] for name, key in keys.items()}
more = "shared" if auc["shared"]["auc"] > auc["personal, early stopping"]["auc"] else "personal"
reveal("05-leak", f"the {more} model")
for name, row in auc.items():
    interval, caught = f"[{row['auc_low']:.2f}, {row['auc_high']:.2f}]", f"{100 * row['tpr']:.0f}%"
    say(f"{name}: AUC {row['auc']:.2f} {interval}; at 1% false alarms {caught} of the members are named.")
figures.roc({name: drawn.query("attack == 'lira'").query(key) for name, key in keys.items()})

# %% [markdown]
# This is LiRA (Carlini and others 2022). Of our attacks it finds most members with few false alarms. The attacker
# trains many models of their own (*shadow models*), some with the window and some without, and compares. Your
# `loss_attack` finds far less. What makes a personal model good for you is that it knows *your* windows, so it also
# tells about them. The longer it trains, the more it tells. It should stay at home.
#
# And *who* volunteered? The table compares attackers who hold the very windows that a volunteer gave, and attackers
# who hold other recordings of the same person.

# %%
people = by_lira.query("target == 'shared'").set_index("level")
people[["auc", "auc_low", "auc_high", "tpr"]].round(2)

# %% [markdown]
# Whoever holds the given windows can tell who volunteered. *New windows* lie beside the given ones, in the same
# recordings, and tell a good part. On WISDM, new recordings of the same person tell hardly anything: the model
# remembers recordings more than how a person moves. On the watch they tell more; the table of claims below has both.
#
# ## Step 2. Topics tell, too
# Topics look like a summary: probabilities of words, and no documents. But everybody knows how they are computed: from
# $n_{kw}$, how often topic $k$ has word $w$ in the texts, and $n_k$, how many tokens the topic has in all:
#
# $$\phi_{kw} = \frac{n_{kw} + \beta}{n_k + V\beta}$$
#
# **Exercise 2.** A name has one column in this matrix. How often does it stand in the private texts, in all topics
# together? $\beta$ is known, and each topic has at least one word of the vocabulary without any token in it.


# %% tags=["slide"]
def recover_count(phi, beta, column):
    """phi (n_topics, n_words): the published topics; column: that of the word. Returns its number of tokens."""
    ### BEGIN SOLUTION
    denominator = beta / phi.min(axis=1)
    in_topic = phi[:, column] * denominator - beta
    return in_topic.sum().round()
    ### END SOLUTION


def on_real_topics(count):
    """how often the most frequent word stands in private news texts, read from their topics by your function."""
    texts = load_documents("news")
    topics = GibbsLDA(n_topics=20, seed=SEED).fit(texts.counts[:100], iterations=50).phi_
    truth = texts.counts[:100].sum(axis=0)
    column = int(np.argmax(truth))
    say(f"Read from the topics: {texts.vocabulary[column]}, {count(topics, 0.1, column):.0f}; truth: {truth[column]}.")


check("recover-word", recover_count, use=on_real_topics)

# %%
mine = load_documents("news").counts[:100]
published = GibbsLDA(n_topics=20, seed=SEED).fit(mine, iterations=50).phi_
read = recover_word_counts(published, beta=0.1)
right = (read.by_word == mine.sum(axis=0)).sum()
say(f"{right:,} of {mine.shape[1]:,} word counts are exactly right.")
leaks = stored_topic_attacks("leak", "wikipedia").groupby("way", sort=False)[["words", "tokens"]].mean()
asked = stored_topic_attacks("membership", "wikipedia").query("documents == 100")
by_attack = asked.groupby(["way", "attack"])["auc"].mean().reset_index()
strongest = by_attack.loc[by_attack.groupby("way")["auc"].idxmax()].set_index("way")[["attack", "auc"]]
leaks.join(strongest).round(2).dropna()

# %% [markdown] tags=["slide"]
# The rows are ways to publish topics: in full, with fewer digits, with noise, or in part. *words* is the share of words
# whose count is still read exactly; *tokens* is the share of all tokens that belong to such words. *auc* says how well
# the strongest *attack* tells whether a given document was among those behind the topics. Rounding hides the counts
# only if it is coarse, and even then not the documents.
#
# ## Step 3. Differential privacy
# What would hide each window? An average alone does not: one unusual window can still pull it anywhere. *Differential
# privacy* first limits the pull, then adds noise that is large enough to hide it. In each step:
#
# - *sampling*: each window takes part with a fixed probability, by a random draw of its own that stays secret;
# - *clipping*: the gradient of each window that takes part is shortened to a length of at most $C$;
# - *noise*: the clipped gradients are added up, and noise is added once to the sum.
#
# The promise compares *neighbours*: two data sets that differ in one window (or in one volunteer with all their
# windows). Whatever is published is at most $e^\varepsilon$ times as likely with one of them as with the other, apart
# from a probability of $\delta$. Each look at the data adds to $\varepsilon$ (*composition*); an *accountant* adds up
# all steps. What is done afterwards with what was published adds nothing (*post-processing*), not even retraining at
# home.
#
# **Exercise 3.** Write one step. Shorten each row $g_i$ that is longer than $C$, add the rows up, add noise, and
# divide:
#
# $$\frac{1}{B}\Big(\sum_i g_i \min\big(1, C / \lVert g_i\rVert\big) + \sigma\,C\,z\Big)$$
#
# Here $\lVert g_i\rVert$ is the Euclidean length, $\sigma$ the noise multiplier, $z$ the given draws, and $B$ the
# *expected* number of windows in the batch. The number that was drawn is secret, and it may be zero. For example, with
# $C = 1$ the row $(3, 4)$ has length 5 and becomes $(0.6, 0.8)$.


# %% tags=["slide"]
def private_mean(gradients, clip, noise_multiplier, expected_batch, noise):
    """gradients (n, d): one row per window drawn; clip: the longest a row may be; noise (d,): standard normal draws.

    Returns (d,), the noisy mean gradient.
    """
    ### BEGIN SOLUTION
    length = np.sqrt((gradients**2).sum(axis=1, keepdims=True))
    clipped = gradients / np.maximum(1, length / clip)
    total = clipped.sum(axis=0) + noise_multiplier * clip * noise
    return total / expected_batch
    ### END SOLUTION


def under_the_audit(mean):
    """your step under the audit of the part *Break it*."""

    def step(gradients, clip, noise_multiplier, rng):
        return mean(gradients, clip, noise_multiplier, 1.0, rng.normal(size=gradients.shape[1]))

    say(f"Your step: {audit(on_gradients(step))}")


check("clip-and-noise", private_mean, use=under_the_audit)

# %% [markdown]
# ## Step 4. What it costs
# Such steps train the whole network. *Each window protected* hides one window of a volunteer; *each volunteer
# protected* hides everything that a person gave, and costs more in the shared model. Retraining at home wins much of
# it back. The line to beat is the local model, which needs no volunteer at all. (Learning rate and clipping were
# chosen on WISDM's people.) Sampling and noise come from the system's secure source, so nobody can repeat this model,
# not even we.

# %% tags=["slide"]
private = train_shared_private(data, exclude_user=person, epsilon=8, seed=SEED)
say(f"Epsilon {private.epsilon:.2f}, delta {private.delta:g}. It covers {private.guarantee}.")
costs = {}
for dataset in ("watch", "wisdm"):
    spent = stored_privacy(dataset)
    costs[dataset] = {level: privacy_cost(spent, level).query("n_samples == 60") for level in ("example", "user")}
    figures.accuracy_by_epsilon(costs[dataset], f"What privacy costs, {dataset}: 60 windows at home").show()

# %%
attacked = stored_private_attacks("wisdm")
found = attacked[attacked["attack"] == "lira"]
protected = found["level"].map({"example": "each window", "user": "each volunteer"})
found = found.assign(epsilon=found["epsilon"].map(figures.named_epsilon), protected=protected)
say("AUC of a membership attack (LiRA) on shared models of each promise; one half is guessing:")
display(found.pivot_table(index=["protected", "game"], columns="epsilon", values="auc", sort=False).round(2))
explore(
    figures.utility_and_leakage(privacy_cost(stored_privacy("wisdm"), "user"), attacked, level="user"),
    by="epsilon",
    draw=figures.accuracy_and_attack,
    description="epsilon, each volunteer protected",
    start=8,
    label=figures.named_epsilon,
)

# %% [markdown] tags=["slide"]
# Hiding each window does not hide the person: with each window protected, an attacker who holds a volunteer's windows
# still tells who volunteered. (An AUC below one half helps no attacker who cannot know beforehand that it will be
# below. With much noise a simpler attack than LiRA does a little better, so one half here does not mean safe.) And a
# promise is about the *worst* case. An attack that fails proves no epsilon; an epsilon
# also holds against attacks that nobody has invented yet.
#
# ## Break it: an implementation that leaks
# Here are four ways to get such training (*DP-SGD*) nearly right, and our own version. An *audit* runs each of them
# thousands of times, on data with and without one window, and looks for what gives that window away.
#
# An audit of this many runs can show only so much: all leaks that are seen in every run get the same bound. So read the
# sizes as well. Noise of the right size can leak in two more ways. *By its digits*: a usual generator of 32-bit noise
# draws at most $2^{23}$ different values, and hardly any of them leads from the wrong sum to the published one. Our
# noise is made of whole numbers, where every sum can lead to every result. *By its seed*: an attacker who knows the
# seed repeats the release for both data sets and sees which one fits. Each attack plays a hundred rounds.


# %% tags=["slide"]
def score(right):
    """A fair coin is right between 30 and 70 times of 100, except in one case of thirty thousand."""
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
# ## What the paper says, and what we measured

# %%
claims_table(notebook="05")

# %%
quiz("05")

# %% [markdown]
# **Take-aways.** The gradient of one window tells the window. Topics in full digits tell how often each word was used.
# A personal model tells about its windows, so it stays at home. An epsilon is a promise about one window or about one
# person: ask which. Its price is fair only if the result still beats training alone.
#
# **Limits.** The attackers here are strong, but not the strongest there are. There are few people: ten, in five pairs
# who probably exercised together, and thirty-six.
#
# **Next:** [06 On the device](06_raspberry_pi.ipynb): can a small computer do all this?
#
# ## Going further: what you look like (1 minute)
# Membership is one question; another is what *you* look like. An attacker who has your personal model changes a window
# step by step until the model is sure that it is walking (*ascent*). Or they also have the shared model, and compare
# what it is sure of (*difference*) or its *weights*. The table gives the distance from the true mean window of a
# person (smaller is closer). *population* is what everybody knows anyway: the mean of all other people.

# %%
inverted = stored_inversion("wisdm").query("n_samples == 60").groupby("method")[["distance", "correlation"]].mean()
inverted.sort_values("distance").round(2)

# %% [markdown]
# The famous attack, ascent, tells less than the mean of all other people does. Only an attacker who also has the
# shared weights, and reads what changed in them, comes closer than that.
#
# ## Going further: what the promise needs (1 minute)
# The accountant counts on a secret: *who takes part in a step*. If an attacker knows the batches, sampling hides
# nothing, and the same noise gives a larger epsilon. Also, a promise for one window says less about a person
# who gave many: protecting a group costs more than the number in the group suggests.

# %%
card = private.card
released = Mechanism(card["clip_norm"], private.noise_multiplier, card["sampling_prob"], card["steps"])
say(f"Batches secret: epsilon {private.epsilon:.1f} for each window.")
for share in (0.5, 0.999):
    drawn = int(binom.ppf(share, released.steps, released.sampling_prob))
    known = Mechanism(released.clip_norm, released.noise_multiplier, 1.0, drawn)
    epsilon = epsilon_of(known, private.delta, n_units=len(data))
    say(f"Batches known, a window that was drawn {drawn} times: epsilon {epsilon:.1f}.")
for n_windows in (2, 10):
    epsilon = epsilon_of(released, private.delta, n_units=len(data), group_size=n_windows)
    say(f"{n_windows} windows of one person together: epsilon {epsilon:.0f}.")

# %% [markdown]
# ## Going further: audit a whole training (2 minutes)
# The audits above look at one step. A training can leak although each of its steps is right. So audit the *whole
# training* (Steinke, Nasr and Jagielski 2023). *Canaries*, windows that stand out, go in or stay out by the toss of a
# coin. From the trained weights an adversary guesses which of them went in. The more guesses are right, the larger
# epsilon must be. Two leaks are new: a model that is finally fitted to its validation windows, and batches that are
# shuffled although the accountant assumes random draws.
#
# **Before you run:** will the bound at epsilon 8 be close to 8?


# %%
def verdict(found):
    """In ranges, as one right guess more or less moves the bound."""
    low = found.epsilon_at_least
    least = "above 1.5" if low > 1.5 else "between 0.6 and 1.5" if low > 0.6 else "below 0.6"
    return f"lower bound {least}, granted {found.epsilon:.2f}: {'nothing caught' if found.passed else 'caught'}"


trainings = {"no noise": (None, np.inf), "ours, epsilon 8": (None, 8), "ours, epsilon 1": (None, 1)}
trainings["fitted to validation windows"] = tuned_on_validation, 1
for name, (train, granted) in trainings.items():
    say(f"{name}: {verdict(audit_training(data, train, granted, seed=SEED, insecure_seed=SEED))}.")
    release_memory()  # as after each cell: four trainings in one would need more than a small machine has
for name, sampler in {"random batches": None, "shuffled batches": shuffled_batches}.items():
    say(f"{name}, many short trainings: {verdict(audit_sampling(sampler, seed=SEED))}.")

# %% [markdown]
# A bound far below what was granted proves nothing: there are few canaries, and the adversary sees only the last
# model. But a bound above it proves a leak. The shuffled batches show only if the adversary sees every step of many
# trainings.
#
# ## Going further: topics with noise (1 minute)
# Topics can be private, too. Each document counts no word more than a few times, and noise is added to the sum of
# these counts. (Noise on the counts of a finished topic sampler would promise nothing, because the sampler has read
# every document.) The table shows bits per word on documents that nobody trained on, the AUC of the attack on
# documents, and the most that any attack could have.

# %%
noisy = stored_topic_attacks("privacy", "news").query("attack == 'calibrated' and model != 'topics'")
noisy = noisy.assign(epsilon=noisy["epsilon"].map(figures.named_epsilon))
noisy.groupby(["model", "epsilon"], sort=False)[["bits", "auc", "strongest"]].mean().round(2)

# %% [markdown]
# ## Going further: a volunteer leaves (2 minutes)
# A volunteer asks to be forgotten: training goes on without their windows. What does the shared model still know? Its
# loss on those windows is below that of a model that never had them: the *gap*. (Long training raises the loss on
# unseen people anyway, so both models get the same further steps.) Look at how much of the gap closes, and at the AUC:
# how well somebody who holds the windows tells the two models apart. One would otherwise retrain from scratch, with
# all of its steps.

# %%
tables = {name: unlearning_by_steps(stored_unlearning(name)) for name in ("watch", "wisdm")}
for name, table in tables.items():
    say(f"{name}: steps since the volunteer left, share of the gap closed, AUC of telling:")
    display(table[["more", "steps", "share", "lower", "upper", "median", "auc", "auc_low", "auc_high"]].round(2))
figures.unlearning(tables)

# %% [markdown]
# ## Going further: labels hidden at home (4 minutes)
# In *randomised response* each volunteer sends the true label with probability $e^\varepsilon/(e^\varepsilon+K-1)$,
# else one of the other $K-1$ classes. This hides the *label* from everybody, the cloud too, but not the features.
# DP-SGD hides the *whole window* from everybody but the cloud, which must be trusted. So the same epsilon is not the
# same promise. Compare each personal model with its own local one: where features are not hidden, the volunteers'
# exact scaler helps both. (Training could correct for the known share of wrong labels; here it does not.)

# %%
y, K = you.train(20)[1], len(data.class_names)
sent = randomised_response(y, 1.0, K, insecure_seed=SEED)  # known only so that this page repeats: at home leave it out
say(f"At epsilon 1, {(sent == y).sum()} of your {len(y)} labels would be sent as they are.")
for name in ("watch", "wisdm"):
    grids = {"example": stored_privacy(name), "label": stored_privacy(name, "label_privacy")}
    costs = {level: privacy_cost(grid, level).query("n_samples == 60") for level, grid in grids.items()}
    figures.accuracy_by_epsilon(costs, f"Labels hidden at home, windows by the cloud: {name}").show()
    for level, grid in grids.items():
        unit = "window" if level == "example" else level
        say(f"{name}, epsilon 1, each {unit} protected: personal minus local {private_lead(grid, level, 1.0)}.")
