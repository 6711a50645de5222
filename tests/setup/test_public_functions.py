"""Whoever comes through a door with something that is no argument is told which one, and what was expected.

One small valid call of every public function stands in CALLS; each of its arguments is then replaced, one at a time, by
everything that people pass by mistake. The call works, or raises an error of ours that names the argument: no raw
error of a library, no warning, no crash of a compiled loop.
"""

import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array, issparse

from pmt_helpers import activity, attacks, datasets, device, experiments, privacy, system, topics
from pmt_helpers.activity.model import ActivityModel
from pmt_helpers.activity.weights import Preprocessor
from pmt_helpers.datasets import ActivityData, DataError, DocumentData
from pmt_helpers.teaching.questions import Question
from pmt_helpers.topics import Topics

DOORS = ("datasets", "activity", "topics", "attacks", "privacy", "device", "experiments", "system", "teaching")
NAMES = [f"{door}.{name}" for door in DOORS for name in import_module(f"pmt_helpers.{door}").__all__]


@cache
def people() -> ActivityData:
    """Five people, few windows: enough for every function here."""
    watch = datasets.load_activity("watch")
    return watch.select((watch.users <= 5) & (watch.starts % 1000 == 0))


@cache
def two_people() -> ActivityData:
    """Enough windows of each for five folds."""
    watch = datasets.load_activity("watch")
    return watch.select((watch.users <= 2) & (watch.starts % 500 == 0))


@cache
def model() -> ActivityModel:
    """A network that nobody has trained."""
    card = {"dataset": "watch", "init": "he", "seed": 0, "monitor": "val_loss"}
    network = activity.build_mlp(43, len(people().class_names))
    return ActivityModel(network, Preprocessor.fit(people().X), people().feature_names, people().class_names, card=card)


def checkpoint() -> activity.Checkpoint:
    """The same as a device holds it."""
    return activity.Checkpoint.from_model(model())


@cache
def own() -> tuple[np.ndarray, np.ndarray]:
    mine = people().users == 1
    return people().X[mine], people().y[mine]


def few() -> tuple[np.ndarray, np.ndarray]:
    return own()[0][:8], own()[1][:8]


@cache
def documents() -> DocumentData:
    """Twenty-four short documents in six groups."""
    rng = np.random.default_rng(0)
    words = tuple(f"word{i:02}" for i in range(30))
    counts = csr_array(rng.poisson(np.where(np.arange(30) // 5 == np.arange(24)[:, None] // 4, 3.0, 0.2)))
    names = np.array([f"text {i}" for i in range(24)])
    card = datasets.load_card("wikipedia")
    return DocumentData(counts, words, np.arange(24) // 4, names, np.zeros(24, int), card, "made up")


@cache
def some_topics() -> Topics:
    return Topics(np.random.default_rng(0).dirichlet(np.full(30, 0.5), 2), documents().vocabulary)


@cache
def clear_topics() -> Topics:
    """A topic for each group of the documents."""
    return Topics((np.arange(30) // 5 == np.arange(6)[:, None]) * 0.17 + 0.005, documents().vocabulary)


@cache
def topic_curve() -> pd.DataFrame:
    return pd.DataFrame(
        [(s, m, i, -9.0 + i + s / 10) for s in (0, 1) for m in ("local", "personal") for i in (1, 2, 3)],
        columns=["seed", "model", "iteration", "log2_likelihood"],
    )


@cache
def one_topic_curve() -> pd.DataFrame:
    return topic_curve().assign(person=0)


@cache
def logs() -> dict[str, tuple[device.Log, ...]]:
    return device.read_logs(datasets.shipped("pi_logs"))


@cache
def numba_log() -> device.Log:
    return device.read_log(datasets.shipped("pi_logs", "measured-host-activity-numba.jsonl"))


@cache
def curve() -> pd.DataFrame:
    stored = experiments.stored_curve("watch")
    return stored[stored["n_samples"].isin([5, 20, 40])]


def layers() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(4, 3)), np.zeros(3), rng.normal(size=(3, 2)), np.zeros(2)


def _sum(layers: Any, X: Any, y: Any, clip_norm: float, noise: float, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=35 + 24 + 8)[:67] * noise


def _poisson(shape: tuple[int, int], probability: float, source: Callable[[int], bytes]) -> np.ndarray:
    return np.ones(shape, bool)


def _labels(X: Any, y: np.ndarray, likelihood: Any, n_flips: int, rng: Any) -> np.ndarray:
    return y


def _mean(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    return values.mean(0)


def _all(X: Any, y: np.ndarray, users: Any) -> np.ndarray:
    return np.ones(len(y), bool)


def _private(data: ActivityData, **options: Any) -> privacy.PrivateModel:
    return privacy.train_shared_private(data, **{"steps": 2, "insecure_seed": 0, **options})


SIGNING = system.new_signing_key()


def recorded(n: int) -> list[system.Recording]:
    return [system.Recording((b"a",), (0.0,), (b"ab",), (0.0, 0.1))] * n


SMALL = topics.TopicSettings(n_shared=8, n_local=8, n_topics=2, iterations=2)
# One valid call of each name: a function, so that nothing is loaded before it is needed.
CALLS: dict[str, Callable[[], dict[str, Any]]] = {
    "datasets.check_card": lambda: {"data": people()},
    "datasets.count_documents": lambda: {
        "token_lists": [["a", "b"], ["b", "c"]], "vocabulary": ["a", "b"], "grow": True, "min_documents": 1,
        "max_share": 1.0, "more_than": 0,
    },
    "datasets.cut_windows": lambda: {"signal": np.ones((20, 3)), "size": 5, "step": 5},
    "datasets.extract_features": lambda: {"windows": np.random.default_rng(0).normal(size=(3, 20, 3)), "rate_hz": 20.0},
    "datasets.load_activity": lambda: {"name": "watch"},
    "datasets.load_card": lambda: {"name": "watch"},
    "datasets.load_documents": lambda: {"name": "wikipedia", "vocabulary": None, "grow": False, "more_than": None},
    "datasets.load_recordings": lambda: {"name": "watch"},
    "datasets.paper_table": lambda: {"name": "fig4_log_likelihood"},
    "activity.accuracy_by_epoch": lambda: {
        "shared": model(), "person": activity.Person.of(people(), 1), "sizes": (2, 3), "epochs": (1, 2), "seed": 0,
    },
    "activity.average_models": lambda: {"models": [model(), checkpoint()]},
    "activity.build_mlp": lambda: {
        "n_features": 3, "n_classes": 2, "init": "he", "dropout": 0.1, "seed": 0, "hidden_units": 8,
    },
    "activity.choose_donors": lambda: {
        "pool": [model(), checkpoint()], "X": own()[0], "y": own()[1], "n_donors": 1,
    },
    "activity.compare_strategies": lambda: {"known": curve(), "new": curve(), "n_samples": 20},
    "activity.compare_with_keras": lambda: {"shared": model(), "X_user": own()[0], "y_user": own()[1], "epochs": 1},
    "activity.crossing": lambda: {"curve": curve(), "model": "personal", "baseline": "shared", "min_users": 2},
    "activity.curve_distance": lambda: {
        "curve": curve(), "paper": datasets.paper_table("fig3_accuracy_smooth"), "most": 10,
    },
    "activity.donor_pool": lambda: {
        "donors": dict.fromkeys(range(1, 6), checkpoint()), "data": people(), "size": 2, "together": 2, "seed": 0,
    },
    "activity.gain_chosen_on_others": lambda: {
        "curve": curve(), "n_samples": 20, "candidates": ["personal", "local"], "baseline": "shared", "seed": 0,
    },
    "activity.gains_at": lambda: {"curves": {"blocked": curve()}, "sizes": (20,)},
    "activity.keep_better": lambda: {
        "old": model(), "new": checkpoint(), "X_validation": own()[0], "y_validation": own()[1],
    },
    "activity.learning_curve": lambda: {
        "data": people(), "users": [1], "sizes": (2,), "folds": 3, "split": "blocked", "early_stopping": True,
        "init": "he", "seed": 0, "epochs": 2, "shared": {1: model()}, "cures": None, "threads": 1,
    },
    "activity.mean_curve": lambda: {"curve": curve(), "min_users": 5, "score": "accuracy"},
    "activity.paired_gain": lambda: {
        "curve": curve(), "n_samples": 20, "model": "personal", "baseline": "shared", "seed": 0,
    },
    "activity.personalise": lambda: {
        "shared": model(), "X_user": own()[0], "y_user": own()[1], "validation": own(), "epochs": 2, "seed": 0,
        "layers": "all", "pull": 0.0, "rehearsal": own(), "start": checkpoint(),
    },
    "activity.rehearsal_windows": lambda: {"data": people(), "exclude_user": 1, "per_class": 1, "seed": 0},
    "activity.split_user": lambda: {
        "data": people(), "user": 1, "kind": "blocked", "fold": 0, "folds": 5, "seed": 0,
    },
    "activity.strategy_family": lambda: {"strategy": "pull 3"},
    "activity.train_donors": lambda: {"data": people(), "shared": checkpoint(), "seed": 0},
    "activity.secure_sum": lambda: {
        "uploads": np.eye(4), "dropped": (1,), "silent": (), "threshold": 3, "insecure_seed": 0,
    },
    "activity.train_federated": lambda: {
        "data": people(), "exclude_user": 1, "seed": 0, "rounds": 1, "local_epochs": 1, "learning_rate": 0.01,
        "proximal": 0.1, "personal_output": False, "aggregate": _mean,
    },
    "activity.train_local": lambda: {
        "shared": model(), "X_user": own()[0], "y_user": own()[1], "validation": own(), "epochs": 2, "seed": 0,
    },
    "activity.train_shared": lambda: {
        "data": people(), "exclude_user": 1, "seed": 0, "recipe": "paper", "init": "he", "progress": False, "epochs": 2,
    },
    "activity.train_shared_fast": lambda: {
        "data": people(), "exclude_user": 1, "seed": 0, "keep": np.arange(len(people())) % 2 == 0,
    },
    "topics.GibbsLDA": lambda: {"n_topics": 3, "alpha": 2.5, "beta": 0.1, "seed": 0},
    "topics.TopicSettings": lambda: {
        "n_shared": 8, "n_local": 8, "n_topics": 2, "alpha": 2.5, "beta": 0.1, "iterations": 2,
    },
    "topics.Topics": lambda: {"phi": some_topics().phi, "vocabulary": documents().vocabulary},
    "topics.by_model": lambda: {"curves": topic_curve().drop(columns="model").assign(shared_percent=100)},
    "topics.choose_prior_weight": lambda: {
        "shared": some_topics(), "documents": documents(), "weights": (0.1, 1.0), "settings": SMALL, "folds": 2,
        "seed": 0, "threads": 1,
    },
    "topics.compared_words": lambda: {"topics": some_topics(), "reference_documents": documents(), "top": 3},
    "topics.extend_vocabulary": lambda: {"topics": some_topics(), "vocabulary": documents().vocabulary},
    "topics.figure_5": lambda: {
        "documents": documents(), "settings": SMALL, "percents": (0, 100), "seeds": (0,), "public": None,
    },
    "topics.figure_6": lambda: {"documents": documents(), "settings": SMALL, "seeds": (0,), "n_users": 2},
    "topics.fit_many": lambda: {
        "fits": [topics.Fit(topics.GibbsLDA(2), documents().counts, {"iterations": 1})], "threads": 1,
    },
    "topics.fit_variational": lambda: {
        "documents": documents(), "n_topics": 2, "start": "prior", "shared": some_topics(), "weight": 1.0,
        "alpha": 2.5, "beta": 0.1, "passes": 1, "seed": 0, "keep": (0,),
    },
    "topics.held_out_bits": lambda: {
        "phi": some_topics().phi, "counts": documents().counts, "alpha": 2.5, "seed": 0, "iterations": 2,
        "reference": False,
    },
    "topics.held_out_curve": lambda: {
        "documents": documents(), "settings": SMALL, "weights": (1.0,), "iterations": (0, 1), "seeds": (0,),
        "public": None,
    },
    "topics.hold_out": lambda: {"documents": documents(), "n_local": 4, "seed": 0},
    "topics.improvement": lambda: {"curves": one_topic_curve(), "first": 1, "last": 2},
    "topics.infer_theta": lambda: {
        "phi": some_topics().phi, "counts": documents().counts, "alpha": 2.5, "iterations": 2,
    },
    "topics.iterations_to_reach": lambda: {"curves": topic_curve(), "target": -7.0},
    "topics.local_after": lambda: {"curves": one_topic_curve(), "iteration": 2},
    "topics.over_seeds": lambda: {"frame": topic_curve(), "value": "log2_likelihood"},
    "topics.personalise_topics": lambda: {
        "shared": some_topics(), "documents": documents(), "start": "prior", "weight": 1.0, "alpha": 2.5, "beta": 0.1,
        "iterations": 1, "seed": 0, "keep": (0,),
    },
    "topics.saving": lambda: {"curves": one_topic_curve(), "target": -7.0},
    "topics.split_documents": lambda: {"groups": np.arange(12) // 2, "n_shared": 4, "n_local": 4, "seed": 0},
    "topics.split_tokens": lambda: {"counts": documents().counts, "seed": 0},
    "topics.topic_coherence": lambda: {
        "topics": some_topics(), "reference_documents": documents(), "top": 3, "measure": "c_npmi",
    },
    "topics.train_local_topics": lambda: {"documents": documents(), "n_topics": 2, "iterations": 1, "seed": 0},
    "topics.train_shared_topics": lambda: {
        "documents": documents(), "n_topics": 2, "alpha": 2.5, "beta": 0.1, "iterations": 1, "seed": 0,
    },
    "attacks.Budget": lambda: {"volunteers": 0.5, "flips": 0.5},
    "attacks.gradient_at": lambda: {"model": model(), "X": own()[0], "y": own()[1]},
    "attacks.invert_model": lambda: {
        "model": model(), "label": 1, "method": "difference", "shared": model(), "population": np.zeros(43),
        "prior": 0.1,
    },
    "attacks.membership_inference": lambda: {
        "model": model(), "members": few(), "others": few(), "reference": model(), "shadows": 2, "epochs": 1, "seed": 0,
    },
    "attacks.poison_user": lambda: {
        "X_user": own()[0], "y_user": own()[1], "fraction": 0.5, "kind": "pair", "seed": 0, "shared": model(),
        "pair": (0, 1), "noise": 3.0, "trigger": None,
    },
    "attacks.poison_volunteers": lambda: {
        "data": people(), "exclude_user": 1, "fraction": 0.5, "kind": "pair", "seed": 0, "guide": model(),
        "pair": people().class_names[:2], "noise": 3.0, "trigger": None,
    },
    "attacks.recover_from_gradient": lambda: {
        "gradient": attacks.gradient_at(model(), own()[0][:1], own()[1][:1]), "scaler": model().scaler,
    },
    "attacks.recover_word_counts": lambda: {
        "phi": (documents().counts.toarray()[:2] + 0.1) / 1e3, "beta": 0.1, "precision": 1e-6,
    },
    "attacks.score_attack": lambda: {
        "attack": _labels, "data": people(), "budget": attacks.Budget(), "n_rounds": 2, "insecure_seed": 0,
        "progress": False,
    },
    "attacks.score_defence": lambda: {
        "keeps": _all, "data": people(), "n_rounds": 2, "insecure_seed": 0, "progress": False,
    },
    "attacks.score_sheet": lambda: {"scores": {}},
    "privacy.Mechanism": lambda: {"clip_norm": 1.0, "noise_multiplier": 1.0, "sampling_prob": 0.1, "steps": 10},
    "privacy.audit": lambda: {
        "step": None, "clip_norm": 1.0, "noise_multiplier": 1.0, "delta": 1e-5, "trials": 10, "seed": 0,
    },
    "privacy.audit_sampling": lambda: {
        "sampler": _poisson, "noise_multiplier": 0.65, "delta": 0.01, "trials": 2, "seed": 0,
    },
    "privacy.audit_training": lambda: {
        "data": people(), "train": _private, "epsilon": 8.0, "canaries": 20, "guesses": 4, "seed": 0,
    },
    "privacy.calibrate_noise": lambda: {
        "epsilon": 8.0, "delta": 1e-5, "sampling_prob": 1.0, "steps": 1, "n_units": 100, "releases": (20.0,),
    },
    "privacy.clip_and_noise": lambda: {
        "gradients": np.ones((3, 4)), "clip_norm": 1.0, "noise_multiplier": 1.0, "rng": np.random.default_rng(0),
    },
    "privacy.digits_attack": lambda: {"step": None, "noise_multiplier": 1.0, "trials": 2, "seed": 0},
    "privacy.epsilon_of": lambda: {
        "mechanism": privacy.Mechanism(1.0, 1.0, 0.5, 2), "delta": 1e-5, "n_units": 100, "releases": (20.0,),
        "accountant": "rdp", "group_size": 1,
    },
    "privacy.noisy_counts": lambda: {
        "phi": some_topics().phi, "counts": documents().counts, "epsilon": 8.0, "delta": 1e-5, "tokens": 10,
        "mechanism": "gaussian", "alpha": 2.5, "insecure_seed": 0,
    },
    "privacy.on_gradients": lambda: {"function": privacy.clip_and_noise},
    "privacy.private_scaler": lambda: {
        "X": own()[0], "groups": np.arange(len(own()[1])), "feature_names": people().feature_names,
        "noise_multiplier": 1.0, "rng": np.random.default_rng(0),
    },
    "privacy.public_scaler": lambda: {"feature_names": people().feature_names},
    "privacy.randomised_response": lambda: {"y": own()[1], "epsilon": 1.0, "n_classes": 9, "insecure_seed": 0},
    "privacy.renyi_epsilon": lambda: {"noise_multiplier": 1.0, "sampling_prob": 0.1, "steps": 10, "delta": 1e-5},
    "privacy.shuffled_batches": lambda: {
        "shape": (4, 6), "probability": 0.5, "source": np.random.default_rng(0).bytes,
    },
    "privacy.single_precision_noise": lambda: {
        "gradients": np.ones((3, 4)), "clip_norm": 1.0, "noise_multiplier": 1.0, "rng": np.random.default_rng(0),
    },
    "privacy.train_shared_private": lambda: {
        "data": people(), "exclude_user": 1, "epsilon": 8.0, "delta": 1e-5, "level": "example", "clip": 1.0, "steps": 2,
        "sampling": 0.5, "optimizer": "sgd", "learning_rate": 0.1, "scaler": "public", "init": "he", "seed": 0,
        "reference": False, "insecure_seed": 0,
    },
    "privacy.train_topics_private": lambda: {
        "public": some_topics(), "documents": documents(), "epsilon": 8.0, "delta": 1e-5, "release": "words",
        "mechanism": "laplace", "tokens": 10, "alpha": 2.5, "insecure_seed": 0,
    },
    "privacy.tuned_on_validation": lambda: {"data": people(), "epsilon": 8.0, "steps": 2, "insecure_seed": 0},
    "privacy.window_gradients": lambda: {"layers": layers(), "X": np.ones((2, 4)), "y": np.array([0, 1])},
    "device.compare_energy": lambda: {"device": "3b", "windows": 10, "epochs": 2, "kernels": ("numpy",)},
    "device.find_device": lambda: {"device": "3b"},
    "device.fit_line": lambda: {"x": [1.0, 2.0, 4.0], "seconds": [1.0, 2.0, 3.0]},
    "device.fit_logs": lambda: {"logs": logs()["paper-digitised"], "by": "n_samples"},
    "device.forecast": lambda: {
        "kernels": ("numpy",), "updates": 10, "task": "activity", "boards": ("3b",), "table": device.instructions(),
    },
    "device.implied_epochs": lambda: {"device": "3b", "kernels": ("numpy",), "table": device.instructions()},
    "device.instructions": lambda: {"path": None},
    "device.memory_by_kernel": lambda: {"logs": [numba_log()]},
    "device.paper_slope": lambda: {"model": "personal"},
    "device.predict_log": lambda: {
        "device": "3b", "log": numba_log(), "kernel": "numba", "task": "activity", "table": device.instructions(),
    },
    "device.predict_seconds": lambda: {
        "device": "3b", "kernel": "numpy", "updates": 10, "task": "activity", "setup": True,
        "table": device.instructions(),
    },
    "device.raw_bytes": lambda: {"windows": 3},
    "device.score_prediction": lambda: {
        "prediction": device.predict_log("3b", numba_log(), "numba"), "log": numba_log(),
    },
    "device.series": lambda: {"logs": [numba_log()], "origin": numba_log().origin},
    "device.time_by_phase": lambda: {"logs": [numba_log()], "table": device.instructions()},
    "device.training_energy": lambda: {"device": "3b", "seconds": 3.0},
    "device.upload_energy": lambda: {"n_bytes": 1e6},
    "experiments.at_chosen_weight": lambda: {"held_out": experiments.stored_topics("held_out", "wikipedia")},
    "experiments.compare_at_equal_labels": lambda: {"dataset": "watch", "labels": 40},
    "experiments.compare_federated": lambda: {"grid": experiments.stored_federated("watch"), "n_samples": 20},
    "experiments.federated_curve": lambda: {
        "data": two_people(), "users": (1, 2), "sizes": (2,), "rounds": (1, 2), "seed": 0,
    },
    "experiments.compare_defences": lambda: {"strangers": experiments.stored_defences("watch")},
    "experiments.confusion_matrix": lambda: {
        "cells": experiments.stored_base_models("watch", confusion=True).head(9), "n_classes": 9,
    },
    "experiments.cost_per_user": lambda: {"volunteers": experiments.stored_defences("watch", volunteers=True)},
    "experiments.epsilon_by_release": lambda: {"epsilon": 8.0, "delta": 1e-5, "level": "example", "releases": 2},
    "experiments.figure_8": lambda: {
        "counts": documents().counts, "plan": SMALL, "documents": (4,), "percents": (50,), "rounds": 1, "iterations": 1,
    },
    "experiments.gains_by_weight": lambda: {"held_out": experiments.stored_topics("held_out", "wikipedia")},
    "experiments.privacy_cost": lambda: {
        "grid": experiments.stored_privacy("watch"), "level": "example", "optimizer": None, "scaler": None,
    },
    "experiments.private_lead": lambda: {
        "grid": experiments.stored_privacy("watch"), "level": "example", "epsilon": 8.0, "baseline": "local",
    },
    "experiments.recovery_by_samples": lambda: {
        "grid": experiments.stored_poisoning("watch"), "who": "volunteers", "kind": "random", "fraction": 0.3,
    },
    "experiments.rows_of_setting": lambda: {
        "grid": experiments.stored_base_models("watch"), "setting": experiments.PAPER, "seed": 0,
    },
    "experiments.share_forgotten": lambda: {"grid": experiments.stored_unlearning("watch"), "more": 1.0},
    "experiments.still_known": lambda: {"grid": experiments.stored_unlearning("watch"), "more": 1.0},
    "experiments.stored_base_models": lambda: {"dataset": "watch", "confusion": False},
    "experiments.stored_curve": lambda: {
        "dataset": "watch", "split": "blocked", "early_stopping": True, "init": "he", "cures": False,
    },
    "experiments.stored_defences": lambda: {"dataset": "watch", "volunteers": False},
    "experiments.stored_federated": lambda: {"dataset": "watch", "leaks": False},
    "experiments.stored_gradients": lambda: {"dataset": "watch"},
    "experiments.stored_inversion": lambda: {"dataset": "watch"},
    "experiments.stored_membership": lambda: {"dataset": "watch", "part": "table"},
    "experiments.stored_poisoning": lambda: {"dataset": "watch", "split": "blocked", "users": False},
    "experiments.stored_privacy": lambda: {"dataset": "watch", "grid": "privacy"},
    "experiments.stored_private_attacks": lambda: {"dataset": "watch"},
    "experiments.stored_similar": lambda: {"dataset": "watch", "part": "gain"},
    "experiments.stored_topic_attacks": lambda: {"kind": "leak", "dataset": "wikipedia"},
    "experiments.stored_topics": lambda: {"kind": "held_out", "dataset": "wikipedia", "n_local": None},
    "experiments.stored_unlearning": lambda: {"dataset": "watch"},
    "experiments.stored_updates": lambda: {"dataset": "watch"},
    "experiments.unlearning_by_steps": lambda: {"grid": experiments.stored_unlearning("watch")},
    "experiments.validation_vs_test": lambda: {
        "grid": experiments.stored_base_models("watch"), "recipe": "paper", "init": "he",
    },
    "experiments.windows_to_recover": lambda: {
        "grid": experiments.stored_poisoning("watch"), "kind": "random", "fraction": 0.3, "within": 0.03,
        "who": "volunteers",
    },
    "system.audit_devices": lambda: {
        "devices": {"honest": system.DEVICES["honest"]}, "private_sets": [own()[1][:9], few()[1]], "encrypted": False,
    },
    "system.compare_recordings": lambda: {"recordings": [recorded(2), recorded(2)], "same_data": recorded(4)},
    "system.describe": lambda: {"data": people()},
    "system.make_release": lambda: {
        "model": model(), "about": system.describe(people()), "name": "watch", "version": 1,
        "expires": date.today(), "signing_key": SIGNING[0],
    },
    "system.share_read": lambda: {
        "behave": system.DEVICES["honest"], "read_bit": lambda recording: 0, "trials": 2, "seed": 0,
    },
    "system.questions": lambda: {"model": "watch", "manifest": {"version": 1, "chunks": ["", ""]}, "held": [1]},
    "teaching.Question": lambda: {"text": "Why?", "choices": {"So": "yes", "Not so": "no"}, "right": "So"},
    "teaching.claims_table": lambda: {"section": None, "measured": None, "notebook": "07"},
    "teaching.my_person": lambda: {"dataset": "watch", "person": None, "default": 3},
    "teaching.name_the_topic": lambda: {
        "model": clear_topics(), "documents": documents(), "n_questions": 1, "seed": 0, "key": "03-topics",
    },
    "teaching.prediction": lambda: {"question": "How many?", "answers": (0.0, 1.0), "key": "test"},
    "teaching.quiz": lambda: {"notebook": "01", "questions": [Question("Why?", {"So": "yes"}, "So")]},
    "teaching.replay": lambda: {"log": numba_log(), "curve": None, "size": None, "start": 0.0},
    "teaching.reveal": lambda: {"key": "test", "actual": 0.5, "digits": 2},
    "teaching.topic_table": lambda: {"models": {"shared": some_topics()}, "documents": documents(), "top": 3},
}  # fmt: skip

RESULT = "holds a result: no reader makes one"
CONSTANT = "a constant"
NO_ARGUMENT = "takes no argument"
FILES = "reads or writes a file, and refuses a damaged one with a DataError: held by the tests of its own module"
WIDGET = "draws or says whatever it is given"
EXCEPTIONS = {
    **dict.fromkeys(
        ("datasets.DataCard", "datasets.DataError", "datasets.Recording", "datasets.WordCounts",
         "activity.ActivityModel", "activity.Checkpoint", "activity.Federation",
         "activity.Person", "topics.Fit", "topics.StoredTopics",
         "topics.TopicModel", "topics.VariationalModel", "attacks.Trigger", "privacy.Audit", "privacy.PrivateModel",
         "privacy.PrivateTopics", "privacy.TrainingAudit", "system.Release", "system.Recording",
         "device.Log", "experiments.JobRunner"),
        RESULT,
    ),
    **dict.fromkeys(
        ("datasets.FEATURE_NAMES", "activity.MITIGATIONS", "privacy.LEAKY", "experiments.BETTER", "experiments.PAPER",
         "system.CANNOT_FIND", "system.DEVICES",
         "experiments.EXPERIMENTS"),
        CONSTANT,
    ),
    **dict.fromkeys(
        ("datasets.activity_names", "datasets.dataset_names", "datasets.document_names", "device.seconds_per_iteration",
         "system.new_signing_key",
         "teaching.my_logs", "teaching.own_log", "teaching.my_progress", "teaching.export_button"),
        NO_ARGUMENT,
    ),
    **dict.fromkeys(
        ("datasets.load_own_documents", "datasets.load_own_recordings", "datasets.shipped", "activity.load_checkpoint",
         "activity.load_model", "activity.save_model", "topics.load_topics", "topics.save_topics", "device.read_log",
         "device.read_logs", "device.read_meter", "device.with_power", "device.Recorder",
         "teaching.label_recording", "teaching.own_or_played"),
        FILES,
    ),
    **dict.fromkeys(
        ("teaching.figures", "teaching.say", "teaching.check", "teaching.choose_person", "teaching.explore",
         "teaching.topic_map"),
        WIDGET,
    ),
    **dict.fromkeys(
        ("system.Device", "system.Inbox", "system.Refused", "system.Shelf", "system.fetch", "system.open_source",
         "system.run_system", "system.try_servers"),
        "a process, a server or a folder: held by the tests of its own module",
    ),
    "system.audit_processes": "starts eight processes: tests/system/test_audit.py",
    "system.check_manifest": "refuses whatever was not signed, with its own error: tests/system/test_attacks.py",
    "datasets.OwnRecording": "what load_own_recordings returns; tests/datasets/test_own_recordings.py",
    "datasets.ActivityData": "what the loaders return; its checks are in tests/datasets/test_base.py",
    "datasets.DocumentData": "what the loaders return; its checks are in tests/datasets/test_base.py",
    "teaching.sgd_step": "the solution of an exercise, as a learner reads it",
    "privacy.replay_attack": "hands the reader's own data to the reader's own function",
    "experiments.base_model_grid": "a sweep of an hour; its arguments are those of train_shared",
    "teaching.release_memory": "its argument is IPython's, and is not used",
    "teaching.preflight": "looks at the machine; tests/teaching/test_surroundings.py holds what it says of parameters",
}  # fmt: skip


def test_every_name_of_every_door_has_a_call_or_a_reason_why_not() -> None:
    assert sorted([*CALLS, *EXCEPTIONS]) == sorted(NAMES)


NOT_NUMBERS: list[Any] = [None, "nonsense", "", [], {}, object(), b"bytes", 1j, np.array([]), np.array(["a"])]
NUMBERS: list[Any] = [float("nan"), float("inf"), float("-inf"), -1, 0, 1.5, 10**18, -(10**18), True]


def corrupted(value: Any) -> Iterator[tuple[str, Any]]:
    """What may stand in the place of a valid argument, by name."""
    for wrong in (*NOT_NUMBERS, *NUMBERS):
        yield repr(wrong)[:20], wrong
    if isinstance(value, np.ndarray):
        yield from corrupted_arrays(value)
    elif issparse(value):
        yield from corrupted_counts(value)
    elif isinstance(value, pd.DataFrame):
        yield "no rows", value.iloc[:0]
        for column in value.columns:
            yield f"without {column}", value.drop(columns=column)
    elif isinstance(value, list | tuple) and value:
        yield "one too many", (*value, value[0])
        yield "one too few", value[1:]
        for wrong in (None, "nonsense", float("nan"), -1, 10**18, object()):
            yield f"with {repr(wrong)[:12]}", (*value[:-1], wrong)
        if all(isinstance(part, np.ndarray) for part in value):
            for place, part in enumerate(value):
                for name, wrong in (*corrupted_arrays(part), ("None", None)):
                    yield f"[{place}] {name}", (*value[:place], wrong, *value[place + 1 :])


def corrupted_arrays(array: np.ndarray) -> Iterator[tuple[str, Any]]:
    yield "no rows", array[:0]
    yield "half the rows", array[: len(array) // 2]
    yield "one more dimension", array[..., None]
    yield "flat", array.ravel()
    yield "text", array.astype(str)
    yield "ragged", [[1.0], [2.0, 3.0]]
    yield "complex", array.astype(complex)
    yield "objects", np.array([object()] * len(array))
    if array.dtype.kind in "iuf":
        for wrong in (-1, 50, 10**9) if array.dtype.kind == "i" else (np.nan, np.inf, -1.0, 1e30, 1e300):
            changed = array.astype(float if array.dtype.kind == "f" else array.dtype)
            changed.reshape(-1)[0] = wrong
            yield f"with {wrong}", changed
    if array.ndim == 1 and array.dtype.kind == "i":
        yield "one-hot", np.eye(10**9 and int(array.max()) + 1)[array]
        yield "fractions", array + 0.5
    if array.ndim == 2:
        yield "transposed", array.T
        yield "narrower", array[:, :-1]


def corrupted_counts(counts: csr_array) -> Iterator[tuple[str, Any]]:
    dense = counts.toarray()
    yield from corrupted_arrays(dense.astype(float))
    for name, part, wrong in (
        ("counted from 1", "indices", counts.indices + 1),
        ("far out", "indices", np.where(counts.indices == 3, 10**6, counts.indices)),
        ("negative word", "indices", np.where(counts.indices == 3, -1, counts.indices)),
        ("long documents", "indptr", counts.indptr * 5),
        ("backwards", "indptr", counts.indptr[::-1].copy()),
    ):
        tampered = counts.copy()
        setattr(tampered, part, wrong)
        yield name, tampered


def same_otherwise(value: Any) -> Iterator[tuple[str, Any]]:
    """The same argument as somebody else may hold it."""
    if isinstance(value, np.ndarray):
        read_only = value.copy()
        read_only.setflags(write=False)
        yield "read-only", read_only
        yield "every second of twice", np.repeat(value, 2, axis=0)[::2]
        yield "other byte order", value.astype(value.dtype.newbyteorder())
        yield "objects", value.astype(object)
        yield "list", value.tolist()
        if value.ndim == 2:
            yield "pandas", pd.DataFrame(value)
            yield "columns first", np.asfortranarray(value)
        if value.ndim == 1:
            yield "pandas", pd.Series(value, index=range(5, 5 + len(value)))
    elif isinstance(value, tuple) and value and all(isinstance(part, np.ndarray) for part in value):
        for place, part in enumerate(value):
            for name, same in same_otherwise(part):
                yield f"[{place}] {name}", (*value[:place], same, *value[place + 1 :])
    elif issparse(value):
        yield "dense", value.toarray()
        yield "pandas", pd.DataFrame(value.toarray())
        yield "columns", value.tocsc()
        yield "decimals", value.astype(float)
        yield "other byte order", value.toarray().astype(value.dtype.newbyteorder())
    elif isinstance(value, int) and not isinstance(value, bool):
        yield "NumPy", np.int32(value)
        yield "array of no dimension", np.array(value)
    elif isinstance(value, float):
        yield "NumPy", np.float64(value)
    elif type(value) is tuple and value:
        yield "list", list(value)
        if all(isinstance(part, int | float) for part in value):
            yield "array", np.array(value)


# Words that stand for an argument in a message which many functions share.
ALSO = {
    "X_user": "X",
    "y_user": "y",
    "X_validation": "X",
    "y_validation": "y",
    "exclude_user": "user",
    "kernels": "kernel",
    "boards": "device",
}
# A valid value of these means a minute of work: training as long as is usual, or every claim measured anew.
LONG = {("privacy.train_shared_private", "steps"), ("privacy.tuned_on_validation", "steps"),
        ("teaching.claims_table", "notebook")}  # fmt: skip


def call(name: str, arguments: dict[str, Any]) -> Any:
    door, function = name.split(".")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)  # of libraries among themselves: nobody is shown these
        warnings.filterwarnings("ignore", "members and others can be told apart")  # documented
        result = getattr(import_module(f"pmt_helpers.{door}"), function)(**arguments)
        return list(result) if inspect.isgenerator(result) else result


def problem(name: str, argument: str, value: Any) -> str | None:
    """What is wrong with how a function takes this value, None for nothing."""
    try:
        call(name, {**CALLS[name](), argument: value})
    except DataError:
        return None  # it names the file or the data set
    except (ValueError, TypeError, FloatingPointError) as error:
        if not re.search(rf"\b({argument}|{ALSO.get(argument, argument)})\b", str(error)):
            return f"{type(error).__name__} without its name: {str(error)[:150]}"
        return None
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:150]}"
    return None


@pytest.fixture(autouse=True)
def a_workbook_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_argument_is_refused_by_its_name_or_works(name: str) -> None:
    arguments = CALLS[name]()
    call(name, arguments)
    found = {
        f"{argument}={label}": wrong
        for argument, value in arguments.items()
        for label, changed in corrupted(value)
        if not (changed is None and (name, argument) in LONG)
        if (wrong := problem(name, argument, changed))
    }
    assert found == {}


@pytest.mark.parametrize("name", CALLS)
def test_the_same_argument_of_another_make_works(name: str) -> None:
    for argument, value in CALLS[name]().items():
        for label, same in same_otherwise(value):
            try:
                call(name, {**CALLS[name](), argument: same})
            except Exception as error:
                raise AssertionError(f"{argument} as {label}: {error}") from error
