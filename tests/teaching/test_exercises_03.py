"""The exercises of notebook 03: right however it is written, and wrong for a reason that the learner is told."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammaln

from pmt_helpers.datasets import load_documents
from pmt_helpers.datasets.text import count_documents
from pmt_helpers.teaching.exercises import find_exercise
from pmt_helpers.teaching.exercises.judging import judge
from pmt_helpers.teaching.exercises.nb03 import choose_weight, completion_bits, grow_topics, topic_probabilities
from pmt_helpers.topics import GibbsLDA, held_out_bits, split_tokens
from pmt_helpers.topics.personal import Topics, extend_vocabulary
from pmt_helpers.topics.prior_weight import best_weight


def say(exercise_id, answer):
    """The verdict on an answer; what it says is shown when a test fails."""
    verdict = judge(find_exercise(exercise_id), answer)
    print(verdict.text)
    return verdict


def mutant(exercise_id, name):
    exercise = find_exercise(exercise_id)
    return exercise.mutant(next(mistake for mistake in exercise.mistakes if mistake.name == name))


# ---- gibbs-update ----


def topic_by_topic(word_topic, doc_topic, word, doc, topic, alpha, beta):
    weights = []
    for k in range(word_topic.shape[1]):
        gone = 1 if k == topic else 0
        total = sum(word_topic[:, k]) - gone
        share = (word_topic[word, k] - gone + beta) / (total + len(word_topic) * beta)
        weights.append((doc_topic[doc, k] - gone + alpha) * share)
    return [weight / sum(weights) for weight in weights]


def out_and_back(word_topic, doc_topic, word, doc, topic, alpha, beta):
    word_topic[word, topic] -= 1
    doc_topic[doc, topic] -= 1
    p = (doc_topic[doc] + alpha) * (word_topic[word] + beta) / (word_topic + beta).sum(axis=0)
    word_topic[word, topic] += 1
    doc_topic[doc, topic] += 1
    return p / p.sum()


def on_copies(word_topic, doc_topic, word, doc, topic, alpha, beta):
    word_topic, doc_topic = word_topic.astype(np.float32), doc_topic.astype(np.float32)
    word_topic[word, topic] -= 1
    doc_topic[doc, topic] -= 1
    phi = (word_topic + beta) / (word_topic + beta).sum(axis=0)
    p = phi[word] * (doc_topic[doc] + alpha)
    return p / p.sum()


def theta_times_phi(word_topic, doc_topic, word, doc, topic, alpha, beta):
    """With the length of the document below the line, as in some books: the same once it sums to one."""
    word_topic, doc_topic = word_topic.copy(), doc_topic.copy()
    word_topic[word, topic] -= 1
    doc_topic[doc, topic] -= 1
    theta = (doc_topic[doc] + alpha) / (doc_topic[doc].sum() + alpha * doc_topic.shape[1])
    p = theta * (word_topic[word] + beta) / (word_topic.sum(axis=0) + beta * word_topic.shape[0])
    return p / p.sum()


@pytest.mark.parametrize("answer", [topic_by_topic, out_and_back, on_copies, theta_times_phi])
def test_one_update_is_right_however_it_is_written(answer):
    assert say("gibbs-update", answer).state == "right"


@pytest.mark.parametrize(("table", "name"), [(0, "word_topic"), (1, "doc_topic")])
def test_an_answer_that_leaves_the_token_out_of_a_table_is_told_so(table, name):
    def spoiling(*arguments):
        tables = [arguments[0].copy(), arguments[1].copy()]
        tables[table] = arguments[table]
        rows = arguments[2:4]
        for each, row in zip(tables, rows, strict=True):
            each[row, arguments[4]] -= 1
        alpha, beta = arguments[5:]
        p = (tables[1][rows[1]] + alpha) * (tables[0][rows[0]] + beta) / (tables[0] + beta).sum(axis=0)
        return p / p.sum()

    assert say("gibbs-update", spoiling).text == f"Not yet: your function changes its argument `{name}`: change a copy."


def test_one_topic_is_not_a_probability_for_each():
    def likeliest(*arguments):
        return topic_probabilities(*arguments).argmax()

    assert "expected (3,), found ()" in say("gibbs-update", likeliest).text


def test_not_a_number_is_no_right_probability():
    assert say("gibbs-update", lambda word_topic, *rest: np.full(word_topic.shape[1], np.nan)).state == "not yet"


def test_an_exception_on_the_way_is_told_with_its_line():
    def forgetful(word_topic, doc_topic, word, doc, topic, alpha, beta):
        return word_topic[word] @ doc_topic

    text = say("gibbs-update", forgetful).text
    assert "ValueError" in text
    assert "return word_topic[word] @ doc_topic" in text


def log_joint(word_topic, doc_topic, alpha, beta):
    """log p(words, topics), theta and phi integrated out (Griffiths and Steyvers 2004, equations 2 and 3)."""
    by_topic = gammaln(word_topic + beta).sum() - gammaln((word_topic + beta).sum(axis=0)).sum()
    return by_topic + gammaln(doc_topic + alpha).sum() - gammaln((doc_topic + alpha).sum(axis=1)).sum()


@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(1, 6), st.integers(1, 3))
def test_the_solution_is_the_joint_probability_of_each_topic_compared(seed, n_topics, n_words, n_docs):
    rng = np.random.default_rng(seed)
    tokens = rng.integers((n_words, n_docs, n_topics), size=(30, 3))
    word_topic, doc_topic = np.zeros((n_words, n_topics), int), np.zeros((n_docs, n_topics), int)
    np.add.at(word_topic, (tokens[:, 0], tokens[:, 2]), 1)
    np.add.at(doc_topic, (tokens[:, 1], tokens[:, 2]), 1)
    word, doc, topic = tokens[0]
    alpha, beta = rng.uniform(0.01, 3, 2)
    logs = []
    for k in range(n_topics):
        moved = word_topic.copy(), doc_topic.copy()
        for table, row in zip(moved, (word, doc), strict=True):
            table[row, topic] -= 1
            table[row, k] += 1
        logs.append(log_joint(*moved, alpha, beta))
    expected = np.exp(np.array(logs) - max(logs))
    ours = topic_probabilities(word_topic, doc_topic, word, doc, topic, alpha, beta)
    np.testing.assert_allclose(ours, expected / expected.sum(), atol=1e-9)


def test_the_sampler_of_the_workbook_draws_from_the_reference(monkeypatch):
    """News text, token by token: the weights that reach the draw, against ours for tables with the token put back."""
    from pmt_helpers.topics import gibbs_reference
    from pmt_helpers.topics.gibbs import GibbsState

    counts = load_documents("news").counts[:3]
    counts = counts[:, np.unique(counts.indices)]
    n_topics, alpha, beta, n_seen, draw = 6, 2.5, 0.1, 0, gibbs_reference.draw
    z = np.random.default_rng(1).integers(0, n_topics, counts.sum(), dtype=np.uint32)
    chain = GibbsState(counts, z, n_topics, alpha, np.full((1, 1), beta), reference=True)
    docs = np.repeat(np.arange(3), np.diff(chain.starts))

    def compared(weights, before, extra, u, n):
        nonlocal n_seen
        word, doc, topic = chain.words[n_seen], docs[n_seen], chain.z[n_seen]
        tables = chain.word_topic[:, :n_topics].copy(), chain.doc_topic[:, :n_topics].copy()
        for i in range(n_seen, min(n_seen + 2, chain.starts[doc + 1])):  # the next one of the document is out, too
            for table, row in zip(tables, (chain.words[i], doc), strict=True):
                table[row, chain.z[i]] += 1
        ours = topic_probabilities(*tables, word, doc, topic, alpha, beta)
        all_weights = weights[:n_topics] + extra * (np.arange(n_topics) == before)
        np.testing.assert_allclose(all_weights / all_weights.sum(), ours, rtol=1e-4)
        n_seen += 1
        return draw(weights, before, extra, u, n)

    monkeypatch.setattr(gibbs_reference, "draw", compared)
    chain.sweep(np.random.default_rng(2))
    assert n_seen == len(z) > 200


def test_the_tables_of_the_exercise_could_come_from_documents():
    for word_topic, doc_topic, word, doc, topic, *_ in find_exercise("gibbs-update").cases.values():
        np.testing.assert_array_equal(word_topic.sum(axis=0), doc_topic.sum(axis=0))
        assert word_topic[word, topic] >= 1
        assert doc_topic[doc, topic] >= 1


# ---- document-completion ----


def token_by_token(phi, seen, unseen, alpha, iterations):
    def tokens(counts):
        return [word for word, count in enumerate(counts) for _ in range(count)]

    theta = [1 / len(phi)] * len(phi)
    for _ in range(iterations):
        found = [alpha] * len(phi)
        for word in tokens(seen):
            joint = [theta[k] * phi[k, word] for k in range(len(phi))]
            for k in range(len(phi)):
                found[k] += joint[k] / sum(joint)
        theta = [value / sum(found) for value in found]
    bits = [np.log2(sum(theta[k] * phi[k, word] for k in range(len(phi)))) for word in tokens(unseen)]
    return sum(bits) / len(bits)


def normalised_only_at_the_end(phi, seen, unseen, alpha, iterations):
    theta = np.ones(len(phi))
    for _ in range(iterations):
        theta = alpha + theta * (phi @ (seen / (theta @ phi)))
    return np.average(np.log2((theta / theta.sum()) @ phi), weights=unseen)


def over_the_words_that_occur(phi, seen, unseen, alpha, iterations):
    known, asked = np.flatnonzero(seen), np.repeat(np.arange(len(unseen)), unseen)
    theta = np.full((len(phi), 1), 1 / len(phi))
    for _ in range(iterations):
        joint = theta * phi[:, known]
        theta = alpha + (joint / joint.sum(axis=0) * seen[known]).sum(axis=1, keepdims=True)
        theta /= theta.sum()
    return np.log(theta.T @ phi[:, asked]).mean() / np.log(2)


@pytest.mark.parametrize("answer", [token_by_token, normalised_only_at_the_end, over_the_words_that_occur])
def test_the_other_half_is_scored_right_however_it_is_written(answer):
    assert say("document-completion", answer).state == "right"


@pytest.fixture(scope="module")
def news():
    """The first news texts over their own words, and four topics over the same words, smoothed and else random."""
    counts = load_documents("news").counts[:40]
    counts = counts[:, np.unique(counts.indices)]
    return counts, np.random.default_rng(3).dirichlet(np.full(counts.shape[1], 0.1), 4) * 0.9 + 0.1 / counts.shape[1]


def test_the_solution_scores_a_news_text_as_the_package_does(news):
    counts, phi = news
    for doc in range(5):
        document = counts[[doc]]
        seen, unseen = (half.toarray()[0] for half in split_tokens(document, seed=doc))
        theirs = held_out_bits(phi, document, alpha=2.5, seed=doc, reference=True)
        assert completion_bits(phi, seen, unseen, 2.5, 50) == pytest.approx(theirs, abs=1e-9)


def test_a_theta_that_saw_the_answer_flatters_on_news_texts(news):
    counts, phi = news
    peek = mutant("document-completion", "both halves")
    halves = [[half.toarray()[0] for half in split_tokens(counts[[doc]], seed=doc)] for doc in range(40)]
    flattery = [peek(phi, *pair, 0.5, 20) - completion_bits(phi, *pair, 0.5, 20) for pair in halves]
    assert np.mean(flattery) > 0.05
    assert np.mean(np.array(flattery) > 0) > 0.8


# ---- choose-weight ----


def in_a_loop(weights, validation, test):
    best, chosen = -np.inf, 0
    for column in range(len(weights)):
        mean = sum(row[column] for row in validation) / len(validation)
        if mean > best:
            best, chosen = mean, column
    return weights[chosen], sum(row[chosen] for row in test) / len(test)


def by_frames(weights, validation, test):
    tables = {name: pd.DataFrame(table, columns=weights) for name, table in (("choose", validation), ("tell", test))}
    weight = tables["choose"].mean().idxmax()
    return [weight, tables["tell"][weight].mean()]


def by_sums(weights, validation, test):
    place = np.argsort(validation.sum(axis=0))[-1]
    return np.array([weights[place], np.average(test, axis=0)[place]])[:2].tolist()


@pytest.mark.parametrize("answer", [in_a_loop, by_frames, by_sums])
def test_a_weight_is_chosen_right_however_it_is_written(answer):
    assert say("choose-weight", answer).state == "right"


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 8))
def test_the_solution_takes_the_weight_that_the_package_takes_and_no_luckier_one(seed, n_seeds, n_weights):
    validation, test = np.random.default_rng(seed).normal(-10.5, 0.3, (2, n_seeds, n_weights))
    weights = np.geomspace(0.01, 100, n_weights)
    rows = pd.DataFrame(validation, columns=weights).rename_axis("fold").reset_index()
    theirs = best_weight(rows.melt("fold", var_name="weight", value_name="bits"))
    weight, bits = choose_weight(weights, validation, test)
    assert weight == pytest.approx(theirs)
    assert bits <= mutant("choose-weight", "chosen by test")(weights, validation, test)[1]


def test_where_no_weight_is_better_the_honest_choice_says_so_and_the_others_promise_too_much():
    rng = np.random.default_rng(4)
    tables = rng.normal(-10.5, 0.3, (400, 2, 4, 8))
    said = {
        name: np.mean([choose(np.arange(8.0), *pair)[1] for pair in tables])
        for name, choose in (
            ("honest", choose_weight),
            ("test", mutant("choose-weight", "chosen by test")),
            ("validation", mutant("choose-weight", "validation reported")),
        )
    }
    assert said["honest"] == pytest.approx(-10.5, abs=0.03)
    assert min(said["test"], said["validation"]) > -10.5 + 0.15


# ---- grow-dictionary ----


def with_counters(phi, words, documents, no_below):
    in_documents = Counter()
    for document in documents:
        in_documents.update(set(document))
    grown = list(words)
    for word in sorted(in_documents):
        if word not in words and in_documents[word] >= no_below:
            grown.append(word)
    counts = np.zeros((len(documents), len(grown)))
    for row, document in enumerate(documents):
        for word in document:
            if word in grown:
                counts[row, grown.index(word)] += 1
    wide = []
    for topic in phi:
        row = list(topic) + [min(topic)] * (len(grown) - len(words))
        wide.append([p / sum(row) for p in row])
    return counts, wide


def by_scikit_learn(phi, words, documents, no_below):
    from sklearn.feature_extraction.text import CountVectorizer

    everything = CountVectorizer(analyzer=list, min_df=no_below).fit(documents)
    new = [word for word in everything.get_feature_names_out() if word not in words]
    counts = CountVectorizer(analyzer=list, vocabulary=words + new).transform(documents).toarray()
    wide = np.column_stack([phi, *[phi.min(axis=1)] * len(new)])
    return [counts, wide / wide.sum(axis=1)[:, None]]


def by_frame(phi, words, documents, no_below):
    table = pd.DataFrame([Counter(document) for document in documents]).fillna(0)
    common = table.columns[(table > 0).sum() >= no_below]
    columns = [*words, *sorted(set(common) - set(words))]
    counts = table.reindex(columns=columns, fill_value=0).to_numpy()
    wide = np.pad(phi, ((0, 0), (0, len(columns) - len(words))), "minimum")
    return counts, (wide.T / wide.sum(axis=1)).T


@pytest.mark.parametrize("answer", [with_counters, by_scikit_learn, by_frame])
def test_a_dictionary_grows_right_however_it_is_written(answer):
    assert say("grow-dictionary", answer).state == "right"


LETTERS = st.lists(st.sampled_from("abcdefgh"), max_size=8)


@given(st.lists(LETTERS, min_size=1, max_size=5), st.permutations("bdfh"), st.integers(1, 4), st.integers(0, 99))
def test_the_solution_grows_as_the_package_grows(documents, words, no_below, seed):
    phi = np.random.default_rng(seed).dirichlet(np.ones(4), 3)
    counted = count_documents(documents, words, grow=True, min_documents=no_below)
    counts, wide = grow_topics(phi, words, documents, no_below)
    np.testing.assert_array_equal(counts, counted.counts.toarray())
    np.testing.assert_allclose(wide, extend_vocabulary(Topics(phi, words), counted.vocabulary), rtol=1e-12)


def test_what_grew_can_be_learnt_and_what_is_impossible_is_refused():
    for case in find_exercise("grow-dictionary").cases.values():
        counts, wide = grow_topics(*case)
        assert GibbsLDA(3, seed=0).fit(counts, 2, "shared", wide, reference=True).phi_.shape == wide.shape
    case = find_exercise("grow-dictionary").cases["four news texts, words in two of them"]
    counts, impossible = mutant("grow-dictionary", "impossible words")(*case)
    with pytest.raises(ValueError, match="have no probability in any shared topic"):
        GibbsLDA(3, seed=0).fit(counts, 2, "shared", impossible, reference=True)


def test_in_any_other_place_words_land_on_columns_of_phi_that_mean_others():
    case = find_exercise("grow-dictionary").cases["four news texts, words in two of them"]
    _, words, documents, _ = case
    storms = np.array([document.count("storm") for document in documents])

    def columns_of_storm(answer):
        counts, _ = answer(*case)
        return np.flatnonzero((counts == storms[:, None]).all(axis=0))

    assert columns_of_storm(grow_topics).min() >= len(words)
    assert columns_of_storm(mutant("grow-dictionary", "new words in front in the counts")).max() < len(words)
    alphabetical = mutant("grow-dictionary", "sorted together")(*case)[0]
    banks = [document.count("bank") for document in documents]
    assert alphabetical[:, 0].tolist() == banks  # but the first column of phi is about rivers
