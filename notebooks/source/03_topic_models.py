# %% [markdown]
# # 03 Topics of private documents
#
# Notebooks 01 and 02 were about movement. Here the private data are documents, and the model is a topic model.
#
# **The claim this notebook tests:** a topic model started from shared topics describes a person's documents better
# than one learnt at home alone. It needs fewer iterations, and a tenth of the public text is enough (section IV of the
# paper).
#
# About 40 minutes, and 15 more for what goes further. Needs under 800 MB of memory and no network. Terms:
# [glossary](glossary.ipynb).
#
# **After this notebook you can**
# 1. say what a topic model is, what of it leaves the cloud, and read its topics;
# 2. carry shared topics home, with your own words added, in two ways: as a *start* and as a *prior*;
# 3. tell a likelihood of training words from one of held-out words, and choose a setting without looking at the test.
#
# > **Threat model: who sees what**
# >
# > | | your documents | your words' counts | shared topics and vocabulary | your topics |
# > |---|---|---|---|---|
# > | your device | yes | yes | yes, downloaded | yes |
# > | the cloud | **no** | **no** | yes, it made them | **no** |
# >
# > Nothing goes back. How much of the *public* documents the published topics give away is in notebook 05.

# %% tags=["parameters"]
N_LOCAL = 200  # news texts that are yours; 30 shows another side
FOLDER = None  # a folder with your own .txt, .md or .pdf files
SEED = 0

# %%
from pmt_helpers.teaching import preflight

preflight("wikipedia", N_LOCAL=(N_LOCAL, range(10, 251)), SEED=SEED)

import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import display

from pmt_helpers.datasets import load_documents, load_own_documents, paper_table
from pmt_helpers.experiments import at_chosen_weight, gains_by_weight, stored_topics
from pmt_helpers.teaching import (
    check,
    claims_table,
    explore,
    figures,
    name_the_topic,
    prediction,
    quiz,
    reveal,
    say,
    topic_map,
    topic_table,
)
from pmt_helpers.topics import (
    GibbsLDA,
    by_model,
    choose_prior_weight,
    compared_words,
    extend_vocabulary,
    held_out_bits,
    hold_out,
    improvement,
    local_after,
    over_seeds,
    personalise_topics,
    saving,
    topic_coherence,
    train_local_topics,
    train_shared_topics,
)

# %% [markdown]
# ## The answer first
# A *topic* is a list of probabilities, one for each word. A document is a mixture of topics. Training finds topics
# under which the documents' words are likely, in many rounds over all words: the *iterations*. (This model is called
# LDA, latent Dirichlet allocation.)
#
# These are the paper's Figures 4 and 5, measured again on its own data (papers of the NIPS conference). They show how
# well a model describes the words it is trained on; higher is better. The unit is *bits per word*: the mean
# base-2 logarithm of a word's probability. It is negative, and one bit more means twice as probable. Bands are
# intervals over ten seeds, each with other documents. The paper's lines are grey, behind ours.

# %% tags=["slide"]
papers = stored_topics("likelihood", "nips")
figures.likelihood_by_iteration(over_seeds(by_model(papers)), paper_table("fig4_log_likelihood")).show()
figures.likelihood_by_share(papers, paper_table("fig5_log_likelihood"))

# %% [markdown]
# The first claim holds: the personal model starts far ahead, and then the two curves meet, close to where the paper's
# lines end. Our head start is larger than the paper's. The second figure trains the shared model on a part of the
# public documents only. A tenth gives about half of the head start. After the last iteration hardly any of it is left.
# Does the head start help a person in the end? That is the question of this notebook.
#
# ## Step 1. Shared topics
# The cloud trains on a sample of the English Wikipedia. Each row of the table is a topic, with its most probable
# words.

# %%
wiki = load_documents("wikipedia")
started = time.perf_counter()
shared = train_shared_topics(wiki, seed=SEED)
say(f"Wikipedia here: {wiki.summary}. Training took {time.perf_counter() - started:.1f} s.")
display(topic_table({"shared": shared}, wiki))
name_the_topic(shared, wiki, seed=SEED)

# %% [markdown]
# ## Step 2. What leaves the cloud
# Your device downloads the table of probabilities, and which word each column is. Nothing else leaves the cloud, and
# nothing goes back. Your texts have words that the public ones lack: names, places, what your family calls the dog.
# The shared topics have no column for them. Either these words are lost, or the vocabulary grows at home.
#
# **Exercise 1.** Let it grow. A new word joins when at least `no_below` of your *documents* have it. The shared words
# keep their columns, however rare they are in your texts. The new words come after them, in alphabetical order. In
# each topic a new word gets the smallest probability that the topic has, like a word that was never seen in it. Then
# scale each topic so that it sums to one.


# %%
def grow_topics(phi, words, documents, no_below):
    """phi (n_topics, n_words), the shared topics; words: list, the word of each column; documents: lists of words.

    Returns how often each document has each word, (n_docs, n_words + n_new), and the topics over the same columns.
    """
    ### BEGIN SOLUTION
    once_each = [word for document in documents for word in set(document)]
    new = sorted(word for word in set(once_each) - set(words) if once_each.count(word) >= no_below)
    grown = [*words, *new]
    counts = np.array([[document.count(word) for word in grown] for document in documents])
    wide = np.hstack([phi, np.repeat(phi.min(axis=1, keepdims=True), len(new), axis=1)])
    return counts, wide / wide.sum(axis=1, keepdims=True)
    ### END SOLUTION


def with_words_of_yours(grow):
    """the words that three sentences of a family add to the downloaded vocabulary."""
    told = ["Bello buried my slipper again", "who let Bello into the kitchen", "slipper found in our kitchen"]
    documents = [sentence.lower().split() for sentence in told]
    words = list(shared.topics.vocabulary)
    counts, phi = grow(shared.topics.phi, words, documents, 2)
    new = counts[:, len(words) :].sum()
    say(f"Columns: {len(words):,} before, {phi.shape[1]:,} after. Otherwise {new} of your words would be lost.")


check("grow-dictionary", grow_topics, use=with_words_of_yours)

# %% [markdown]
# ## Step 3. Two models at home
# Your private texts are some news texts; the other news texts are put aside for testing. The *local* model learns from
# yours alone. The *personal* model draws the first topic of each word from the shared topics and continues from there,
# as in the paper.

# %% tags=["slide"]
prediction(
    "After the last iteration, by how many bits per word will the personal model describe your own texts better?",
    (-0.2, 0.6, 0.02),
    key="03-lead",
)

# %% tags=["slide"]
download = shared.topics  # this, and nothing else
news = load_documents("news", vocabulary=download.vocabulary, grow=True)
own, aside = hold_out(news, N_LOCAL, seed=SEED)
words = f"{len(news.vocabulary):,}, of them {len(news.vocabulary) - len(download.vocabulary):,} your own"
say(f"Downloaded: {len(download.phi)} topics, {download.phi.nbytes / 1e6:.1f} MB. Words at home: {words}.")
started = time.perf_counter()
local = train_local_topics(own, seed=SEED)
personal = personalise_topics(download, own, seed=SEED)
say(f"At home, both models together took {time.perf_counter() - started:.2f} s.")
curves = [
    pd.DataFrame({"model": name, "iteration": np.arange(1, 51), "log2_likelihood": model.curve})
    for name, model in (("local", local), ("personal", personal))
]
reveal("03-lead", float(personal.curve[-1] - local.curve[-1]))
figures.likelihood_by_iteration(pd.concat(curves), title=f"Your {len(own)} news texts")

# %% [markdown]
# ## Step 4. Documents that nobody trained on
# The likelihood of training words also rewards a model that learns them by heart. So take a document that was put
# aside and split its words at random into two halves. The topics stay as they are. The first half tells which topics
# the document has. The score is the mean base-2 logarithm of the probability of the words in the second half:
# *held-out bits per word*.
#
# **Exercise 2.** Score one document. Start with the same share $\theta_k$ for every topic. Then, `iterations` times,
# ask of each seen word which topic it is from, and count:
#
# $$p(k \mid w) \propto \theta_k\,\phi_{kw} \qquad \theta_k \propto \alpha + \sum_{\text{seen tokens}} p(k \mid w)$$
#
# Both sum to one over the topics. ($\alpha$ counts as if each topic already had that many tokens.)


# %% tags=["slide"]
def completion_bits(phi, seen, unseen, alpha, iterations):
    """phi (n_topics, n_words); seen, unseen (n_words,): how often each word is in the two halves of a document.

    Returns the mean, over the unseen tokens, of log2 of their probability, sum over k of theta_k phi_kw.
    """
    ### BEGIN SOLUTION
    theta = np.full(len(phi), 1 / len(phi))
    for _ in range(iterations):
        from_topic = theta[:, None] * phi
        from_topic = from_topic / from_topic.sum(axis=0)
        theta = alpha + from_topic @ seen
        theta = theta / theta.sum()
    return unseen @ np.log2(theta @ phi) / unseen.sum()
    ### END SOLUTION


def on_a_text_put_aside(bits):
    """the held-out bits of one text that was put aside, under the local and the personal model, by your function."""
    counts = aside.counts[[0]].toarray()[0]
    seen = np.random.default_rng(SEED).binomial(counts, 0.5)
    unseen = counts - seen
    both = {name: bits(model.phi, seen, unseen, 2.5, 20) for name, model in (("local", local), ("personal", personal))}
    say("By your function:", ", ".join(f"{name} {value:.2f}" for name, value in both.items()) + " bits per word.")


check("document-completion", completion_bits, use=on_a_text_put_aside)

# %% tags=["slide"]
prediction(
    "On conference papers that nobody trained on, which is ahead after fifty iterations at home? (Level: < 0.1 bits)",
    ["personal, clearly", "personal and local are level", "local, clearly"],
    key="03-held-out",
)

# %% tags=["slide"]
held_out = at_chosen_weight(stored_topics("held_out", "nips"))
bits = held_out[held_out["iteration"] == 50].groupby("model")["bits"].mean()
lead = bits["personal"] - bits["local"]
level = "personal and local are level" if abs(lead) < 0.1 else f"{'personal' if lead > 0 else 'local'}, clearly"
reveal("03-held-out", level)
coherent = ", ".join(f"{name} {value:.2f}" for name, value in held_out.groupby("model")["coherence"].mean().items())
say(f"Do a topic's first words share documents? Coherence at the end: {coherent}.")
figures.held_out_by_iteration(over_seeds(held_out.drop(columns="coherence"), "bits")).show()
few = at_chosen_weight(stored_topics("held_out", "nips", 30)).drop(columns="coherence")
figures.held_out_by_iteration(over_seeds(few, "bits"), title="With 30 papers at home")

# %% [markdown]
# The head start *fades*: training starts from the shared topics, and with every iteration it forgets them. With few
# papers (second figure) the personal model is best before its first iteration. Each further iteration describes the
# papers at home better and all others worse: it learns by heart.
#
# One line does not fade. There the shared topics are not only the start but a **prior**: they count as if you had
# written further words, drawn from the shared topics. `c` says how many, as a multiple of your own words.
#
# **Coherence**, printed above, looks at a topic's most probable words: do they occur in the same documents more often
# than unrelated words do? Zero means as often as by chance, below zero less often; one is the maximum.
#
# ## Step 5. How strong a prior?
# With a small `c` the shared topics are forgotten; with a large one your own words hardly count. The right `c` depends
# on how much text you have and how similar it is to the public text. Move the slider: the private texts are news, the
# public text is Wikipedia.

# %%
mismatch = stored_topics("held_out", "news")
last = mismatch[mismatch["iteration"] == 50]
taken = last[last["chosen"]]["weight"].mode().max()
weights = sorted(last["weight"].dropna().unique())
levels = pd.concat([last.assign(at=weight) for weight in weights])
explore(
    levels,
    by="at",
    draw=lambda rows: figures.bits_by_weight(rows, chosen=taken, at=rows["at"].iloc[0]),
    description="c, the weight",
    start=1.0,
    label="{:g}".format,
)

# %% [markdown]
# **Exercise 3.** Choose *one* weight for all seeds: the one with the highest mean over the seeds on validation text.
# Then say what it is worth on the test. The values are bits per word: they are negative, and closer to zero is better.


# %%
def choose_weight(weights, validation, test):
    """weights (n_weights,); validation, test (n_seeds, n_weights): bits per word, a row per seed, a column per weight.

    Returns two numbers: the weight chosen, and its mean over the seeds on the test.
    """
    ### BEGIN SOLUTION
    best = validation.mean(axis=0).argmax()
    return weights[best], test[:, best].mean()
    ### END SOLUTION


def on_stored_weights(choose):
    """the weight that your function chooses for news with Wikipedia as public text."""
    tried = last.dropna(subset=["weight"]).pivot_table(index="seed", columns="weight", values=["validation", "bits"])
    weight, worth = choose(np.array(weights), *(tried[what][weights].to_numpy() for what in ("validation", "bits")))
    say(f"Your choice: c = {weight:g}, worth {worth:.2f} bits per word on the test.")


check("choose-weight", choose_weight, use=on_stored_weights)

# %% [markdown]
# Now live, for you: each weight is tried on parts of your *own* texts. The texts put aside are used once, at the end.

# %%
choice = choose_prior_weight(download, own, seed=SEED, threads=2)
prior = personalise_topics(download, own, "prior", choice.weight, seed=SEED)
say(f"Validation on your own texts chooses c = {choice.weight:g}.")
wide = extend_vocabulary(download, own.vocabulary)
models = {"shared": wide, "local": local.phi, "personal": personal.phi, "prior": prior.phi}
scores = {name: held_out_bits(phi, aside.counts, seed=SEED) for name, phi in models.items()}
pd.Series(scores, name="bits per held-out word").round(2).to_frame()

# %% [markdown]
# Wikipedia is not news: unchanged, the shared topics are far behind what you learn at home. With many texts of your
# own, neither the start nor the prior helps much: compare both with local. Who gains from such a prior? The next
# figure has three cases: few conference papers at home when the cloud has such papers, too; many news texts, and few
# news texts, when the cloud has Wikipedia.

# %% tags=["slide"]
figures.gain_by_weight(
    {
        "30 papers": gains_by_weight(stored_topics("held_out", "nips", 30)),
        "200 news texts": gains_by_weight(mismatch),
        "30 news texts": gains_by_weight(stored_topics("held_out", "news", 30)),
    }
)

# %% [markdown]
# The less text you have, and the more similar the public text is, the stronger the prior should be. When validation
# chooses the weight, it costs next to nothing where it does not help.
#
# ## What the paper says, and what we measured

# %%
display(claims_table(notebook="03"))
quiz("03")

# %% [markdown]
# **Take-aways.** A better start is not a better end: ask for held-out words. What should last must be in the model as
# a prior, not only in its first state. Choose its weight on your own text.
#
# **Limits.** Nearly all results are for one way to train (Gibbs sampling), few topics, short texts, English. The
# papers are a reduced table.
#
# **Next:** [04 Adversaries](04_adversaries.ipynb): what can volunteers spoil, and what repairs it?
#
# ## Going further: one step of training (9 minutes)
# The sampler has one move. It takes one word of one document (a *token*) out of the counts, computes how well each
# topic suits it, draws a topic, and puts the token back there. Topic $k$ suits word $w$ in document $d$ better if more
# of the document's other tokens have this topic, and if the word has a larger share of the topic:
#
# $$p(k) \propto (n_{dk} + \alpha)\,\frac{n_{kw} + \beta}{n_k + V\beta}$$
#
# **Exercise 4.** Compute these probabilities for one token. The $n$ count all the *other* tokens: of the topic in the
# document, of the word in the topic, and of the whole topic. $V$ is the number of words in the vocabulary. The tables
# still hold the token in its old topic. Leave them as they are.


# %%
def topic_probabilities(word_topic, doc_topic, word, doc, topic, alpha, beta):
    """word_topic (n_words, n_topics), doc_topic (n_docs, n_topics): counts that still have this token in `topic`.

    word, doc: its rows in the two tables. Returns (n_topics,), the probabilities of its new topic; they sum to one.
    """
    ### BEGIN SOLUTION
    token = np.arange(word_topic.shape[1]) == topic
    in_document = doc_topic[doc] - token
    of_word = word_topic[word] - token
    in_all = word_topic.sum(axis=0) - token
    weights = (in_document + alpha) * (of_word + beta) / (in_all + len(word_topic) * beta)
    return weights / weights.sum()
    ### END SOLUTION


def in_a_sampler(update):
    """a whole sampler that runs on your update, on ten of your texts, beside the workbook's own."""
    counts, rng = own.counts[:10].toarray(), np.random.default_rng(SEED)
    counts = counts[:, counts.any(axis=0)]
    docs, words = (np.repeat(rows, counts[counts > 0]) for rows in np.nonzero(counts))
    drawn = rng.integers(5, size=len(words))
    of_words, of_docs = np.zeros((counts.shape[1], 5), int), np.zeros((len(counts), 5), int)
    np.add.at(of_words, (words, drawn), 1)
    np.add.at(of_docs, (docs, drawn), 1)
    for iteration in range(21):
        phi, theta = of_words + 0.01, of_docs + 2.5
        p = (theta / theta.sum(axis=1, keepdims=True) @ (phi / phi.sum(axis=0)).T)[docs, words]
        if iteration in (0, 1, 5, 20):
            say(f"After {iteration} iterations: {np.log2(p).mean():.2f} bits per word.")
        for i, (word, doc, before) in enumerate(list(zip(words, docs, drawn, strict=True))):
            drawn[i] = rng.choice(5, p=update(of_words, of_docs, word, doc, before, 2.5, 0.01))
            for table, row in ((of_words, word), (of_docs, doc)):
                table[row, before] -= 1
                table[row, drawn[i]] += 1
    ours = GibbsLDA(n_topics=5, alpha=2.5, beta=0.01, seed=SEED).fit(counts, 20)
    say(f"The workbook's sampler, from another random start: {ours.log2_likelihood_[-1]:.2f} bits per word.")


check("gibbs-update", topic_probabilities, use=in_a_sampler)

# %% [markdown]
# ## Going further: people who write about one thing (2 minutes)
# The paper takes ten people whose documents all have one topic. It counts how many iterations the shared topics save
# on the way to *one* likelihood, a target that the authors chose (its Figure 6). Here are ten people for each of six
# seeds, and several targets: what each person's own local model reached after a number of iterations.

# %%
people = stored_topics("one_topic", "nips")
targets = {f"local@{n}": saving(people, local_after(people, n)) for n in (5, 10, 20, 30, 40)}
better = improvement(people)
paper_6 = paper_table("fig6_topics")
theirs = paper_6["likelihood_improvement"]
say(f"Likelihood better over iterations 1 to 10: by {better.mean():.1%} ({better.min():.1%} to {better.max():.1%}).")
say(f"In the paper: by {theirs.mean():.1%} ({theirs.min():.1%} to {theirs.max():.1%}).")
figures.saving_by_target(targets, paper_6)

# %% [markdown]
# For an early target the shared topics save about as much as in the paper. For a late one they save nothing, or they
# cost iterations: many people's personal model never reaches it. A number of saved iterations says little without its
# target.
#
# ## Going further: the map, before and after (1 minute)
# Circles are topics of your texts. A large circle has many of your words; circles that are close have similar words.
# Choose a circle to see its words. Switch between the shared topics and those after training at home with your prior.

# %%
topic_map({"shared": download, "with prior": prior}, own)

# %% [markdown]
# ## Going further: the same person in gensim (4 minutes)
# Many people train topic models with gensim's `LdaModel`. It draws no topics, but works with expected counts
# (*variational Bayes*): one pass reads all texts, asks how much of each word belongs to each topic, and adds this up.
# Topic $k$ then has the counts
#
# $$\lambda_{kw} = \eta_{kw} + s_{kw}$$
#
# prior counts $\eta$ (`eta`), and counts $s$ from your texts (`state.sstats`). Shared topics can enter in either
# place. In $s$ they are a *start*: the first pass replaces it. In $\eta$ they are a *prior*: it stays. First the local
# model, with the sampler's priors.

# %%
from gensim.matutils import Sparse2Corpus
from gensim.models import LdaModel

from pmt_helpers.topics import fit_variational

corpus = list(Sparse2Corpus(own.counts, documents_columns=False))  # per text (id, count), as doc2bow makes them
settings = {
    "num_topics": len(wide),
    "id2word": dict(enumerate(own.vocabulary)),
    "alpha": local.alpha,
    "chunksize": len(corpus),  # a pass reads all texts at once,
    "update_every": 0,  # changes the topics at its end,
    "decay": 0,  # and replaces s, with nothing of the old one left
    "passes": 10,
    "random_state": SEED,
    "dtype": np.float64,
    "eval_every": None,  # by default each pass also measures log_perplexity, which takes far longer
}
started = time.perf_counter()
gensim_local = LdaModel(corpus, eta=local.beta, **settings)
say(f"The local model took {time.perf_counter() - started:.1f} s. Three of its topics:")
for _, words in gensim_local.print_topics(3, num_words=6):
    say(words)

# %%
public = wide * own.tokens / len(wide)  # counts of as many words as yours, as the shared topics expect them


def from_shared(eta):
    model = LdaModel(eta=eta, **settings)  # without a corpus it does not train yet
    model.state.sstats[...] = public
    model.sync_state()  # training reads a copy of the counts
    model.update(corpus)
    return model


started = time.perf_counter()
gensim_personal = from_shared(local.beta)
gensim_prior = from_shared(local.beta + choice.weight * public)
say(f"The personal model and the one with a prior took {time.perf_counter() - started:.1f} s.")

# %%
trained = {"local": gensim_local, "personal": gensim_personal, "prior": gensim_prior}
trained["own priors"] = LdaModel(corpus, **settings | {"alpha": "symmetric", "eta": "symmetric"})  # 1 / num_topics
phis = {("Gibbs", name): models[name] for name in ("local", "personal", "prior")}
phis |= {("gensim", name): model.get_topics() for name, model in trained.items()}
rows = {
    name: {
        "held-out bits": held_out_bits(phi, aside.counts, seed=SEED),
        "coherence": topic_coherence(phi, aside).mean(),
        "distinct words": np.unique(top := compared_words(phi, aside)).size / top.size,
        "overlap": np.minimum(phi, wide).sum(axis=1).mean(),
    }
    for name, phi in phis.items()
}
table = pd.DataFrame(rows).T
bits = table["held-out bits"].unstack(0)
by_own = bits.loc["own priors", "gensim"] - bits.loc["local", "gensim"]
gaps = ", ".join(f"{name} {gap:+.2f}" for name, gap in (bits["gensim"] - bits["Gibbs"]).dropna().items())
say(f"gensim against Gibbs, in bits per held-out word: {gaps}.", f"Its own priors change its local by {by_own:+.2f}.")
table.round(2)

# %% [markdown]
# *Overlap* is how much probability a model's topics have in common with the shared ones. gensim's personal model keeps
# more of its start than the sampler's: its passes lead to an optimum near the start, while random draws lead away.
# *Distinct words* is the share of different words among the top words of all topics. Where it is low, many topics
# begin with the same frequent words, and coherence is high for that reason alone. The last row is the local model with
# gensim's default priors (one divided by the number of topics). Priors can change more than the way of training does:
# choose them, too, on validation text.
#
# ### Break it: gensim, nearly right
# Three mistakes are easy to make, and only the last one stops with an error.
# 1. `log_perplexity` is wrong when `eta` has a row per topic: here it is above zero, which no logarithm of a
#    probability is. And it is in natural logarithms, not bits. Use held-out bits, or the `bound` of `fit_variational`,
#    the workbook's function for this step.
# 2. `passes=n` reads your texts `n` times. Each further call of `update` takes them for *new* texts: your words count
#    again, and every prior weighs less.
# 3. A model knows the words of its `id2word`, and no others. Let the vocabulary grow first, as in step 2.

# %%
n = settings["passes"]
perplexity = gensim_prior.log_perplexity(corpus) / np.log(2)
right = fit_variational(own, start="prior", shared=download, weight=choice.weight, passes=n, seed=SEED).bound[-1]
say(f"1. log_perplexity says {perplexity:+.1f} bits per word; the right bound is {right:.2f}.")
again = LdaModel(eta=local.beta, **settings | {"passes": 1})
for _ in range(n):
    again.update(corpus)
once, often = (model.state.sstats.sum() / own.tokens for model in (gensim_local, again))
say(f"2. With passes={n} each of your words counts {once:.1f} times; after {n} updates {often:.1f} times.")
try:
    LdaModel(id2word=dict(enumerate(download.vocabulary)), num_topics=2).update(corpus)
except IndexError as error:
    say(f"3. A model with the shared vocabulary, given your texts: IndexError, {error}.")

# %% [markdown]
# ## Going further: your own documents (1 minute)
# Set `FOLDER` at the top to a folder of yours. Nothing leaves this machine. Files that cannot be read are left out,
# with the reason. Until then, three made-up files take their place.
#
# **Before you give this notebook to anybody:** it holds the folder's path, and what it shows holds names and words of
# your files, as do the pages that `make run` makes of it. So set `FOLDER` back to `None`, choose *Edit > Clear Outputs
# of All Cells*, and save; remove `build/`.

# %%
folder = Path(FOLDER) if FOLDER else Path(tempfile.mkdtemp())
if not FOLDER:
    (folder / "rehearsal.txt").write_text("The choir sings Bach on Friday; our organ player and two violins rehearse.")
    (folder / "recipe.md").write_text("# Soup\nBoil leek, butter and potatoes in salted water; serve with bread.")
    (folder / "scan.pdf").write_bytes(b"%PDF-1.7 torn off here")
mine = load_own_documents(folder, vocabulary=download.vocabulary, grow=True)
say(mine.summary)
for name, reason in mine.skipped:
    say(f"Left out: {name}, {reason}.")
at_home = personalise_topics(download, mine, "prior", weight=3, seed=SEED)
topic = int(at_home.theta[0].argmax())
first = [mine.vocabulary[column] for column in at_home.phi[topic].argsort()[::-1][:6]]
say(f"{mine.names[0]} is mostly of topic {topic + 1}: {', '.join(first)}.")
