# %% [markdown]
# # 07 The whole system
#
# **The claim this notebook tests:** a cloud can hand a shared model to many devices. Each device makes it personal,
# and nothing about the person leaves the device (section II of the paper).
#
# About 45 minutes, and 10 more for what goes further. Needs under 800 MB of memory and no network: all of it runs on
# this machine. Terms: [glossary](glossary.ipynb).
#
# **After this notebook you can**
# 1. say what a device must check before it takes a model, and what a signature does not protect from;
# 2. audit what a device sends, and say what an audit cannot find;
# 3. compare this design with federated averaging, and with help from similar users, by accuracy, by bytes and by what
#    they give away.
#
# > **Threat model: who sees what, in three designs**
# >
# > | | upload everything | federated averaging | this design |
# > |---|---|---|---|
# > | the cloud sees of you | windows and labels | weights, in every round | **nothing**, if you are no volunteer |
# > | somebody on the wire sees | lengths and times | lengths and times | times of downloads, lengths alike for all |
# > | a false server can | take your data | take your weights | hold models back, no more |
# > | the cloud itself can | spoil the model | spoil the model | spoil it: keeping the better limits that |

# %% tags=["parameters"]
DATASET = "watch"  # or "wisdm", once fetched: python -m pmt_helpers data fetch wisdm; or "mine": you, see 02
PERSON = None  # None: the person chosen in notebook 00
SEED = 0

# %%
from pmt_helpers.teaching import preflight

preflight(DATASET, PERSON=PERSON, SEED=SEED)

from datetime import date

import numpy as np
import pandas as pd
from scipy.special import softmax

from pmt_helpers.activity import Person, average_models, personalise, train_donors, train_shared
from pmt_helpers.attacks import poison_volunteers
from pmt_helpers.datasets import load_activity
from pmt_helpers.experiments import (
    compare_federated,
    epsilon_by_release,
    federated_curve,
    stored_federated,
    stored_similar,
    stored_updates,
)
from pmt_helpers.system import DEVICES, audit_devices, questions, run_system, share_read, try_servers
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

pd.set_option("display.max_colwidth", None)  # reasons of refusals are read in full

# %% [markdown]
# ## The answer first
# Four designs on WISDM, for people whom no model knows and who label twenty windows. *Local* trains on these alone.
# *Central* is the shared model as it comes. *Personal* is this paper's design: download, then retrain. In *federated
# averaging* volunteers train at home and send weights in each round; then each person retrains the result. The bars
# are intervals of the difference from the personal model.

# %% tags=["slide"]
federated = compare_federated(stored_federated("wisdm"), n_samples=20)
figures.accuracy_by_bytes(federated)

# %% [markdown]
# A person who only downloads sends questions for the model, and nothing about their data, in any of these designs. The
# axis is what a *volunteer* sends: features and labels once, or weights in each round. Federated averaging gets as far,
# but after many rounds. Now we build the system that carries such a model, piece by piece.
#
# ## Step 1. A model that nobody can swap
# A *release* is a shared model with a *manifest*: name, version, last valid day, size, and a digest (SHA-256) of each
# piece. The cloud *signs* the manifest with its secret key. Every device holds the public key, so it can check who
# signed, whoever delivers the bytes. That is why a *mirror*, a server without the secret key, may help to deliver.
#
# **Exercise 1.** A server offers a model. Write what a device checks. It takes the model if all of these hold:
#
# - the key that the signature fits is the cloud's, and the name is right;
# - the version is not below the highest one seen, and the last valid day has not passed;
# - the size is not above the limit.
#
# For example, a truly signed version 8 is refused by a device that has seen version 9. The table below the exercise is
# real: each row is a web server on this machine, and what a real device did with what it sent. Some manifests are
# perfect, and only the model behind them is false: the digests find that, piece by piece.


# %% tags=["slide"]
def accept(manifest, state):
    """manifest: what is offered: signed_by (whose key its signature fits, or None), model, version, expires, bytes.

    state: what the device knows: key (the cloud's), model, version (the highest it has seen), today, most_bytes. Days
    are text, such as "2026-12-31": < and > compare them rightly.

    Returns True to download the model, False to refuse it.
    """
    ### BEGIN SOLUTION
    ours = manifest["signed_by"] == state["key"] and manifest["model"] == state["model"]
    fresh = manifest["version"] >= state["version"] and manifest["expires"] >= state["today"]
    return ours and fresh and manifest["bytes"] <= state["most_bytes"]
    ### END SOLUTION


data = load_activity(DATASET)
person = my_person(DATASET, PERSON, default=5)
shared = train_shared(data, exclude_user=person, seed=SEED)
servers = try_servers(shared, data)


def meet_servers(answer):
    """what your device says to the manifests of an honest server and of bad ones, and what becomes of them."""
    knows = {"key": "cloud", "model": data.card.name, "version": 2}
    knows |= {"today": date.today().isoformat(), "most_bytes": 100_000}
    for offer in servers.to_dict("records"):
        yours = "manifest taken" if answer(offer, knows) else "manifest refused"
        say(f"{offer['server']}: {yours}. A real device in the end: {offer['result']}.")


check("accept", accept, use=meet_servers)
servers.set_index("server")[["result", "honest_after"]].rename(columns={"honest_after": "takes the cloud's afterwards"})

# %% [markdown]
# A signature says who made a model. It does not say that the model is good, and it cannot force a server to answer.
#
# ## Step 2. A cloud and five devices
# Now everything runs at once, for real. Five people use the system, the others are its volunteers. The cloud trains
# version 1 on two volunteers, and serves it, encrypted. Five devices, each a process of its own, download it and
# retrain it on twenty labelled windows. Then the cloud trains version 2 on all the volunteers. Each device fetches
# that, too, and keeps the better of the two personal models, by its validation windows.
#
# A device fetches a model by *questions* of a fixed length: one for the manifest, then one for each piece.

# %% tags=["slide"]
five = [*data.user_ids[data.user_ids != person][:4].tolist(), person]
visits = run_system(data, five, n_samples=20, seed=SEED)
say(f"A device, two processes, takes less than 150 MB of memory: {bool((visits['peak_mb'] < 150).all())}.")
say("Accuracy on test windows, mean over the five: shared as it comes, personal, and the model that is kept.")
visits.groupby("version")[["shared", "personal", "kept"]].mean().round(2)

# %% tags=["slide"]
prediction(
    "A device has ten times as many labelled windows. How many bytes more does it send in a visit?",
    (0, 100_000, 1000),
    key="07-bytes",
)

# %%
n = min(4, len(Person.of(data, person).split.train) // 10)
few, many = (
    run_system(data, [person], n_samples=labelled, seed=SEED).query("version == 1")["bytes_up"].item()
    for labelled in (n, 10 * n)
)
reveal("07-bytes", many - few, digits=0)
say(f"With {n} windows it sends {few} bytes, with {10 * n} windows {many} bytes.")
say(f"All five devices sent the same number of bytes: {visits['bytes_up'].nunique() == 1}.")

# %% [markdown]
# The questions for the pieces of a model are made by one function. It is given the model's name and its manifest, and
# no private data. The visits run in another process, by a timetable that training cannot delay.
#
# ## Step 3. What does a device give away?
# You need not believe that. An *audit* lets the same program run for several people with different data, and records
# what it sends. Whatever differs between them can carry a message.
#
# **Exercise 2.** Write the audit. Each recording is the list of messages (bytes) that one person's device sent, in
# order. Say for three things whether they differ between people: the number of messages, their lengths in order, their
# bytes in order. For example, `[[b"a", b"bb"], [b"bb", b"a"]]` has the same number for both people, and other lengths.


# %% tags=["slide"]
def find_leak(recordings):
    """recordings: one list of messages (bytes) for each person, all sent by the same device program.

    Returns three bools: do the number of messages, their lengths in order, their bytes in order differ between people?
    """
    ### BEGIN SOLUTION
    number = len({len(messages) for messages in recordings}) > 1
    lengths = len({tuple(map(len, messages)) for messages in recordings}) > 1
    contents = len({tuple(messages) for messages in recordings}) > 1
    return number, lengths, contents
    ### END SOLUTION


people = [data.y[data.users == user][:20] for user in five[:4]]
asked = questions(data.card.name) + questions(data.card.name, {"version": 1, "chunks": range(7)})


def meet_devices(answer):
    """what your audit finds in what an honest device and four others ask, before encryption."""
    for name, behave in DEVICES.items():
        recordings = [[] for _ in people]
        for sent, labels in zip(recordings, people, strict=True):
            behave(sent.append, list(asked), labels)
        found = np.array(["number", "lengths", "bytes"])[list(answer(recordings))]
        say(f"{name}: {', '.join(found) or 'nothing'} different.")


check("find-leak-sent", find_leak, use=meet_devices)

# %% [markdown]
# Four of these devices cheat. One asks in an order that tells labels. One hides a label in a field that nobody reads.
# One asks again when it is not happy. One waits for a time that depends on a label. Here they run for real, against an
# encrypted server. A relay between them (a *tap*) records what can be seen on the wire. There, *number* counts
# connections, and *times* are compared too. *Random* is what differs between two runs on the same data.

# %%
audited = audit_devices(DEVICES, people)
audited.pivot(index="device", columns=["place", "channel"], values="verdict").loc[list(DEVICES)].T

# %% [markdown] tags=["slide"]
# Before encryption the audit sees bytes. On the encrypted wire it sees lengths and times only, so two of the cheats
# become invisible there. The one that waits sends what all send: only times show it, and only if it waits longer than
# the chance differences of this machine, some milliseconds. So an audit is evidence, not proof. The proof is that
# the function which makes the questions takes no private data, and that it runs in a process of its own.
#
# ## Step 4. Federated averaging: sending weights instead
# In each round every volunteer $i$ with $n_i$ windows trains the common model $w$ at home to $w_i$. The cloud takes
# $w \leftarrow \sum_i \frac{n_i}{n} w_i$, where $n = \sum_i n_i$. For example, with two people of ten and thirty
# windows and a weight of 1 and 5, the new weight is $0.25 \cdot 1 + 0.75 \cdot 5 = 4$.
#
# First live, for the people of your data set: each is left out once, and gets twenty windows. (Your own
# recordings take part in turn, like a volunteer's, but stay in this process.) Then WISDM, by rounds.
# Notebook 05 read windows from a gradient. Does that still work on a sum of several people's uploads? In *secure
# aggregation* each pair of people agrees on a random mask. One adds it, the other subtracts it: the masks cancel in
# the sum, and the cloud sees nothing but the sum. The last table says which share of the windows the attack finds.

# %%
live = federated_curve(data, sizes=(20,), rounds=(1, 5, 20), seed=SEED)
by_design = compare_federated(live).set_index("model")
order = ["local", "central", "personal", *(f"FedAvg {rounds} at home" for rounds in (1, 5, 20))]
columns = {"accuracy": "accuracy", "lead": "lead *", "low": "from", "high": "to", "harmed": "worse off", "users": "of"}
columns["kilobytes_up"] = "kB of a volunteer"
say("FedAvg 5 at home: five rounds, then retrained. * lead: over the central model; at home and local: over personal.")
by_design.loc[order, [*columns]].round(2).rename(columns=columns)

# %%
stored = stored_federated("wisdm")
after = {}
for rounds in (1, 5, 10, 20, 40):
    at_home = stored[stored["model"].isin(("local", "personal", f"FedAvg {rounds} at home"))]
    after[rounds] = at_home.replace({"model": {f"FedAvg {rounds} at home": "federated"}})
explore(
    pd.concat([rows.assign(rounds=rounds) for rounds, rows in after.items()]),
    by="rounds",
    draw=lambda rows: figures.gains(
        rows,
        {"federated": "federated averaging", "local": "local"},
        "personal",
        title="Against the personal model",
        x_title="labelled windows",
    ),
    description="rounds",
    start=20,
)

# %%
leaks = stored_federated("watch", leaks=True).pivot(index="upload", columns="people", values="found")
say("Share of the windows that the attack finds, by what each person uploads (watch, mean of many draws):")
names = {0: "one masked upload", 1: "one upload"} | {n: f"sum of {n}" for n in leaks.columns if n > 1}
leaks[[*leaks.columns[1:], 0]].rename(columns=names).round(2)

# %% [markdown]
# So federated averaging ends level with this design or a little ahead, after many rounds. One gradient of one window
# can be read, and a sum of few people hardly hides it. After epochs of training at home this attack finds nothing.
# That does not make weights harmless: notebook 05 tells members from a model.
#
# ## Step 5. A new release: take it or not?
# Each release has seen more volunteers. It may be better for you, or it may be poisoned.
#
# **Exercise 3.** Take the new model only if it is better on your validation windows. You get the probabilities that
# both models give. The loss of a model is the mean of $-\log p_i$, where $p_i$ is the probability of the true class of
# window $i$. For example, $p_1 = 0.5$ and $p_2 = 0.25$ give a loss of $(0.69 + 1.39) / 2 = 1.04$.
#
# The figure below the exercise is WISDM, with ten windows to train on and ten to choose by. *Retrain* takes each new
# release; *the better* chooses as you did. In a poisoned release half of the volunteers sent, for each window, the
# label that a model finds least likely. The releases before it are honest. The baseline is what each person had before
# that release.


# %%
def keep_better(old, new, y):
    """old, new (n, n_classes): probabilities of two models for your validation windows; y (n,): their classes.

    Returns True to take the new model, False to keep the old one.
    """
    ### BEGIN SOLUTION
    windows = np.arange(len(y))
    loss_old = -np.log(old[windows, y]).mean()
    loss_new = -np.log(new[windows, y]).mean()
    return loss_new < loss_old
    ### END SOLUTION


def meet_releases(answer):
    """what your rule does with an honest release and with a poisoned one."""
    you = Person.of(data, person, seed=SEED)
    few = data.select(np.isin(data.users, data.user_ids[data.user_ids != person][:2]))
    poisoned = poison_volunteers(data, person, 0.5, "least_likely", seed=SEED)
    releases = {"the first": train_shared(few, seed=SEED), "an honest": shared}
    releases["a poisoned"] = train_shared(poisoned, exclude_user=person, seed=SEED)
    X, y = you.validation(10)
    says = {}
    for name, release in releases.items():
        personal = personalise(release, *you.train(10), validation=(X, y), seed=SEED)
        says[name] = personal.predict_proba(X)
    for name in ("an honest", "a poisoned"):
        loss, had = (-np.log(says[which][np.arange(len(y)), y]).mean() for which in (name, "the first"))
        taken = "taken" if answer(says["the first"], says[name], y) else "not taken"
        say(f"Person {person}, {name} release: loss {loss:.2f} where the model so far has {had:.2f}: {taken}.")


check("keep-better", keep_better, use=meet_releases)

# %% tags=["slide"]
figures.gains(
    stored_updates("wisdm").query("release > 1 and n_samples == 10"),
    {
        "retrain": "retrain",
        "better": "the better",
        "poisoned, retrain": "poisoned, retrain",
        "poisoned, better": "poisoned, the better",
    },
    "before",
    by="release",
    title="A new release",
    x_title="release",
)

# %% [markdown]
# Keeping the better limits the harm of a poisoned release. It does not end it: with so few windows to choose by, some
# people still take a worse model. On honest releases it costs a little. And a backdoor shows in none of your windows,
# so this choice cannot see it.
#
# ## Step 6. Help from similar users
# The paper leaves to future work that similar people help each other. Here the cloud publishes models of some
# volunteers (*donors*), retrained on their windows. Each device downloads all of them and chooses **at home**. The
# average of the chosen models (as many as the square root of how many there are) is where its own training starts. A
# device could also *tell* the cloud something about its windows, and the cloud would choose. It could send a gradient,
# or the mean features of each class, or the losses of all donors. Or only the names of the donors that it wants, or
# which of four groups of people it belongs to. The figure compares some of them; *the best possible* looks at the test
# windows. The table below it asks whether such a message says who sent it: an attacker who knows an earlier message of
# everybody guesses who sent a later one.

# %% tags=["slide"]
similar = stored_similar("wisdm")
figures.gains(
    similar,
    {
        "oracle": "the best possible",
        "chosen at home": "chosen at home",
        "gradient": "by uploaded gradient",
        "class means": "by uploaded class means",
        "random": "at random",
    },
    "personal",
    title="Help from donors",
    x_title="labelled windows",
).show()
messages = pd.concat({name: stored_similar(name, "messages") for name in ("wisdm", "watch")}, names=["data set"])
told = messages.groupby(["model", "data set"])["accuracy"].mean().unstack()
told.loc["(by guessing)"] = messages.groupby("data set")["chance"].mean()
say("How often the sender is found, by what is sent:")
paid = stored_similar("wisdm", "membership").query("attack == 'loss'").groupby("model")["auc"].mean()
say(
    f"What a donor pays, AUC of membership inference: {', '.join(f'{auc:.2f} ({name})' for name, auc in paid.items())}."
)
told[["wisdm", "watch"]].sort_values("wisdm", ascending=False).map("{:.0%}".format)

# %% [markdown] tags=["slide"]
# On WISDM, with few windows, choosing at home helps more than uploading a gradient or class means; on the watch they
# hardly differ. It sends nothing. But donors pay: a published model tells which windows it was trained on. An average
# of three tells less.
#
# ## Break it: past the audit
# Write a device that tells the cloud one bit of your labels, and a reader for the cloud. The example works, but the
# audit finds it. **Goal:** the cloud reads the bit in most visits (half is guessing), and the audit says *same*
# everywhere, or *random* for bytes on the encrypted wire. A recording has `messages` and `seconds`, when each was
# sent. For times, `mine` has the columns `difference_s` and `tolerance_s`.


# %%
def my_device(ask, questions, labels):
    """Asks the questions, 64 bytes each, and tells the cloud whether the first label is odd."""
    if labels[0] % 2:
        questions[1], questions[2] = questions[2], questions[1]
    for question in questions:
        ask(question)


def read_bit(recording):
    """What the cloud reads from the messages: 1 for an odd first label, or 0."""
    return int(recording.messages[1] > recording.messages[2])


say(f"The cloud reads the bit in {share_read(my_device, read_bit):.0%} of the visits.")
mine = audit_devices({"mine": my_device}, people)
mine.pivot(index="device", columns=["place", "channel"], values="verdict").T

# %% [markdown]
# ## What the paper says, and what we measured

# %%
claims_table(notebook="07")

# %%
quiz("07")

# %% [markdown]
# **Take-aways.** A signature lets anybody deliver a model. What a device sends can be made the same for everybody: an
# audit is evidence for it, the code is the proof. Federated averaging keeps the windows at home, too, but sends
# weights that depend on them. On WISDM similar users help a little, and choosing them at home sends nothing.
#
# **Limits.** All machines here are one. The people are few. Nobody tried to attack the signing key. A device that
# waits for a few milliseconds, or that cheats on a later day only, is not found.
#
# **This is the last notebook.** What would you send, and to whom?
#
# ## Going further: choose your donors (5 minutes)
# **Exercise 4.** Choose the donors whose models have the lowest mean loss on your windows, the best first. For
# example, if three donors have the losses $(0.9, 0.2, 0.4)$, and `n` is 2, return donors 1 and 2. (`np.argsort` keeps
# the order of equal values only with `kind="stable"`.)


# %%
def choose_donors(probabilities, y, n):
    """probabilities (n_donors, n_windows, n_classes): what each donor's model says of your windows; y (n_windows,).

    Returns (n,) int: the donors (from 0) with the lowest mean loss on your windows, the best first; of equal donors the
    lower number first.
    """
    ### BEGIN SOLUTION
    windows = np.arange(len(y))
    losses = -np.log(probabilities[:, windows, y]).mean(axis=1)
    return np.argsort(losses, kind="stable")[:n]
    ### END SOLUTION


def help_from_donors(answer):
    """what the donors that you choose do for one person."""
    you = Person.of(data, person, seed=SEED)
    donors = list(train_donors(data.select(data.users != person), shared, seed=SEED).values())
    (X, y), stop = you.train(10), you.validation(10)
    says = np.stack([softmax(donor.logits(X), axis=1) for donor in donors])
    start = average_models([donors[number] for number in answer(says, y, 3)])
    alone = personalise(shared, X, y, validation=stop, seed=SEED)
    helped = personalise(shared, X, y, validation=stop, seed=SEED, start=start)
    before, after = you.compare(alone=alone, helped=helped)["accuracy"]
    say(f"Person {person} on test windows: {before:.0%} from the shared model, {after:.0%} from your donors' average.")


check("choose-donors", choose_donors, use=help_from_donors)

# %% [markdown]
# ## Going further: what volunteers spend (1 minute)
# Each release with differential privacy spends some of the privacy of its volunteers. Each of these four promises an
# epsilon of eight. How much do they spend together? The accountant adds the steps of all of them, which gives less
# than *added*, the plain sum.

# %%
epsilon_by_release(8.0).round(2)

# %% [markdown]
# ## Going further: other federations (1 minute)
# *FedProx* pulls the weights at home towards the common ones. *FedPer* averages the hidden layer only, and everybody
# keeps an output layer of their own, which a new person has to train from nothing. On WISDM, with twenty labelled
# windows, a strong pull makes it worse, a weak one changes nothing, and FedPer is far behind:

# %%
others = ["FedAvg 40 at home", "FedProx 0.01 at home", "FedProx 0.1 at home", "FedProx 1 at home", "FedPer at home"]
federated.set_index("model").loc[["personal", "local", *others], [*columns]].round(3).rename(columns=columns)

# %% [markdown]
# Beyond one machine, [Flower](https://flower.ai) takes over. Its `ClientApp` is the loop over volunteers here, its
# `Strategy` the loop over rounds, and its `FedAvg`, `FedProx` and `SecAgg+` are the same methods. It adds what one
# process lacks: messages, time-outs, devices that come and go. The README says how to run this notebook's system on
# two machines of your own.
