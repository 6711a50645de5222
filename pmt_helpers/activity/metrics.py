"""How good a prediction is, for the frequent activities and for the rare ones. Notebook 01, step 6."""

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, f1_score, recall_score


def scores(y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Accuracy, and recall and F1 averaged over the classes that occur in `y`, each class counting the same.

    Raises ValueError when there is nothing to score.
    """
    y, predicted = np.asarray(y), np.asarray(predicted)
    if y.shape != predicted.shape or y.ndim != 1 or len(y) == 0:
        raise ValueError(f"need as many predictions as labels, at least one; got {predicted.shape} for {y.shape}")
    present = np.unique(y)
    return {
        "accuracy": float((y == predicted).mean()),
        "macro_recall": float(recall_score(y, predicted, labels=present, average="macro", zero_division=0)),
        "macro_f1": float(f1_score(y, predicted, labels=present, average="macro", zero_division=0)),
    }


def scores_of_many(y: np.ndarray, predicted: np.ndarray) -> dict[str, np.ndarray]:
    """The same three scores for many models at once. predicted: (n_models, n_windows); each score (n_models,).

    scikit-learn takes milliseconds a model, longer than a personal model trains; `scores` is the reference.
    """
    y, predicted = np.asarray(y), np.asarray(predicted)
    if predicted.ndim != 2 or predicted.shape[1:] != y.shape or len(y) == 0:
        raise ValueError(f"need (n_models, {len(y)}) predictions for {len(y)} labels, at least one; {predicted.shape}")
    present = np.unique(y)
    is_class, says_class = y == present[:, None], predicted[:, None] == present[:, None]
    right = (is_class & says_class).sum(2)
    return {
        "accuracy": (predicted == y).mean(1),
        "macro_recall": (right / is_class.sum(1)).mean(1),
        "macro_f1": (2 * right / (is_class.sum(1) + says_class.sum(2))).mean(1),
    }


def confusion_counts(y: np.ndarray, predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Windows of each true class (row) given each predicted class (column); (n_classes, n_classes) int."""
    return confusion_matrix(y, predicted, labels=np.arange(n_classes))


def accuracy_interval(n_right: int, n_windows: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson interval of an accuracy, as if windows were independent; neighbours are not, so it is too narrow."""
    interval = binomtest(int(n_right), int(n_windows)).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)
